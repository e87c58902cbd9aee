// SPDX-License-Identifier: GPL-2.0-or-later
// An array on the heap that grows, for the members "items, their number, the number there is room
// for" of any struct.
#ifndef GOTRACE_BASE_VEC_H
#define GOTRACE_BASE_VEC_H

#include <stdbool.h>
#include <stdlib.h>

/** Used by vec_room(). Returns items with room for one more than num, moved if it had to grow: at
 *  least by half, so that adding takes constant time on average. NULL if there is no memory; items
 *  then is as it was. *size is the number of items that there is room for. */
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

/** Makes room for one more item after num in the members items and size. False if there is no
 *  memory; the members are then as they were. */
#define vec_room(items, num, size)                                             \
	({                                                                     \
		size_t size_ = (size);                                         \
		void *grown_ = vec_grow(items, num, &size_, sizeof(*(items))); \
		if (grown_) {                                                  \
			(items) = grown_;                                      \
			(size) = (__typeof__(size))size_;                      \
		}                                                              \
		grown_ != NULL;                                                \
	})

#endif
