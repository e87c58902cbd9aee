// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/sites_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

enum { CODE_MAX = 16 << 20 }; // bytes of one function

struct error *sites_finder_create(const struct arch *arch, struct sites_finder **out)
{
	struct sites_finder *finder = calloc(1, sizeof(*finder));
	if (!finder)
		return error_nomem();
	finder->arch = arch;
	cs_err err = cs_open(arch->capstone_arch, arch->capstone_mode, &finder->capstone);
	if (err == CS_ERR_OK)
		err = cs_option(finder->capstone, CS_OPT_DETAIL, CS_OPT_ON);
	if (err != CS_ERR_OK) {
		sites_finder_destroy(finder);
		return error_new("cannot start capstone: %s", cs_strerror(err));
	}
	finder->spelled = cs_malloc(finder->capstone);
	if (!finder->spelled) {
		sites_finder_destroy(finder);
		return error_nomem();
	}
	*out = finder;
	return NULL;
}

void sites_finder_destroy(struct sites_finder *finder)
{
	if (!finder)
		return;
	if (finder->spelled)
		cs_free(finder->spelled, 1);
	if (finder->capstone)
		cs_close(&finder->capstone);
	free(finder->starts);
	free(finder->targets);
	free(finder->exits);
	free(finder);
}

void sites_deinit(struct sites *sites)
{
	free(sites->site);
	*sites = (struct sites){};
}

// Clears the two bitmaps, and makes them large enough for a function of this size.
static struct error *finder_prepare(struct sites_finder *finder, uint64_t size)
{
	size_t words = size / 64 + 1;
	if (words > finder->num_words) {
		uint64_t *starts = realloc(finder->starts, words * sizeof(*starts));
		if (!starts)
			return error_nomem();
		finder->starts = starts;
		uint64_t *targets = realloc(finder->targets, words * sizeof(*targets));
		if (!targets)
			return error_nomem();
		finder->targets = targets;
		finder->num_words = words;
	}
	memset(finder->starts, 0, words * sizeof(*finder->starts));
	memset(finder->targets, 0, words * sizeof(*finder->targets));
	finder->num_exits = 0;
	return NULL;
}

void sites_set_bit(uint64_t *map, uint64_t bit)
{
	map[bit / 64] |= 1ull << (bit % 64);
}

bool sites_targets_are_starts(const struct sites_finder *finder, uint64_t size)
{
	for (size_t i = 0; i <= size / 64; i++) {
		if (finder->targets[i] & ~finder->starts[i])
			return false;
	}
	return true;
}

struct error *sites_add_exit(struct sites_finder *finder, const struct site *site)
{
	if (!vec_room(finder->exits, finder->num_exits, finder->max_exits))
		return error_nomem();
	finder->exits[finder->num_exits++] = *site;
	return NULL;
}

bool sites_spell(struct sites_finder *finder, const struct sites_query *query, uint64_t off)
{
	const uint8_t *code = query->code + off;
	size_t len = query->size - off;
	uint64_t vaddr = query->vaddr + off;
	return cs_disasm_iter(finder->capstone, &code, &len, &vaddr, finder->spelled) &&
	       finder->spelled->size;
}

struct error *sites_make(const struct sites_finder *finder, const struct site *entry,
			 struct sites *out)
{
	struct site *site = malloc((1 + finder->num_exits) * sizeof(*site));
	if (!site)
		return error_nomem();
	site[0] = *entry;
	if (finder->num_exits)
		memcpy(site + 1, finder->exits, finder->num_exits * sizeof(*site));
	*out = (struct sites){
		.site = site,
		.num = 1 + finder->num_exits,
		.has_stack_check = entry->skip_taken,
	};
	return NULL;
}

struct error *sites_refuse(struct sites *out, const char *reason)
{
	*out = (struct sites){.refused = reason};
	return NULL;
}

struct error *sites_find(struct sites_finder *finder, const struct sites_query *query,
			 struct sites *out)
{
	if (!query->size || !query->code)
		return sites_refuse(out, "has no code");
	if (query->size > CODE_MAX || query->vaddr > INT64_MAX - CODE_MAX)
		return sites_refuse(out, "is too large");
	struct error *err = finder_prepare(finder, query->size);
	return err ? err : finder->arch->find_sites(finder, query, out);
}
