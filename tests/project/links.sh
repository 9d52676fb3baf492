#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# One binary runs on every machine: it must not need a GPU driver, nor libfuse, to start.
set -euo pipefail

needed=$(ldd "$VRAMFS")
echo "$needed"
if ! grep -q 'libc\.so' <<<"$needed"; then
	echo "ldd shows no libc: this test looks at the wrong thing"
	exit 1
fi
if grep -E 'libcuda|libcudart|libnvidia|libnvrtc|libOpenCL|libfuse|not found' <<<"$needed"; then
	echo "$VRAMFS is linked to the above and would not start on a machine without it"
	exit 1
fi
