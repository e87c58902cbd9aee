// SPDX-License-Identifier: GPL-2.0-or-later
// bare PID OFFSET...: puts an empty uprobe on these file offsets of a process's executable, says READY, and
// takes them off when its standard input ends. The floor that gotrace's probes are compared with.
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/bare.skel.h"

enum { OFFSETS_MAX = 4096 };

int main(int argc, char **argv)
{
	unsigned long offsets[OFFSETS_MAX];
	if (argc < 3 || argc - 2 > OFFSETS_MAX) {
		fputs("usage: bare PID OFFSET...\n", stderr);
		return 2;
	}
	for (int i = 2; i < argc; i++)
		offsets[i - 2] = strtoul(argv[i], NULL, 0);
	char exe[32];
	snprintf(exe, sizeof(exe), "/proc/%s/exe", argv[1]);
	struct bare *skeleton = bare__open_and_load();
	if (!skeleton)
		return 1;
	LIBBPF_OPTS(bpf_uprobe_multi_opts, options, .offsets = offsets, .cnt = (size_t)argc - 2);
	struct bpf_link *link =
		bpf_program__attach_uprobe_multi(skeleton->progs.bare, atoi(argv[1]), exe, NULL,
						 &options);
	if (!link) {
		perror("bare: attach");
		return 1;
	}
	puts("READY");
	fflush(stdout);
	char byte;
	while (read(0, &byte, 1) > 0)
		continue;
	bpf_link__destroy(link);
	bare__destroy(skeleton);
	return 0;
}
