/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_DEVICE_SYSTEM_H
#define VRAMFS_DEVICE_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

/* This machine's memory, or what the control group of this process leaves of it if that is less. */
uint64_t system_memory_total(void);

/* What can be taken now without swapping others out. */
uint64_t system_memory_available(void);

/* Write the processors' model to NAME, which has SIZE bytes. */
void system_processor_name(char *name, size_t size);

#endif
