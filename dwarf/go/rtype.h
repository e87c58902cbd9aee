// SPDX-License-Identifier: GPL-2.0-or-later
// Go types from the run-time type descriptors (internal/abi.Type) in the executable's read-only
// data, and of the other modules of a process (plugins) in its memory. They are the source of the
// dynamic types of interfaces, with DWARF or without.
// Reads the layouts of Go 1.15 to 1.27. Source: src/internal/abi/type.go, src/internal/abi/map_*.go
// and src/runtime/type.go.
#ifndef GOTRACE_DWARF_GO_RTYPE_H
#define GOTRACE_DWARF_GO_RTYPE_H

#include "dwarf/go/gotype.h"
#include "dwarf/go/pclntab.h"

struct rtypes; // a store of types, keyed by descriptor

/** Creates the store. image must outlive it; module is copied. If the version go is not known, the
 *  oldest one that has this layout of moduledata is assumed. */
struct error *rtypes_open(struct image *image, const struct moduledata *module,
			  struct go_version go, struct rtypes **out) MUST_CHECK;
void rtypes_close(struct rtypes *types);

/** From now on the types of the process's other modules (plugins) are found too. read copies len
 *  bytes of its memory at addr (a run-time address, vaddr + bias); false if it cannot. */
void rtypes_ask(struct rtypes *types, uint64_t bias,
		bool (*read)(void *context, uint64_t addr, void *dst, size_t len), void *context);

/** Finds modules that the process has loaded since the last call, and reads the types of small
 *  ones. rtypes_find does this if a type is in no known module; earlier calls help if the process
 *  may end by then. Returns why a type that is in none of the modules is not known. */
const char *rtypes_find_modules(struct rtypes *types);

/** The type whose descriptor is at vaddr, as a stub (gotype_complete). NULL if vaddr is in no
 *  module's types, or if the descriptor is damaged; *why (why may be NULL) is then the reason. */
struct gotype *rtypes_find(struct rtypes *types, uint64_t vaddr, const char **why);

typedef bool rtypes_visitor(void *context, struct gotype *type);

/** Calls visit for each type in the linker's tables, as a stub, until visit returns false. Most
 *  named types are not in the tables, but pointers to them are. A type may be visited twice. Where
 *  the tables are sorted (up to Go 1.26), the walk begins at the name from, goes to the end, and
 *  then on from the beginning. */
void rtypes_linked(struct rtypes *types, const char *from, rtypes_visitor *visit, void *context);

/** All types that can be reached from the linker's tables, each once, sorted by full name. The list
 *  is made once and kept. Damaged descriptors are left out. A type that the program cannot reach at
 *  run time has no descriptor. */
struct gotype *const *rtypes_all(struct rtypes *types, size_t *num);

/** The descriptor of type *T, given the descriptor of T at vaddr; 0 if the program has none. */
uint64_t rtypes_pointer(const struct rtypes *types, uint64_t vaddr);

/** Calls visit for each itab that the linker made, until visit returns false. The arguments are the
 *  vaddrs of the itab and of the descriptors of its interface type and concrete type. The itabs are
 *  found by moduledata (itablinks; from Go 1.27 on, itabs). */
void rtypes_itabs(struct rtypes *types,
		  bool (*visit)(void *context, uint64_t itab, uint64_t interface,
				uint64_t concrete),
		  void *context);

#endif
