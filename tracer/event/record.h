// SPDX-License-Identifier: GPL-2.0-or-later
// Reading a record of wire.h back: checked block by block, since a record may come from a file.
#ifndef GOTRACE_TRACER_EVENT_RECORD_H
#define GOTRACE_TRACER_EVENT_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/wire.h"

struct record_block {
	const struct wire_block *head;
	const uint8_t *bytes; // head->len of them
};

/** True if a whole, consistent record stands in the size bytes at data (8-byte aligned). */
bool record_is_valid(const void *data, size_t size);

/** The next block: start with *at = 0. False at the end. Only for valid records. */
bool record_next(const struct wire_record *record, size_t *at, struct record_block *out);

#endif
