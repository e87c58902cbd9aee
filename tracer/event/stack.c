// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/event/stack.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/vec.h"

#include <uthash.h>

enum {
	// The kernel remembers half as many stacks, so a stack that it does not send again is still
	// in one of the two generations here.
	GENERATION_MAX = 32768,
	FRAMES_MAX = 512, // of one stack, with inlined ones
	INLINED_MAX = 64, // at one address
};

struct known {
	uint64_t number;
	struct stack stack;
	UT_hash_handle hh;
};

struct stacks {
	const struct pclntab *table;
	const struct loaded *loaded;
	struct known *young, *old; // tables by number; a stack that is used moves to young
	struct stack none;	   // a stack that was not walked (WIRE_STACK_NONE)
	struct stack forgotten;	   // a stack that is in neither table
};

static char none_words[] = "it runs on the system stack, or its goroutine is not known";
static char forgotten_words[] = "it is no longer known";

static void known_destroy(struct known *known)
{
	if (!known)
		return;
	free(known->stack.frames);
	free(known->stack.end);
	free(known);
}

static void destroy_all(struct known *generation)
{
	struct known *known, *next;
	HASH_ITER (hh, generation, known, next) {
		HASH_DEL(generation, known);
		known_destroy(known);
	}
}

struct error *stacks_create(const struct pclntab *table, const struct loaded *loaded,
			    struct stacks **out)
{
	struct stacks *stacks = calloc(1, sizeof(*stacks));
	if (!stacks)
		return error_nomem();
	stacks->table = table;
	stacks->loaded = loaded;
	stacks->none.end = none_words;
	stacks->forgotten.end = forgotten_words;
	*out = stacks;
	return NULL;
}

void stacks_destroy(struct stacks *stacks)
{
	if (!stacks)
		return;
	destroy_all(stacks->young);
	destroy_all(stacks->old);
	free(stacks);
}

// --- Words become frames -----------------------------------------------------------------------

struct walk { // over the words of one stack
	const struct stacks *stacks;
	struct stack *out;
	const char *callee; // the function further in
	size_t size;	    // room in out->frames
	bool failed;
};

static bool is_any(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

// A wrapper is left out of a stack unless the wrapper itself panicked (src/runtime/traceback.go,
// elideWrapperCalling).
static bool is_left_out(const struct pcln_inline *frame, const char *callee)
{
	static const char *const panics[] = {"runtime.gopanic", "runtime.sigpanic",
					     "runtime.panicwrap", NULL};
	return frame->is_wrapper && !is_any(callee, panics);
}

static void add_frame(struct walk *walk, const struct pcln_inline *frame, bool is_inlined)
{
	struct stack *out = walk->out;
	if (!vec_room(out->frames, out->num, walk->size)) {
		walk->failed = true;
		return;
	}
	out->frames[out->num++] =
		(struct stack_frame){frame->name, frame->file, frame->line, is_inlined};
}

static void end_because(struct walk *walk, const char *func, const char *why)
{
	struct text text;
	text_init(&text);
	if (func) {
		stack_write_name(func, &text);
		text_putc(&text, ' ');
	}
	text_puts(&text, why);
	walk->out->end = text.failed ? NULL : strdup(text_string(&text));
	walk->failed |= !walk->out->end;
	text_deinit(&text);
}

// Drops the runtime's frames that start a goroutine, which every stack would have.
static void drop_start(struct stack *stack)
{
	if (stack->num && !strcmp(stack->frames[stack->num - 1].func, "runtime.goexit"))
		stack->num--;
	if (stack->num && !strcmp(stack->frames[stack->num - 1].func, "runtime.main"))
		stack->num--;
}

// Ends a stack whose last word is not in the goroutine's first function.
static void end_of_chain(struct walk *walk, enum wire_stack_end end)
{
	if (end == WIRE_STACK_MORE) {
		size_t num = walk->out->num;
		drop_start(walk->out);
		walk->out->is_more = num == walk->out->num;
	} else if (end == WIRE_STACK_UNREADABLE) {
		end_because(walk, NULL, "the frame further out cannot be read");
	} else {
		end_because(walk, walk->callee, "keeps no frame pointer");
	}
}

static bool is_top_frame(const struct pclntab *table, uint64_t vaddr)
{
	size_t i;
	struct pcln_func func;
	return pclntab_find(table, vaddr, &i) && pclntab_func(table, i, &func) &&
	       ((func.flags & PCLN_TOP_FRAME) || !strcmp(func.name, "runtime.goexit"));
}

// Adds the frames at one return address; if the callee is runtime.sigpanic, at the faulting
// instruction itself. *vaddr is where the function is executing.
static bool add_frames(struct walk *walk, uint64_t word, uint64_t *vaddr)
{
	struct pcln_inline inlined[INLINED_MAX];
	uint64_t addr = word & ((1ull << WIRE_STACK_ADDR_BITS) - 1);
	bool is_fault = !strcmp(walk->callee, "runtime.sigpanic");
	*vaddr = loaded_vaddr(walk->stacks->loaded, addr) - !is_fault;
	size_t num = pclntab_frames(walk->stacks->table, *vaddr, inlined, INLINED_MAX);
	if (!num) {
		end_because(walk, NULL, "its caller is not Go code");
		return false;
	}
	for (size_t i = 0; i < num; i++) {
		if (!is_left_out(&inlined[i], walk->callee))
			add_frame(walk, &inlined[i], i + 1 < num);
		walk->callee = inlined[i].name;
	}
	return true;
}

// True if the next return address is where this function's frame ends.
static bool is_next(const struct walk *walk, uint64_t vaddr, uint64_t next)
{
	uint32_t bytes;
	return pclntab_frame_size(walk->stacks->table, vaddr, &bytes) &&
	       (next >> WIRE_STACK_ADDR_BITS) * sizeof(next) == bytes + sizeof(next);
}

static void walk_words(struct walk *walk, const uint8_t *bytes, size_t num, enum wire_stack_end end)
{
	static const char *const from_c[] = {"runtime.cgocallback", "runtime.cgocallback_gofunc",
					     NULL};
	for (size_t i = 0; i < num; i++) {
		uint64_t word, next, vaddr;
		memcpy(&word, bytes + i * sizeof(word), sizeof(word));
		if (!add_frames(walk, word, &vaddr))
			return;
		if (is_top_frame(walk->stacks->table, vaddr)) {
			drop_start(walk->out);
			return;
		}
		if (is_any(walk->callee, from_c)) {
			end_because(walk, NULL, "called from C");
			return;
		}
		if (walk->out->num >= FRAMES_MAX) {
			walk->out->is_more = true;
			return;
		}
		if (i + 1 == num) {
			end_of_chain(walk, end);
			return;
		}
		memcpy(&next, bytes + (i + 1) * sizeof(next), sizeof(next));
		if (!is_next(walk, vaddr, next)) {
			end_because(walk, walk->callee, "keeps no frame pointer");
			return;
		}
	}
}

// --- Records -----------------------------------------------------------------------------------

static bool find_block(const struct wire_record *record, uint8_t flag, struct record_block *out)
{
	if (!(record->flags & WIRE_CALLERS))
		return false;
	for (size_t at = 0; record_next(record, &at, out);)
		if (out->head->flags & flag)
			return true;
	return false;
}

// Finds a stack by its number and moves it to the young table.
static struct known *find_known(struct stacks *stacks, uint64_t number)
{
	struct known *known;
	HASH_FIND (hh, stacks->young, &number, sizeof(number), known)
		;
	if (known)
		return known;
	HASH_FIND (hh, stacks->old, &number, sizeof(number), known)
		;
	if (!known)
		return NULL;
	HASH_DEL(stacks->old, known);
	HASH_ADD(hh, stacks->young, number, sizeof(known->number), known);
	if (known->hh.tbl)
		return known;
	known_destroy(known);
	return NULL;
}

struct error *stacks_learn(struct stacks *stacks, const struct wire_record *record)
{
	struct record_block block;
	if (!find_block(record, WIRE_BLOCK_STACK, &block) || !block.head->len ||
	    find_known(stacks, block.head->addr))
		return NULL;
	struct known *known = calloc(1, sizeof(*known));
	if (!known)
		return error_nomem();
	known->number = block.head->addr;
	struct walk walk = {.stacks = stacks, .out = &known->stack, .callee = ""};
	walk_words(&walk, block.bytes, block.head->len / sizeof(uint64_t),
		   (enum wire_stack_end)block.head->type);
	if (walk.failed) {
		known_destroy(known);
		return error_nomem();
	}
	if (HASH_COUNT(stacks->young) >= GENERATION_MAX) {
		destroy_all(stacks->old);
		stacks->old = stacks->young;
		stacks->young = NULL;
	}
	HASH_ADD(hh, stacks->young, number, sizeof(known->number), known);
	if (!known->hh.tbl) {
		known_destroy(known);
		return error_nomem();
	}
	return NULL;
}

const struct stack *stacks_find(struct stacks *stacks, const struct wire_record *record)
{
	struct record_block block;
	if (!find_block(record, WIRE_BLOCK_STACK, &block))
		return NULL;
	if (!block.head->addr)
		return &stacks->none;
	const struct known *known = find_known(stacks, block.head->addr);
	return known ? &known->stack : &stacks->forgotten;
}

bool stacks_creator(const struct stacks *stacks, const struct wire_record *record,
		    struct stack_creator *out)
{
	enum { MAIN = 1 }; // the main goroutine, which no go statement started
	struct record_block block;
	uint64_t words[2];
	if (record->goid == MAIN || !find_block(record, WIRE_BLOCK_CREATOR, &block) ||
	    block.head->len < sizeof(words))
		return false;
	memcpy(words, block.bytes, sizeof(words));
	struct pcln_func func;
	size_t i;
	uint64_t vaddr = loaded_vaddr(stacks->loaded, words[0]);
	if (!words[0] || !pclntab_find(stacks->table, vaddr, &i) ||
	    !pclntab_func(stacks->table, i, &func))
		return false;
	*out = (struct stack_creator){.func = func.name, .file = "", .goid = words[1]};
	pclntab_line(stacks->table, vaddr > func.entry ? vaddr - 1 : vaddr, &out->file, &out->line);
	return true;
}

void stack_write_name(const char *func, struct text *out)
{
	const char *open = strchr(func, '['), *close = strrchr(func, ']');
	if (!open || !close || close < open) {
		text_puts(out, func);
		return;
	}
	text_append(out, func, (size_t)(open - func));
	text_puts(out, "[...]");
	text_puts(out, close + 1);
}
