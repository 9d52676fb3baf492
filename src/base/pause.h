/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_BASE_PAUSE_H
#define VRAMFS_BASE_PAUSE_H

/* In a loop that spins: leave the processor's other thread, and the bus, more room. */
static inline void processor_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
