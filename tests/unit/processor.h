// SPDX-License-Identifier: GPL-2.0-or-later
// A processor for tests: a child process that executes one instruction at a time, from given registers, over
// memory that it shares with the test.
#ifndef GOTRACE_TESTS_UNIT_PROCESSOR_H
#define GOTRACE_TESTS_UNIT_PROCESSOR_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800 };
enum {
	CODE = 8192, // bytes, then the data
	DATA = 8192,
	AT = 0x104, // where an instruction stands in its own place
	ELSEWHERE = 0x1237,
	FLAGS = CF | PF | AF | ZF | SF | OF | 0x400,
	FLAGS_ALWAYS = 0x202,
	PAGE = 4096,
};

// The memory is at one address in all runs, so that a seed makes the same registers.
static const uint64_t AROUND = 4ull << 30, USER_END = 0x7ffffffff000, PLACE = 0x200000000000;

struct machine {
	pid_t child;
	uint8_t *around;
	uint8_t *memory; // shared with the child, at the same address
	uint8_t data[DATA], shadow[DATA];
	struct user_regs_struct base;
	struct user_fpregs_struct floats;
	uint64_t seed, random; // SEED in the environment chooses the seed
	unsigned num_emulated, num_moved;
};

static uint64_t next_random(struct machine *machine)
{
	machine->random = machine->random * 6364136223846793005u + 1442695040888963407u;
	uint64_t x = machine->random ^ machine->random >> 29;
	return x * 0xbf58476d1ce4e5b9u >> 7;
}

static uint64_t addr_of(const struct machine *machine, size_t off)
{
	return (uint64_t)(uintptr_t)machine->memory + off;
}

static uint8_t *data_of(const struct machine *machine)
{
	return machine->memory + CODE;
}

// --- The processor -------------------------------------------------------------------------------

// Executes one instruction that stands at this offset. The signal that it raised, SIGTRAP if it was executed.
static int execute(struct machine *machine, size_t off, const uint8_t *code, size_t len,
		   struct user_regs_struct *regs)
{
	memset(machine->memory, 0, CODE);
	memcpy(machine->memory + off, code, len);
	memcpy(data_of(machine), machine->data, DATA);
	assert_int_equal(ptrace(PTRACE_SETREGS, machine->child, NULL, regs), 0);
	assert_int_equal(ptrace(PTRACE_SETFPREGS, machine->child, NULL, &machine->floats), 0);
	assert_int_equal(ptrace(PTRACE_SINGLESTEP, machine->child, NULL, NULL), 0);
	int status;
	assert_int_equal(waitpid(machine->child, &status, 0), machine->child);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(ptrace(PTRACE_GETREGS, machine->child, NULL, regs), 0);
	regs->orig_rax = machine->base.orig_rax;
	return WSTOPSIG(status);
}

static void unmap(struct machine *machine, uint64_t from, uint64_t to)
{
	static const uint8_t code[] = {0x0f, 0x05}; // syscall
	struct user_regs_struct regs = machine->base;
	regs.rip = addr_of(machine, AT);
	regs.rax = SYS_munmap;
	regs.rdi = from;
	regs.rsi = to - from;
	assert_int_equal(execute(machine, AT, code, sizeof(code), &regs), SIGTRAP);
	assert_int_equal(regs.rax, 0);
}

// The child keeps no memory but what is shared: what else it reached would not be the same a second time. And
// what is around its thread pointer, where the kernel writes itself (rseq).
static void unmap_all_but(struct machine *machine, uint64_t thread)
{
	uint64_t ends[] = {thread - 2 * PAGE, thread + 2 * PAGE,
			   (uint64_t)(uintptr_t)machine->around,
			   (uint64_t)(uintptr_t)machine->around + 2 * AROUND};
	size_t first = ends[0] < ends[2] ? 0 : 2, second = 2 - first;
	unmap(machine, PAGE, ends[first]);
	unmap(machine, ends[first + 1], ends[second]);
	unmap(machine, ends[second + 1], USER_END);
}

static int start(void **state)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	assert_non_null(machine);
	*state = machine;
	const char *seed = getenv("SEED");
	machine->seed = machine->random = seed ? strtoull(seed, NULL, 0) : 42;
	// Nothing of ours is where a displacement leads to.
	machine->around =
		mmap((void *)(uintptr_t)PLACE, 2 * AROUND, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	assert_ptr_not_equal(machine->around, MAP_FAILED);
	machine->memory =
		mmap(machine->around + AROUND, CODE + DATA, PROT_READ | PROT_WRITE | PROT_EXEC,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	assert_ptr_not_equal(machine->memory, MAP_FAILED);
	for (size_t i = 0; i < DATA; i += sizeof(uint64_t)) { // any number, or where code is
		uint64_t word = next_random(machine);
		if (i & sizeof(word))
			word = addr_of(machine, (word >> 8) % CODE);
		memcpy(machine->data + i, &word, sizeof(word));
	}
	machine->child = fork();
	if (machine->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(1);
	}
	int status;
	assert_int_equal(waitpid(machine->child, &status, 0), machine->child);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(ptrace(PTRACE_GETREGS, machine->child, NULL, &machine->base), 0);
	assert_int_equal(ptrace(PTRACE_GETFPREGS, machine->child, NULL, &machine->floats), 0);
	machine->base.orig_rax = (unsigned long long)-1;
	unmap_all_but(machine, machine->base.fs_base & -(uint64_t)PAGE);
	machine->base.fs_base = machine->base.gs_base = addr_of(machine, CODE + DATA / 2);
	return 0;
}

static int stop(void **state)
{
	struct machine *machine = *state;
	kill(machine->child, SIGKILL);
	waitpid(machine->child, NULL, 0);
	munmap(machine->around, 2 * AROUND);
	free(machine);
	return 0;
}

// --- Registers -----------------------------------------------------------------------------------

static const struct {
	const char *name;
	size_t offset;
} registers[] = {
	{"rax", offsetof(struct user_regs_struct, rax)},
	{"rbx", offsetof(struct user_regs_struct, rbx)},
	{"rcx", offsetof(struct user_regs_struct, rcx)},
	{"rdx", offsetof(struct user_regs_struct, rdx)},
	{"rsi", offsetof(struct user_regs_struct, rsi)},
	{"rdi", offsetof(struct user_regs_struct, rdi)},
	{"rbp", offsetof(struct user_regs_struct, rbp)},
	{"rsp", offsetof(struct user_regs_struct, rsp)},
	{"r8", offsetof(struct user_regs_struct, r8)},
	{"r9", offsetof(struct user_regs_struct, r9)},
	{"r10", offsetof(struct user_regs_struct, r10)},
	{"r11", offsetof(struct user_regs_struct, r11)},
	{"r12", offsetof(struct user_regs_struct, r12)},
	{"r13", offsetof(struct user_regs_struct, r13)},
	{"r14", offsetof(struct user_regs_struct, r14)},
	{"r15", offsetof(struct user_regs_struct, r15)},
	{"rip", offsetof(struct user_regs_struct, rip)},
};

static uint64_t get(const struct user_regs_struct *regs, size_t offset)
{
	uint64_t value;
	memcpy(&value, (const char *)regs + offset, sizeof(value));
	return value;
}

// A number at the edge of a width, any number, or the address of a piece of data.
static uint64_t interesting(struct machine *machine)
{
	static const uint64_t edges[] = {0, 1, 2, 1ull << 32, UINT64_MAX};
	uint64_t choice = next_random(machine), more = choice >> 8;
	switch (choice & 7) {
	case 0:
		return edges[more % (sizeof(edges) / sizeof(*edges))];
	case 1: // the sign bit of a width, or all bits below it, or one more
		return (1ull << ((8u << (more & 3)) - 1)) * (1 + (more >> 2 & 1)) - (more >> 3 & 1);
	case 2:
	case 3:
		return next_random(machine) << 32 ^ next_random(machine);
	default:
		return addr_of(machine, CODE + DATA / 4 + more % (DATA / 2));
	}
}

static struct user_regs_struct random_registers(struct machine *machine)
{
	struct user_regs_struct regs = machine->base;
	for (size_t i = 0; i + 1 < sizeof(registers) / sizeof(*registers); i++) {
		uint64_t value = interesting(machine);
		memcpy((char *)&regs + registers[i].offset, &value, sizeof(value));
	}
	uint64_t where = next_random(machine);
	regs.rsp = addr_of(machine, CODE + DATA / 4 + (where & 0x7f8));
	regs.r14 = addr_of(machine, CODE + DATA / 2 + (where >> 16 & 0x3f8));
	regs.eflags = FLAGS_ALWAYS | (next_random(machine) & (FLAGS & ~0x400));
	return regs;
}

#endif
