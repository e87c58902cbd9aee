// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/armed.h"

#include <stdlib.h>
#include <string.h>

struct error *armed_grow(struct armed *armed, size_t num_funcs)
{
	if (num_funcs <= armed->num)
		return NULL;
	struct armed_func *funcs = reallocarray(armed->funcs, num_funcs, sizeof(*funcs));
	if (!funcs)
		return error_nomem();
	memset(funcs + armed->num, 0, (num_funcs - armed->num) * sizeof(*funcs));
	armed->funcs = funcs;
	armed->num = num_funcs;
	return NULL;
}

void armed_deinit(struct armed *armed)
{
	for (size_t i = 0; i < armed->num; i++)
		free(armed->funcs[i].refused);
	free(armed->funcs);
	*armed = (struct armed){0};
}

void armed_refuse(struct armed *armed, uint32_t func, const char *why)
{
	free(armed->funcs[func].refused);
	armed->funcs[func].refused = strdup(why);
}
