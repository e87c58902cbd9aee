// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "bpf/floor.skel.h"
#include "tracer/backend/ebpf/ebpf.h"
#include "tracer/backend/features.h"
#include "tracer/backend/ebpf/floor.h"

struct floor_probes {
	struct floor_bpf *program;
	struct bpf_link **link;
	size_t num;
};

static struct bpf_link *attach_multi(struct bpf_program *program, pid_t pid, const char *exe,
				     const unsigned long *offsets, size_t num)
{
	LIBBPF_OPTS(bpf_uprobe_multi_opts, options, .offsets = offsets, .cnt = num);
	pid_t only = features_uprobe_multi_process() ? pid : -1;
	return bpf_program__attach_uprobe_multi(program, only, exe, NULL, &options);
}

static struct error *attach(struct floor_probes *probes, bool is_multi, pid_t pid, const char *exe,
			    const unsigned long *offsets, size_t num)
{
	struct bpf_program *program = probes->program->progs.floor_hit;
	size_t step = is_multi ? num : 1;
	for (size_t i = 0; i < num; i += step) {
		struct bpf_link *link =
			is_multi ? attach_multi(program, pid, exe, offsets, num)
				 : bpf_program__attach_uprobe(program, false, pid, exe, offsets[i]);
		if (!link)
			return error_errno(errno, "the kernel refuses an empty uprobe");
		probes->link[probes->num++] = link;
	}
	return NULL;
}

struct error *floor_probes_create(pid_t pid, const char *exe, const unsigned long *offsets,
				  size_t num, struct floor_probes **out)
{
	ebpf_quiet();
	struct floor_probes *probes = calloc(1, sizeof(*probes));
	if (!probes)
		return error_nomem();
	probes->link = calloc(num ? num : 1, sizeof(*probes->link));
	probes->program = probes->link ? floor_bpf__open() : NULL;
	bool is_multi = features_uprobe_multi();
	struct error *err = NULL;
	if (!probes->program)
		err = error_nomem();
	else if (is_multi)
		bpf_program__set_expected_attach_type(probes->program->progs.floor_hit,
						      (enum bpf_attach_type)EBPF_UPROBE_MULTI);
	if (!err && floor_bpf__load(probes->program))
		err = error_errno(errno, "loading an empty BPF program");
	if (!err)
		err = attach(probes, is_multi, pid, exe, offsets, num);
	if (err) {
		floor_probes_destroy(probes);
		return err;
	}
	*out = probes;
	return NULL;
}

void floor_probes_destroy(struct floor_probes *probes)
{
	if (!probes)
		return;
	while (probes->num)
		bpf_link__destroy(probes->link[--probes->num]);
	free(probes->link);
	floor_bpf__destroy(probes->program);
	free(probes);
}
