// SPDX-License-Identifier: GPL-2.0-or-later
// The types of the process's other modules: plugins, and Go's shared libraries. The runtime links
// the moduledata of all modules (src/runtime/symtab.go). Descriptors are read from the process's
// memory, where the dynamic linker has set their addresses, so no file of a module is needed.
#include <stdlib.h>
#include <string.h>

#include "dwarf/go/rtype_private.h"

enum {
	READ_MAX = 1 << 20, // bytes; more are read page by page
	PAGE = 4096,
	MODULES_MAX = 256,
	MODULE_BYTES_MAX = 1 << 28, // of the types of one module
};

static struct rtype_module *other_module(const struct rtypes *types, uint64_t vaddr)
{
	for (size_t i = 0; i < types->num_modules; i++)
		if (vaddr - types->modules[i].types < types->modules[i].size)
			return &types->modules[i];
	return NULL;
}

bool rtype_module(const struct rtypes *types, uint64_t vaddr, uint64_t *start, uint64_t *size)
{
	const struct rtype_module *module = NULL;
	*start = types->module.types;
	*size = types->module.etypes - types->module.types;
	if (vaddr - *start >= *size && (module = other_module(types, vaddr))) {
		*start = module->types;
		*size = module->size;
	}
	return vaddr - *start < *size;
}

// Reads the types that hold this offset, unless they are read.
static bool fetch(const struct rtypes *types, struct rtype_module *module, uint64_t off)
{
	uint64_t unit = module->size <= READ_MAX ? module->size : PAGE;
	uint64_t at = off - off % unit, left = module->size - at;
	bool *is_read = &module->is_read[off / unit];
	if (!*is_read)
		*is_read = types->read(types->context, module->types + at + types->bias,
				       module->bytes + at, left < unit ? left : unit);
	return *is_read;
}

bool rtype_borrow(const struct rtypes *types, uint64_t vaddr, size_t len, const uint8_t **out)
{
	struct rtype_module *module = other_module(types, vaddr);
	if (!module)
		return image_borrow(types->image, vaddr, len, out);
	uint64_t at = vaddr - module->types;
	if (len > module->size - at)
		return false;
	for (uint64_t off = at; off < at + len; off += PAGE - off % PAGE)
		if (!fetch(types, module, off))
			return false;
	*out = module->bytes + at;
	return true;
}

bool rtype_read(const struct rtypes *types, uint64_t vaddr, void *dst, size_t len)
{
	const uint8_t *bytes;
	if (!other_module(types, vaddr))
		return image_read(types->image, vaddr, dst, len);
	if (!rtype_borrow(types, vaddr, len, &bytes))
		return false;
	memcpy(dst, bytes, len);
	return true;
}

bool rtype_read_addr(const struct rtypes *types, uint64_t vaddr, uint64_t *out)
{
	uint64_t addr;
	if (!rtype_read(types, vaddr, &addr, sizeof(addr)))
		return false;
	*out = other_module(types, vaddr) ? addr - types->bias : addr;
	return true;
}

// The offset of moduledata.next.
static uint64_t next_offset(int minor)
{
	static const struct {
		int minor; // the first release (1.minor)
		uint16_t off;
	} releases[] = {{15, 448}, {16, 528}, {18, 544}, {20, 560},
			{21, 584}, {23, 576}, {26, 584}, {27, 560}};
	uint64_t off = 0;
	for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++)
		if (minor >= releases[i].minor)
			off = releases[i].off;
	return off;
}

static bool read_word(const struct rtypes *types, uint64_t vaddr, uint64_t *out)
{
	return types->read(types->context, vaddr + types->bias, out, sizeof(*out));
}

// Reads the module whose moduledata is at vaddr. False: it cannot be read, or it is damaged.
static bool read_module(const struct rtypes *types, uint64_t vaddr, struct rtype_module *out)
{
	static const uint32_t MAGIC = 0xffffff00; // of all pclntabs
	uint64_t table, magic, start, end;
	if (!read_word(types, vaddr, &table) || !read_word(types, table - types->bias, &magic) ||
	    ((uint32_t)magic & MAGIC) != MAGIC ||
	    !read_word(types, vaddr + types->module.types_at, &start) ||
	    !read_word(types, vaddr + types->module.etypes_at, &end) || end <= start ||
	    end - start > MODULE_BYTES_MAX)
		return false;
	*out = (struct rtype_module){
		.vaddr = vaddr,
		.types = start - types->bias,
		.size = end - start,
		.bytes = calloc(1, end - start),
		.is_read = calloc((end - start) / PAGE + 1, 1),
	};
	if (out->bytes && out->is_read)
		return true;
	free(out->bytes);
	free(out->is_read);
	return false;
}

const char *rtypes_find_modules(struct rtypes *types)
{
	static const char *const failed =
		"type is not of the executable; the list of modules cannot be read";
	if (!types->read || !types->is_certain || !types->module.vaddr)
		return "type is not of the executable";
	while (types->num_modules < MODULES_MAX) {
		uint64_t next, last = types->num_modules
					      ? types->modules[types->num_modules - 1].vaddr
					      : types->module.vaddr;
		if (!read_word(types, last + next_offset(types->go.minor), &next))
			return failed;
		if (!next)
			return "type made at run time";
		struct rtype_module *modules =
			reallocarray(types->modules, types->num_modules + 1, sizeof(*modules));
		if (!modules)
			return failed;
		types->modules = modules;
		if (!read_module(types, next - types->bias, &modules[types->num_modules]))
			return failed;
		fetch(types, &modules[types->num_modules++], 0);
	}
	return "type is of none of the first 256 modules";
}

void rtype_free_modules(struct rtypes *types)
{
	for (size_t i = 0; i < types->num_modules; i++) {
		free(types->modules[i].bytes);
		free(types->modules[i].is_read);
	}
	free(types->modules);
}

void rtypes_ask(struct rtypes *types, uint64_t bias,
		bool (*read)(void *context, uint64_t addr, void *dst, size_t len), void *context)
{
	types->bias = bias;
	types->read = read;
	types->context = context;
}
