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

/** See costs of struct backend_probes. */
void ebpf_costs(struct backend *base, struct backend_costs *out);

/** Sends libbpf's messages to log_debug. */
void ebpf_quiet(void);

struct ebpf_arming {	     // the probes that one call of arm attached
	struct apart keeper; // the process that owns the links
	uint32_t id;	     // in the uprobes' cookies and in their probes
	uint32_t *funcs;     // numbers in the plan; owned
	size_t num_funcs;
};

struct ebpf {
	struct backend base;
	struct tables tables; // arrays in the kernel, mapped into this process
	struct gotrace_bpf *program;
	struct loaded loaded;
	struct armed *armed; // borrowed
	bool is_multi;	     // uses uprobe_multi links; else a perf event for each site
	bool by_process;     // and the links can be limited to the process
	bool counts;	     // calls are counted and make no records
	bool has_pages;	     // the pages of the executable's data were fetched
	uint64_t crowded;    // calls not followed for lack of room, at the last sweep
	size_t num_dynamics; // how many of the plan's dynamics the kernel has
	struct ebpf_arming *armings;
	size_t num_armings;
	uint32_t last_arming; // the last id that was used
	struct ring_buffer *ring;
	int stats_fd;	     // the kernel counts run_ns while this is open; -1: it does not
	struct meter *meter; // counts trap_ns; NULL: it is not counted
	uint64_t hits;	     // records delivered
	struct ebpf_poll *poll;
};

/** Sets the sizes of the kernel's tables. Called before loading. */
struct error *ebpf_tables_size(struct ebpf *backend,
			       const struct backend_settings *settings) MUST_CHECK;
/** Maps the tables into this process. Called after loading. */
struct error *ebpf_tables_map(struct ebpf *backend) MUST_CHECK;
void ebpf_tables_unmap(struct ebpf *backend);
/** Makes room in the tables of calls under way, if some calls could not be followed since the last
 *  sweep. Called from time to time. */
void ebpf_tables_sweep(struct ebpf *backend);
/** Forgets the calls under way of functions that are not armed. */
void ebpf_tables_forget(struct ebpf *backend);
/** Makes the kernel map the pages of the executable's data into the target, once. Does nothing if
 *  the plan has no operations that could read these pages. */
void ebpf_pages_fetch(struct ebpf *backend);
/** See update of struct backend_probes. */
struct error *ebpf_tables_update(struct backend *base) MUST_CHECK;

/** The descriptor of the program of all probes, which makes records or counts. */
int ebpf_program(const struct ebpf *backend);

/** Fills in the settings for counting and sets the sizes of its tables. Called before loading. */
struct error *ebpf_aggregates_prepare(struct ebpf *backend) MUST_CHECK;
/** See aggregates of struct backend_records. */
struct error *ebpf_aggregates(struct backend *base,
			      struct error *(*visit)(void *context,
						     const struct backend_aggregate *one),
			      void *context, struct wire_aggregate_lost *lost) MUST_CHECK;

/** Attaches the probes of the arming's functions, exits first. If the kernel refuses a site, the
 *  site's function is refused (armed_refuse) and removed from the arming. It is an error if no
 *  function is left. */
struct error *ebpf_links_arm(struct ebpf *backend, struct ebpf_arming *arming) MUST_CHECK;
/** Removes the arming's probes and frees what the arming owns. */
void ebpf_links_disarm(struct ebpf_arming *arming);

#endif
