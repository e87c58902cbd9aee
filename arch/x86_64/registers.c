// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/x86_64/registers.h"

const struct arch arch_x86_64 = {
	.name = "x86-64",
	.elf_machine = 62, // EM_X86_64
	.num_ints = 9,
	.num_floats = 15,
	.stack_args = 8,			     // the return address is at SP
	.dwarf_ints = {0, 3, 2, 5, 4, 8, 9, 10, 11}, // System V psABI, AMD64
	.dwarf_float = 17,
	.ints = {"RAX", "RBX", "RCX", "RDI", "RSI", "R8", "R9", "R10", "R11"},
	.floats = {"X0", "X1", "X2", "X3", "X4", "X5", "X6", "X7", "X8", "X9", "X10", "X11", "X12",
		   "X13", "X14"},
};
