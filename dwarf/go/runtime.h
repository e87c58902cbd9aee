// SPDX-License-Identifier: GPL-2.0-or-later
// Where this Go release keeps what tracing needs of the runtime: offsets in runtime.g, hchan,
// itab. DWARF says first, the table by version (and the disassembled gogo rule) second.
#ifndef GOTRACE_DWARF_GO_RUNTIME_H
#define GOTRACE_DWARF_GO_RUNTIME_H

#include "dwarf/go/pclntab.h"

struct runtime_layout {
	uint32_t g_stack_lo, g_stack_hi, g_goid, g_parent_goid, g_gopc, g_m, g_sched_pc,
		g_sched_bp; // bytes in runtime.g; 0xffffffff: absent
	uint32_t m_curg;
	int32_t tls_g;	 // g stands at fs base + this (-8); 0: not known
	bool has_regabi; // Go 1.17 on: ABIInternal passes in registers, g in R14
	uint32_t hchan_qcount, hchan_dataqsiz, hchan_buf, hchan_elemsize, hchan_closed;
	uint32_t itab_type; // 8
	bool is_certain;    // from DWARF, or a table row of a known version; else goid prints ?
};

/** The layout by version table, with the stripped-program rule for goid. go is the build info's word;
 *  0.0.0 (not known) gives a layout that is not certain. */
struct error *runtime_layout_init(struct runtime_layout *layout, struct image *image,
				  const struct pclntab *table, struct go_version go) MUST_CHECK;

#endif
