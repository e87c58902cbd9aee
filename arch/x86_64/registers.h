// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef GOTRACE_ARCH_X86_64_REGISTERS_H
#define GOTRACE_ARCH_X86_64_REGISTERS_H

#include "arch/arch.h"

extern const struct arch arch_x86_64;

struct error *x86_64_find_sites(struct sites_finder *finder, const struct sites_query *query,
				struct sites *out);

#endif
