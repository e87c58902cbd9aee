// SPDX-License-Identifier: GPL-2.0-or-later
// An array on the heap that grows, for the members "items, their number, the number there is room
// for" of any struct.
#ifndef GOTRACE_BASE_VEC_H
#define GOTRACE_BASE_VEC_H

#include <stdlib.h>

/** Returns items with room for one more than num, moved if it had to grow: at least by half, so
 *  that adding takes constant time on average. NULL if there is no memory; items then is as it was.
 *  *size is the number of items that there is room for. */
static inline void *vec_grow(void *items, size_t num, size_t *size, size_t item_size)
{
	if (num < *size)
		return items;
	size_t more = *size + *size / 2 + 8;
	void *grown = reallocarray(items, more, item_size);
	if (grown)
		*size = more;
	return grown;
}

#endif
