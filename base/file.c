// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

struct error *file_write(int fd, const void *bytes, size_t len, const volatile sig_atomic_t *stop,
			 const char *what)
{
	for (size_t done = 0; done < len;) {
		ssize_t written = write(fd, (const char *)bytes + done, len - done);
		if (written < 0 && (errno != EINTR || (stop && *stop)))
			return error_errno(errno, "%s", what);
		done += written > 0 ? (size_t)written : 0;
	}
	return NULL;
}
