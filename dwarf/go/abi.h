// SPDX-License-Identifier: GPL-2.0-or-later
// Go's ABI: from the types of a signature to the register or stack slot of every word. Source:
// src/cmd/compile/abi-internal.md and src/cmd/compile/internal/abi/abiutils.go of the Go tree.
// Pure: no files, no allocation but the pieces.
//
// Params in order, receiver first: a value whose leaves all fit into what is left of the
// registers is taken apart into them, any other goes to the stack whole and leaves the registers
// to those after it.
#ifndef GOTRACE_DWARF_GO_ABI_H
#define GOTRACE_DWARF_GO_ABI_H

#include "dwarf/go/gotype.h"

enum abi {
	ABI_INTERNAL,
	ABI0
}; // ABI0: everything on the stack (assembly, and all of Go before 1.17)

// Integer registers in Go's order, as indices: RAX RBX RCX RDI RSI R8 R9 R10 R11.
enum { ABI_NUM_INT = 9, ABI_NUM_FLOAT = 15 };
const char *abi_int_register(unsigned i); // "RAX"; "?" where there is none

enum abi_where { ABI_INT_REG, ABI_FLOAT_REG, ABI_STACK };

struct abi_piece { // a run of a value's bytes and where it stands at entry (or at RET, for results)
	enum abi_where where;
	uint8_t reg;	    // index in Go's order (RAX is 0, X0 is 0)
	uint32_t offset;    // in the value, bytes
	uint32_t size;	    // bytes: 1 to 8 in a register, any on the stack
	uint32_t stack_off; // ABI_STACK: the slot's address is SP at entry + 8 + stack_off
};

struct param {
	const char *name;    // "" for an unnamed one, "_" for a blank one
	struct gotype *type; // NULL where only words are known (stripped)
	bool is_result;
	bool is_receiver;
	bool is_hidden; // .dict: takes its place, is not shown
	struct abi_piece *pieces;
	size_t num_pieces;   // 0 for a type of size 0
	uint32_t spill_off;  // argument in registers: its slot in the spill area, like stack_off
	const char *unknown; // not NULL: why its place is not certain; print ?(unknown)
	int ret_slot;	     // for results: counted from 0 ("ret0")
};

struct signature {
	enum abi abi;
	bool is_known; // false: no DWARF, or DWARF that lists no parameters; see is_raw
	bool is_raw;   // params are raw words, each named by its place: "RAX", "SP+8"
	bool is_variadic;
	struct param *params;	     // receiver, parameters, results, in order
	size_t num_params, num_args; // params[0 .. num_args-1] are arguments, the rest results
	uint32_t stack_bytes;	     // arguments and results on the stack together
	uint32_t frame_bytes;	     // stack_bytes and the spill area; 0 if not certain
};

/** Assigns pieces to every param of the signature by its abi. Existing pieces are freed first.
 *  A type that is GO_INVALID makes it and all later params of its side "unknown", and also the
 *  results whose stack slots depend on it. A type of NULL counts as one pointer word (.dict).
 *  A param whose unknown is set keeps it, and takes its place all the same. */
struct error *abi_assign(struct signature *signature) MUST_CHECK;

/** The first of its results, of which there are num_params - num_args; NULL where it has no params. */
static inline struct param *signature_results(const struct signature *signature)
{
	return signature->params ? signature->params + signature->num_args : NULL;
}

/** Frees the params and their pieces, not the signature itself nor what the params borrow. */
void signature_deinit(struct signature *signature);

/** "RAX", "RBX+RCX", "stack+16", "X0": where a param stands, for people. Writes at most size
 *  bytes. */
void abi_describe(const struct param *param, char *buffer, size_t size);

#endif
