# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# A thin layer of names over Meson and the scripts; `make help` lists them.

# What `make mount` mounts. Empty means: the GPU where there is one, otherwise this machine's memory.
DEVICE ?=
# Bytes with K, M, G or T, max (what is free less some headroom), or a share of that. Empty means: 50% on a GPU, 1G of host memory.
SIZE ?=
# Empty means: /mnt/vramfs, and for users other than root vramfs in their home directory.
DIR ?=
# Further mount options, as in OPTIONS=ro,max_correct=2
OPTIONS ?=

BUILD ?= build
PREFIX ?= /usr/local
# Where mount(8) looks for helpers. Empty means: no helper is installed, and no root is needed.
HELPER_DIR ?= /sbin

export DEVICE SIZE DIR OPTIONS

.DEFAULT_GOAL := help
.PHONY: help build mount umount test install clean format check-format

help:
	@echo 'make mount    install what building needs, build, and mount; DEVICE= SIZE= DIR= OPTIONS= choose what and where'
	@echo 'make umount   unmount; DIR= says where'
	@echo 'make test     install what testing needs, build, and run every test that this machine can run'
	@echo 'make build    build the program in $(BUILD)/, without its tests'
	@echo 'make install  install it below PREFIX=$(PREFIX), and a link for mount(8) in HELPER_DIR=$(HELPER_DIR)'
	@echo 'make format   lay the C files out as .clang-format says; check-format only looks'
	@echo 'make clean    remove what was built'

build:
	@scripts/install-dependencies.sh build
	@test -e $(BUILD)/build.ninja || meson setup $(BUILD) -Dtests=false -Dprefix=$(PREFIX) -Dhelper_dir=$(HELPER_DIR)
	@ninja -C $(BUILD)

mount: build
	@scripts/mount.sh mount $(BUILD)/src/cli/vramfs

umount:
	@scripts/mount.sh umount $(BUILD)/src/cli/vramfs

test:
	@scripts/install-dependencies.sh build test
	@scripts/run-tests.py

install: build
	meson configure $(BUILD) -Dprefix=$(PREFIX) -Dhelper_dir=$(HELPER_DIR)
	meson install -C $(BUILD)

format:
	find src tests bench -name '*.[ch]' -exec clang-format -i {} +

check-format:
	bash tests/project/format.sh .

clean:
	rm -rf build build-test build-sanitize build-thread build-fuzz
