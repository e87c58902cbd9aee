// SPDX-License-Identifier: GPL-2.0-or-later
// The offsets in the runtime's structs (g, hchan) that tracing needs. They differ between
// Go releases. Here they come from a table by version and from the machine code of gogo. If there
// is DWARF, the function index (dwarf/index/) replaces them with DWARF's.
#ifndef GOTRACE_DWARF_GO_RUNTIME_H
#define GOTRACE_DWARF_GO_RUNTIME_H

#include "dwarf/go/pclntab.h"

struct runtime_layout {
	// Offsets in runtime.g; 0xffffffff if absent.
	uint32_t g_stack_lo, g_stack_hi, g_goid, g_parent_goid, g_gopc;
	int32_t tls_g;	 // g is at the thread pointer plus this (usually -8); 0 if not known
	bool has_regabi; // Go 1.17 and later: ABIInternal uses registers, and one of them is g
	uint32_t hchan_qcount, hchan_dataqsiz;
	// From DWARF, or for a known version from its row of the table or from gogo's code. If not,
	// goroutines are shown as G?.
	bool is_certain;
};

/** Computes the layout without DWARF. go is the version in the build info; if it is 0.0.0 (not
 *  known), the layout is not certain. */
struct error *runtime_layout_init(struct runtime_layout *layout, struct image *image,
				  const struct pclntab *table, struct go_version go) MUST_CHECK;

#endif
