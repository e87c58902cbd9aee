// SPDX-License-Identifier: GPL-2.0-or-later
// differential [ROUNDS [SEED]]: the capture engine in the kernel against the same in user space. A child runs through
// probes with random registers over random memory, and stops right behind each; both records of each
// stop must be the same to the byte. Tables and memory make no sense on purpose. Prints TAP; root.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "tracer/backend/backend.h"
#include "tracer/backend/hit.h"

enum {
	NUM_SITES = 32,
	SITE_BYTES = 8,
	NUM_TYPES = 24,
	NUM_EDGES = 160,
	NUM_PIECES = 256,
	NUM_DYNAMICS = 16,
	MEMORY = 1 << 18, // bytes, a quarter of it cannot be read
	HOLE = MEMORY / 4,
	READONLY = 1 << 14, // bytes that are said to be in the executable
	G_GOID = 160,
};

static const uint64_t RTYPES = 0x600000000000; // where type descriptors are said to be

struct shared { // with the child
	uint64_t regs[10];
	uint64_t site;
	uint64_t r14;
	uint64_t g[24];
};

struct session {
	struct shared *shared;
	uint8_t *memory;
	pid_t child;
	struct plan plan;
	struct plan_func func, *funcs[1];
	struct func name;
	struct plan_probe places[NUM_SITES];
	struct wire_probe probes[NUM_SITES];
	struct wire_piece pieces[NUM_PIECES];
	struct wire_type types[NUM_TYPES];
	struct wire_edge edges[NUM_EDGES];
	struct plan_dynamic dynamics[NUM_DYNAMICS];
	struct wire_settings settings;
	struct backend *backend;
	struct armed armed;
	struct tables tables;
	struct wire_state state;
	struct hit_maker *maker;
	uint64_t blocks, bytes, faults, cut, no_goroutine, differ;
};

// The executable that the back end asks for: the lowest part of the memory stands for its read-only data.
static struct image_segment segments[2];

const struct runtime_layout *index_runtime(const struct index *index)
{
	static const struct runtime_layout layout = {.g_stack_hi = 8,
						     .g_goid = G_GOID,
						     .tls_g = -8,
						     .has_regabi = true};
	(void)index;
	return &layout;
}

struct image *index_image(const struct index *index)
{
	(void)index;
	return NULL;
}

const struct image_segment *image_segments(const struct image *image, size_t *num)
{
	(void)image;
	*num = 2;
	return segments;
}

bool image_text(struct image *image, uint64_t vaddr, size_t len, const uint8_t **out)
{
	(void)image;
	(void)vaddr;
	(void)len;
	(void)out;
	return false;
}

const struct arch *image_arch(const struct image *image)
{
	(void)image;
	return NULL;
}

// Loads the registers, runs to one site and comes back. The byte behind each site's nop stops the child.
void run_site(struct shared *shared);
extern const uint8_t sites_start[];
asm(".text\n"
    ".globl run_site\n"
    ".type run_site, @function\n"
    "run_site:\n"
    "	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
    "	mov %rdi, %r12\n"
    "	mov 80(%r12), %r13\n"
    "	mov 88(%r12), %r14\n"
    "	mov 0(%r12), %rax\n	mov 8(%r12), %rbx\n	mov 16(%r12), %rcx\n"
    "	mov 24(%r12), %rdi\n	mov 32(%r12), %rsi\n	mov 40(%r12), %r8\n"
    "	mov 48(%r12), %r9\n	mov 56(%r12), %r10\n	mov 64(%r12), %r11\n"
    "	mov 72(%r12), %rdx\n"
    "	jmp *%r13\n"
    "	.balign 8\n"
    ".globl sites_start\n"
    "sites_start:\n"
    "	.rept 32\n	nop\n	int3\n	jmp sites_end\n	.balign 8\n	.endr\n"
    "sites_end:\n"
    "	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	pop %rbx\n"
    "	ret\n");

static uint32_t any(uint32_t below)
{
	return (uint32_t)random() % below;
}

static bool one_in(uint32_t n)
{
	return !any(n);
}

// A word such as memory holds: mostly pointers and small numbers.
static uint64_t any_word(const struct session *session)
{
	uint64_t base = (uintptr_t)session->memory;
	switch (any(16)) {
	case 0:
		return 0;
	case 1:
		return any(4096);
	case 2:
		return (uint64_t)random() << 32 | (uint32_t)random();
	case 3:
	case 4:
		return RTYPES + any(NUM_DYNAMICS + 2) * 64;
	case 5:
	case 6:
	case 7:
		return any(20);
	case 8:
		return base + any(MEMORY);
	default: // most of it aligned, few in the hole
		return base + any(one_in(8) ? MEMORY : MEMORY - HOLE) / 8 * 8;
	}
}

static void fill_memory(struct session *session, uint32_t words)
{
	for (uint32_t i = 0; i < words; i++) {
		uint64_t word = any_word(session);
		memcpy(session->memory + any((MEMORY - HOLE) / 8) * 8, &word, sizeof(word));
	}
}

static void make_tables(struct session *session)
{
	for (uint32_t i = 1; i < NUM_TYPES; i++) {
		uint32_t first = any(NUM_EDGES);
		session->types[i] = (struct wire_type){
			.size = one_in(12) ? any(6000) : 8 + any(24) * 8,
			.first_edge = first,
			.num_edges = one_in(4) ? 0 : 2 + any(10),
			.stride = one_in(3) ? any(6000) : 8 + any(24) * 8,
		};
	}
	for (uint32_t i = 0; i < NUM_EDGES; i++)
		session->edges[i] = (struct wire_edge){
			.offset = one_in(10) ? any(300) : any(12) * 8,
			.kind = (uint8_t)any(WIRE_EDGE_TABLES + 1),
			.flags = (uint8_t)any(2),
			.cap = (uint16_t)(one_in(20) ? any(65536) : any(40)),
			.type = one_in(6) ? 0 : any(NUM_TYPES),
			.first = one_in(3) ? any(40) : 0,
		};
	for (uint32_t i = 0; i < NUM_PIECES; i++) {
		uint8_t where = (uint8_t)(one_in(10)  ? WIRE_FLOAT_REG
					  : one_in(4) ? WIRE_STACK + any(2)
						      : WIRE_INT_REG);
		session->pieces[i] = (struct wire_piece){
			.frame_off = (uint16_t)(one_in(8) ? any(200) : any(14) * 8),
			.size = (uint16_t)(where == WIRE_STACK ? any(40)
					   : one_in(3)	       ? 1u << any(4)
							       : 8),
			.where = where,
			.reg = (uint8_t)any(11),
			.stack_off = any(16) * 8,
		};
	}
	for (uint32_t i = 0; i < NUM_DYNAMICS; i++)
		session->dynamics[i] =
			(struct plan_dynamic){RTYPES + i * 64, 1 + any(NUM_TYPES - 1)};
}

// A probe for each site, the nop at its start; some ignore the hit, some capture nothing.
static void make_probes(struct session *session, uint64_t sites_off)
{
	for (uint32_t i = 0; i < NUM_SITES; i++) {
		session->probes[i] = (struct wire_probe){
			.kind = WIRE_PROBE_ENTRY,
			.flags = (uint16_t)(one_in(8) ? WIRE_SKIP_TAKEN : 0),
			.frame_type = 1 + any(NUM_TYPES - 1),
			.first_piece = any(NUM_PIECES - 24),
			.num_pieces = (uint16_t)(one_in(8) ? 0 : 8 + any(16)),
			.frame_size = (uint16_t)(any(25) * 8 + (one_in(4) ? any(8) : 0)),
		};
		session->places[i].off = sites_off + i * SITE_BYTES;
	}
}

static void make_plan(struct session *session)
{
	session->name.name = "run_site";
	session->func = (struct plan_func){.func = &session->name, .num_probes = NUM_SITES};
	session->funcs[0] = &session->func;
	session->plan = (struct plan){
		.funcs = session->funcs,
		.num_funcs = 1,
		.probes = session->places,
		.tables = {session->probes, session->pieces, session->types, session->edges,
			   NUM_SITES, NUM_PIECES, NUM_TYPES, NUM_EDGES},
		.dynamics = session->dynamics,
		.num_dynamics = NUM_DYNAMICS,
		.string_type = 1,
	};
}

// The file offset of an address of this program, from its own mappings.
static uint64_t own_offset(const void *addr)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned long start, end, off, result = 0;
	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &off) == 3 &&
		    (uintptr_t)addr >= start && (uintptr_t)addr < end)
			result = (uintptr_t)addr - start + off;
	if (maps)
		fclose(maps);
	return result;
}

static void run_child(struct session *session)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	// Pages that were never touched are the one thing that only user space can read.
	mlockall(MCL_CURRENT | MCL_FUTURE);
	raise(SIGSTOP);
	for (;;)
		run_site(session->shared);
}

static bool read_child(void *context, void *dst, size_t len, uint64_t addr)
{
	const struct session *session = context;
	struct iovec to = {dst, len}, from = {(void *)(uintptr_t)addr, len};
	return process_vm_readv(session->child, &to, 1, &from, 1, 0) == (ssize_t)len;
}

static uint32_t find_dynamic(void *context, uint64_t rtype)
{
	const struct session *session = context;
	for (uint32_t i = 0; i < NUM_DYNAMICS; i++)
		if (session->dynamics[i].rtype == rtype)
			return session->dynamics[i].type;
	return 0;
}

struct taken {
	uint8_t bytes[WIRE_RECORD_MAX + WIRE_BLOCK_MAX];
	size_t num;
};

static bool take_record(void *context, const struct wire_record *record)
{
	struct taken *taken = context;
	taken->num++;
	if (record->size <= sizeof(taken->bytes))
		memcpy(taken->bytes, record, record->size);
	return true;
}

static const struct wire_record *make_record(struct session *session,
					     const struct user_regs_struct *regs,
					     const struct wire_record *other)
{
	struct cpu_regs hit = {
		.ints = {regs->rax, regs->rbx, regs->rcx, regs->rdi, regs->rsi, regs->r8, regs->r9,
			 regs->r10, regs->r11, regs->rdx},
		.sp = regs->rsp,
		.g = regs->r14,
		.flags = regs->eflags,
		.tls = regs->fs_base,
	};
	uint32_t site = (uint32_t)((session->shared->site - (uintptr_t)sites_start) / SITE_BYTES);
	return hit_record(session->maker, site, (uint32_t)session->child,
			  other ? other->time_ns : 0, &hit);
}

static void print_record(const char *who, const struct wire_record *record)
{
	printf("# %s: flags %u, goid %llu, distance %llu\n", who, record->flags,
	       (unsigned long long)record->goid, (unsigned long long)record->distance);
	const char *at = (const char *)(record + 1), *end = (const char *)record + record->size;
	while (at < end) {
		const struct wire_block *block = (const struct wire_block *)at;
		printf("#   %#llx type %u, %u bytes, depth %u, flags %u\n",
		       (unsigned long long)block->addr, block->type, block->len, block->depth,
		       block->flags);
		at += sizeof(*block) + (block->len + 7u) / 8 * 8;
	}
}

static void count(struct session *session, const struct wire_record *record)
{
	session->cut += record->flags & WIRE_CUT ? 1 : 0;
	session->no_goroutine += record->flags & WIRE_NO_GOROUTINE ? 1 : 0;
	session->blocks += record->num_blocks;
	session->bytes += record->size;
	const char *at = (const char *)(record + 1), *end = (const char *)record + record->size;
	while (at < end) {
		const struct wire_block *block = (const struct wire_block *)at;
		session->faults += block->flags & WIRE_BLOCK_FAULT;
		at += sizeof(*block) + (block->len + 7u) / 8 * 8;
	}
}

// One stop: random registers and memory, one site, two records.
static bool run_round(struct session *session)
{
	struct shared *shared = session->shared;
	fill_memory(session, 64);
	for (size_t i = 0; i < 10; i++)
		shared->regs[i] = any_word(session);
	shared->site = (uintptr_t)sites_start + any(NUM_SITES) * SITE_BYTES;
	shared->r14 = one_in(10) ? any_word(session) : (uintptr_t)shared->g;
	shared->g[1] = one_in(10) ? any_word(session) : (1ull << 47) - 1;
	shared->g[G_GOID / 8] = any(1000);
	int status;
	struct user_regs_struct regs;
	if (ptrace(PTRACE_CONT, session->child, NULL, NULL) ||
	    waitpid(session->child, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    WSTOPSIG(status) != SIGTRAP || ptrace(PTRACE_GETREGS, session->child, NULL, &regs)) {
		printf("# the child does not stop behind its site\n");
		return false;
	}
	static struct taken taken;
	taken.num = 0;
	size_t num;
	bool ended;
	struct error *err =
		backend_ebpf.records.poll(session->backend, 100, take_record, &taken, &num, &ended);
	if (err) {
		printf("# %s\n", error_message(err));
		error_free(err);
		return false;
	}
	const struct wire_record *kernels = taken.num ? (struct wire_record *)taken.bytes : NULL;
	const struct wire_record *ours = make_record(session, &regs, kernels);
	if (taken.num > 1 || !ours != !kernels ||
	    (ours && (ours->size != kernels->size || memcmp(ours, kernels, ours->size)))) {
		session->differ++;
		printf("# site %u: %zu records, %u and %u bytes\n", ours ? ours->probe : 0,
		       taken.num, kernels ? kernels->size : 0, ours ? ours->size : 0);
		if (kernels && ours && session->differ < 4) {
			print_record("kernel", kernels);
			print_record("user space", ours);
		}
	}
	if (ours)
		count(session, ours);
	return true;
}

static struct error *set_up(struct session *session)
{
	session->shared = mmap(NULL, sizeof(*session->shared), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	session->memory =
		mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (session->shared == MAP_FAILED || session->memory == MAP_FAILED ||
	    mprotect(session->memory + MEMORY - HOLE, HOLE, PROT_NONE))
		return error_errno(errno, "mapping memory");
	uint64_t base = (uintptr_t)session->memory;
	segments[0] = (struct image_segment){.vaddr = base, .file_size = READONLY};
	segments[1] = (struct image_segment){.vaddr = base + MEMORY, .is_writable = true};
	fill_memory(session, MEMORY / 4);
	make_tables(session);
	make_probes(session, own_offset(sites_start));
	make_plan(session);
	session->settings = (struct wire_settings){
		.depth = 3,
		.g_stack_hi = 8,
		.g_goid = G_GOID,
		.tls_g = -8,
		.record_max = WIRE_RECORD_MAX,
		.has_goid = 1,
		.string_type = 1,
		.ro_start = base,
		.ro_end = base + READONLY,
	};
	session->child = fork();
	if (session->child < 0)
		return error_errno(errno, "fork");
	if (!session->child)
		run_child(session);
	waitpid(session->child, NULL, 0);
	session->tables = (struct tables){.plan = session->plan.tables, .state = &session->state};
	struct hit_source source = {
		.tables = &session->tables,
		.settings = &session->settings,
		.read = read_child,
		.dynamic = find_dynamic,
		.context = session,
	};
	struct error *err = hit_maker_create(&source, &session->maker);
	char exe[32];
	snprintf(exe, sizeof(exe), "/proc/%d/exe", (int)session->child);
	const struct loaded loaded = {
		.image = index_image(session->plan.index),
		.index = session->plan.index,
		.plan = &session->plan,
		.pid = session->child,
		.exe = exe,
		.pidfd = (int)syscall(SYS_pidfd_open, session->child, 0),
		.mem = -1, // its code is no file's
	};
	struct backend_settings settings = {.depth = session->settings.depth,
					    .buffer_bytes = 1 << 20};
	if (!err)
		err = armed_grow(&session->armed, 1);
	if (!err)
		err = backend_ebpf.open(&loaded, &session->armed, &settings, &session->backend);
	uint32_t func = 0;
	return err ? err : backend_ebpf.probes.arm(session->backend, &func, 1);
}

static void tear_down(struct session *session)
{
	backend_ebpf.close(session->backend);
	armed_deinit(&session->armed);
	hit_maker_destroy(session->maker);
	if (session->child > 0) {
		kill(session->child, SIGKILL);
		waitpid(session->child, NULL, 0);
	}
}

static void print_note(enum log_level level, const char *message)
{
	(void)level;
	printf("# %s\n", message);
}

int main(int argc, char **argv)
{
	uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 3000;
	uint32_t seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : (uint32_t)time(NULL);
	srandom(seed);
	if (getenv("VERBOSE"))
		log_to(print_note, LOG_DEBUG);
	static struct session session;
	struct error *err = set_up(&session);
	uint32_t done = 0;
	while (!err && done < rounds && run_round(&session))
		done++;
	tear_down(&session);
	bool ok = !err && done == rounds && !session.differ;
	printf("1..1\n%sok 1 - %u records of two engines are the same (seed %u)\n",
	       ok ? "" : "not ", done, seed);
	if (err)
		printf("# %s\n", error_message(err));
	error_free(err);
	printf("# %llu blocks, %llu bytes, %llu unreadable, %llu cut, %llu without goroutine; "
	       "%llu differ\n",
	       (unsigned long long)session.blocks, (unsigned long long)session.bytes,
	       (unsigned long long)session.faults, (unsigned long long)session.cut,
	       (unsigned long long)session.no_goroutine, (unsigned long long)session.differ);
	return !ok;
}
