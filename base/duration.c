// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/duration.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

double duration_unit(const char **text)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1},	  {"us", 1e3}, {"µs", 1e3}, {"μs", 1e3},
		     {"ms", 1e6}, {"s", 1e9},  {"m", 6e10}, {"h", 3.6e12}};
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t len = strlen(units[i].name);
		// "m" must not match the beginning of "ms".
		if (strncmp(*text, units[i].name, len) || isalpha((unsigned char)(*text)[len]))
			continue;
		*text += len;
		return units[i].ns;
	}
	return 0;
}
