// SPDX-License-Identifier: GPL-2.0-or-later
// Go 1.15's DWARF lists parameters by their place on the stack. A parameter of size 0 has the same
// place as the parameter after it, and may be listed after that one instead of before it:
// func(r int32, _ [0]int, q bool) is listed as r, q, _. So each order that the source may have is
// tried.
#include <stdlib.h>

#include "dwarf/index/index_private.h"

enum { MAX_MOVES = 6, MAX_PARAMS = 64 };

// Reports whether this parameter may belong before the one that it is listed after.
static bool may_move(const struct debug_func *func, size_t i)
{
	const struct debug_param *param = &func->params[i];
	return i && !param->type->size && !param->has_entry_location &&
	       func->params[i - 1].is_result == param->is_result;
}

unsigned signature_num_orders(const struct debug_func *func)
{
	unsigned num = 0;
	for (size_t i = 0; i < func->num_params; i++)
		num += may_move(func, i);
	if (num > MAX_MOVES || (num && func->num_params > MAX_PARAMS))
		return 0;
	return 1u << num;
}

// Reads the number in a name that the compiler made ("~r2", "~b1"). The numbers in one function
// increase.
static bool made_number(const struct debug_param *param, unsigned long *number)
{
	if (param->name[0] != '~' || (param->name[1] != 'r' && param->name[1] != 'b'))
		return false;
	*number = strtoul(param->name + 2, NULL, 10);
	return true;
}

static bool is_in_sequence(const struct debug_param *params, size_t num)
{
	unsigned long last = 0, number;
	bool is_first = true;
	for (size_t i = 0; i < num; i++) {
		if (!made_number(&params[i], &number))
			continue;
		if (!is_first && number <= last)
			return false;
		is_first = false;
		last = number;
	}
	return true;
}

// The parameters of size 0 that belong before another parameter are listed right after it, and
// before any others of size 0.
bool signature_order(const struct debug_func *func, unsigned order, struct debug_param *out)
{
	for (size_t i = 0; i < func->num_params; i++) {
		bool is_able = may_move(func, i), moves = is_able && order & 1;
		order >>= is_able;
		out[i] = func->params[i];
		if (!moves)
			continue;
		if (!out[i - 1].type->size)
			return false;
		out[i] = out[i - 1];
		out[i - 1] = func->params[i];
	}
	return is_in_sequence(out, func->num_params);
}

// A variable that the compiler tracks is listed before an untracked one at the same place.
static bool is_tracked(const struct debug_param *param)
{
	unsigned long number;
	return param->is_result ? !made_number(param, &number) : param->has_entry_location;
}

int signature_order_likelihood(const struct debug_func *func, unsigned order)
{
	int likelihood = 0;
	for (size_t i = 0; i < func->num_params; i++) {
		if (!may_move(func, i))
			continue;
		size_t next = i + 1;
		while (next < func->num_params && !func->params[next].type->size)
			next++;
		bool has_next = next < func->num_params && is_tracked(&func->params[next]) &&
				func->params[next].is_result == func->params[i].is_result;
		if (order & 1)
			likelihood += has_next ? 1 : -1;
		order >>= 1;
	}
	return likelihood;
}

bool signature_first_number(const struct debug_func *func, unsigned long *number)
{
	for (size_t i = 0; i < func->num_params; i++)
		if (func->params[i].is_result && made_number(&func->params[i], number))
			return true;
	return false;
}

// --- Names ---------------------------------------------------------------------------------------

static bool is_compiler_name(const char *name, char letter)
{
	return name[0] == '~' && name[1] == letter;
}

static bool is_made_up(const struct debug_param *debug)
{
	const char *name = debug->name;
	return !*name || *name == '.' || is_compiler_name(name, 'b') ||
	       is_compiler_name(name, debug->is_result ? 'r' : 'p');
}

// Reports whether the results have names. In Go, either all results of a function have names or
// none has.
static bool names_results(const struct debug_func *debug)
{
	for (size_t i = 0; i < debug->num_params; i++)
		if (debug->params[i].is_result && !is_made_up(&debug->params[i]))
			return true;
	return false;
}

const char *signature_shown_name(const struct debug_func *func, const struct debug_param *param)
{
	if (!is_made_up(param))
		return param->name;
	return param->is_result && !names_results(func) ? "" : "_";
}
