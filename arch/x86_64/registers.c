// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/x86_64/registers.h"

#include <capstone/capstone.h>

#include "arch/x86_64/cpu.h"

const struct arch arch_x86_64 = {
	.name = "x86-64",
	.go_name = "amd64",
	.elf_machine = 62, // EM_X86_64
	.num_ints = CPU_INTS - 1,
	.num_floats = CPU_FLOATS,
	.quantum = 1,
	.padding = 0xcc, // int3
	.stack_args = CPU_STACK_ARGS,
	.dwarf_ints = {0, 3, 2, 5, 4, 8, 9, 10, 11}, // System V psABI, AMD64
	.dwarf_float = 17,
	.ints = {"RAX", "RBX", "RCX", "RDI", "RSI", "R8", "R9", "R10", "R11"},
	.floats = {"X0", "X1", "X2", "X3", "X4", "X5", "X6", "X7", "X8", "X9", "X10", "X11", "X12",
		   "X13", "X14"},
	.float_reasons = {"float in XMM0", "float in XMM1", "float in XMM2", "float in XMM3",
			  "float in XMM4", "float in XMM5", "float in XMM6", "float in XMM7",
			  "float in XMM8", "float in XMM9", "float in XMM10", "float in XMM11",
			  "float in XMM12", "float in XMM13", "float in XMM14"},
	.capstone_arch = CS_ARCH_X86,
	.capstone_mode = CS_MODE_64,
	.find_sites = x86_64_find_sites,
	.gdb_arg = "$rax",
	.bpftrace_arg = "ax",
};
