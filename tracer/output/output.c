// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/output/output.h"

#define SINK(NAME) &sink_##NAME,
const struct sink_ops *const sinks[] = {SINKS(SINK) NULL};

const struct sink_ops *sink_find(const char *name)
{
	for (size_t i = 0; sinks[i]; i++)
		if (!strcmp(sinks[i]->name, name))
			return sinks[i];
	return NULL;
}
