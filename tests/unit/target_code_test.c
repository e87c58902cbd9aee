// SPDX-License-Identifier: GPL-2.0-or-later
// A file's code beside this program's own memory, which holds it with changes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/unit/elf_writer.h"
#include "tracer/target/code.h"

enum { VADDR = 0x401000, SIZE = 20 * 4096 };

struct fixture {
	struct image *image;
	uint8_t *memory; // where the code is loaded
	struct loaded loaded;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	uint8_t *bytes = malloc(SIZE);
	struct elf_writer elf;
	char path[64];
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i % 251);
	elf_init(&elf);
	elf_load(&elf, VADDR, PF_R | PF_X, bytes, SIZE, 0);
	elf_load(&elf, VADDR + SIZE, PF_R, bytes, 16, 0);
	if (!elf_finish(&elf) || !elf_save(&elf, path) ||
	    image_open(path, NULL, &fixture->image) != NULL)
		return -1;
	unlink(path);
	elf_deinit(&elf);
	fixture->memory =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(fixture->memory, bytes, SIZE);
	free(bytes);
	fixture->loaded = (struct loaded){
		.image = fixture->image,
		.bias = (uint64_t)(uintptr_t)fixture->memory - VADDR,
		.mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC),
	};
	*state = fixture;
	return fixture->loaded.mem < 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	close(fixture->loaded.mem);
	munmap(fixture->memory, SIZE);
	image_close(fixture->image);
	free(fixture);
	return 0;
}

static bool write_change(void *context, const struct target_code_change *change)
{
	struct text *out = context;
	text_printf(out, "%llx+%zu:%02x/%02x ", (unsigned long long)change->vaddr - VADDR,
		    change->len, change->file[0], change->memory[0]);
	return true;
}

static bool stop_at_once(void *context, const struct target_code_change *change)
{
	write_change(context, change);
	return false;
}

static void expect(const struct fixture *fixture, uint64_t off, uint64_t len, const char *changes)
{
	struct text out = {0};
	assert_int_equal(target_code_compare(&fixture->loaded, VADDR + off, len, write_change,
					     &out),
			 TARGET_CODE_READ);
	assert_string_equal(text_string(&out), changes);
	text_deinit(&out);
}

static void test_changes(void **state)
{
	const struct fixture *fixture = *state;
	expect(fixture, 0, SIZE, "");
	fixture->memory[0] = 0xcc;
	fixture->memory[100] = 0xcc;
	memset(fixture->memory + 5000, 0xf4, 3);
	fixture->memory[16384] = 0xcc; // where a second chunk begins
	fixture->memory[SIZE - 1] = 0xcc;
	expect(fixture, 0, SIZE, "0+1:00/cc 64+1:64/cc 1388+3:e7/f4 4000+1:45/cc 13fff+1:5d/cc ");
	expect(fixture, 1, 99, "");
	expect(fixture, 100, 1, "64+1:64/cc ");
	expect(fixture, 5001, 1, "1389+1:e8/f4 ");
	struct text out = {0};
	assert_int_equal(target_code_compare(&fixture->loaded, VADDR, SIZE, stop_at_once, &out),
			 TARGET_CODE_READ);
	assert_string_equal(text_string(&out), "0+1:00/cc ");
	text_deinit(&out);
}

static void test_unreadable(void **state)
{
	const struct fixture *fixture = *state;
	struct text out = {0};
	const struct loaded *loaded = &fixture->loaded;
	enum { PAGE = 4096 };
	assert_int_equal(target_code_compare(loaded, VADDR - 1, 8, write_change, &out),
			 TARGET_CODE_UNREADABLE);
	assert_int_equal(target_code_compare(loaded, VADDR + SIZE - 1, 8, write_change, &out),
			 TARGET_CODE_UNREADABLE);
	assert_int_equal(target_code_compare(loaded, VADDR + SIZE, 8, write_change, &out),
			 TARGET_CODE_UNREADABLE); // no code
	munmap(fixture->memory + 4 * PAGE, PAGE);
	assert_int_equal(target_code_compare(loaded, VADDR, SIZE, write_change, &out),
			 TARGET_CODE_UNREADABLE);
	assert_string_equal(text_string(&out), "");
	text_deinit(&out);
}

// The descriptor stays with the memory that was there: what takes its place is not mistaken for it.
static void test_gone(void **state)
{
	const struct fixture *fixture = *state;
	int held[2];
	assert_int_equal(pipe(held), 0);
	pid_t child = fork();
	if (child == 0) {
		char byte;
		dup2(held[0], 0);
		close(held[1]);
		if (read(0, &byte, 1) == 1)
			execl("/bin/cat", "cat", NULL);
		_exit(1);
	}
	char path[32], name[32];
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)child);
	struct loaded loaded = fixture->loaded;
	loaded.mem = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(loaded.mem >= 0);
	struct text out = {0};
	uint64_t addr = loaded_addr(&loaded, VADDR);
	assert_int_equal(target_code_compare(&loaded, VADDR, SIZE, write_change, &out),
			 TARGET_CODE_READ);
	assert_true(target_code_is_there(loaded.mem, addr));
	assert_int_equal(target_code_tracer(child, name), 0);
	assert_int_equal(write(held[1], "x", 1), 1);
	for (int i = 0; i < 5000 && target_code_is_there(loaded.mem, addr); i++)
		usleep(1000);
	assert_false(target_code_is_there(loaded.mem, addr));
	assert_int_equal(target_code_compare(&loaded, VADDR, SIZE, write_change, &out),
			 TARGET_CODE_GONE);
	close(held[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(held[0]);
	close(loaded.mem);
	text_deinit(&out);
}

static void test_tracer(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	char name[32];
	assert_int_equal(target_code_tracer(child, name), getpid());
	assert_string_equal(name, "target_code_tes"); // as the kernel cuts it
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unreadable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gone, set_up, tear_down),
		cmocka_unit_test(test_tracer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
