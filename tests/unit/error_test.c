// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"

static void says_its_sentence(void **state)
{
	(void)state;
	struct error *err = error_new("no function %s in %d", "main.x", 7);
	assert_string_equal(error_message(err), "no function main.x in 7");
	assert_int_equal(error_code(err), 0);
	error_free(err);
	error_free(NULL);
}

static void keeps_the_errno(void **state)
{
	(void)state;
	struct error *err = error_errno(ENOENT, "cannot open %s", "/x");
	assert_string_equal(error_message(err), "cannot open /x: No such file or directory");
	err = error_wrap(err, "%s", "prog");
	assert_string_equal(error_message(err), "prog: cannot open /x: No such file or directory");
	assert_int_equal(error_code(err), ENOENT);
	error_free(err);
}

static void has_words_without_memory(void **state)
{
	(void)state;
	struct error *err = error_nomem();
	assert_string_equal(error_message(err), "out of memory");
	assert_int_equal(error_code(err), ENOMEM);
	error_free(err); // is not the heap's
	assert_string_equal(error_message(error_nomem()), "out of memory");
	err = error_wrap(error_nomem(), "reading");
	assert_string_equal(error_message(err), "reading: out of memory");
	assert_int_equal(error_code(err), ENOMEM);
	error_free(err);
}

static char heard[128];
static enum log_level heard_level;

static void hear(enum log_level level, const char *message)
{
	heard_level = level;
	strncpy(heard, message, sizeof(heard) - 1);
}

static void logs_up_to_a_level(void **state)
{
	(void)state;
	log_warning("to nobody");
	log_to(hear, LOG_INFO);
	assert_true(log_wants(LOG_WARNING));
	assert_false(log_wants(LOG_DEBUG));
	log_info("%d functions", 3);
	assert_string_equal(heard, "3 functions");
	assert_int_equal(heard_level, LOG_INFO);
	log_debug("not wanted");
	assert_string_equal(heard, "3 functions");
	log_to(NULL, LOG_DEBUG);
	assert_false(log_wants(LOG_WARNING));
	log_warning("to nobody");
	assert_string_equal(heard, "3 functions");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_its_sentence),
		cmocka_unit_test(keeps_the_errno),
		cmocka_unit_test(has_words_without_memory),
		cmocka_unit_test(logs_up_to_a_level),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
