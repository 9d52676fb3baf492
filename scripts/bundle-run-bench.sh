#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# Measures vramfs on a GPU: pool, queues, launches and the bus, the kernels beside their roofs and, on CUDA, the
# method that vramfs began with (`vramfs bench`), `vramfs test` over a large region, then fio through a mount
# beside an empty server and tmpfs, then cp of a big file (copy.sh), then names and small files (metadata.sh; TREE_FILES and ENTRIES
# are its --tree-files and --entries). The figures stay in $RESULTS as JSON, and those of the kernels and of fio as
# drawings, too. SIZE is the region's (64G if unset), and BENCH_SIZE that of `vramfs bench` (8G); the rest is as in
# common.sh and bench/gpu-*.sh.
. "$(dirname "$0")/common.sh"
export VRAMFS=$BUNDLE/bin/vramfs DEVICE RESULTS SIZE=${SIZE:-64G}

status=0
"$BUNDLE/build/bench/pool-latency" "$DEVICE" || status=1
"$BUNDLE/build/bench/launch-latency" "$DEVICE" || status=1
"$BUNDLE/build/bench/bus-throughput" "$DEVICE" || status=1
echo
case $DEVICE in
opencl* | host*) bench=("$VRAMFS" bench) ;;
*) bench=("$BUNDLE/build/bench/vramfs-original" bench --beside original) ;;
esac
"${bench[@]}" --device "$DEVICE" --size "${BENCH_SIZE:-8G}" --json >"$RESULTS/vramfs-bench.json" &&
	python3 "$BUNDLE/bench/plot-kernels.py" --output "$RESULTS/vramfs-bench.svg" "$RESULTS/vramfs-bench.json" ||
	status=1
echo
bash "$BUNDLE/bench/gpu-test.sh" || status=1
BUILD=$BUNDLE/build bash "$BUNDLE/bench/gpu-mount.sh" || status=1
echo
bash "$BUNDLE/bench/copy.sh" --device "$DEVICE" "$BUNDLE/bin/vramfs" || status=1
echo
"$BUNDLE/build/bench/metadata-fs" || status=1
bash "$BUNDLE/bench/metadata.sh" --device "$DEVICE" --size 16G --entries "${ENTRIES:-1000000}" \
	--tree-files "${TREE_FILES:-70000}" --repeat 2 --json "$RESULTS" "$BUNDLE/build" || status=1
exit $status
