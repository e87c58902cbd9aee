// SPDX-License-Identifier: GPL-2.0-or-later
// Go types from the run-time type descriptors (internal/abi.Type) in the executable's read-only
// data: how the dynamic types of interfaces are known, with DWARF or without.
// Layouts: go-facts of 1.15 to 1.27, source src/internal/abi/type.go, map_*.go, src/runtime/type.go.
#ifndef GOTRACE_DWARF_GO_RTYPE_H
#define GOTRACE_DWARF_GO_RTYPE_H

#include "dwarf/go/gotype.h"
#include "dwarf/go/pclntab.h"

struct rtypes; // a store of types, keyed by descriptor

struct error *rtypes_open(struct image *image, const struct moduledata *module,
			  struct go_version go, struct rtypes **out) MUST_CHECK;
void rtypes_close(struct rtypes *types);

/** The type whose descriptor stands at vaddr, completed on demand like every gotype. NULL where no
 *  descriptor can stand (outside [types, etypes), or damaged). */
struct gotype *rtypes_find(struct rtypes *types, uint64_t vaddr);

/** All types that the linker's tables lead to, each once, by full name. Read once and kept; what is damaged is left
 *  out. Types that nothing can reach at run time have no descriptor. */
struct gotype *const *rtypes_all(struct rtypes *types, size_t *num);

/** The descriptor of the pointers to the type whose descriptor stands at vaddr; 0 if the program has none. */
uint64_t rtypes_pointer(const struct rtypes *types, uint64_t vaddr);

/** The itabs that the linker made, (interface type, concrete type, itab) vaddrs: from moduledata's
 *  itablinks, or from the "go:itab.*" symbols. Calls visit for each until it returns false. */
void rtypes_itabs(struct rtypes *types,
		  bool (*visit)(void *context, uint64_t itab, uint64_t interface,
				uint64_t concrete),
		  void *context);

#endif
