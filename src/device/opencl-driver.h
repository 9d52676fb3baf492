/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_DEVICE_OPENCL_DRIVER_H
#define VRAMFS_DEVICE_OPENCL_DRIVER_H

#include "base/err.h"

#include <stddef.h>

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

/*
 * The entry points of libOpenCL.so.1 that we use, all of OpenCL 1.2. The library is found when the
 * program runs: there may be none.
 */
#define OPENCL_FUNCTIONS(X)          \
	X(clBuildProgram)            \
	X(clCreateBuffer)            \
	X(clCreateCommandQueue)      \
	X(clCreateContext)           \
	X(clCreateKernel)            \
	X(clCreateProgramWithSource) \
	X(clEnqueueFillBuffer)       \
	X(clEnqueueMapBuffer)        \
	X(clEnqueueNDRangeKernel)    \
	X(clEnqueueReadBuffer)       \
	X(clEnqueueUnmapMemObject)   \
	X(clEnqueueWriteBuffer)      \
	X(clFinish)                  \
	X(clFlush)                   \
	X(clGetDeviceIDs)            \
	X(clGetDeviceInfo)           \
	X(clGetPlatformIDs)          \
	X(clGetPlatformInfo)         \
	X(clGetProgramBuildInfo)     \
	X(clReleaseCommandQueue)     \
	X(clReleaseContext)          \
	X(clReleaseEvent)            \
	X(clReleaseKernel)           \
	X(clReleaseMemObject)        \
	X(clReleaseProgram)          \
	X(clSetEventCallback)        \
	X(clSetKernelArg)

struct opencl_driver {
#define OPENCL_MEMBER(name) __typeof__(name) *name;
	OPENCL_FUNCTIONS(OPENCL_MEMBER)
#undef OPENCL_MEMBER
};

/* The library, loaded once and for good. -ENODEV if there is none or it lacks something. */
err_t opencl_driver_get(const struct opencl_driver **ret_driver, struct why *why);

/* "CL_OUT_OF_RESOURCES"; "an unknown error" for codes that OpenCL 1.2 does not have. */
const char *opencl_error_name(cl_int code);

/* CODE as 0 or -errno; a failure is logged (at debug) with the name of the FUNCTION that failed. */
err_t opencl_check(cl_int code, const char *function);

#endif
