// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/debug/lists.h"

#include <libdwarf/dwarf.h>
#include <string.h>

#include "base/log.h"

enum { MAX_ENTRIES = 1 << 24, WORD = 8 };

struct reader {
	const uint8_t *at, *end;
	bool has_failed; // out of bytes; all further reads return 0
};

struct entry { // of a list, with its addresses worked out
	bool is_end;
	bool has_range;
	bool is_default; // applies where no other entry does
	uint64_t low, high;
};

void lists_init(struct lists *lists, struct image *image)
{
	*lists = (struct lists){.image = image};
}

static const struct image_bytes *section(struct lists *lists, enum list_section which)
{
	static const char *const names[NUM_LISTS] = {".debug_loc", ".debug_loclists",
						     ".debug_ranges", ".debug_rnglists",
						     ".debug_addr"};
	if (!lists->is_read[which]) {
		struct error *err =
			image_section(lists->image, names[which], &lists->sections[which]);
		if (err)
			log_warning("%s", error_message(err));
		error_free(err);
		lists->is_read[which] = true;
	}
	return &lists->sections[which];
}

static struct reader reader_at(const struct image_bytes *bytes, uint64_t off)
{
	if (!bytes->data || off > bytes->size)
		return (struct reader){.has_failed = true};
	return (struct reader){.at = bytes->data + off, .end = bytes->data + bytes->size};
}

static uint64_t read_word(struct reader *reader, size_t size)
{
	uint64_t value = 0;
	if (reader->has_failed || (size_t)(reader->end - reader->at) < size) {
		reader->has_failed = true;
		return 0;
	}
	memcpy(&value, reader->at, size); // little-endian, as in every file that image opens
	reader->at += size;
	return value;
}

static uint64_t read_leb(struct reader *reader, bool is_signed)
{
	uint64_t value = 0, byte;
	unsigned shift = 0;
	do {
		byte = read_word(reader, 1);
		if (shift < 64)
			value |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && !reader->has_failed);
	if (is_signed && byte & 0x40 && shift < 64)
		value |= UINT64_MAX << shift;
	return value;
}

static uint64_t read_uleb(struct reader *reader)
{
	return read_leb(reader, false);
}

static uint64_t read_indexed(struct lists *lists, const struct list_unit *unit,
			     struct reader *reader)
{
	uint64_t index = read_uleb(reader), off;
	if (__builtin_mul_overflow(index, WORD, &off) ||
	    __builtin_add_overflow(off, unit->addr_base, &off))
		return 0;
	struct reader addresses = reader_at(section(lists, LIST_ADDR), off);
	return read_word(&addresses, WORD);
}

static void set_range(struct entry *entry, uint64_t low, uint64_t high)
{
	entry->has_range = true;
	entry->low = low;
	entry->high = high;
}

// Reads an entry of DWARF 4: a pair of offsets from a base.
static struct entry read_pair(struct reader *reader, uint64_t *base)
{
	struct entry entry = {0};
	uint64_t low = read_word(reader, WORD), high = read_word(reader, WORD);
	if (low == UINT64_MAX)
		*base = high;
	else if (!low && !high)
		entry.is_end = true;
	else
		set_range(&entry, *base + low, *base + high);
	return entry;
}

// Since DWARF 5, the two kinds of lists number the same entries differently.
static unsigned location_kind(unsigned kind)
{
	static const uint8_t kinds[] = {
		[DW_RLE_end_of_list] = DW_LLE_end_of_list,
		[DW_RLE_base_addressx] = DW_LLE_base_addressx,
		[DW_RLE_startx_endx] = DW_LLE_startx_endx,
		[DW_RLE_startx_length] = DW_LLE_startx_length,
		[DW_RLE_offset_pair] = DW_LLE_offset_pair,
		[DW_RLE_base_address] = DW_LLE_base_address,
		[DW_RLE_start_end] = DW_LLE_start_end,
		[DW_RLE_start_length] = DW_LLE_start_length,
	};
	return kind < sizeof(kinds) ? kinds[kind] : UINT8_MAX;
}

static struct entry read_entry(struct lists *lists, const struct list_unit *unit,
			       struct reader *reader, unsigned kind, uint64_t *base)
{
	struct entry entry = {0};
	uint64_t low, high;
	switch (kind) {
	case DW_LLE_end_of_list:
		entry.is_end = true;
		break;
	case DW_LLE_base_addressx:
		*base = read_indexed(lists, unit, reader);
		break;
	case DW_LLE_base_address:
		*base = read_word(reader, WORD);
		break;
	case DW_LLE_startx_endx:
		low = read_indexed(lists, unit, reader);
		high = read_indexed(lists, unit, reader);
		set_range(&entry, low, high);
		break;
	case DW_LLE_startx_length:
		low = read_indexed(lists, unit, reader);
		set_range(&entry, low, low + read_uleb(reader));
		break;
	case DW_LLE_offset_pair:
		low = *base + read_uleb(reader);
		set_range(&entry, low, *base + read_uleb(reader));
		break;
	case DW_LLE_default_location:
		entry.is_default = true;
		break;
	case DW_LLE_start_end:
		low = read_word(reader, WORD);
		set_range(&entry, low, read_word(reader, WORD));
		break;
	case DW_LLE_start_length:
		low = read_word(reader, WORD);
		set_range(&entry, low, low + read_uleb(reader));
		break;
	default: // an unknown kind, whose length is not known either
		reader->has_failed = true;
		break;
	}
	return entry;
}

static struct entry next_entry(struct lists *lists, const struct list_unit *unit, bool is_range,
			       struct reader *reader, uint64_t *base)
{
	if (unit->version < 5)
		return read_pair(reader, base);
	unsigned kind = (unsigned)read_word(reader, 1);
	return read_entry(lists, unit, reader, is_range ? location_kind(kind) : kind, base);
}

bool lists_location(struct lists *lists, const struct list_unit *unit, uint64_t off, uint64_t pc,
		    struct image_bytes *expression)
{
	struct reader reader =
		reader_at(section(lists, unit->version < 5 ? LIST_LOC : LIST_LOCLISTS), off);
	uint64_t base = unit->base;
	while (!reader.has_failed && lists->num_entries++ < MAX_ENTRIES) {
		struct entry entry = next_entry(lists, unit, false, &reader, &base);
		if (entry.is_end)
			return false;
		if (!entry.has_range && !entry.is_default)
			continue;
		uint64_t len = unit->version < 5 ? read_word(&reader, 2) : read_uleb(&reader);
		if (reader.has_failed || len > (uint64_t)(reader.end - reader.at))
			return false;
		if (entry.is_default || (entry.low <= pc && pc < entry.high)) {
			*expression = (struct image_bytes){.data = reader.at, .size = len};
			return true;
		}
		reader.at += len;
	}
	return false;
}

void lists_ranges(struct lists *lists, const struct list_unit *unit, uint64_t off,
		  void (*visit)(void *context, uint64_t low, uint64_t high), void *context)
{
	struct reader reader =
		reader_at(section(lists, unit->version < 5 ? LIST_RANGES : LIST_RNGLISTS), off);
	uint64_t base = unit->base;
	while (!reader.has_failed && lists->num_entries++ < MAX_ENTRIES) {
		struct entry entry = next_entry(lists, unit, true, &reader, &base);
		if (entry.is_end)
			return;
		if (!reader.has_failed && entry.has_range && entry.low < entry.high)
			visit(context, entry.low, entry.high);
	}
}

static void place_on_stack(struct list_place *place, int64_t cfa_off)
{
	if (!place->is_on_stack)
		place->cfa_off = cfa_off;
	place->is_on_stack = place->is_there = true;
}

static void place_in_register(struct list_place *place, uint64_t reg)
{
	place->regs |= UINT64_C(1) << (reg < LIST_OTHER_REGISTER ? reg : LIST_OTHER_REGISTER);
	place->is_there = true;
}

void list_place(const struct image_bytes *expression, struct list_place *out)
{
	struct reader reader = reader_at(expression, 0);
	*out = (struct list_place){0};
	while (!reader.has_failed && reader.at < reader.end) {
		unsigned operation = (unsigned)read_word(&reader, 1);
		switch (operation) {
		case DW_OP_reg0 ... DW_OP_reg31:
			place_in_register(out, operation - DW_OP_reg0);
			break;
		case DW_OP_regx:
			place_in_register(out, read_uleb(&reader));
			break;
		case DW_OP_fbreg:
			place_on_stack(out, (int64_t)read_leb(&reader, true));
			break;
		case DW_OP_call_frame_cfa:
			place_on_stack(out, 0);
			break;
		case DW_OP_piece:
			out->has_pieces = true;
			read_uleb(&reader);
			break;
		default:
			reader.has_failed = true;
			break;
		}
	}
	if (reader.has_failed)
		*out = (struct list_place){0};
}
