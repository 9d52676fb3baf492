#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# Measures what the cache modes cost and save on a GPU, beside tmpfs; takes the options of bench/mount-cache.sh.
# DEVICE: see common.sh.
. "$(dirname "$0")/common.sh"
exec bash "$BUNDLE/bench/mount-cache.sh" --device "$DEVICE" "$@" "$BUNDLE/bin/vramfs"
