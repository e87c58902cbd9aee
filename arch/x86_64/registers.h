// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef GOTRACE_ARCH_X86_64_REGISTERS_H
#define GOTRACE_ARCH_X86_64_REGISTERS_H

#include "arch/arch.h"

extern const struct arch arch_x86_64;

#endif
