// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/plan/aggregate.h"

#include <ctype.h>
#include <string.h>

#include "tracer/plan/conditions.h"

bool aggregate_can_fail(const struct signature *signature)
{
	for (size_t i = signature->num_args; signature->is_known && i < signature->num_params;
	     i++) {
		const struct param *param = &signature->params[i];
		if (param->type && !param->unknown && !strcmp(param->type->name, "error"))
			return true;
	}
	return false;
}

// A key or a number that has a secret in it would show the secret.
static struct error *refuse_secret(const struct plan *plan, const char *option, const char *text)
{
	for (const char *at = text; *at;) {
		size_t len = 0;
		while (isalnum((unsigned char)at[len]) || at[len] == '_')
			len++;
		if (redact_has_name(plan->redact, at, len))
			return error_new("--%s %s: %.*s is secret (--redact none shows it)", option,
					 text, (int)len, at);
		at += len ? len : 1;
	}
	return NULL;
}

struct error *aggregate_compile(struct plan *plan, const struct func *func,
				const struct plan_conditions *conditions,
				struct aggregate_func *out, char **reason)
{
	enum { VALUES = WIRE_KEYS + 2 };
	const struct aggregate_options *wanted = conditions->request->options.counting;
	struct expr_value_of values[VALUES];
	size_t num = 0, value = VALUES, error = VALUES;
	for (size_t i = 0; i < wanted->num_by; i++)
		values[num++] = (struct expr_value_of){.text = wanted->by[i]};
	if (wanted->value) {
		value = num++;
		values[value] = (struct expr_value_of){.text = wanted->value, .is_integer = true};
	}
	if (wanted->has_errors && aggregate_can_fail(index_signature(plan->index, func))) {
		error = num++;
		values[error] = (struct expr_value_of){.text = "$failed"};
	}
	struct error *err = NULL;
	for (size_t i = 0; !err && i < wanted->num_by; i++)
		err = refuse_secret(plan, "by", wanted->by[i]);
	if (!err && wanted->value)
		err = refuse_secret(plan, "value", wanted->value);
	if (err)
		return err;
	struct plan_program program;
	err = plan_compile_program(plan, func, conditions, values, num, &program, reason);
	if (err || *reason)
		return err;
	*out = (struct aggregate_func){
		.wire =
			{
				.flags = WIRE_AGGREGATE_COUNTED,
				.entry_op = program.entry_op,
				.num_entry = program.num_entry,
				.return_op = program.return_op,
				.num_return = program.num_return,
			},
	};
	bool is_late = program.decides_at_return;
	for (size_t i = 0; i < wanted->num_by; i++) {
		out->wire.key[i] = values[i].value;
		out->looks[i] = values[i].looks;
		is_late |= values[i].value.is_result;
	}
	if (value < num)
		out->wire.value = values[value].value;
	if (error < num)
		out->wire.error = values[error].value;
	if (is_late)
		out->wire.flags |= WIRE_AGGREGATE_LATE;
	if (program.asks_goroutine)
		out->wire.flags |= WIRE_AGGREGATE_GOROUTINE;
	if (is_late || program.num_return || (wanted->has_histogram && !wanted->value))
		out->wire.flags |= WIRE_AGGREGATE_RETURNS;
	return NULL;
}
