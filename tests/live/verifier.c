// SPDX-License-Identifier: GPL-2.0-or-later
// verifier: loads the eBPF programs with all that they can be told to do, and holds what the kernel's verifier says of
// them to bounds. The deepest chain of calls is added up as kernel 6.1 does it, which is the strictest, so a program that
// only newer kernels take is found on these. Prints TAP; root.
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/wire.h"
#include "bpf/gotrace.skel.h"

enum {
	STACK_MAX = 512,		  // bytes, of a chain of calls
	FRAME_STEP = 32,		  // to which 6.1 rounds a function's share
	INSNS_MAX = 1000000,		  // that are looked at before a program is refused
	INSNS_WANTED = INSNS_MAX / 4 * 3, // the newest look at twice as many as 6.18
	FUNCS_MAX = 256,
	CHAIN_MAX = 8, // functions, which is the kernel's own bound
	LOG_STATS = 4, // BPF_LOG_STATS of the kernel
	LOG_BYTES = 1 << 16,
};

struct program { // as the verifier saw it
	const struct bpf_insn *insns;
	size_t num_insns;
	size_t start[FUNCS_MAX]; // of each function, in order
	unsigned depth[FUNCS_MAX];
	unsigned num_funcs;
	unsigned long processed;
};

static int num_tests, num_failed;

__attribute__((format(printf, 2, 3))) static bool ok(bool holds, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	printf("%sok %d - ", holds ? "" : "not ", ++num_tests);
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
	num_failed += !holds;
	return holds;
}

// --- Calls ---------------------------------------------------------------------------------------

// The instruction at which the function begins that this one calls, or gives to a helper; 0: none.
static size_t callee(const struct program *program, size_t i)
{
	const struct bpf_insn *insn = &program->insns[i];
	bool is_call = insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;
	bool is_address =
		insn->code == (BPF_LD | BPF_IMM | BPF_DW) && insn->src_reg == BPF_PSEUDO_FUNC;
	return is_call || is_address ? i + 1 + (size_t)(long)insn->imm : 0;
}

static int compare(const void *a, const void *b)
{
	const size_t *left = a, *right = b;
	return *left < *right ? -1 : *left > *right;
}

static void find_funcs(struct program *program)
{
	program->num_funcs = 1; // the first begins at 0
	for (size_t i = 0; i < program->num_insns; i++) {
		size_t start = callee(program, i);
		bool is_known = !start || program->num_funcs == FUNCS_MAX;
		for (unsigned func = 0; func < program->num_funcs && !is_known; func++)
			is_known = program->start[func] == start;
		if (!is_known)
			program->start[program->num_funcs++] = start;
	}
	qsort(program->start, program->num_funcs, sizeof(*program->start), compare);
}

static unsigned func_of(const struct program *program, size_t insn)
{
	unsigned func = 0;
	while (func + 1 < program->num_funcs && program->start[func + 1] <= insn)
		func++;
	return func;
}

// The stack of the deepest chain of calls from this function on.
static unsigned deepest(const struct program *program, unsigned func, unsigned level)
{
	size_t end = func + 1 < program->num_funcs ? program->start[func + 1] : program->num_insns;
	unsigned own = program->depth[func] ? program->depth[func] : 1, below = 0;
	for (size_t i = program->start[func]; i < end && level < CHAIN_MAX; i++) {
		size_t start = callee(program, i);
		unsigned depth = start ? deepest(program, func_of(program, start), level + 1) : 0;
		below = depth > below ? depth : below;
	}
	return (own + FRAME_STEP - 1) / FRAME_STEP * FRAME_STEP + below;
}

// --- The verifier's word -------------------------------------------------------------------------

// "stack depth 16+8+64", of each function
static bool read_stacks(struct program *program, const char *log)
{
	const char *stack = strstr(log, "stack depth ");
	if (!stack)
		return false;
	const char *at = stack + strlen("stack depth ");
	for (unsigned func = 0; func < program->num_funcs; func++) {
		char *end;
		program->depth[func] = (unsigned)strtoul(at, &end, 10);
		bool is_last = func + 1 == program->num_funcs;
		if (end == at || (*end == '+') == is_last)
			return false;
		at = end + 1;
	}
	return true;
}

// is_whole: all functions of the program are used; those that are not, the kernel leaves out of its log.
static void check(struct gotrace_bpf *skeleton, struct bpf_program *wanted, bool is_whole,
		  const char *what)
{
	static char log[LOG_BYTES];
	struct program *program = calloc(1, sizeof(*program));
	log[0] = '\0';
	bpf_program__set_autoload(skeleton->progs.find_target, false);
	bpf_program__set_autoload(skeleton->progs.gotrace_hit,
				  wanted == skeleton->progs.gotrace_hit);
	bpf_program__set_autoload(skeleton->progs.gotrace_count,
				  wanted == skeleton->progs.gotrace_count);
	bpf_program__set_log_level(wanted, LOG_STATS);
	bpf_program__set_log_buf(wanted, log, sizeof(log));
	if (ok(program && !gotrace_bpf__load(skeleton), "%s: the kernel takes it", what)) {
		program->insns = bpf_program__insns(wanted);
		program->num_insns = bpf_program__insn_cnt(wanted);
		find_funcs(program);
		const char *insns = strstr(log, "processed ");
		bool is_read =
			insns && sscanf(insns, "processed %lu insns", &program->processed) == 1;
		if (is_whole) {
			bool is_known = read_stacks(program, log);
			unsigned stack = is_known ? deepest(program, 0, 0) : 0;
			ok(is_known && stack <= STACK_MAX, "%s: %u of %d bytes of stack", what,
			   stack, STACK_MAX);
			if (!is_known)
				printf("# Not all of its functions are used: is something new left off?\n");
		}
		ok(is_read && program->processed < INSNS_WANTED, "%s: %lu of %d instructions", what,
		   program->processed, INSNS_MAX);
	}
	if (num_failed)
		printf("# %s\n", log);
	free(program);
	gotrace_bpf__destroy(skeleton);
}

// --- What the programs are told ------------------------------------------------------------------

static struct gotrace_bpf *open_programs(void)
{
	struct gotrace_bpf *skeleton = gotrace_bpf__open();
	if (!skeleton) {
		printf("Bail out! the programs cannot be opened\n");
		exit(1);
	}
	*(struct wire_settings *)&skeleton->rodata->settings = (struct wire_settings){
		.depth = 2,
		.g_goid = 160,
		.g_stack_hi = 8,
		.tls_g = -8,
		.record_max = WIRE_RECORD_MAX,
		.has_goid = 1,
		.string_type = 1,
		.ro_start = 0x400000,
		.ro_end = 0x500000,
	};
	return skeleton;
}

static void check_hits(bool has_budgets, bool has_conditions, unsigned stack, const char *what)
{
	struct gotrace_bpf *skeleton = open_programs();
	*(struct wire_stack_settings *)&skeleton->rodata->stacks = (struct wire_stack_settings){
		.max = stack, .has_creator = stack, .g_gopc = 200, .g_parent_goid = 208};
	bpf_map__set_value_size(skeleton->maps.calls, sizeof(uint64_t));
	skeleton->rodata->has_budgets = has_budgets;
	skeleton->rodata->has_conditions = has_conditions;
	skeleton->rodata->has_depth = has_conditions && stack;
	check(skeleton, skeleton->progs.gotrace_hit, has_budgets && has_conditions && stack, what);
}

static void check_counts(unsigned num_keys, unsigned num_linear, bool is_most, const char *what)
{
	struct gotrace_bpf *skeleton = open_programs();
	*(struct wire_aggregate_settings *)&skeleton->rodata->aggregating =
		(struct wire_aggregate_settings){
			.num_slots = 1000,
			.num_keys = num_keys,
			.has_buckets = num_keys || num_linear,
			.num_linear = num_linear,
			.linear_step = 5,
			.text_bytes = num_keys * WIRE_KEY_TEXT,
			.seed = {1, 2},
		};
	check(skeleton, skeleton->progs.gotrace_count, is_most, what);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	check_hits(false, false, 0, "a trace");
	check_hits(true, false, 0, "a trace with budgets");
	check_hits(true, true, 0, "a trace with conditions");
	check_hits(true, true, WIRE_STACK_MAX, "a trace with all");
	check_counts(0, 0, false, "counts");
	check_counts(WIRE_KEYS, 0, true, "counts with keys");
	check_counts(WIRE_KEYS, 100, true, "counts with all");
	printf("1..%d\n", num_tests);
	return num_failed != 0;
}
