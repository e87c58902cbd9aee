// SPDX-License-Identifier: GPL-2.0-or-later
// What is given up once a trace runs: from then on it reads what a hostile program may have prepared.
#ifndef GOTRACE_TRACER_SESSION_PRIVILEGES_H
#define GOTRACE_TRACER_SESSION_PRIVILEGES_H

#include "base/error.h"

/** Keeps of this thread's capabilities those that tracing needs as it goes on, also to arm again: CAP_BPF,
 *  CAP_PERFMON, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH. No program that it may execute gets more. */
struct error *privileges_drop(void) MUST_CHECK;

#endif
