// SPDX-License-Identifier: GPL-2.0-or-later
// An error is a value: a sentence for the user. NULL is success. The functions that can fail return
// one; the caller owns it and passes it up (error_wrap) or ends it (error_free). Only cli/ prints.
#ifndef GOTRACE_BASE_ERROR_H
#define GOTRACE_BASE_ERROR_H

#include <stdarg.h>

struct error;

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK	       __attribute__((warn_unused_result))

/** A new error with this message, of which what is not printable is escaped (base/rune.h): it is one line. Never
 *  NULL: with no memory left it is a static "out of memory". */
struct error *error_new(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_CHECK;

/** A new error "MESSAGE: strerror(errnum)" that remembers errnum (a positive errno). */
struct error *error_errno(int errnum, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

/** Puts context in front, "CONTEXT: message", and keeps the errno. Takes err, returns the new error. */
struct error *error_wrap(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

/** The error of a failed allocation. */
struct error *error_nomem(void) MUST_CHECK;

/** The message, borrowed from err. */
const char *error_message(const struct error *err);

/** The errno that the error came from, or 0. */
int error_code(const struct error *err);

/** Ends err; takes NULL. */
void error_free(struct error *err);

#endif
