// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/cost.h"

asm(".text\n"
    ".globl cost_run, cost_emulated, cost_return\n"
    ".type cost_run, @function\n"
    "cost_run:\n"
    "1:	call cost_emulated\n"
    "	dec %rdi\n"
    "	jnz 1b\n"
    "	ret\n"
    "cost_emulated:\n"
    "	push %rbp\n"
    "	pop %rbp\n"
    "cost_return:\n"
    "	ret\n");
