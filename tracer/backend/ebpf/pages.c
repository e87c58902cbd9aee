// SPDX-License-Identifier: GPL-2.0-or-later
// A probe cannot read a page of memory that the target has not touched yet, for example that of a
// constant string that the target only passes on. Therefore, if conditions or counts read memory,
// the pages of the executable's data are fetched before: gotrace reads each page once, which makes
// the kernel map the page into the target.
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "tracer/backend/ebpf/ebpf.h"

enum { PAGES_AT_ONCE = 1024 };
static const uint64_t FETCHED_MAX = 256 << 20; // bytes of an executable's data

// Reads num pages from addr on. Returns how many could be read.
static uint64_t fetch(pid_t pid, uint64_t addr, uint64_t num, uint64_t page)
{
	struct iovec remote[PAGES_AT_ONCE];
	uint8_t bytes[PAGES_AT_ONCE];
	struct iovec local = {bytes, sizeof(bytes)};
	uint64_t fetched = 0;
	for (uint64_t i = 0; i < num;) {
		uint64_t left = num - i, some = left < PAGES_AT_ONCE ? left : PAGES_AT_ONCE;
		for (uint64_t j = 0; j < some; j++)
			remote[j] = (struct iovec){(void *)(uintptr_t)(addr + (i + j) * page), 1};
		ssize_t done = process_vm_readv(pid, &local, 1, remote, some, 0);
		if (done < 0)
			done = 0;
		fetched += (uint64_t)done;
		i += (uint64_t)done < some ? (uint64_t)done + 1 : some;
	}
	return fetched;
}

void ebpf_pages_fetch(struct ebpf *backend)
{
	if (backend->has_pages || !backend->loaded.plan->tables.num_ops)
		return;
	backend->has_pages = true;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), left = FETCHED_MAX / page, fetched = 0;
	size_t num;
	const struct image_segment *segments = image_segments(backend->loaded.image, &num);
	for (size_t i = 0; i < num; i++) {
		const struct image_segment *segment = &segments[i];
		uint64_t start = loaded_addr(&backend->loaded, segment->vaddr) / page;
		uint64_t pages = (segment->vaddr % page + segment->file_size + page - 1) / page;
		if (segment->is_executable || !segment->file_size)
			continue;
		if (pages > left)
			pages = left;
		left -= pages;
		fetched += fetch(backend->loaded.pid, start * page, pages, page);
	}
	log_debug("%llu pages of data fetched", (unsigned long long)fetched);
}
