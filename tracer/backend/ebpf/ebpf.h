// SPDX-License-Identifier: GPL-2.0-or-later
// The eBPF back end among its own files: loading and records (ebpf.c), the plan's tables in the kernel
// (ebpf_tables.c), links to sites (ebpf_links.c).
#ifndef GOTRACE_TRACER_BACKEND_EBPF_EBPF_H
#define GOTRACE_TRACER_BACKEND_EBPF_EBPF_H

#include "tracer/backend/apart.h"
#include "tracer/backend/backend.h"

struct gotrace_bpf;
struct ring_buffer;

enum { EBPF_UPROBE_MULTI = 48 }; // enum bpf_attach_type, BPF_TRACE_UPROBE_MULTI

/** See backend_ops. */
void ebpf_costs(struct backend *backend, struct backend_costs *out);

/** Sends libbpf's messages to log_debug. */
void ebpf_quiet(void);

struct ebpf_table { // an array in the kernel, mapped
	void *entries;
	size_t bytes;	   // mapped
	uint32_t capacity; // entries
	uint32_t num;	   // entries written so far
};

enum {
	TABLE_PROBES,
	TABLE_PIECES,
	TABLE_TYPES,
	TABLE_EDGES,
	TABLE_LOST,
	TABLE_BUDGETS,
	TABLE_AGGREGATES,
	TABLE_OPS,
	TABLE_LITERALS,
	TABLE_CONDITIONS,
	NUM_TABLES
};

struct ebpf_arming {	     // what one arm attached
	struct apart keeper; // of its links
	uint32_t id;	     // in its uprobes' cookies and in the probes that they are for
	uint32_t *funcs;     // numbers in the plan
	size_t num_funcs;
};

struct backend {
	struct gotrace_bpf *program;
	struct plan *plan; // borrowed
	struct backend_target target;
	char *exe;
	bool is_multi;	 // uprobe_multi links; else a perf event for each site
	bool by_process; // and they can be told the process
	struct ebpf_table tables[NUM_TABLES];
	bool has_budgets;
	bool counts; // calls are counted instead of told
	bool has_conditions;
	bool has_pages;	     // those of the executable's data were fetched
	bool has_depth;	     // the calls under way on each goroutine are known
	uint64_t crowded;    // calls that there was no room to follow, at the last sweep
	size_t num_dynamics; // of the plan's, known to the kernel
	struct ebpf_arming *armings;
	size_t num_armings;
	uint32_t last_arming; // the id given last
	struct ring_buffer *ring;
	int stats_fd;  // while it is open, the kernel counts run_ns; -1: it does not
	uint64_t hits; // records handed over
	struct ebpf_poll *poll;
};

/** Sets the sizes of the kernel's tables: the plan's and room for it to grow. Before loading. */
struct error *ebpf_tables_size(struct backend *backend) MUST_CHECK;
struct error *ebpf_tables_map(struct backend *backend) MUST_CHECK;
void ebpf_tables_unmap(struct backend *backend);
/** Makes room for calls that are followed, where some could not be. Now and then. */
void ebpf_tables_sweep(struct backend *backend);
/** Calls of functions that are not armed are not followed any more. */
void ebpf_tables_forget(struct backend *backend);
/** Has the target's pages of the executable's data mapped, once, where programs of the plan may read them. */
void ebpf_pages_fetch(struct backend *backend);
/** Copies what is new or changed in the plan. */
struct error *ebpf_tables_update(struct backend *backend) MUST_CHECK;

/** The program of all probes: it makes records, or it counts. */
int ebpf_program(const struct backend *backend);

/** Sets the sizes of what counting needs, and its settings. Before loading. */
struct error *ebpf_aggregates_prepare(struct backend *backend) MUST_CHECK;
struct error *ebpf_aggregates(struct backend *backend,
			      struct error *(*visit)(void *context,
						     const struct backend_aggregate *one),
			      void *context, struct wire_aggregate_lost *lost) MUST_CHECK;

/** Attaches the probes of the arming's functions, exits first. A function with a site that the kernel refuses is
 *  left out with a warning, of the arming too; it is an error if none is left. */
struct error *ebpf_links_arm(struct backend *backend, struct ebpf_arming *arming) MUST_CHECK;
/** True for a probe where a call ends: a RET or a jump out. */
bool ebpf_is_exit(const struct wire_probe *probe);
/** Takes its probes off and frees what it holds. */
void ebpf_links_disarm(struct ebpf_arming *arming);

#endif
