// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/go/funcname.h"

#include <ctype.h>
#include <string.h>

// Returns the closing quote of the struct tag that begins at tag, or the end of the name.
static const char *tag_end(const char *tag)
{
	for (tag++; *tag && *tag != '"'; tag++)
		if (*tag == '\\' && tag[1])
			tag++;
	return tag;
}

// Reports whether the compiler gives this name to functions inside others. A method on a value may
// have such a name too; it is taken for such a function.
static bool is_made_up(const char *name)
{
	static const char *const made[] = {"", "func", "gowrap", "deferwrap"};
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		size_t letters = strlen(made[i]);
		if (!strncmp(name, made[i], letters) && isdigit((unsigned char)name[letters]))
			return true;
	}
	return false;
}

bool funcname_method(const char *name, struct method_name *out)
{
	const char *start = NULL, *dot = NULL; // the last two dots that are not inside brackets
	int depth = 0;
	for (const char *at = name; *at; at++) {
		depth += strchr("([{", *at) ? 1 : strchr(")]}", *at) ? -1 : 0;
		if (*at == '"')
			at = tag_end(at);
		if (!*at)
			return false;
		if (!depth && *at == '/')
			start = dot = NULL;
		if (!depth && *at == '.') {
			start = dot;
			dot = at;
		}
	}
	if (!start || dot - start < 2 || !dot[1] || strchr(dot, '-') || strstr(dot, "\u00b7"))
		return false;
	start++;
	bool is_pointer = dot - start > 3 && !strncmp(start, "(*", 2) && dot[-1] == ')';
	if (!is_pointer && is_made_up(dot + 1))
		return false;
	*out = (struct method_name){
		.package_len = (size_t)(start - name),
		.receiver = start + 2 * is_pointer,
		.receiver_len = (size_t)(dot - start) - 3 * is_pointer,
		.is_pointer = is_pointer,
		.method = dot + 1,
	};
	return true;
}

bool funcname_is_same(const char *a, const char *b)
{
	size_t head = strcspn(a, "[");
	const char *rest_a = strrchr(a, ']'), *rest_b = strrchr(b, ']');
	return head == strcspn(b, "[") && !strncmp(a, b, head) && !rest_a == !rest_b &&
	       (!rest_a || !strcmp(rest_a, rest_b));
}

bool funcname_has_shape(const char *name)
{
	return strstr(name, "go.shape.") != NULL;
}

bool funcname_takes_dict(const char *name)
{
	struct method_name method;
	if (!funcname_has_shape(name))
		return false;
	return name[strlen(name) - 1] == ']' ||
	       (funcname_method(name, &method) && method.receiver[method.receiver_len - 1] == ']');
}

bool funcname_is_method_value(const char *name)
{
	size_t len = strlen(name);
	return len > 3 && !strcmp(name + len - 3, "-fm");
}

bool funcname_is_range_body(const char *name)
{
	static const char mark[] = "-range";
	const char *end = name + strlen(name), *digits = end;
	while (digits > name && digits[-1] >= '0' && digits[-1] <= '9')
		digits--;
	size_t len = strlen(mark);
	return digits < end && digits >= name + len && !memcmp(digits - len, mark, len);
}
