// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/event/record.h"

static size_t padded(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

// Returns the block at byte at; NULL if it is not whole before end.
static const struct wire_block *block_at(const struct wire_record *record, size_t at, size_t end)
{
	if (end - at < sizeof(struct wire_block))
		return NULL;
	const struct wire_block *block = (const void *)((const uint8_t *)record + at);
	return padded(block->len) <= end - at - sizeof(*block) ? block : NULL;
}

static bool block_is_valid(const struct wire_block *block, bool is_first)
{
	if (block->len > WIRE_BLOCK_MAX || block->addr > UINT64_MAX - block->len)
		return false;
	if ((block->flags & WIRE_BLOCK_FRAME) && (!is_first || block->addr))
		return false;
	return !(block->flags & WIRE_BLOCK_FAULT) || !block->len;
}

bool record_is_valid(const void *data, size_t size)
{
	const struct wire_record *record = data;
	if (size < sizeof(*record) || (uintptr_t)data % 8)
		return false;
	if (record->size < sizeof(*record) || record->size % 8 || record->size > size ||
	    record->size > WIRE_RECORD_MAX)
		return false;
	size_t at = sizeof(*record);
	for (unsigned i = 0; i < record->num_blocks; i++) {
		const struct wire_block *block = block_at(record, at, record->size);
		if (!block || !block_is_valid(block, i == 0))
			return false;
		at += sizeof(*block) + padded(block->len);
	}
	return at == record->size;
}

bool record_next(const struct wire_record *record, size_t *at, struct record_block *out)
{
	size_t from = *at ? *at : sizeof(*record);
	if (from >= record->size)
		return false;
	const struct wire_block *block = block_at(record, from, record->size);
	if (!block)
		return false;
	out->head = block;
	out->bytes = (const uint8_t *)(block + 1);
	*at = from + sizeof(*block) + padded(block->len);
	return true;
}
