/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* A libOpenCL.so.1 that lacks what OpenCL 1.2 has. */
int clGetPlatformIDs(void);

int clGetPlatformIDs(void)
{
	return 0;
}
