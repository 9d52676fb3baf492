/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* A libcuda.so.1 of a driver too old for vramfs: it has next to nothing of what is called. */
int cuInit(unsigned flags);

int cuInit(unsigned flags)
{
	(void)flags;
	return 0;
}
