// SPDX-License-Identifier: GPL-2.0-or-later
// The input is a function's code behind one byte of settings (bit 0: Go, bit 1: the function named by
// the first call is runtime.morestack). Whatever it is, sites lie inside it, in order, on its bytes.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "arch/x86_64/insn.h"
#include "arch/sites.h"

enum { VADDR = 0x401000 };

static bool is_morestack(void *context, uint64_t vaddr)
{
	const uint8_t *settings = context;
	return (*settings & 2) && vaddr > 0x480000 && vaddr < 0x490000;
}

static void check(const struct sites_query *query, const struct sites *sites)
{
	if (sites->refused) {
		if (sites->num || sites->site)
			abort();
		return;
	}
	if (!sites->num || sites->site[0].kind != SITE_ENTRY)
		abort();
	for (size_t i = 0; i < sites->num; i++) {
		const struct site *site = &sites->site[i];
		struct insn insn;
		if (site->vaddr < VADDR || site->vaddr + site->size > VADDR + query->size ||
		    (i > 1 && site->vaddr <= site[-1].vaddr) || (i && site->kind == SITE_ENTRY) ||
		    (i && site->skip_taken) ||
		    !insn_decode(query->code + (site->vaddr - VADDR), site->size, &insn) ||
		    insn.size != site->size || !insn_takes_uprobe(&insn))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sites_finder *finder;
	struct error *err = finder ? NULL : sites_finder_create(arch_host(), &finder);
	if (err || !size) {
		error_free(err);
		return 0;
	}
	uint8_t settings = data[0];
	// A copy of exactly this size, so that reading past it is seen.
	uint8_t *code = malloc(size - 1 ? size - 1 : 1);
	if (!code)
		return 0;
	memcpy(code, data + 1, size - 1);
	struct sites_query query = {
		.code = code,
		.vaddr = VADDR,
		.size = size - 1,
		.is_go = settings & 1,
		.is_morestack = is_morestack,
		.context = &settings,
	};
	struct sites sites;
	err = sites_find(finder, &query, &sites);
	if (!err) {
		check(&query, &sites);
		sites_deinit(&sites);
	}
	error_free(err);
	free(code);
	return 0;
}
