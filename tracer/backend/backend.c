// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/backend.h"

#include <string.h>

#define BACKEND(NAME) &backend_##NAME,
const struct backend_ops *const backends[] = {BACKENDS(BACKEND) NULL};

const struct backend_ops *backend_find(const char *name)
{
	for (size_t i = 0; backends[i]; i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}
