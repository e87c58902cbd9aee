// SPDX-License-Identifier: GPL-2.0-or-later
// The shell's commands that show the functions, types and code of the target.
#include <string.h>

#include "cli/inspect/inspect.h"
#include "cli/shell/shell.h"

struct error *shell_cmd_funcs(struct shell *shell, int argc, char **argv)
{
	struct error *err = shell_needs_target(shell);
	if (err)
		return err;
	FILE *page = shell_page(shell);
	err = inspect_funcs(session_index(shell->session), argv + 1, (size_t)argc - 1, page);
	shell_page_end(shell, page);
	return err;
}

struct error *shell_cmd_types(struct shell *shell, int argc, char **argv)
{
	struct error *err = shell_needs_target(shell);
	if (err)
		return err;
	if (argc > 2)
		return error_new("types: one pattern");
	FILE *page = shell_page(shell);
	err = inspect_types(session_index(shell->session), argv[1], page);
	shell_page_end(shell, page);
	return err;
}

static struct error *print_func(struct shell *shell, const char *word,
				struct error *(*print)(struct index *index, const struct func *func,
						       FILE *out))
{
	struct index *index = session_index(shell->session);
	const struct func *func;
	struct error *err = inspect_find(index, word, &func);
	if (err)
		return err;
	FILE *page = shell_page(shell);
	err = print(index, func, page);
	shell_page_end(shell, page);
	return err;
}

struct error *shell_cmd_whatis(struct shell *shell, int argc, char **argv)
{
	struct error *err = shell_needs_target(shell);
	if (err)
		return err;
	if (argc != 2)
		return error_new("whatis: of which type or function?");
	FILE *page = shell_page(shell);
	err = inspect_whatis(session_index(shell->session), argv[1], page);
	shell_page_end(shell, page);
	return err;
}

struct error *shell_cmd_info(struct shell *shell, int argc, char **argv)
{
	struct error *err = shell_needs_target(shell);
	if (err)
		return err;
	if (argc > 2)
		return error_new("info: one function at a time");
	if (argc == 2)
		return print_func(shell, argv[1], inspect_func);
	FILE *page = shell_page(shell);
	inspect_target(session_index(shell->session), target_pid(session_target(shell->session)),
		       page);
	shell_page_end(shell, page);
	return NULL;
}

struct error *shell_cmd_disassemble(struct shell *shell, int argc, char **argv)
{
	struct error *err = shell_needs_target(shell);
	if (err)
		return err;
	if (argc != 2)
		return error_new("disassemble: which function?");
	return print_func(shell, argv[1], inspect_code);
}
