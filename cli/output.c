// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

// True if other users may put files into the folder of path: a sticky folder such as /tmp that its
// group or everybody may write to.
static bool is_shared(const char *path)
{
	CLEANUP_FREE char *copy = strdup(path);
	struct stat folder;
	return copy && !stat(dirname(copy), &folder) && (folder.st_mode & S_ISVTX) &&
	       (folder.st_mode & (S_IWGRP | S_IWOTH));
}

struct error *output_open(const char *path, int *out)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY;
	bool may_be_planted = is_shared(path);
	int fd = open(path, flags | (may_be_planted ? O_NOFOLLOW : 0), 0600);
	if (fd < 0 && errno == ELOOP && may_be_planted)
		return error_new(
			"%s: a symbolic link in a folder where everybody may write: give the file that "
			"it leads to",
			path);
	if (fd < 0)
		return error_errno(errno, "%s", path);
	struct stat file;
	if (may_be_planted && !fstat(fd, &file) && S_ISREG(file.st_mode) &&
	    (file.st_uid != geteuid() || file.st_nlink > 1)) {
		close(fd);
		return error_new(
			"%s: in a folder where everybody may write, and not yours alone: give another file",
			path);
	}
	*out = fd;
	return NULL;
}

struct error *output_empty(int fd, const char *path)
{
	struct stat file;
	if (fstat(fd, &file) < 0 || (S_ISREG(file.st_mode) && ftruncate(fd, 0) < 0))
		return error_errno(errno, "%s", path);
	return NULL;
}

struct error *output_file(const char *path, FILE **out)
{
	int fd;
	struct error *err = output_open(path, &fd);
	if (err)
		return err;
	err = output_empty(fd, path);
	FILE *file = err ? NULL : fdopen(fd, "w");
	if (!err && !file)
		err = error_errno(errno, "%s", path);
	if (err)
		close(fd);
	else
		*out = file;
	return err;
}

struct error *output_text(int fd, const struct text *text, const volatile sig_atomic_t *stop,
			  const char *what, volatile sig_atomic_t *is_closed)
{
	struct error *err =
		text->failed ? error_nomem() : file_write(fd, text->data, text->len, stop, what);
	if (!err || error_code(err) != EPIPE)
		return err;
	if (is_closed)
		*is_closed = true;
	error_free(err);
	return NULL;
}

bool output_is_same(int a, int b)
{
	struct stat left, right;
	return !fstat(a, &left) && !fstat(b, &right) && S_ISREG(left.st_mode) &&
	       left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}
