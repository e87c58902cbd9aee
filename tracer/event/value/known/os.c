// SPDX-License-Identifier: GPL-2.0-or-later
// The packages os, os/exec, io/fs and syscall.
#include "tracer/event/value/known/known.h"

static bool put_file(const struct known_value *file, struct text *out)
{
	int64_t fd;
	if (!known_number(file, "file.pfd.Sysfd", &fd) || !known_quote(file, "file.name", out))
		return false;
	if (fd < 0)
		text_puts(out, ", closed");
	else
		text_printf(out, ", fd %lld", (long long)fd);
	return true;
}

static bool put_mode(const struct known_value *value, struct text *out)
{
	static const char types[] = "dalTLDpSugct?", permissions[] = "rwxrwxrwx";
	int64_t mode;
	if (!known_number(value, "", &mode))
		return false;
	bool has_type = false;
	for (unsigned i = 0; types[i]; i++)
		if (mode >> (31 - i) & 1) {
			text_putc(out, types[i]);
			has_type = true;
		}
	if (!has_type)
		text_putc(out, '-');
	for (unsigned i = 0; permissions[i]; i++)
		text_putc(out, mode >> (8 - i) & 1 ? permissions[i] : '-');
	return true;
}

static bool put_errno(const struct known_value *value, struct text *out)
{
	struct message message;
	if (!walk_message(value->walk, &(struct dynamic){.type = value->type, .addr = value->addr},
			  &message))
		return false;
	text_append(out, message.bytes, message.len);
	return true;
}

static bool put_command(const struct known_value *command, struct text *out)
{
	enum { ARGS_MAX = 16 };
	struct known_value arg;
	uint64_t num;
	if (!known_len(command, "Args", &num) || !num)
		return false;
	for (uint64_t i = 0; i < num && i < ARGS_MAX; i++) {
		if (i)
			text_putc(out, ' ');
		if (!known_elem(command, "Args", i, &arg) || !known_put(&arg, "", out))
			return false;
	}
	if (num > ARGS_MAX)
		text_printf(out, " ...+%llu", (unsigned long long)(num - ARGS_MAX));
	return true;
}

const struct known_row known_os[] = {
	{"os.File", put_file, KNOWN_TYPED | KNOWN_POINTER},
	{"os/exec.Cmd", put_command, KNOWN_TYPED | KNOWN_POINTER},
	{"io/fs.FileMode", put_mode, 0},
	{"os.FileMode", put_mode, 0},
	{"syscall.Errno", put_errno, KNOWN_TYPED},
	{0},
};
