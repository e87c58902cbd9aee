// SPDX-License-Identifier: GPL-2.0-or-later
// The package log/slog, and the levels of other loggers.
#include "tracer/event/value/known/known.h"

enum { KIND_BOOL = 1, KIND_DURATION, KIND_FLOAT, KIND_INT, KIND_UINT = 7 };

static bool put_level(const struct known_value *value, struct text *out)
{
	static const struct {
		int64_t level;
		const char *name;
	} levels[] = {{8, "ERROR"}, {4, "WARN"}, {0, "INFO"}, {-4, "DEBUG"}};
	int64_t level;
	if (!known_number(value, "", &level))
		return false;
	unsigned i = 0;
	while (i < 3 && level < levels[i].level)
		i++;
	text_puts(out, levels[i].name);
	if (level != levels[i].level)
		text_printf(out, "%+lld", (long long)(level - levels[i].level));
	return true;
}

static void put_number(int64_t kind, int64_t number, struct text *out)
{
	double value;
	memcpy(&value, &number, sizeof(value));
	if (kind == KIND_BOOL)
		text_puts(out, number ? "true" : "false");
	else if (kind == KIND_DURATION)
		value_duration(number, out);
	else if (kind == KIND_FLOAT)
		value_float(value, false, out);
	else if (kind == KIND_INT)
		text_i64(out, number);
	else
		text_u64(out, (uint64_t)number);
}

// A value is {num, any}. any is a Kind, whose value is in num; a stringptr, and num is the length;
// a timeLocation, and num is the time in nanoseconds; or the value itself.
static bool put_value(const struct known_value *value, struct text *out)
{
	struct dynamic any;
	struct known_value held;
	int64_t number, kind;
	if (!known_number(value, "num", &number))
		return false;
	if (known_is_nil(value, "any")) {
		text_puts(out, "<nil>");
		return true;
	}
	if (!known_dynamic(value, "any", &any))
		return false;
	const char *name = any.type->full_name;
	if (!strcmp(name, "log/slog.stringptr"))
		return number >= 0 && number >> 47 == 0 &&
		       known_put_bytes(value, &(struct known_bytes){any.word, (uint64_t)number},
				       false, out);
	if (!strcmp(name, "log/slog.timeLocation")) {
		int64_t ns = number % 1000000000;
		value_time(number / 1000000000 - (ns < 0),
			   (uint32_t)(ns < 0 ? ns + 1000000000 : ns), out);
		return true;
	}
	if (!strcmp(name, "log/slog.Kind")) {
		held = (struct known_value){value->walk, any.type, any.addr};
		if (!known_number(&held, "", &kind) || kind < KIND_BOOL || kind > KIND_UINT)
			return false;
		put_number(kind, number, out);
		return true;
	}
	return !strcmp(any.type->full_name, "log/slog.groupptr")
		       ? false
		       : known_put_error(value, "any", out) || known_put_scalar(value, "any", out);
}

static bool put_attr(const struct known_value *attr, struct text *out)
{
	if (!known_put(attr, "Key", out))
		return false;
	text_putc(out, '=');
	struct known_value key;
	if (known_get(attr, "Key", &key) && walk_redacts_key(attr->walk, key.type, key.addr)) {
		text_printf(out, "?(%s)", value_redacted);
		return true;
	}
	return known_put_known(attr, "Value", out);
}

static bool put_record(const struct known_value *record, struct text *out)
{
	struct known_value attr;
	int64_t num_front;
	uint64_t num_back;
	if (!known_put_known(record, "Level", out) || !known_number(record, "nFront", &num_front) ||
	    !known_len(record, "back", &num_back))
		return false;
	text_putc(out, ' ');
	if (!known_quote(record, "Message", out))
		return false;
	for (int64_t i = 0; i < num_front && i < 16; i++) {
		text_putc(out, ' ');
		if (!known_elem(record, "front", (uint64_t)i, &attr) || !put_attr(&attr, out))
			return false;
	}
	if (num_back)
		text_printf(out, " ...+%llu", (unsigned long long)num_back);
	return true;
}

// Levels are named from the lowest on.
static bool put_name(const struct known_value *value, int64_t lowest, const char *const *names,
		     int64_t num, struct text *out)
{
	int64_t level;
	if (!known_number(value, "", &level) || level < lowest || level - lowest >= num)
		return false;
	text_puts(out, names[level - lowest]);
	return true;
}

static bool put_zap_level(const struct known_value *value, struct text *out)
{
	static const char *const names[] = {"debug",  "info",  "warn", "error",
					    "dpanic", "panic", "fatal"};
	return put_name(value, -1, names, 7, out);
}

static bool put_zerolog_level(const struct known_value *value, struct text *out)
{
	static const char *const names[] = {"trace", "debug", "info", "warn",
					    "error", "fatal", "panic"};
	return put_name(value, -1, names, 7, out);
}

static bool put_logrus_level(const struct known_value *value, struct text *out)
{
	static const char *const names[] = {"panic", "fatal", "error", "warning",
					    "info",  "debug", "trace"};
	return put_name(value, 0, names, 7, out);
}

const struct known_row known_slog[] = {
	{"log/slog.Level", put_level, 0},
	{"log/slog.Value", put_value, 0},
	{"log/slog.Attr", put_attr, 0},
	{"log/slog.Record", put_record, KNOWN_POINTER},
	{"go.uber.org/zap/zapcore.Level", put_zap_level, 0},
	{"github.com/rs/zerolog.Level", put_zerolog_level, 0},
	{"github.com/sirupsen/logrus.Level", put_logrus_level, 0},
	{0},
};
