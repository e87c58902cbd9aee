// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/meter.skel.h"
#include "tracer/backend/ebpf/ebpf.h"
#include "tracer/backend/ebpf/meter.h"

struct meter {
	struct meter_bpf *program;
	struct bpf_link **link; // one for each processor that is online
	size_t num;
};

static struct error *attach(struct meter *meter, int cpu)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = METER_PERIOD_NS,
	};
	int event = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0 && errno == ENODEV) // the processor is offline
		return NULL;
	if (event < 0)
		return error_errno(errno, "sampling processor %d", cpu);
	struct bpf_link *link =
		bpf_program__attach_perf_event(meter->program->progs.meter_sample, event);
	if (!link) {
		struct error *err = error_errno(errno, "sampling processor %d", cpu);
		close(event);
		return err;
	}
	meter->link[meter->num++] = link;
	return NULL;
}

struct error *meter_create(uint32_t tgid, struct meter **out)
{
	int num_cpus = libbpf_num_possible_cpus();
	if (num_cpus < 0)
		return error_errno(-num_cpus, "the number of processors");
	struct meter *meter = calloc(1, sizeof(*meter));
	if (!meter)
		return error_nomem();
	meter->link = calloc((size_t)num_cpus, sizeof(*meter->link));
	meter->program = meter->link ? meter_bpf__open() : NULL;
	struct error *err = meter->program ? NULL : error_nomem();
	if (!err) {
		meter->program->rodata->target_tgid = tgid;
		if (meter_bpf__load(meter->program))
			err = error_errno(errno, "loading the BPF program that samples");
	}
	for (int cpu = 0; !err && cpu < num_cpus; cpu++)
		err = attach(meter, cpu);
	if (err) {
		meter_destroy(meter);
		return err;
	}
	*out = meter;
	return NULL;
}

void meter_destroy(struct meter *meter)
{
	if (!meter)
		return;
	while (meter->num)
		bpf_link__destroy(meter->link[--meter->num]);
	free(meter->link);
	meter_bpf__destroy(meter->program);
	free(meter);
}

uint64_t meter_trap_ns(const struct meter *meter)
{
	return __atomic_load_n(&meter->program->bss->trap_samples, __ATOMIC_RELAXED) *
	       METER_PERIOD_NS;
}
