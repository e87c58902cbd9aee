// SPDX-License-Identifier: GPL-2.0-or-later
// The face of this room: the functions of one Go executable, each with its name, place and, on
// demand, signature; its types; its runtime's layout. Everything later in the flow borrows from it.
#ifndef GOTRACE_DWARF_INDEX_INDEX_H
#define GOTRACE_DWARF_INDEX_INDEX_H

#include "dwarf/go/abi.h"
#include "dwarf/go/buildinfo.h"
#include "dwarf/image/image.h"
#include "dwarf/go/pclntab.h"
#include "dwarf/go/runtime.h"

struct index;

enum func_flags {
	FUNC_ABI0 = 1, // its symbol ends in .abi0, or it is assembly, or the Go is before 1.17
	FUNC_WRAPPER =
		2, // compiler-made wrapper (ABI or method): globs pass it over without a body
	FUNC_ASM = 4,
	FUNC_RUNTIME = 8,  // tracing it could break the program or the trace: globs pass it over
	FUNC_FOREIGN = 16, // not Go (cgo's C): globs pass it over, goroutine is not known there
};

struct func {
	const char *name; // Go's full name, without .abi0
	const char *
		symbol; // the linker's name of a wrapper main.(*T).M that holds main.T.M; else NULL
	// The method whose code was inlined into this wrapper of it, or the wrapper's own name where the
	// method's is not known; NULL: none.
	const char *body;
	uint64_t vaddr;	 // entry
	uint64_t size;	 // bytes of its code, padding left out
	uint16_t flags;	 // enum func_flags
	uint32_t number; // its place in index_funcs, address order
};

/** The function's name as "go tool nm" prints it. */
static inline const char *func_symbol(const struct func *func)
{
	return func->symbol ? func->symbol : func->name;
}

/** Opens the executable at path (a file or /proc/PID/exe), called name in messages; root is "" or
 *  "/proc/PID/root" for separate debug files. */
struct error *index_open(const char *path, const char *name, const char *root,
			 struct index **out) MUST_CHECK;
void index_close(struct index *index);

/** All functions in address order. */
const struct func *index_funcs(const struct index *index, size_t *num);
/** The function whose code holds vaddr, NULL if none. */
const struct func *index_func_at(const struct index *index, uint64_t vaddr);
/** The functions with exactly this name (Go's spelling, with dots of the last path element escaped
 *  or not), found by hash. Fills at most max, returns how many there are. */
size_t index_named(const struct index *index, const char *name, const struct func **out,
		   size_t max);

/** Calls visit, until it returns false, with the names of all functions: of those too that have no code of their own,
 *  because every call of them was inlined (Go 1.16 and newer). */
void index_names(const struct index *index, bool (*visit)(void *context, const char *name),
		 void *context);

/** Calls visit, until it returns false, with the functions into whose code calls of this one were inlined: no probe of
 *  it sees those calls. Of instances of generic functions nothing is told: they share a name in Go's table. */
void index_inlined(const struct index *index, const struct func *func,
		   bool (*visit)(void *context, const struct func *into), void *context);

/** The function's signature: DWARF's parameters placed by Go's ABI and cross-checked with
 *  location lists and ArgInfo, or ArgInfo's raw words without DWARF. Borrowed; read once and
 *  kept. Trouble in DWARF is not an error here: is_known is false, and index_warning tells. */
const struct signature *index_signature(struct index *index, const struct func *func);
/** Writes "func(s *main.Store, key string) (string, error)" for people; "func(?)" if not known. */
struct text;
void index_write_signature(struct index *index, const struct func *func, struct text *out);

/** File (borrowed) and line where the function starts, or of an address in it. */
bool index_line(const struct index *index, uint64_t vaddr, const char **file, int *line);

/** The type of a run-time type descriptor, NULL if there is none. */
struct gotype *index_rtype(struct index *index, uint64_t vaddr);
/** A type by name ("main.Req", "net/http.Request"), from DWARF. NULL if not found. */
struct gotype *index_type(struct index *index, const char *name);
/** Types by full name for people who look: DWARF's, else those of the run-time type descriptors, where local types
 *  of one package share a name. Fills at most max, returns how many there are. */
size_t index_types_named(struct index *index, const char *name, struct gotype **out, size_t max);

/** Calls visit with the full name of every type in DWARF, or without DWARF of every one that has a run-time
 *  descriptor, until it returns false; a name may come more than once. */
void index_types(struct index *index, bool (*visit)(void *context, const char *name),
		 void *context);
/** The same without those of C and without reading all of DWARF: soon enough for a Tab key. */
void index_go_types(struct index *index, bool (*visit)(void *context, const char *name),
		    void *context);

/** The symbols of the executable, else of its separate debug file; num 0 where both are stripped. */
struct error *index_symbols(struct index *index, const struct image_symbol **symbols,
			    size_t *num) MUST_CHECK;

struct image *index_image(const struct index *index);
const struct buildinfo *index_buildinfo(const struct index *index);
struct go_version index_version(const struct index *index);
const struct pclntab *index_pclntab(const struct index *index);
const struct runtime_layout *index_runtime(const struct index *index);
struct rtypes *index_rtypes(const struct index *index);
bool index_has_dwarf(const struct index *index);
bool index_has_symtab(const struct index *index);
/** Where DWARF came from: the executable's or the separate file's path; NULL without. */
const char *index_debug_path(const struct index *index);
/** The first trouble met in DWARF so far, for "info" and -v; NULL if none. */
const char *index_warning(const struct index *index);

#endif
