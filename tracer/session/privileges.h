// SPDX-License-Identifier: GPL-2.0-or-later
// Gives up privileges once a trace runs, because from then on gotrace reads data that a hostile
// program may have prepared.
#ifndef GOTRACE_TRACER_SESSION_PRIVILEGES_H
#define GOTRACE_TRACER_SESSION_PRIVILEGES_H

#include "base/error.h"

/** Gives up all capabilities of this thread except those that tracing still needs, for example to
 *  arm more functions: CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH. Programs that
 *  the thread executes cannot gain privileges. */
struct error *privileges_drop(void) MUST_CHECK;

#endif
