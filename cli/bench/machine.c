// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
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
