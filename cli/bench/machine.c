// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/bench/bench.h"

void bench_machine_init(struct bench_machine *machine)
{
	static const char key[] = "model name";
	CLEANUP_FREE char *info = bench_read("/proc/cpuinfo");
	const char *line = info ? strstr(info, key) : NULL;
	const char *name = line ? line + strlen(key) : "unknown CPU";
	name += strspn(name, " \t:");
	snprintf(machine->cpu, sizeof(machine->cpu), "%.*s", (int)strcspn(name, "\n"), name);
	machine->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct utsname names;
	uname(&names);
	snprintf(machine->kernel, sizeof(machine->kernel), "%s %s", names.sysname, names.release);
}

char *bench_read(const char *path)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	if (!file)
		return NULL;
	struct text all;
	text_init(&all);
	char piece[4096];
	for (size_t len; (len = fread(piece, 1, sizeof(piece), file)) > 0;)
		text_append(&all, piece, len);
	return all.data ? all.data : strdup("");
}

bool bench_find_program(const char *name, char *path, size_t size)
{
	CLEANUP_FREE char *dirs = strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	if (strchr(name, '/'))
		return snprintf(path, size, "%s", name) < (int)size && !access(path, X_OK);
	char *rest = dirs;
	for (char *dir; rest && (dir = strsep(&rest, ":"));)
		if (snprintf(path, size, "%s/%s", *dir ? dir : ".", name) < (int)size &&
		    !access(path, X_OK))
			return true;
	return false;
}
