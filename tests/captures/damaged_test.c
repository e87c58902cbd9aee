// SPDX-License-Identifier: GPL-2.0-or-later
// Executables with bytes changed: the seeds of the fuzz target that reads them whole, one by one, where no
// fuzzer is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <dirent.h>

#include "tests/fuzz/pipeline.h"

static void every_seed(void **state)
{
	(void)state;
	static const char folder[] = "tests/fuzz/seeds/pipeline";
	DIR *dir = opendir(folder);
	if (!dir)
		fail_msg("%s: cannot be opened (tests run from the top of the tree)", folder);
	unsigned num = 0;
	for (const struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		char path[512];
		uint8_t input[4096];
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		FILE *file = fopen(path, "rb");
		assert_non_null(file);
		size_t size = fread(input, 1, sizeof(input), file);
		fclose(file);
		print_message("%s\n", entry->d_name);
		pipeline_input(input, size);
		num++;
	}
	closedir(dir);
	assert_true(num > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_seed)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
