// SPDX-License-Identifier: GPL-2.0-or-later
// The package time.
#include "tracer/event/value/known/known.h"

// time.Time is {wall, ext, loc} (src/time/time.go). If wall's highest bit is set, wall has the
// seconds since 1885; otherwise ext has the seconds since year 1. loc is ignored: a time prints in
// UTC.
static bool put_time(const struct known_value *value, struct text *out)
{
	int64_t wall, ext, seconds;
	if (!known_number(value, "wall", &wall) || !known_number(value, "ext", &ext))
		return false;
	uint32_t ns = (uint64_t)wall & ((1u << 30) - 1);
	if (wall < 0)
		seconds = (int64_t)((uint64_t)wall << 1 >> 31) - 2682288000;
	else if (__builtin_sub_overflow(ext, 62135596800, &seconds))
		return false;
	if (ns > 999999999 || seconds >= INT64_MAX / 2 || seconds <= INT64_MIN / 2)
		return false;
	value_time(seconds, ns, out);
	return true;
}

static bool put_duration(const struct known_value *value, struct text *out)
{
	int64_t ns;
	if (!known_number(value, "", &ns))
		return false;
	value_duration(ns, out);
	return true;
}

static bool put_month(const struct known_value *value, struct text *out)
{
	static const char *const months[] = {"January",	  "February", "March",	  "April",
					     "May",	  "June",     "July",	  "August",
					     "September", "October",  "November", "December"};
	int64_t month;
	if (!known_number(value, "", &month) || month < 1 || month > 12)
		return false;
	text_puts(out, months[month - 1]);
	return true;
}

static bool put_weekday(const struct known_value *value, struct text *out)
{
	static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
					   "Thursday", "Friday", "Saturday"};
	int64_t day;
	if (!known_number(value, "", &day) || day < 0 || day > 6)
		return false;
	text_puts(out, days[day]);
	return true;
}

// The name of the local time zone is set when it is first used.
static bool put_location(const struct known_value *value, struct text *out)
{
	uint64_t len;
	return known_len(value, "name", &len) && len && known_put(value, "name", out);
}

const struct known_row known_time[] = {
	{"time.Time", put_time, KNOWN_JSON | KNOWN_CLEAR},
	{"time.Duration", put_duration, KNOWN_JSON | KNOWN_CLEAR},
	{"time.Month", put_month, 0},
	{"time.Weekday", put_weekday, 0},
	{"time.Location", put_location, KNOWN_TYPED | KNOWN_POINTER},
	{0},
};
