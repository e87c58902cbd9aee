// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/session/goroutines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/cleanup.h"

enum { GOROUTINES_MAX = 1 << 20, ABSENT = 0xffffffff };

static bool read_memory(pid_t pid, uint64_t addr, void *dst, size_t len)
{
	struct iovec local = {dst, len}, remote = {(void *)(uintptr_t)addr, len};
	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)len;
}

static struct error *find_allgs(struct index *index, uint64_t *vaddr)
{
	const struct image_symbol *symbols;
	size_t num;
	struct error *err = image_symbols(index_image(index), &symbols, &num);
	for (size_t i = 0; !err && i < num; i++)
		if (!strcmp(symbols[i].name, "runtime.allgs")) {
			*vaddr = symbols[i].vaddr;
			return NULL;
		}
	return err ? err : error_new("no symbol runtime.allgs (stripped?)");
}

static bool read_one(pid_t pid, const struct runtime_layout *layout, uint64_t g,
		     struct goroutine_info *out)
{
	*out = (struct goroutine_info){0};
	if (!read_memory(pid, g + layout->g_goid, &out->goid, sizeof(out->goid)))
		return false;
	if (layout->g_parent_goid != (uint32_t)ABSENT)
		read_memory(pid, g + layout->g_parent_goid, &out->parent, sizeof(out->parent));
	return out->goid != 0; // a g that is free to be used again has no goid
}

static int by_goid(const void *a, const void *b)
{
	const struct goroutine_info *left = a, *right = b;
	return left->goid < right->goid ? -1 : left->goid > right->goid;
}

struct error *goroutines_read(const struct loaded *loaded, struct goroutine_info **out, size_t *num)
{
	uint64_t vaddr = 0, header[2]; // header: the slice's array and length
	const struct runtime_layout *layout = index_runtime(loaded->index);
	if (!layout->is_certain)
		return error_new("this Go's struct g is not known");
	struct error *err = find_allgs(loaded->index, &vaddr);
	if (err)
		return err;
	if (!read_memory(loaded->pid, loaded_addr(loaded, vaddr), header, sizeof(header)))
		return error_new("the process's memory cannot be read");
	size_t len = header[1] < GOROUTINES_MAX ? (size_t)header[1] : GOROUTINES_MAX;
	CLEANUP_FREE uint64_t *all = calloc(len + 1, sizeof(*all));
	struct goroutine_info *infos = calloc(len + 1, sizeof(*infos));
	if (!all || !infos) {
		free(infos);
		return error_nomem();
	}
	size_t kept = 0;
	if (read_memory(loaded->pid, header[0], all, len * sizeof(*all)))
		for (size_t i = 0; i < len; i++)
			kept += read_one(loaded->pid, layout, all[i], &infos[kept]);
	qsort(infos, kept, sizeof(*infos), by_goid);
	*out = infos;
	*num = kept;
	return NULL;
}

const struct goroutine_info *goroutines_find(const struct goroutine_info *infos, size_t num,
					     uint64_t goid)
{
	struct goroutine_info key = {.goid = goid};
	return num ? bsearch(&key, infos, num, sizeof(key), by_goid) : NULL;
}
