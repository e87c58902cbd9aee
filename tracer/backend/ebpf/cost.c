// SPDX-License-Identifier: GPL-2.0-or-later
// Measures what a hit costs on this machine, with empty uprobes on two instructions of gotrace
// itself (arch/cost.h). The run time of the eBPF program is not part of this: it comes from the
// kernel's statistics, which are switched on here. In a large program that is not in the
// processor's caches a hit costs several times as much: that is sampled (meter.h).
#include <bpf/bpf.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "arch/cost.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "tracer/backend/ebpf/ebpf.h"
#include "bpf/gotrace.skel.h"
#include "tracer/backend/ebpf/floor.h"
#include "tracer/backend/ebpf/meter.h"

// Rounds are short, so that some of them are not interrupted.
enum { HITS = 100, ROUNDS = 50 };

// Used if the measurement fails: the costs that were measured on an ordinary machine.
static const double USUAL_ENTRY_NS = 600, USUAL_EXIT_NS = 5500;

// The offset of this code in gotrace's executable file.
static bool find_offset(const uint8_t *code, unsigned long *out)
{
	CLEANUP_FCLOSE FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned long start, end, off;
		if (sscanf(line, "%lx-%lx %*4s %lx", &start, &end, &off) != 3)
			continue;
		if ((uintptr_t)code < start || (uintptr_t)code >= end)
			continue;
		*out = (uintptr_t)code - start + off;
		return true;
	}
	return false;
}

static double time_of_run(void)
{
	struct timespec start, end;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	cost_run(HITS);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	return ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) /
	       HITS;
}

// Takes the fastest of several rounds, because other processes may use the processor.
static struct error *measure(const uint8_t *code, double *ns)
{
	unsigned long offset;
	struct floor_probes *probes;
	if (!find_offset(code, &offset))
		return error_new("this program's own code is not found");
	double bare = time_of_run();
	struct error *err = floor_probes_create(getpid(), "/proc/self/exe", &offset, 1, &probes);
	if (err)
		return err;
	double least = time_of_run();
	for (int i = 1; i < ROUNDS; i++) {
		double now = time_of_run();
		least = now < least ? now : least;
	}
	floor_probes_destroy(probes);
	*ns = least > bare ? least - bare : least;
	return NULL;
}

void ebpf_costs(struct backend *base, struct backend_costs *out)
{
	struct ebpf *backend = (struct ebpf *)base;
	*out = (struct backend_costs){USUAL_ENTRY_NS, USUAL_EXIT_NS};
	struct error *err = measure(cost_emulated, &out->entry);
	if (!err)
		err = measure(cost_return, &out->exit);
	if (err)
		log_info("what a probe costs here is not measured: %s", error_message(err));
	error_free(err);
	if (backend->stats_fd < 0)
		backend->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	err = backend->meter ? NULL
			     : meter_create(backend->program->bss->target_tgid, &backend->meter);
	if (err)
		log_info("what probes cost the target is not sampled: %s", error_message(err));
	error_free(err);
}
