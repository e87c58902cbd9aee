// SPDX-License-Identifier: GPL-2.0-or-later
// Scope guards: a variable declared with one of these is given back when its scope ends.
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

/** Takes the pointer out of a guarded variable, which then guards nothing. */
#define take(variable)                                    \
	({                                                \
		__typeof__(variable) taken_ = (variable); \
		(variable) = NULL;                        \
		taken_;                                   \
	})

#endif
