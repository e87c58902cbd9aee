// SPDX-License-Identifier: GPL-2.0-or-later
// Reads a record of wire.h. Each block is checked, because a record may come from a file.
#ifndef GOTRACE_TRACER_EVENT_RECORD_H
#define GOTRACE_TRACER_EVENT_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/wire.h"

struct record_block {
	const struct wire_block *head;
	const uint8_t *bytes; // head->len of them
};

/** True if the size bytes at data begin with a whole, consistent record. data must be 8-byte
 *  aligned; otherwise the result is false. */
bool record_is_valid(const void *data, size_t size);

/** Gets the next block of a valid record and advances *at, which is 0 for the first block. Returns
 *  false at the end. */
bool record_next(const struct wire_record *record, size_t *at, struct record_block *out);

#endif
