// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/backend.h"

#include <string.h>

static const struct backend_ops *const backends[] = {&backend_ebpf, &backend_ptrace};

const struct backend_ops *backend_find(const char *name)
{
	for (size_t i = 0; i < sizeof(backends) / sizeof(*backends); i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}
