// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/plan/errormethod.h"

#include <stdio.h>
#include <string.h>

#include "arch/idioms.h"

enum { CODE_MAX = 256 };

static bool method_returns_string(struct index *index, const char *format, const char *package,
				  size_t package_len, const char *type, bool by_pointer)
{
	char name[512];
	int len = snprintf(name, sizeof(name), format, (int)package_len, package, type);
	const struct func *func;
	if (len < 0 || (size_t)len >= sizeof(name) || index_named(index, name, &func, 1) != 1 ||
	    (func->flags & FUNC_WRAPPER))
		return false;
	const uint8_t *code;
	size_t size = func->size < CODE_MAX ? func->size : CODE_MAX;
	return image_text(index_image(index), func->vaddr, size, &code) &&
	       idiom_returns_string(code, size, by_pointer, index_runtime(index)->has_regabi);
}

static bool is_one_string(struct gotype *type)
{
	gotype_complete(type);
	if (type->kind == GO_STRUCT && type->num_fields == 1) {
		type = type->fields[0].type;
		gotype_complete(type);
	}
	return type->kind == GO_STRING;
}

bool error_method_returns_string(struct index *index, struct gotype *type)
{
	gotype_complete(type);
	bool is_pointer = type->kind == GO_POINTER && type->elem;
	struct gotype *value = is_pointer ? type->elem : type;
	if (!is_one_string(value) || !value->is_named)
		return false;
	const char *slash = strrchr(value->full_name, '/');
	const char *dot = strchr(slash ? slash : value->full_name, '.');
	if (!dot)
		return false;
	size_t package = (size_t)(dot - value->full_name);
	if (is_pointer && method_returns_string(index, "%.*s.(*%s).Error", value->full_name,
						package, dot + 1, true))
		return true;
	return method_returns_string(index, "%.*s.%s.Error", value->full_name, package, dot + 1,
				     false);
}
