// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/plan/redact.h"

static struct redact *make(const char *a, const char *b, bool no_defaults)
{
	struct redact_options options = {.rules = {a, b},
					 .num = !!a + !!b,
					 .no_defaults = no_defaults};
	struct redact *redact;
	assert_null(redact_create(&options, &redact));
	return redact;
}

static bool has(const struct redact *redact, const char *name)
{
	return redact_has_name(redact, name, strlen(name));
}

static void names(void **state)
{
	(void)state;
	static const char *const secret[] = {
		"password",
		"Password",
		"dbPassword",
		"PASSWORD",
		"user_password",
		"passwordHash",
		"passwd",
		"secret",
		"clientSecret",
		"secrets",
		"token",
		"authToken",
		"X-Auth-Token",
		"tokens",
		"token2",
		"Authorization",
		"Proxy-Authorization",
		"Cookie",
		"Set-Cookie",
		"cookies",
		"apiKey",
		"APIKey",
		"apikey",
		"api_key",
		"X-Api-Key",
		"APIKeys",
		"api.key",
		"PrivateKey",
		"HTTPToken",
	};
	static const char *const open[] = {"",		"tokenizer", "Tokenizer",
					   "secretary", "pass",	     "word",
					   "key",	"api",	     "apiKeyboard",
					   "author",	"betokens",  "cook",
					   "private",	"api_keyed"};
	struct redact *redact = make(NULL, NULL, false);
	for (size_t i = 0; i < sizeof(secret) / sizeof(*secret); i++)
		if (!has(redact, secret[i]))
			fail_msg("%s is not secret", secret[i]);
	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
		if (has(redact, open[i]))
			fail_msg("%s is secret", open[i]);
	assert_true(redact_has_name(redact, "tokenizer", 5)); // without a NUL
	redact_destroy(redact);
	assert_false(redact_has_name(NULL, "password", 8));
}

static void rules(void **state)
{
	(void)state;
	struct redact *redact = make("pin_code", "/^x-.*id$/", true);
	assert_true(has(redact, "pinCode"));
	assert_true(has(redact, "X-Request-ID"));
	assert_false(has(redact, "password"));
	assert_false(has(redact, "X-Request"));
	redact_destroy(redact);
	redact = make("pin", NULL, false);
	assert_true(has(redact, "pin"));
	assert_true(has(redact, "password"));
	redact_destroy(redact);
	static const char *const bad[] = {"", "-", "/(/"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct redact_options options = {.rules = {bad[i]}, .num = 1};
		struct error *err = redact_create(&options, &redact);
		assert_non_null(err);
		error_free(err);
	}
}

static void types(void **state)
{
	(void)state;
	struct redact *redact = make("main.Key", NULL, false);
	struct gotype rsa = {.kind = GO_STRUCT,
			     .name = "rsa.PrivateKey",
			     .full_name = "crypto/rsa.PrivateKey",
			     .is_complete = true};
	struct gotype pointer = {.kind = GO_POINTER,
				 .name = "*rsa.PrivateKey",
				 .full_name = "*crypto/rsa.PrivateKey",
				 .elem = &rsa,
				 .is_complete = true};
	struct gotype key = {.kind = GO_INT, .name = "main.Key", .full_name = "main.Key"};
	struct gotype public = {.kind = GO_STRUCT,
				.name = "rsa.PublicKey",
				.full_name = "crypto/rsa.PublicKey"};
	struct gotype cookie = {.kind = GO_STRUCT,
				.name = "http.Cookie",
				.full_name = "net/http.Cookie"};
	struct gotype truth = {.kind = GO_BOOL, .name = "bool", .full_name = "bool"};
	struct gotype number = {.kind = GO_INT, .name = "int", .full_name = "int"};
	assert_true(redact_has_type(redact, &rsa));
	assert_true(redact_has_type(redact, &pointer));
	assert_true(redact_has_type(redact, &key));
	assert_false(redact_has_type(redact, &public));
	assert_false(redact_has_type(redact, &cookie));
	assert_true(redact_has_field(redact, &cookie, "Value"));
	assert_false(redact_has_field(redact, &cookie, "Name"));
	assert_false(redact_has_field(redact, &public, "Value"));
	assert_true(redact_has_value(redact, "token", &number));
	assert_false(redact_has_value(redact, "hasToken", &truth));
	assert_true(redact_has_value(redact, "k", &key));
	redact_destroy(redact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(rules),
		cmocka_unit_test(types),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
