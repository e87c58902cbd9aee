// SPDX-License-Identifier: GPL-2.0-or-later
// Go's ABI: computes the register or stack slot of every word of a signature from its types.
// Source: src/cmd/compile/abi-internal.md and src/cmd/compile/internal/abi/abiutils.go of the Go
// tree. Reads no files and allocates only the pieces.
//
// Params are assigned in order, receiver first. The leaves of a value are its parts that have a
// basic type. If all leaves fit into the remaining registers, each gets a register. Otherwise the
// whole value goes to the stack, and the remaining registers are left for the params after it.
#ifndef GOTRACE_DWARF_GO_ABI_H
#define GOTRACE_DWARF_GO_ABI_H

#include "arch/arch.h"
#include "dwarf/go/gotype.h"

// ABI0 passes everything on the stack. Assembly uses it, and all functions before Go 1.17.
enum abi { ABI_INTERNAL, ABI0 };

enum abi_where { ABI_INT_REG, ABI_FLOAT_REG, ABI_STACK };

// A run of a value's bytes and where it is: at the function's entry, or at RET for results.
struct abi_piece {
	enum abi_where where;
	uint8_t reg;	    // index in Go's order of registers (arch/arch.h)
	uint32_t offset;    // in the value, in bytes
	uint32_t size;	    // bytes: 1 to 8 in a register, any number on the stack
	uint32_t stack_off; // ABI_STACK: the slot's address is SP at entry + stack_args of the
			    // CPU + stack_off
};

struct param {
	const char *name;    // "" if it is unnamed, "_" if it is blank
	struct gotype *type; // NULL if only words are known (stripped program)
	bool is_result;
	bool is_receiver;
	bool is_hidden; // .dict: it takes a register or slot but is not shown
	struct abi_piece *pieces;
	size_t num_pieces;   // 0 for a type of size 0
	uint32_t spill_off;  // of an argument in registers: its spill slot, counted like stack_off
	const char *unknown; // not NULL: why its place is not certain; print ?(REASON)
	int ret_slot;	     // of a result: counted from 0 ("ret0")
};

struct signature {
	const struct arch *arch; // NULL only without params
	enum abi abi;
	bool is_known; // false if there is no DWARF, or if it lists no parameters; see is_raw
	bool is_raw;   // params are raw words, and each is named after its place, e.g. "SP+8"
	bool is_variadic;
	struct param *params;	     // receiver, parameters, results, in order
	size_t num_params, num_args; // params[0 .. num_args-1] are arguments, the rest results
	uint32_t stack_bytes;	     // arguments and results on the stack together
	uint32_t frame_bytes;	     // stack_bytes plus the spill area; 0 if not certain
};

/** Assigns pieces to every param of the signature by the rules of its abi, after freeing the old
 *  pieces. A param whose type is GO_INVALID becomes unknown, and so do all later params of its side
 *  (arguments or results) and the results whose stack slots depend on it. A param without a type
 *  (.dict) counts as one pointer word. A param whose unknown was set before keeps that reason and
 *  gets its pieces all the same. */
struct error *abi_assign(struct signature *signature) MUST_CHECK;

/** The first of the signature's num_params - num_args results; NULL if it has no params. */
static inline struct param *signature_results(const struct signature *signature)
{
	return signature->params ? signature->params + signature->num_args : NULL;
}

/** Frees the params and their pieces, but not the signature itself nor what the params borrow. */
void signature_deinit(struct signature *signature);

/** Describes for people where a param is: a register, "stack+16"; "nowhere" without
 *  pieces, "?" if unknown. Writes at most size bytes. */
void abi_describe(const struct arch *arch, const struct param *param, char *buffer, size_t size);

#endif
