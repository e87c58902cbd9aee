// SPDX-License-Identifier: GPL-2.0-or-later
// An error is a value: a message for the user. NULL means success. A function that can fail
// returns an error; the caller owns it, and passes it up (error_wrap()) or frees it
// (error_free()). Only cli/ prints errors.
#ifndef GOTRACE_BASE_ERROR_H
#define GOTRACE_BASE_ERROR_H

#include <stdarg.h>

struct error;

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK	       __attribute__((warn_unused_result))

/** Returns a new error with this message. Characters that are not printable are escaped
 *  (base/rune.h), so the message is one line. Never NULL: if there is no memory, it returns the
 *  same error as error_nomem(). */
struct error *error_new(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_CHECK;

/** Returns a new error "MESSAGE: strerror(errnum)" whose error_code() is errnum (a positive
 *  errno). */
struct error *error_errno(int errnum, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

/** Returns a new error "CONTEXT: message" with err's message and errno, and frees err. */
struct error *error_wrap(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

/** Returns the static error of a failed allocation, "out of memory". */
struct error *error_nomem(void) MUST_CHECK;

/** The message; owned by err. */
const char *error_message(const struct error *err);

/** The errno that caused the error, or 0. */
int error_code(const struct error *err);

/** Frees err, which may be NULL. */
void error_free(struct error *err);

#endif
