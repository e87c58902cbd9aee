// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef GOTRACE_ARCH_ARM64_REGISTERS_H
#define GOTRACE_ARCH_ARM64_REGISTERS_H

#include "arch/arch.h"

/** Not in arch_find(): no back end can trace programs for arm64. */
extern const struct arch arch_arm64;

struct error *arm64_find_sites(struct sites_finder *finder, const struct sites_query *query,
			       struct sites *out);

#endif
