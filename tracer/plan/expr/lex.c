// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "tracer/plan/expr/internal.h"

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static void take_name(struct expr_parser *parser)
{
	size_t len = *parser->at == EXPR_OURS;
	while (is_name(parser->at[len]))
		len++;
	if (len >= sizeof(parser->name)) {
		expr_wrong(parser, parser->column, "this name is too long");
		return;
	}
	memcpy(parser->name, parser->at, len);
	parser->name[len] = '\0';
	parser->at += len;
	parser->token = TOKEN_NAME;
}

// --- Numbers -------------------------------------------------------------------------------------

// Reads a decimal number, which may have a fraction and an exponent. Unlike strtod(), it takes the
// underscores that Go allows among digits, and nothing else that is not decimal.
static double take_decimal(struct expr_parser *parser)
{
	static const char digits[] = "0123456789_";
	const char *end = parser->at + strspn(parser->at, digits);
	if (*end == '.')
		end += 1 + strspn(end + 1, digits);
	const char *sign = *end == 'e' || *end == 'E' ? end + 1 + strspn(end + 1, "+-") : "";
	if (isdigit((unsigned char)*sign) && sign - end <= 2)
		end = sign + strspn(sign, digits);
	struct text number;
	text_init(&number);
	for (; parser->at < end; parser->at++)
		if (*parser->at != '_')
			text_putc(&number, *parser->at);
	double value = strtod(text_string(&number), NULL);
	parser->failed |= number.failed;
	text_deinit(&number);
	return value;
}

static void take_duration(struct expr_parser *parser, double value, double unit)
{
	double total = value * unit;
	while (isdigit((unsigned char)*parser->at)) { // 1m30s
		value = take_decimal(parser);
		unit = duration_unit(&parser->at);
		if (unit == 0) {
			expr_wrong(parser, parser->column, "a unit is missing in this time");
			return;
		}
		total += value * unit;
	}
	if (!(total < 9.2e18)) {
		expr_wrong(parser, parser->column, "this time is too long");
		return;
	}
	parser->integer = (__int128)(total + 0.5);
	parser->token = TOKEN_INT;
}

static int digit_of(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static void take_digits(struct expr_parser *parser, int base)
{
	__int128 value = 0;
	bool any = false;
	for (; *parser->at == '_' || digit_of(*parser->at) < base; parser->at++) {
		if (*parser->at == '_')
			continue;
		any = true;
		value = value * base + digit_of(*parser->at);
		if (value >> 65)
			value = (__int128)1 << 65; // too large for any type
	}
	if (!any || is_name(*parser->at))
		expr_wrong(parser, parser->column, "this is no number");
	parser->integer = value;
	parser->token = TOKEN_INT;
}

static int base_of(const char *text)
{
	if (text[0] != '0')
		return 10;
	switch (tolower((unsigned char)text[1])) {
	case 'x':
		return 16;
	case 'b':
		return 2;
	case 'o':
		return 8;
	default:
		return isdigit((unsigned char)text[1]) || text[1] == '_' ? 8 : 10;
	}
}

static void take_number(struct expr_parser *parser)
{
	int base = base_of(parser->at);
	if (base != 10) {
		parser->at += isalpha((unsigned char)parser->at[1]) ? 2 : 1;
		take_digits(parser, base);
		return;
	}
	size_t digits = strspn(parser->at, "0123456789_");
	const char *behind = parser->at + digits;
	bool is_float = *behind == '.' || *behind == 'e' || *behind == 'E';
	if (!is_float && !is_name(*behind)) {
		take_digits(parser, 10);
		return;
	}
	double value = take_decimal(parser);
	double unit = duration_unit(&parser->at);
	if (unit > 0) {
		take_duration(parser, value, unit);
		return;
	}
	if (is_name(*parser->at))
		expr_wrong(parser, parser->column, "this is no number, and no time as 1.5ms is");
	else if (!isfinite(value))
		expr_wrong(parser, parser->column, "this number is too large");
	parser->number = value;
	parser->token = TOKEN_FLOAT;
}

// --- Strings -------------------------------------------------------------------------------------

static void put_rune(struct text *out, uint32_t rune)
{
	if (rune < 0x80) {
		text_putc(out, (char)rune);
	} else if (rune < 0x800) {
		text_putc(out, (char)(0xc0 | rune >> 6));
		text_putc(out, (char)(0x80 | (rune & 0x3f)));
	} else if (rune < 0x10000) {
		text_putc(out, (char)(0xe0 | rune >> 12));
		text_putc(out, (char)(0x80 | (rune >> 6 & 0x3f)));
		text_putc(out, (char)(0x80 | (rune & 0x3f)));
	} else {
		text_putc(out, (char)(0xf0 | rune >> 18));
		text_putc(out, (char)(0x80 | (rune >> 12 & 0x3f)));
		text_putc(out, (char)(0x80 | (rune >> 6 & 0x3f)));
		text_putc(out, (char)(0x80 | (rune & 0x3f)));
	}
}

static bool take_code(struct expr_parser *parser, int digits, int base, uint32_t *out)
{
	uint32_t value = 0;
	for (int i = 0; i < digits; i++) {
		int digit = digit_of(*parser->at);
		if (digit >= base)
			return false;
		value = value * (uint32_t)base + (uint32_t)digit;
		parser->at++;
	}
	*out = value;
	return true;
}

// Reads what follows a backslash.
static bool take_escape(struct expr_parser *parser, char quote)
{
	static const char names[] = "abfnrtv\\", values[] = "\a\b\f\n\r\t\v\\";
	char c = *parser->at;
	const char *name = c ? strchr(names, c) : NULL;
	uint32_t code = 0;
	if (name || c == quote) {
		parser->at++;
		text_putc(&parser->string, name ? values[name - names] : quote);
		return c;
	}
	if (c == 'x' || c == 'u' || c == 'U') {
		parser->at++;
		if (!take_code(parser, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16, &code))
			return false;
	} else if (!take_code(parser, 3, 8, &code)) {
		return false;
	}
	if (c == 'u' || c == 'U') {
		if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return false;
		put_rune(&parser->string, code);
	} else {
		if (code > 0xff)
			return false;
		text_putc(&parser->string, (char)code);
	}
	return true;
}

static void take_string(struct expr_parser *parser)
{
	char quote = *parser->at++;
	text_reset(&parser->string);
	parser->token = TOKEN_STRING;
	while (*parser->at && *parser->at != quote) {
		if (*parser->at != '\\' || quote == '`') {
			text_putc(&parser->string, *parser->at++);
			continue;
		}
		parser->at++;
		if (!take_escape(parser, quote)) {
			expr_wrong(parser, parser->column, "an escape in it is not Go's");
			return;
		}
	}
	if (!*parser->at)
		expr_wrong(parser, parser->column, "this quotation does not end");
	else
		parser->at++;
	parser->failed |= parser->string.failed;
}

// Returns the text's only UTF-8 character; -1 if it does not have exactly one.
static int32_t only_rune(const struct text *text)
{
	const unsigned char *bytes = (const unsigned char *)text_string(text);
	size_t len = text->len;
	if (len == 1)
		return bytes[0];
	size_t wanted = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : bytes[0] >= 0xc0 ? 2 : 0;
	if (!len || len != wanted)
		return -1;
	int32_t rune = bytes[0] & (0xff >> (len + 1));
	for (size_t i = 1; i < len; i++)
		rune = rune << 6 | (bytes[i] & 0x3f);
	return rune;
}

static void take_rune(struct expr_parser *parser)
{
	take_string(parser);
	int32_t rune = expr_is_wrong(parser) ? 0 : only_rune(&parser->string);
	if (rune < 0)
		expr_wrong(parser, parser->column,
			   "one character is written between '', strings between \"\"");
	parser->integer = rune;
	parser->token = TOKEN_INT;
}

// --- Tokens --------------------------------------------------------------------------------------

static void take_operator(struct expr_parser *parser)
{
	static const struct {
		char name[3];
		enum expr_token token;
	} operators[] = {
		{"||", TOKEN_OR_OR},	 {"&&", TOKEN_AND_AND},	   {"==", TOKEN_EQUAL},
		{"!=", TOKEN_NOT_EQUAL}, {"<=", TOKEN_LESS_EQUAL}, {">=", TOKEN_GREATER_EQUAL},
		{"<", TOKEN_LESS},	 {">", TOKEN_GREATER},	   {"+", TOKEN_PLUS},
		{"-", TOKEN_MINUS},	 {"|", TOKEN_OR},	   {"*", TOKEN_STAR},
		{"&", TOKEN_AND},	 {"!", TOKEN_NOT},	   {"(", TOKEN_OPEN},
		{")", TOKEN_CLOSE},	 {"[", TOKEN_INDEX_OPEN},  {"]", TOKEN_INDEX_CLOSE},
		{".", TOKEN_DOT},	 {",", TOKEN_COMMA},
	};
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
		size_t len = strlen(operators[i].name);
		if (strncmp(parser->at, operators[i].name, len))
			continue;
		parser->at += len;
		parser->token = operators[i].token;
		return;
	}
	if (*parser->at == '=')
		expr_wrong(parser, parser->column, "equality is ==");
	else
		expr_wrong(parser, parser->column, "'%c' is no operator here", *parser->at);
}

void expr_next(struct expr_parser *parser)
{
	parser->token = TOKEN_END;
	parser->at += strspn(parser->at, " \t\n");
	parser->column = (uint32_t)(parser->at - parser->text) + 1;
	char c = *parser->at;
	if (!c || expr_is_wrong(parser))
		return;
	if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)parser->at[1])))
		take_number(parser);
	else if (is_name(c) || (c == EXPR_OURS && is_name(parser->at[1])))
		take_name(parser);
	else if (c == '"' || c == '`')
		take_string(parser);
	else if (c == '\'')
		take_rune(parser);
	else
		take_operator(parser);
}
