// SPDX-License-Identifier: GPL-2.0-or-later
// The main interface of dwarf/. An index holds the functions of one Go executable (each with its
// name, place and, on demand, signature), its types, and the layout of its runtime. All later
// stages borrow from it.
#ifndef GOTRACE_DWARF_INDEX_INDEX_H
#define GOTRACE_DWARF_INDEX_INDEX_H

#include "dwarf/go/abi.h"
#include "dwarf/go/buildinfo.h"
#include "dwarf/image/image.h"
#include "dwarf/go/pclntab.h"
#include "dwarf/go/runtime.h"

struct index;

enum func_flags {
	// The symbol ends in .abi0, the function is assembly, or Go is older than 1.17.
	FUNC_ABI0 = 1,
	// A wrapper made by the compiler (for an ABI or a method). Globs skip it unless func.body
	// is set.
	FUNC_WRAPPER = 2,
	FUNC_ASM = 4,
	// Tracing it could break the program or the trace. Globs skip it.
	FUNC_RUNTIME = 8,
	// Not Go (cgo's C code). Globs skip it, and the goroutine is not known in it.
	FUNC_FOREIGN = 16,
};

struct func {
	const char *name; // Go's full name, without .abi0
	// The linker's name for a wrapper main.(*T).M that holds the code of main.T.M; NULL for
	// others.
	const char *symbol;
	// For a wrapper: the method whose code was inlined into it, or the wrapper's own name if
	// the method is not known. NULL if the function holds no method's code.
	const char *body;
	uint64_t vaddr;	 // entry point
	uint64_t size;	 // of its code, in bytes, without padding
	uint16_t flags;	 // enum func_flags
	uint32_t number; // its position in index_funcs, in address order
};

/** Returns the function's name as "go tool nm" prints it. */
static inline const char *func_symbol(const struct func *func)
{
	return func->symbol ? func->symbol : func->name;
}

/** Opens the executable at path (a file or /proc/PID/exe). name is its name in messages. root
 *  is the prefix of the paths of separate debug files: "" or "/proc/PID/root". */
struct error *index_open(const char *path, const char *name, const char *root,
			 struct index **out) MUST_CHECK;
void index_close(struct index *index);

/** Returns all functions in address order. */
const struct func *index_funcs(const struct index *index, size_t *num);
/** Returns the function whose code contains vaddr, NULL if there is none. */
const struct func *index_func_at(const struct index *index, uint64_t vaddr);
/** Finds by hash the functions whose func_symbol is exactly this name, in Go's spelling. The
 *  dots of the last path element may be escaped. Fills out with at most max functions, and
 *  returns how many there are. */
size_t index_named(const struct index *index, const char *name, const struct func **out,
		   size_t max);

/** Calls visit with the names of all functions until visit returns false. This includes
 *  functions without code of their own, because every call of them was inlined (Go 1.16 and
 *  newer). */
void index_names(const struct index *index, bool (*visit)(void *context, const char *name),
		 void *context);

/** Calls visit with each function that func was inlined into, until visit returns false. A
 *  probe on func does not see those calls. Reports nothing for instances of generic functions,
 *  because they share one name in Go's table. */
void index_inlined(const struct index *index, const struct func *func,
		   bool (*visit)(void *context, const struct func *into), void *context);

/** Returns the function's signature: DWARF's parameters, placed by Go's ABI and checked against
 *  location lists and ArgInfo; without DWARF, ArgInfo's raw words. It is borrowed, and made
 *  only once. Damaged DWARF is not an error here: is_known is false, and index_warning says
 *  why. */
const struct signature *index_signature(struct index *index, const struct func *func);

struct text;
/** Writes the signature for people: "func(s *main.Store, key string) (string, error)", or
 *  "func(?)" if it is not known. */
void index_write_signature(struct index *index, const struct func *func, struct text *out);

/** Finds the file (borrowed) and line of vaddr: a function's entry, or any address in it. */
bool index_line(const struct index *index, uint64_t vaddr, const char **file, int *line);

/** Returns the type of the run-time type descriptor at vaddr; NULL if there is none, see
 *  rtypes_find. */
struct gotype *index_rtype(struct index *index, uint64_t vaddr, const char **why);
/** Returns a type by name ("main.Req", "net/http.Request") from DWARF, NULL if not found. */
struct gotype *index_type(struct index *index, const char *name);
/** Finds types by full name: DWARF's type, or the types of the run-time descriptors if DWARF
 *  does not have it. In the descriptors, local types of one package may share a name. Fills out
 *  with at most max types, and returns how many there are. */
size_t index_types_named(struct index *index, const char *name, struct gotype **out, size_t max);

/** Returns the name ("main.Active") of the only constant that its package declares with this type
 *  and value (bits, sign-extended). NULL if there is none or more than one, or without DWARF. */
const char *index_constant(struct index *index, const struct gotype *type, uint64_t bits);

/** Calls visit with the full name of every type in DWARF (without DWARF: of every type with a
 *  run-time descriptor) until visit returns false. A name may occur more than once. */
void index_types(struct index *index, bool (*visit)(void *context, const char *name),
		 void *context);
/** Like index_types, but without C's types and without reading all of DWARF: fast enough for
 *  completion at a Tab key. */
void index_go_types(struct index *index, bool (*visit)(void *context, const char *name),
		    void *context);

/** Reads the symbols of the executable, or of its separate debug file if it has none. *num is 0
 *  if both are stripped. */
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
/** Returns the path of the file that DWARF was read from: the executable or the separate debug
 *  file. NULL without DWARF. */
const char *index_debug_path(const struct index *index);
/** Returns the first problem found in DWARF so far, for "info" and -v; NULL if there is none. */
const char *index_warning(const struct index *index);

#endif
