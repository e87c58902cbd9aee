// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/target/code.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { CHUNK = 16384 };

// Visits the runs of bytes that differ. False if visit wants to stop.
static bool visit_runs(uint64_t vaddr, const uint8_t *file, const uint8_t *memory, size_t len,
		       bool (*visit)(void *context, const struct target_code_change *change),
		       void *context)
{
	if (!memcmp(file, memory, len))
		return true;
	for (size_t i = 0; i < len;) {
		size_t start = i;
		while (i < len && file[i] != memory[i])
			i++;
		struct target_code_change change = {
			.vaddr = vaddr + start,
			.len = i - start,
			.file = file + start,
			.memory = memory + start,
		};
		if (change.len && !visit(context, &change))
			return false;
		i += !change.len;
	}
	return true;
}

enum target_code_state target_code_compare(
	const struct loaded *loaded, uint64_t vaddr, uint64_t len,
	bool (*visit)(void *context, const struct target_code_change *change), void *context)
{
	const uint8_t *file;
	if (!image_text(loaded->image, vaddr, len, &file))
		return TARGET_CODE_UNREADABLE;
	uint8_t memory[CHUNK];
	while (len) {
		size_t want = len < sizeof(memory) ? len : sizeof(memory);
		ssize_t got = pread(loaded->mem, memory, want, (off_t)loaded_addr(loaded, vaddr));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? TARGET_CODE_UNREADABLE : TARGET_CODE_GONE;
		if (!visit_runs(vaddr, file, memory, (size_t)got, visit, context))
			return TARGET_CODE_READ;
		vaddr += (size_t)got;
		file += got;
		len -= (size_t)got;
	}
	return TARGET_CODE_READ;
}

bool target_code_is_there(int mem, uint64_t addr)
{
	uint8_t byte;
	ssize_t got;
	do {
		got = pread(mem, &byte, 1, (off_t)addr);
	} while (got < 0 && errno == EINTR);
	return got != 0; // an error only means that addr is not mapped, which the program may do
}

pid_t target_code_tracer(pid_t pid, char name[32])
{
	char path[32], line[256];
	static const char key[] = "TracerPid:";
	pid_t tracer = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	CLEANUP_FCLOSE FILE *status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		if (!strncmp(line, key, strlen(key)))
			tracer = (pid_t)strtol(line + strlen(key), NULL, 10);
	name[0] = '\0';
	if (tracer <= 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)tracer);
	CLEANUP_FCLOSE FILE *comm = fopen(path, "re");
	if (comm && fgets(name, 32, comm))
		name[strcspn(name, "\n")] = '\0';
	return tracer;
}
