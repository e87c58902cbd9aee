// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "bpf/floor.skel.h"
#include "tracer/backend/ebpf.h"
#include "tracer/backend/floor.h"

struct floor_probes {
	struct floor_bpf *program;
	struct bpf_link *link;
};

struct error *floor_probes_create(pid_t pid, const char *exe, const unsigned long *offsets,
				  size_t num, struct floor_probes **out)
{
	ebpf_quiet();
	struct floor_probes *probes = calloc(1, sizeof(*probes));
	if (!probes)
		return error_nomem();
	probes->program = floor_bpf__open_and_load();
	if (!probes->program) {
		int errnum = errno;
		floor_probes_destroy(probes);
		return error_errno(errnum, "loading an empty BPF program");
	}
	LIBBPF_OPTS(bpf_uprobe_multi_opts, options, .offsets = offsets, .cnt = num);
	probes->link = bpf_program__attach_uprobe_multi(probes->program->progs.floor_hit, pid, exe,
							NULL, &options);
	if (!probes->link) {
		int errnum = errno;
		floor_probes_destroy(probes);
		return error_errno(errnum, "the kernel refuses an empty uprobe");
	}
	*out = probes;
	return NULL;
}

void floor_probes_destroy(struct floor_probes *probes)
{
	if (!probes)
		return;
	bpf_link__destroy(probes->link);
	floor_bpf__destroy(probes->program);
	free(probes);
}
