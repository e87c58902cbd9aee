// SPDX-License-Identifier: GPL-2.0-or-later
// Internal interface of the eBPF back end: loading and records (ebpf.c), the plan's tables in the
// kernel (tables.c), links to sites (links.c), counts (aggregates.c), the target's pages (pages.c)
// and the cost of a hit (cost.c).
#ifndef GOTRACE_TRACER_BACKEND_EBPF_EBPF_H
#define GOTRACE_TRACER_BACKEND_EBPF_EBPF_H

#include "tracer/backend/apart.h"
#include "tracer/backend/backend.h"

struct gotrace_bpf;
struct ring_buffer;

enum { EBPF_UPROBE_MULTI = 48 }; // enum bpf_attach_type, BPF_TRACE_UPROBE_MULTI

/** See costs of struct backend_ops. */
void ebpf_costs(struct backend *backend, struct backend_costs *out);

/** Sends libbpf's messages to log_debug. */
void ebpf_quiet(void);

struct ebpf_table { // an array in the kernel, mapped into this process
	void *entries;
	size_t bytes;	   // size of the mapping
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

struct ebpf_arming {	     // the probes that one call of arm attached
	struct apart keeper; // the process that owns the links
	uint32_t id;	     // in the uprobes' cookies and in their probes
	uint32_t *funcs;     // numbers in the plan; owned
	size_t num_funcs;
};

struct backend {
	struct gotrace_bpf *program;
	const struct plan *plan; // borrowed, like armed
	struct armed *armed;
	struct backend_target target;
	char *exe;
	bool is_multi;	 // uses uprobe_multi links; else a perf event for each site
	bool by_process; // and the links can be limited to the process
	struct ebpf_table tables[NUM_TABLES];
	bool has_budgets;
	bool counts; // calls are counted and make no records
	bool has_conditions;
	bool has_pages;	     // the pages of the executable's data were fetched
	bool has_depth;	     // the calls under way on each goroutine are counted
	uint64_t crowded;    // calls not followed for lack of room, at the last sweep
	size_t num_dynamics; // how many of the plan's dynamics the kernel has
	struct ebpf_arming *armings;
	size_t num_armings;
	uint32_t last_arming; // the last id that was used
	struct ring_buffer *ring;
	int stats_fd;  // the kernel counts run_ns while this is open; -1: it does not
	uint64_t hits; // records delivered
	struct ebpf_poll *poll;
};

/** Sets the sizes of the kernel's tables: the plan's sizes and room to grow. Called before
 *  loading. */
struct error *ebpf_tables_size(struct backend *backend) MUST_CHECK;
/** Maps the tables into this process. Called after loading. */
struct error *ebpf_tables_map(struct backend *backend) MUST_CHECK;
void ebpf_tables_unmap(struct backend *backend);
/** Makes room in the tables of calls under way, if some calls could not be followed since the last
 *  sweep. Called from time to time. */
void ebpf_tables_sweep(struct backend *backend);
/** Forgets the calls under way of functions that are not armed. */
void ebpf_tables_forget(struct backend *backend);
/** Makes the kernel map the pages of the executable's data into the target, once. Does nothing if
 *  the plan has no operations that could read these pages. */
void ebpf_pages_fetch(struct backend *backend);
/** Copies the new and changed parts of the plan to the kernel. */
struct error *ebpf_tables_update(struct backend *backend) MUST_CHECK;

/** The descriptor of the program of all probes, which makes records or counts. */
int ebpf_program(const struct backend *backend);

/** Fills in the settings for counting and sets the sizes of its tables. Called before loading. */
struct error *ebpf_aggregates_prepare(struct backend *backend) MUST_CHECK;
/** See aggregates of struct backend_ops. */
struct error *ebpf_aggregates(struct backend *backend,
			      struct error *(*visit)(void *context,
						     const struct backend_aggregate *one),
			      void *context, struct wire_aggregate_lost *lost) MUST_CHECK;

/** Attaches the probes of the arming's functions, exits first. If the kernel refuses a site, the
 *  site's function is refused (armed_refuse) and removed from the arming. It is an error if no
 *  function is left. */
struct error *ebpf_links_arm(struct backend *backend, struct ebpf_arming *arming) MUST_CHECK;
/** True for a probe where a call ends: a RET, or a jump out of the function. */
bool ebpf_is_exit(const struct wire_probe *probe);
/** Removes the arming's probes and frees what the arming owns. */
void ebpf_links_disarm(struct ebpf_arming *arming);

#endif
