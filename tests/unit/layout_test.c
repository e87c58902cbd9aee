// SPDX-License-Identifier: GPL-2.0-or-later
// What is left out of values that do not fit into a line.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rune.h"
#include "tracer/event/value/tree.h"

// --- Trees by hand -----------------------------------------------------------------------------

static uint32_t begin(struct value_tree *tree, enum value_node_kind kind, enum value_worth worth,
		      const char *head)
{
	uint32_t node = value_tree_begin(tree, kind, worth);
	text_puts(&tree->text, head);
	value_tree_head(tree, node);
	return node;
}

static void end(struct value_tree *tree, uint32_t node, char close)
{
	tree->nodes[node].close = close;
	value_tree_end(tree, node);
}

static void label(struct value_tree *tree, const char *name)
{
	value_tree_label(tree, name, "=");
}

static void field(struct value_tree *tree, const char *name)
{
	value_tree_label(tree, name, ": ");
}

static void leaf(struct value_tree *tree, const char *text)
{
	value_tree_end(tree, begin(tree, NODE_LEAF, WORTH_NUMBER, text));
}

static void string(struct value_tree *tree, const char *bytes, uint64_t total)
{
	uint32_t node = value_tree_begin(tree, NODE_STRING, WORTH_STRING);
	size_t len = strlen(bytes);
	text_puts(&tree->text, bytes);
	tree->nodes[node].body = (uint32_t)len;
	tree->nodes[node].more = total > len ? total - len : 0;
	value_tree_end(tree, node);
}

static void error(struct value_tree *tree, const char *type, const char *message)
{
	char head[128];
	snprintf(head, sizeof(head), "error(%s: ", type);
	uint32_t node = begin(tree, NODE_ERROR, WORTH_ERROR, head);
	string(tree, message, 0);
	end(tree, node, ')');
}

static void numbers(struct value_tree *tree, unsigned num, uint64_t more)
{
	uint32_t list = begin(tree, NODE_LIST, WORTH_SHORT, "[]int{");
	for (unsigned i = 0; i < num; i++) {
		char text[16];
		snprintf(text, sizeof(text), "%u", i + 1);
		leaf(tree, text);
	}
	tree->nodes[list].more = more;
	end(tree, list, '}');
}

static const char *fitted(struct value_tree *tree, size_t columns)
{
	static struct text out;
	text_reset(&out);
	value_tree_fit(tree, columns);
	if (!value_tree_write(tree, 0, NULL, &out))
		return "";
	assert_false(out.failed);
	return text_string(&out);
}

#define expect(tree, columns, expected)                                               \
	do {                                                                          \
		assert_string_equal(fitted((tree), (columns)), (expected));           \
		assert_true(rune_columns((expected), strlen(expected)) <= (columns)); \
	} while (0)

// --- One kind at a time ------------------------------------------------------------------------

static void cuts_strings(void **state)
{
	(void)state;
	struct value_tree tree = {0};
	string(&tree, "abcdefghijklmnopqrstuvwxyz", 0);
	expect(&tree, 28, "\"abcdefghijklmnopqrstuvwxyz\"");
	expect(&tree, 27, "\"abcdefghijklm\"...+13 bytes");
	expect(&tree, 15, "\"a\"...+25 bytes");
	value_tree_reset(&tree);
	string(&tree, "a\n\xff\xe2\x82\xac\xe4\xb8\x96!", 1000);
	expect(&tree, 26, "\"a\\n\\xff€世!\"...+990 bytes");
	expect(&tree, 23, "\"a\\n\\xff\"...+997 bytes");
	expect(&tree, 24, "\"a\\n\\xff€\"...+994 bytes");
	expect(&tree, 25, "\"a\\n\\xff€\"...+994 bytes"); // the next takes two columns
	value_tree_deinit(&tree);
}

static void shows_how_many_elements(void **state)
{
	(void)state;
	struct value_tree tree = {0};
	numbers(&tree, 12, 0);
	expect(&tree, 60, "[]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}");
	expect(&tree, 43, "[]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...+2}");
	expect(&tree, 20, "[]int{1, 2, ...+10}");
	expect(&tree, 13, "[]int{...+12}");
	value_tree_reset(&tree);
	numbers(&tree, 2, 98);
	expect(&tree, 60, "[]int{1, 2, ...+98}");
	expect(&tree, 18, "[]int{1, ...+99}");
	value_tree_deinit(&tree);
}

static void a_reason_is_only_of_what_was_not_captured(void **state)
{
	(void)state;
	struct value_tree tree = {0};
	numbers(&tree, 2, 98);
	tree.nodes[0].reason = "not captured";
	expect(&tree, 60, "[]int{1, 2, ...+98 ?(not captured)}");
	expect(&tree, 30, "[]int{1, ...+99}");
	value_tree_deinit(&tree);
}

static void user(struct value_tree *tree)
{
	uint32_t node = begin(tree, NODE_FIELDS, WORTH_SHORT, "&User{");
	field(tree, "Parent");
	uint32_t inner = begin(tree, NODE_FIELDS, WORTH_SHORT, "&User{");
	field(tree, "Name");
	string(tree, "a parent of whom there is much to say", 0);
	end(tree, inner, '}');
	field(tree, "Name");
	string(tree, "cellar", 0);
	field(tree, "ID");
	leaf(tree, "77");
	field(tree, "Email");
	string(tree, "someone.with.a.long.name@mail.example.com", 0);
	end(tree, node, '}');
}

static void marks_fields_where_they_were(void **state)
{
	(void)state;
	struct value_tree tree = {0};
	user(&tree);
	expect(&tree, 8, "&User{…}");
	expect(&tree, 20, "&User{…, ID: 77, …}");
	expect(&tree, 28, "&User{…, Name: \"cellar\", …}");
	expect(&tree, 36, "&User{…, Name: \"cellar\", ID: 77, …}");
	value_tree_deinit(&tree);
}

// --- Among the values of a line ----------------------------------------------------------------

static void what_is_short_stays(void **state)
{
	(void)state;
	struct value_tree tree = {0};
	label(&tree, "u");
	user(&tree);
	label(&tree, "n");
	leaf(&tree, "18446744073709551615");
	label(&tree, "key");
	string(&tree, "alice", 0);
	expect(&tree, 50, "u=&User{…}, n=18446744073709551615, key=\"alice\"");
	expect(&tree, 40, "…, n=18446744073709551615, key=\"alice\"");
	expect(&tree, 20, "…, key=\"alice\"");
	value_tree_deinit(&tree);
}

static void long_ones_share(void **state)
{
	(void)state;
	struct value_tree tree = {0};
	char bytes[101];
	memset(bytes, 'x', 100);
	bytes[100] = '\0';
	string(&tree, bytes, 0);
	leaf(&tree, "7");
	string(&tree, bytes, 0);
	for (size_t columns = 60; columns < 200; columns++) {
		const char *text = fitted(&tree, columns);
		size_t first = strspn(text + 1, "x"), second = strspn(strrchr(text, ',') + 3, "x");
		assert_true(strlen(text) <= columns && strlen(text) + 2 >= columns);
		assert_true(first <= second + 2 && second <= first + 2);
		assert_non_null(strstr(text, ", 7, "));
	}
	value_tree_deinit(&tree);
}

static void errors_come_first(void **state)
{
	(void)state;
	struct value_tree tree = {0};
	label(&tree, "u");
	user(&tree);
	value_tree_group(&tree);
	leaf(&tree, "0");
	error(&tree, "*errors.errorString", "no such user");
	struct text out = {0};
	assert_false(value_tree_fit(&tree, 37));
	assert_true(value_tree_fit(&tree, 200));
	value_tree_fit(&tree, 37);
	assert_true(value_tree_write(&tree, 0, NULL, &out));
	text_puts(&out, " = ");
	assert_true(value_tree_write(&tree, 1, NULL, &out));
	assert_string_equal(text_string(&out), "u=&User{…} = 0, error(…: \"no such user\")");
	text_reset(&out);
	value_tree_fit(&tree, 12);
	value_tree_write(&tree, 1, NULL, &out);
	assert_string_equal(text_string(&out), "0, …");
	text_reset(&out);
	value_tree_reset(&tree);
	leaf(&tree, "0");
	error(&tree, "*errors.errorString", "no such user in the cellar of this house");
	value_tree_fit(&tree, 48); // too little: the message says how much of it is missing
	value_tree_write(&tree, 0, NULL, &out);
	assert_string_equal(text_string(&out),
			    "0, error(…: \"no such user in the c\"...+19 bytes)");
	text_deinit(&out);
	value_tree_deinit(&tree);
}

static void request(struct value_tree *tree, const char *text)
{
	uint32_t node = value_tree_begin(tree, NODE_TEXT, WORTH_STRING);
	text_puts(&tree->text, text);
	tree->nodes[node].body = (uint32_t)strlen(text);
	value_tree_end(tree, node);
}

static void a_receiver_gets_what_is_left(void **state)
{
	(void)state;
	struct value_tree tree = {0};
	label(&tree, "a");
	user(&tree);
	value_tree_demote(&tree, 0);
	label(&tree, "w");
	uint32_t writer = begin(&tree, NODE_LEAF, WORTH_SHORT, "*http.response(nothing written)");
	value_tree_end(&tree, writer);
	label(&tree, "r");
	request(&tree, "GET /user?name=zed&from=somewhere HTTP/1.1");
	expect(&tree, 47, "…, r=GET /user?name=zed&from=somewhere HTTP/1.1");
	expect(&tree, 59, "a=&User{…}, …, r=GET /user?name=zed&from=somewhere HTTP/1.1");
	value_tree_deinit(&tree);
}

static void texts_are_cut(void **state)
{
	(void)state;
	struct value_tree tree = {0};
	request(&tree, "GET /user?name=zed HTTP/1.1");
	expect(&tree, 27, "GET /user?name=zed HTTP/1.1");
	expect(&tree, 26, "GET /user?name...+13 bytes");
	value_tree_reset(&tree);
	request(&tree, "GET /user?na...+44 bytes HTTP/1.1");
	tree.nodes[0].cut = 12;
	expect(&tree, 33, "GET /user?na...+44 bytes HTTP/1.1");
	expect(&tree, 32, "GET /user?na…"); // not the number, which would be another one
	expect(&tree, 9, "GET /use…");
	value_tree_deinit(&tree);
}

static void elisions_and_errors_have_colours(void **state)
{
	(void)state;
	static const struct value_paint paint = {"<", "[", ">"};
	struct value_tree tree = {0};
	struct text out = {0};
	string(&tree, "abc", 10);
	user(&tree);
	error(&tree, "*main.E", "no such user in this cellar");
	value_tree_fit(&tree, 64);
	value_tree_write(&tree, 0, &paint, &out);
	assert_string_equal(
		text_string(&out),
		"\"\"<...+10 bytes>, <…>, [error(*main.E: \"no such user in this cellar\")>");
	text_deinit(&out);
	value_tree_deinit(&tree);
}

static void an_error_in_a_struct_stays(void **state)
{
	(void)state;
	struct value_tree tree = {0};
	uint32_t node = begin(&tree, NODE_FIELDS, WORTH_SHORT, "Result{");
	field(&tree, "Text");
	string(&tree, "some words that take some room", 0);
	field(&tree, "Err");
	error(&tree, "*main.Failure", "no such user");
	end(&tree, node, '}');
	expect(&tree, 42, "Result{…, Err: error(…: \"no such user\")}");
	value_tree_deinit(&tree);
}

// --- Any tree, any width -----------------------------------------------------------------------

static uint64_t next(uint64_t *random)
{
	*random = *random * 6364136223846793005 + 1442695040888963407;
	return *random >> 33;
}

static void any_value(struct value_tree *tree, uint64_t *random, unsigned nesting)
{
	char text[100];
	unsigned len = (unsigned)(next(random) % 60);
	memset(text, 'a' + (int)(next(random) % 26), sizeof(text));
	text[len] = '\0';
	unsigned kind = (unsigned)(next(random) % (nesting < 4 ? 9 : 5));
	if (kind == 0) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)next(random));
		leaf(tree, text);
	} else if (kind < 3) {
		string(tree, text, next(random) % 200);
	} else if (kind == 3) {
		error(tree, "*errors.errorString", text);
	} else if (kind == 4) {
		request(tree, text);
	} else if (kind == 5) {
		uint32_t wrap = begin(tree, NODE_WRAP, WORTH_LITTLE, "");
		any_value(tree, random, nesting + 1);
		value_tree_wrap(tree, wrap, "main.Code");
		value_tree_end(tree, wrap);
	} else {
		bool is_list = kind == 6, is_map = kind == 7;
		uint32_t node =
			begin(tree, is_list || is_map ? NODE_LIST : NODE_FIELDS, WORTH_SHORT,
			      is_list  ? "[]T{"
			      : is_map ? "map[K]T{"
				       : "&T{");
		for (unsigned i = (unsigned)(next(random) % 8); i > 0; i--) {
			uint32_t pair = 0;
			if (is_map)
				pair = value_tree_begin(tree, NODE_PAIR, WORTH_SHORT);
			else if (!is_list)
				field(tree, "F");
			if (is_map)
				leaf(tree, "1");
			any_value(tree, random, nesting + 1);
			if (is_map)
				value_tree_end(tree, pair);
		}
		if (is_list)
			tree->nodes[node].more = next(random) % 3 * 50;
		end(tree, node, '}');
	}
}

// Every number that is written is one that the whole text has too.
static void no_number_is_cut(const char *text, const char *whole)
{
	for (const char *at = text; *at; at++) {
		if (*at < '0' || *at > '9' || (at > text && (at[-1] == '+' || at[-1] >= '0')))
			continue;
		char number[32] = {0};
		memcpy(number, at, strspn(at, "0123456789"));
		assert_non_null(strstr(whole, number));
	}
}

static void any_tree_fits(void **state)
{
	(void)state;
	struct value_tree tree = {0};
	uint64_t random = 12;
	for (unsigned round = 0; round < 3000; round++) {
		value_tree_reset(&tree);
		for (uint64_t i = next(&random) % 5; i < 5; i++) {
			label(&tree, "a");
			any_value(&tree, &random, 0);
		}
		char *whole = strdup(fitted(&tree, VALUE_WIDTH_ALL));
		assert_null(strstr(whole, "…"));
		size_t columns = 20 + round % 281, full = rune_columns(whole, strlen(whole));
		const char *text = fitted(&tree, columns);
		assert_true(rune_columns(text, strlen(text)) <= columns);
		if (full <= columns)
			assert_string_equal(text, whole);
		else
			assert_true(strstr(text, "…") || strstr(text, "...+"));
		no_number_is_cut(text, whole);
		assert_string_equal(fitted(&tree, VALUE_WIDTH_ALL), whole);
		free(whole);
	}
	value_tree_deinit(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_strings),
		cmocka_unit_test(shows_how_many_elements),
		cmocka_unit_test(a_reason_is_only_of_what_was_not_captured),
		cmocka_unit_test(marks_fields_where_they_were),
		cmocka_unit_test(what_is_short_stays),
		cmocka_unit_test(long_ones_share),
		cmocka_unit_test(errors_come_first),
		cmocka_unit_test(a_receiver_gets_what_is_left),
		cmocka_unit_test(texts_are_cut),
		cmocka_unit_test(elisions_and_errors_have_colours),
		cmocka_unit_test(an_error_in_a_struct_stays),
		cmocka_unit_test(any_tree_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
