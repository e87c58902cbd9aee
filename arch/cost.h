// SPDX-License-Identifier: GPL-2.0-or-later
// Code to measure what a probe costs: an instruction that the kernel emulates, as it does the entry
// site of most functions, and a return, which the kernel single-steps.
#ifndef GOTRACE_ARCH_COST_H
#define GOTRACE_ARCH_COST_H

#include <stdint.h>

/** Executes both instructions so many times, at least once. */
void cost_run(uint64_t times);
extern const uint8_t cost_emulated[], cost_return[];

#endif
