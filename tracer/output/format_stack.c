// SPDX-License-Identifier: GPL-2.0-or-later
// Writes a call's stack below its line:
//   at main.(*Shop).order /src/shop.go:88
//   at main.(*Shop).find /src/shop.go:12 (inlined)
//   created by main.main at /src/main.go:20 in goroutine 1
#include "base/rune.h"
#include "tracer/output/format.h"

static void write_place(const char *func, const char *file, int line, const char *between,
			struct text *out)
{
	size_t start = out->len;
	stack_write_name(func, out);
	if (*file) {
		text_puts(out, between);
		text_puts(out, file);
		text_putc(out, ':');
		text_u64(out, line > 0 ? (uint64_t)line : 0);
	}
	rune_disarm(out, start);
}

static void write_frames(const struct stack *stack, size_t columns, struct text *out)
{
	for (size_t i = 0; i < stack->num; i++) {
		const struct stack_frame *frame = &stack->frames[i];
		format_pad(out, columns);
		text_puts(out, "at ");
		write_place(frame->func, frame->file, frame->line, " ", out);
		text_puts(out, frame->is_inlined ? " (inlined)\n" : "\n");
	}
	if (!stack->is_more && !stack->end)
		return;
	format_pad(out, columns);
	if (stack->is_more) {
		text_puts(out, "...\n");
		return;
	}
	text_puts(out, "at ?(");
	size_t start = out->len;
	text_puts(out, stack->end);
	rune_disarm(out, start);
	text_puts(out, ")\n");
}

void format_stack(const struct sink_options *options, const struct wire_record *record,
		  size_t columns, struct text *out)
{
	if (!(record->flags & WIRE_CALLERS) || !options->stacks)
		return;
	const struct stack *stack = stacks_find(options->stacks, record);
	struct stack_creator creator;
	if (stack)
		write_frames(stack, columns, out);
	if (!stacks_creator(options->stacks, record, &creator))
		return;
	format_pad(out, columns);
	text_puts(out, "created by ");
	write_place(creator.func, creator.file, creator.line, " at ", out);
	if (creator.goid) {
		text_puts(out, " in goroutine ");
		text_u64(out, creator.goid);
	}
	text_putc(out, '\n');
}
