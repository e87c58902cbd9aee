// SPDX-License-Identifier: GPL-2.0-or-later
// Searches in sorted arrays.
#ifndef GOTRACE_BASE_BSEARCH_H
#define GOTRACE_BASE_BSEARCH_H

#include <stddef.h>

/** Returns how many of num sorted items come before the one that is searched for, which is also its
 *  index if it is there. is_before is an expression about the item whose index is i, true for these
 *  and false for all after them: bsearch_first(num, i, items[i].vaddr < vaddr). */
#define bsearch_first(num, i, is_before)                      \
	({                                                    \
		size_t low_ = 0, high_ = (num);               \
		while (low_ < high_) {                        \
			size_t i = low_ + (high_ - low_) / 2; \
			if (is_before)                        \
				low_ = i + 1;                 \
			else                                  \
				high_ = i;                    \
		}                                             \
		low_;                                         \
	})

#endif
