// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/complete.h"

static const char *const program[] = {
	"main.main",
	"main.main.func1",
	"main.(*Store).Get",
	"main.(*Store).Get.func1",
	"main.(*Store).GetAll",
	"main.Store.String",
	"main.Map[go.shape.int]",
	"main.Map[go.shape.string]",
	"main.Mapped",
	"main.(*Pair[go.shape.int,main.T]).Left",
	"net/http.(*conn).serve",
	"net/http.(*conn).close",
	"net/http/httptrace.Get",
	"gopkg.in/yaml%2ev3.Marshal",
	"gopkg.in/yaml%2ev3.Unmarshal",
	"type:.eq.[2]interface {}",
};

static void add_program(void *context, struct completions *out, const char *prefix)
{
	size_t *asked = context;
	(*asked)++;
	for (size_t i = 0; i < sizeof(program) / sizeof(*program); i++)
		assert_true(completions_add(out, program[i], prefix));
}

// All words, each with "$" behind it where it is a name, and "+" where there is more.
static void check(const char *prefix, const char *expected)
{
	struct completions completions = {0};
	size_t asked = 0;
	char words[1024] = "";
	completions_gather(&completions, prefix, add_program, &asked);
	for (const struct completion *each = completions.all; each; each = each->hh.next) {
		strcat(words, *words ? " " : "");
		strcat(words, each->word);
		strcat(words, each->is_name ? "$" : "");
		strcat(words, each->has_more ? "+" : "");
	}
	assert_string_equal(words, expected);
	assert_in_range(asked, 1, 8);
	completions_deinit(&completions);
}

static void offers_the_next_part(void **state)
{
	(void)state;
	check("", "gopkg.+ main.+ net/+ type:.+");
	check("main.",
	      "main.(*Pair[go.shape.int,main.T]).+ main.(*Store).+ main.Map$+ main.Mapped$ "
	      "main.Store.+ main.main$ main.main.+");
	check("main.(*S", "main.(*Store).Get$ main.(*Store).Get.+ main.(*Store).GetAll$");
	check("main.(*Store).GetA", "main.(*Store).GetAll$");
	check("main.Map", "main.Map[go.shape.int]$ main.Map[go.shape.string]$ main.Mapped$");
	check("main.Map[", "main.Map[go.shape.int]$ main.Map[go.shape.string]$");
	check("main.(*Pair[go.sh", "main.(*Pair[go.shape.int,main.T]).Left$");
	check("net/", "net/http.+ net/http/+");
	check("net/http.(", "net/http.(*conn).close$ net/http.(*conn).serve$");
	check("type:.eq.[", "type:.eq.[2]interface {}$");
	check("nothing", "");
	check("main.(*Store).GetAll.", "");
}

static void takes_the_only_way_on(void **state)
{
	(void)state;
	check("g", "gopkg.in/yaml%2ev3.Marshal$ gopkg.in/yaml%2ev3.Unmarshal$");
	check("net/http/", "net/http/httptrace.Get$");
	check("t", "type:.eq.[2]interface {}$");
}

static void add_words(void *context, struct completions *out, const char *prefix)
{
	for (const char *const *word = context; *word; word++)
		completions_add(out, *word, prefix);
}

static void says_what_words_have_in_common(void **state)
{
	(void)state;
	static const struct {
		const char *const words[4];
		size_t common;
	} cases[] = {
		{{"main.Get", "main.GetAll", "main.Go"}, 6},
		{{"a", "b"}, 0},
		{{"main.Get"}, 8},
		{{NULL}, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct completions completions = {0};
		completions_gather(&completions, "", add_words, (void *)cases[i].words);
		// Parts end behind the dot: what is asked for here are whole words.
		if (HASH_COUNT(completions.all) == 1 && cases[i].words[1]) {
			completions_deinit(&completions);
			completions_gather(&completions, "main.", add_words,
					   (void *)cases[i].words);
		}
		assert_int_equal(completions_common(&completions), cases[i].common);
		completions_deinit(&completions);
	}
}

// 100 packages of 100 types of 10 methods.
static void add_many(void *context, struct completions *out, const char *prefix)
{
	size_t *num = context;
	*num = 0;
	for (unsigned i = 0; i < 100000; i++, ++*num) {
		char name[64];
		snprintf(name, sizeof(name), "big/p%u.(*T%u).F%u", i / 1000, i / 10 % 100, i % 10);
		assert_true(completions_add(out, name, prefix));
	}
}

static void check_many(const char *prefix, size_t num, const char *first)
{
	struct completions completions = {0};
	size_t names;
	completions_gather(&completions, prefix, add_many, &names);
	assert_int_equal(names, 100000);
	assert_int_equal(HASH_COUNT(completions.all), num);
	assert_string_equal(completions.all->word, first);
	completions_deinit(&completions);
}

static void lists_no_more_than_a_part(void **state)
{
	(void)state;
	check_many("", 100, "big/p0.");
	check_many("big/p42.", 100, "big/p42.(*T0).");
	check_many("big/p42.(*T7)", 10, "big/p42.(*T7).F0");
	check_many("big/p42.(*T77).F3", 1, "big/p42.(*T77).F3");
}

static void finds_the_word(void **state)
{
	(void)state;
	static const struct {
		const char *line, *word;
		size_t start;
		char quote;
	} cases[] = {
		{"", "", 0, 0},
		{"tra", "tra", 0, 0},
		{"trace ", "", 6, 0},
		{"trace main.(*T).F[int", "main.(*T).F[int", 6, 0},
		{"trace a b", "b", 8, 0},
		{"whatis map[string]interface\\ {}", "map[string]interface {}", 7, 0},
		{"whatis 'map[string]interface {", "map[string]interface {", 8, '\''},
		{"whatis \"func(int) b\\\"", "func(int) b\"", 8, '"'},
		{"trace 'a b' c", "c", 12, 0},
		{"trace /^main\\.x", "/^main\\.x", 6, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char quote, *word;
		size_t start = completion_word(cases[i].line, strlen(cases[i].line), &quote, &word);
		assert_string_equal(word, cases[i].word);
		assert_int_equal(start, cases[i].start);
		assert_int_equal(quote, cases[i].quote);
		free(word);
	}
}

static void quotes_words(void **state)
{
	(void)state;
	static const struct {
		const char *word;
		char quote;
		const char *quoted;
	} cases[] = {
		{"main.(*T).F[int]", 0, "main.(*T).F[int]"},
		{"map[string]interface {}", 0, "map[string]interface\\ {}"},
		{"map[string]interface {}", '\'', "map[string]interface {}"},
		{"struct { X int \"x\" }", '"', "struct { X int \\\"x\\\" }"},
		{"struct { X int \"x\" }", '\'', "struct { X int \"x\" }"},
		{"it's", '\'', NULL},
		{"it's", 0, "it\\'s"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *quoted = completion_quote(cases[i].word, cases[i].quote);
		if (!cases[i].quoted) {
			assert_null(quoted);
			continue;
		}
		assert_string_equal(quoted, cases[i].quoted);
		char quote, *word; // and back
		completion_word(quoted, cases[i].quote ? 0 : strlen(quoted), &quote, &word);
		assert_string_equal(word, cases[i].quote ? "" : cases[i].word);
		free(word);
		free(quoted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers_the_next_part),
		cmocka_unit_test(takes_the_only_way_on),
		cmocka_unit_test(says_what_words_have_in_common),
		cmocka_unit_test(lists_no_more_than_a_part),
		cmocka_unit_test(finds_the_word),
		cmocka_unit_test(quotes_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
