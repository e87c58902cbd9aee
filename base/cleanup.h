// SPDX-License-Identifier: GPL-2.0-or-later
// Scope guards: when the scope of a variable declared with one of these macros ends, its memory is
// freed or its file is closed.
#ifndef GOTRACE_BASE_CLEANUP_H
#define GOTRACE_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))
#define CLEANUP_FREE	  CLEANUP(cleanup_free)
#define CLEANUP_CLOSE	  CLEANUP(cleanup_close)
#define CLEANUP_FCLOSE	  CLEANUP(cleanup_fclose)

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

/** Moves the pointer out of a guarded variable and sets the variable to NULL, so that the caller
 *  of take() owns it. */
#define take(variable)                                    \
	({                                                \
		__typeof__(variable) taken_ = (variable); \
		(variable) = NULL;                        \
		taken_;                                   \
	})

#endif
