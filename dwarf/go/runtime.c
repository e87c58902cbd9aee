// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/go/runtime.h"

#include <string.h>

#include "arch/idioms.h"

enum { ABSENT = 0xffffffff };

enum {
	G_SCHED = 56,	  // runtime.gobuf: sp, pc, ...
	FIRST_MINOR = 15, // the first and last release whose layouts were checked
	LAST_MINOR = 27,
	GOBUF_LONG = 56, // with the field ret, which Go 1.26 and later do not have
	GOBUF_SHORT = 48,
	MAX_CODE = 4096, // bytes of a function that are searched
};

// Offsets in g (src/runtime/runtime2.go), from the DWARF of programs of each release.
static const struct release {
	int minor;
	uint16_t goid, parent_goid, gopc; // parent_goid 0: none
} releases[] = {
	{15, 152, 0, 280},   {19, 152, 0, 296},	  {21, 152, 272, 280}, {22, 152, 272, 280},
	{23, 160, 280, 288}, {24, 160, 280, 288}, {26, 152, 280, 288}, {27, 152, 280, 288},
};
enum { NUM_RELEASES = sizeof(releases) / sizeof(releases[0]) };

// The last release in the table that is not newer than 1.minor; the first one if all are newer.
static const struct release *find_release(int minor)
{
	const struct release *found = &releases[0];
	for (size_t i = 0; i < NUM_RELEASES; i++)
		if (releases[i].minor <= minor)
			found = &releases[i];
	return found;
}

struct code {
	const uint8_t *bytes;
	size_t len;
};

static bool read_code(struct image *image, const struct pclntab *table, size_t i, struct code *out)
{
	struct pcln_func func;
	if (!pclntab_func(table, i, &func))
		return false;
	out->len = func.end - func.entry < MAX_CODE ? func.end - func.entry : MAX_CODE;
	return image_text(image, func.entry, out->len, &out->bytes);
}

// The size of a gobuf, whose last word is the frame pointer that gogo restores. 0 if not found.
static unsigned gobuf_bytes(const struct code *code)
{
	static const unsigned sizes[] = {GOBUF_LONG, GOBUF_SHORT};
	for (size_t i = 0; i < 2; i++)
		if (idiom_gogo_restores(code->bytes, code->len, (uint8_t)(sizes[i] - 8)))
			return sizes[i];
	return 0;
}

struct findings { // facts found in the runtime's code; 0 if not found
	unsigned gobuf_bytes;
	int32_t tls_offset;
};

// Searches assembly functions, which keep their names in stripped programs too.
static void search_code(struct image *image, const struct pclntab *table, struct findings *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < pclntab_num(table); i++) {
		struct pcln_func func;
		struct code code;
		if (!pclntab_func(table, i, &func))
			continue;
		bool is_gogo = !strcmp(func.name, "gogo") || !strcmp(func.name, "runtime.gogo");
		bool uses_tls = !strcmp(func.name, "runtime.morestack") ||
				!strcmp(func.name, "runtime.asmcgocall");
		if ((!is_gogo && !uses_tls) || !read_code(image, table, i, &code))
			continue;
		if (is_gogo && !out->gobuf_bytes)
			out->gobuf_bytes = gobuf_bytes(&code);
		if (uses_tls && !out->tls_offset)
			out->tls_offset = idiom_tls_offset(code.bytes, code.len);
	}
}

// Without a C library, Go's own start-up code puts g directly below the thread pointer. With one,
// the linker places runtime.tlsg among the executable's thread-local variables.
static int32_t find_tls_g(struct image *image, int32_t tls_offset)
{
	int64_t start;
	uint64_t symbol;
	enum { GO_TLS_G = -8 };
	if (!image_tls_start(image, &start))
		return GO_TLS_G;
	if (image_tls_symbol(image, "runtime.tlsg", &symbol) && symbol < (uint64_t)-start)
		return (int32_t)(start + (int64_t)symbol);
	if (start == GO_TLS_G)
		return GO_TLS_G;
	return tls_offset < 0 && tls_offset >= start ? tls_offset : 0;
}

struct error *runtime_layout_init(struct runtime_layout *layout, struct image *image,
				  const struct pclntab *table, struct go_version go)
{
	bool is_known = go.major;
	if (!is_known)
		go = pclntab_version(table);
	const struct release *release = find_release(go.minor);
	struct findings findings;
	search_code(image, table, &findings);
	bool is_listed = is_known && go.major == 1 && release->minor == go.minor;
	// The fields of g between the gobuf and goid changed once: Go 1.23 added syscallbp.
	uint32_t goid = G_SCHED + 40 + findings.gobuf_bytes + (go.minor >= 23 ? 8 : 0);
	bool is_ruled = is_known && go.major == 1 && findings.gobuf_bytes &&
			go.minor >= FIRST_MINOR && go.minor <= LAST_MINOR;
	if (!is_ruled)
		goid = release->goid;
	*layout = (struct runtime_layout){
		.g_stack_lo = 0,
		.g_stack_hi = 8,
		.g_goid = goid,
		.g_parent_goid = release->parent_goid && is_listed ? release->parent_goid : ABSENT,
		.g_gopc = is_listed ? release->gopc : ABSENT,
		.tls_g = find_tls_g(image, findings.tls_offset),
		.has_regabi = go_version_at_least(go, 17),
		.hchan_qcount = 0,
		.hchan_dataqsiz = 8,
		.is_certain = is_listed ? goid == release->goid : is_ruled,
	};
	return NULL;
}
