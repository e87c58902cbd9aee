// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/values.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"

bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
	if (!isdigit((unsigned char)text[0]))
		return false;
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno || *end || value > max)
		return false;
	*out = value;
	return true;
}

bool parse_size(const char *text, size_t *bytes)
{
	static const char units[] = "KMG";
	size_t digits = strspn(text, "0123456789");
	CLEANUP_FREE char *number = strndup(text, digits);
	const char *end = text + digits, *unit = *end ? strchr(units, toupper(*end)) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	if (unit)
		end++;
	if (unit && (!strcmp(end, "iB") || !strcmp(end, "B")))
		end += strlen(end);
	uint64_t value;
	if (!number || *end || !parse_number(number, UINT64_MAX >> shift, &value))
		return false;
	*bytes = (size_t)(value << shift);
	return true;
}

bool parse_decimal(const char *text, double *value, const char **end)
{
	char *stop;
	*value = strtod(text, &stop);
	*end = stop;
	return stop != text && strspn(text, "0123456789.") == (size_t)(stop - text);
}

bool parse_duration(const char *text, uint64_t *ns)
{
	double total = 0;
	if (!*text)
		return false;
	while (*text) {
		double value, unit;
		if (!parse_decimal(text, &value, &text) || !(unit = duration_unit(&text)))
			return false;
		total += value * unit;
	}
	if (!(total < 9.2e18))
		return false;
	*ns = (uint64_t)(total + 0.5);
	return true;
}

// --- The kinds -----------------------------------------------------------------------------------

static struct error *parse_flag(const struct option_row *option, const char *arg, void *value)
{
	(void)option;
	(void)arg;
	*(bool *)value = true;
	return NULL;
}

const struct option_kind kind_flag = {sizeof(bool), true, parse_flag, NULL};

static struct error *parse_text(const struct option_row *option, const char *arg, void *value)
{
	(void)option;
	*(const char **)value = arg;
	return NULL;
}

static void print_text(const struct option_row *option, const void *value, FILE *out)
{
	(void)option;
	fputs(*(const char *const *)value, out);
}

const struct option_kind kind_text = {sizeof(const char *), false, parse_text, print_text};

static struct error *not_a_number(const struct option_row *option, const char *arg)
{
	if (option->before || option->after)
		return error_new("--%s %s: give it as %s, with N from %llu to %llu", option->name,
				 arg, option->arg, (unsigned long long)option->min,
				 (unsigned long long)option->max);
	if (option->max == INT64_MAX)
		return error_new("--%s %s: give a whole number from %llu on", option->name, arg,
				 (unsigned long long)option->min);
	return error_new("--%s %s: give a whole number from %llu to %llu", option->name, arg,
			 (unsigned long long)option->min, (unsigned long long)option->max);
}

static struct error *parse_number64(const struct option_row *option, const char *arg, void *value)
{
	const char *before = option->before ? option->before : "";
	const char *after = option->after ? option->after : "";
	size_t skip = strlen(before), end = strlen(after), len = arg ? strlen(arg) : 0;
	uint64_t number = option->left_out;
	if (!arg) {
		*(uint64_t *)value = number;
		return NULL;
	}
	bool is_framed =
		len > skip + end && !strncmp(arg, before, skip) && !strcmp(arg + len - end, after);
	CLEANUP_FREE char *digits = is_framed ? strndup(arg + skip, len - skip - end) : NULL;
	if (!digits || !parse_number(digits, option->max, &number) || number < option->min)
		return not_a_number(option, arg);
	*(uint64_t *)value = number;
	return NULL;
}

static struct error *parse_number32(const struct option_row *option, const char *arg, void *value)
{
	uint64_t number = 0;
	struct error *err = parse_number64(option, arg, &number);
	if (!err)
		*(uint32_t *)value = (uint32_t)number;
	return err;
}

static void print_number64(const struct option_row *option, const void *value, FILE *out)
{
	fprintf(out, "%s%llu%s", option->before ? option->before : "",
		*(const unsigned long long *)value, option->after ? option->after : "");
}

static void print_number32(const struct option_row *option, const void *value, FILE *out)
{
	print_number64(option, &(uint64_t){*(const uint32_t *)value}, out);
}

const struct option_kind kind_number32 = {sizeof(uint32_t), false, parse_number32, print_number32};
const struct option_kind kind_number64 = {sizeof(uint64_t), false, parse_number64, print_number64};

static struct error *parse_bytes(const struct option_row *option, const char *arg, void *value)
{
	size_t bytes;
	if (!parse_size(arg, &bytes) || bytes < option->min || bytes > option->max)
		return error_new("--%s %s: not a size from %lluK to %lluG, such as 64M",
				 option->name, arg, (unsigned long long)option->min >> 10,
				 (unsigned long long)option->max >> 30);
	*(size_t *)value = bytes;
	return NULL;
}

static void print_bytes(const struct option_row *option, const void *value, FILE *out)
{
	(void)option;
	size_t kib = *(const size_t *)value / 1024;
	fprintf(out, kib % 1024 ? "%zuK" : "%zuM", kib % 1024 ? kib : kib / 1024);
}

const struct option_kind kind_size = {sizeof(size_t), false, parse_bytes, print_bytes};

static struct error *parse_time(const struct option_row *option, const char *arg, void *value)
{
	uint64_t ns, number;
	if (parse_duration(arg, &ns) && ns) {
		*(uint64_t *)value = ns;
		return NULL;
	}
	if (parse_number(arg, UINT64_MAX, &number) && number)
		return error_new("--%s %s: of which unit? Give %ss, %sms or %sm", option->name, arg,
				 arg, arg, arg);
	return error_new("--%s %s: not a time above 0 in Go's syntax, such as 1.5s or 250ms",
			 option->name, arg);
}

// In the largest unit of which it is a whole number.
static void print_time(const struct option_row *option, const void *value, FILE *out)
{
	static const struct {
		const char *name;
		unsigned long long ns;
	} units[] = {{"h", 3600000000000}, {"m", 60000000000}, {"s", 1000000000},
		     {"ms", 1000000},	   {"us", 1000},       {"ns", 1}};
	(void)option;
	unsigned long long ns = *(const uint64_t *)value;
	size_t i = 0;
	while (ns % units[i].ns)
		i++;
	fprintf(out, "%llu%s", ns / units[i].ns, units[i].name);
}

const struct option_kind kind_time = {sizeof(uint64_t), false, parse_time, print_time};

const char *option_word(const struct option_row *option, size_t i)
{
	if (option->rows)
		return option->rows[i] ? *(const char *const *)option->rows[i] : NULL;
	return option->words ? option->words[i] : NULL;
}

static struct error *find_word(const struct option_row *option, const char *arg, uint32_t *index)
{
	struct text known;
	text_init(&known);
	const char *word;
	for (size_t i = 0; (word = option_word(option, i)); i++) {
		if (!strcmp(arg, word)) {
			text_deinit(&known);
			*index = (uint32_t)i;
			return NULL;
		}
		text_printf(&known, "%s%s",
			    !i				 ? ""
			    : option_word(option, i + 1) ? ", "
							 : " and ",
			    word);
	}
	struct error *err =
		error_new("--%s %s: there are %s", option->name, arg, text_string(&known));
	text_deinit(&known);
	return err;
}

static struct error *parse_word(const struct option_row *option, const char *arg, void *value)
{
	return find_word(option, arg, value);
}

static void print_word(const struct option_row *option, const void *value, FILE *out)
{
	fputs(option_word(option, *(const uint32_t *)value), out);
}

const struct option_kind kind_word = {sizeof(uint32_t), false, parse_word, print_word};

static struct error *parse_row(const struct option_row *option, const char *arg, void *value)
{
	uint32_t index;
	struct error *err = find_word(option, arg, &index);
	if (!err)
		*(const void **)value = option->rows[index];
	return err;
}

static void print_row(const struct option_row *option, const void *value, FILE *out)
{
	(void)option;
	fputs(**(const char *const *const *)value, out);
}

const struct option_kind kind_row = {sizeof(const void *), false, parse_row, print_row};
