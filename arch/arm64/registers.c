// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/arm64/registers.h"

#include <capstone/capstone.h>

#include "arch/arm64/cpu.h"

const struct arch arch_arm64 = {
	.name = "arm64",
	.go_name = "arm64",
	.elf_machine = 183, // EM_AARCH64
	.num_ints = CPU_INTS - 1,
	.num_floats = CPU_FLOATS,
	.quantum = 4,
	.padding = 0,
	.stack_args = CPU_STACK_ARGS,
	.keeps_g = true, // R28
	.dwarf_ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	.dwarf_float = 64,
	.ints = {"R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12",
		 "R13", "R14", "R15"},
	.floats = {"F0", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11", "F12",
		   "F13", "F14", "F15"},
	.float_reasons = {"float in F0", "float in F1", "float in F2", "float in F3", "float in F4",
			  "float in F5", "float in F6", "float in F7", "float in F8", "float in F9",
			  "float in F10", "float in F11", "float in F12", "float in F13",
			  "float in F14", "float in F15"},
	.capstone_arch = CS_ARCH_ARM64,
	.capstone_mode = CS_MODE_LITTLE_ENDIAN,
	.find_sites = arm64_find_sites,
	.gdb_arg = "$x0",
	.bpftrace_arg = "r0",
};
