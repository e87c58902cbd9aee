// SPDX-License-Identifier: GPL-2.0-or-later
// What Go's own tables say about the arguments of a function: their words and their size.
#include <stdlib.h>

#include "dwarf/index/index_private.h"

enum { MAX_RAW_WORDS = 10 };

void signature_read_words(const struct signature_query *query, struct arg_words *words,
			  int64_t *frame_bytes)
{
	struct pcln_func row;
	*words = (struct arg_words){.num = -1};
	*frame_bytes = -1;
	if (query->row == NO_ROW || !pclntab_func(query->table, query->row, &row))
		return;
	// Assembly code with undeclared arguments has INT_MIN here.
	enum { MAX_FRAME = 1 << 28 };
	if (row.args_bytes >= 0 && row.args_bytes < MAX_FRAME)
		*frame_bytes = row.args_bytes;
	words->num = pclntab_args(query->table, query->row, words->word, MAX_ARG_WORDS,
				  &words->is_complete);
	// Compiled code without arguments has no ArgInfo.
	if (words->num < 0 && go_version_at_least(query->go, 17) && !(row.flags & PCLN_ASM))
		*words = (struct arg_words){.is_complete = true};
}

static const char *const stack_names[MAX_RAW_WORDS] = {"SP+8",	"SP+16", "SP+24", "SP+32", "SP+40",
						       "SP+48", "SP+56", "SP+64", "SP+72", "SP+80"};

struct error *signature_of_words(const struct arch *arch, const struct func *func,
				 const struct arg_words *words, int64_t frame_bytes,
				 struct signature *out)
{
	bool on_stack = func->flags & FUNC_ABI0;
	int num = on_stack ? (int)(frame_bytes / 8) : words->num;
	int max = on_stack ? MAX_RAW_WORDS : arch->num_ints;
	num = num > max ? max : num;
	if (num <= 0)
		return NULL;
	out->params = calloc((size_t)num, sizeof(*out->params));
	if (!out->params)
		return error_nomem();
	for (int i = 0; i < num; i++) {
		struct param *param = &out->params[i];
		param->name = on_stack ? stack_names[i] : arch_int(arch, (unsigned)i);
		param->pieces = malloc(sizeof(*param->pieces));
		out->num_params = out->num_args = (size_t)i + 1;
		if (!param->pieces) {
			signature_deinit(out);
			return error_nomem();
		}
		param->num_pieces = 1;
		*param->pieces = (struct abi_piece){
			.where = on_stack ? ABI_STACK : ABI_INT_REG,
			.reg = (uint8_t)(on_stack ? 0 : i),
			.size = 8,
			.stack_off = on_stack ? (uint32_t)i * 8 : 0,
		};
	}
	out->arch = arch;
	out->abi = on_stack ? ABI0 : ABI_INTERNAL;
	out->is_raw = true;
	return NULL;
}
