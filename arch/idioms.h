// SPDX-License-Identifier: GPL-2.0-or-later
// Idioms of Go's code: facts that machine code proves. All of them depend only on the bytes given.
// A CPU without one of them answers 0 or false, which is never wrong.
#ifndef GOTRACE_ARCH_IDIOMS_H
#define GOTRACE_ARCH_IDIOMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** True if this code of runtime.gogo restores the frame pointer from this byte offset of the
 *  gobuf (src/runtime/asm_amd64.s). */
bool idiom_gogo_restores(const uint8_t *code, size_t len, uint8_t offset);

/** The offset from the thread pointer at which this code reads g; 0 if it does not read g. */
int32_t idiom_tls_offset(const uint8_t *code, size_t len);

struct idiom_call {	  // bytes that may be a call or a jump
	size_t next;	  // where the search continues
	size_t end;	  // the offset after them
	bool is_indirect; // through a register or memory; otherwise to target
	uint64_t target;
};

/** Finds the next bytes, from call->next on, that may be a call or a jump. They may be parts of
 *  other instructions: none is missed. False if there are no more. */
bool idiom_call_next(const uint8_t *code, size_t size, uint64_t vaddr, struct idiom_call *call);

/** True if this code of a method "Error() string" provably returns the receiver's string and does
 *  nothing else. by_pointer: the receiver is a pointer to the string; otherwise it is the string.
 *  in_registers: the code has Go's register ABI (ABIInternal). */
bool idiom_returns_string(const uint8_t *code, size_t size, bool by_pointer, bool in_registers);

#endif
