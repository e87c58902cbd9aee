// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/output/output.h"

static const struct sink_ops *const sinks[] = {
	&sink_graph,
	&sink_lines,
	&sink_json,
};

const struct sink_ops *sink_find(const char *name)
{
	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++)
		if (!strcmp(sinks[i]->name, name))
			return sinks[i];
	return NULL;
}
