// SPDX-License-Identifier: GPL-2.0-or-later
// What a CPU decides, as tables. A new CPU supplies, in a folder of its own below arch/:
//
//   struct arch     the names and numbers below, the search for the places where a function can be
//                   probed (sites.h), and its row in arch_find()
//   spell.h         instructions as text
//   idioms.h        what Go's machine code proves
//   cpu.h           the registers of a hit; where the stack's arguments and the return address are
//   bpf.h           the same registers as the kernel hands them to a uprobe program
//   insn.h, step.h  instructions that a breakpoint replaces, emulated or moved
//   trap.h          breakpoints
//   thread.h        the registers of a thread that ptrace has stopped
//   cost.h          code to measure what a probe costs
//
// Nothing outside arch/ names a register or an instruction of a CPU.
#ifndef GOTRACE_ARCH_ARCH_H
#define GOTRACE_ARCH_ARCH_H

#include <stdbool.h>
#include <stdint.h>

// The most registers of a kind that pass arguments on any CPU (arm64: R0 to R15, F0 to F15).
enum { ARCH_INTS_MAX = 16, ARCH_FLOATS_MAX = 16 };

struct sites;
struct sites_finder;
struct sites_query;

struct arch {
	const char *name;     // as messages name it: "x86-64"
	const char *go_name;  // GOARCH
	uint16_t elf_machine; // e_machine of its executables
	uint8_t num_ints;     // registers that pass integers and pointers in Go's ABI
	uint8_t num_floats;   // registers that pass floats
	uint8_t quantum;      // bytes that the tables of .gopclntab count code in
	uint8_t padding;      // the byte between functions
	uint8_t stack_args;   // bytes from SP at a function's entry to the first stack argument
	bool keeps_g;	      // code of the stack ABI keeps g in its register too
	uint8_t dwarf_ints
		[ARCH_INTS_MAX]; // DWARF's numbers of the integer registers, in Go's order
	uint8_t dwarf_float;	 // DWARF's number of the first float register; the others follow it
	// In Go's order (src/cmd/compile/abi-internal.md, "Architecture specifics").
	const char *ints[ARCH_INTS_MAX];
	const char *floats[ARCH_FLOATS_MAX];
	const char *float_reasons[ARCH_FLOATS_MAX]; // why such a value is not read
	int capstone_arch, capstone_mode;
	// For sites_find(), which has checked the query.
	struct error *(*find_sites)(struct sites_finder *finder, const struct sites_query *query,
				    struct sites *out);
	const char *gdb_arg, *bpftrace_arg; // the first of ints, as these tools name it
};

/** The CPU that gotrace is built for. */
const struct arch *arch_host(void);

/** The CPU of executables with this e_machine; NULL if programs for it cannot be traced. */
const struct arch *arch_find(uint16_t elf_machine);

/** The name of an integer or float register in Go's order; "?" if there is none. */
const char *arch_int(const struct arch *arch, unsigned i);
const char *arch_float(const struct arch *arch, unsigned i);

#endif
