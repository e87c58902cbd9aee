// SPDX-License-Identifier: GPL-2.0-or-later
// The shell's commands that show the functions, types and code of the target.
#include "cli/inspect/inspect.h"
#include "cli/shell/shell.h"

struct error *shell_cmd_funcs(struct shell *shell, int argc, char **argv)
{
	return inspect_funcs(session_index(shell->session), argv + 1, (size_t)argc - 1,
			     shell->page);
}

struct error *shell_cmd_types(struct shell *shell, int argc, char **argv)
{
	(void)argc;
	return inspect_types(session_index(shell->session), argv[1], shell->page);
}

struct error *shell_cmd_whatis(struct shell *shell, int argc, char **argv)
{
	(void)argc;
	return inspect_whatis(session_index(shell->session), argv[1], shell->page);
}

struct error *shell_cmd_info(struct shell *shell, int argc, char **argv)
{
	struct index *index = session_index(shell->session);
	const struct func *func;
	if (argc == 2) {
		struct error *err = inspect_find(index, argv[1], &func);
		return err ? err : inspect_func(index, func, shell->page);
	}
	inspect_target(index, target_pid(session_target(shell->session)), shell->page);
	return NULL;
}

struct error *shell_cmd_disassemble(struct shell *shell, int argc, char **argv)
{
	(void)argc;
	struct index *index = session_index(shell->session);
	const struct func *func;
	struct error *err = inspect_find(index, argv[1], &func);
	return err ? err : inspect_code(index, func, shell->page);
}
