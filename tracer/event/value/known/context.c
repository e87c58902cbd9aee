// SPDX-License-Identifier: GPL-2.0-or-later
// The package context: a chain of contexts, from the innermost on, as
// "ctx(deadline 2026-01-02T15:04:05Z, canceled, value main.key)".
#include "tracer/event/value/known/known.h"

enum { CHAIN_MAX = 32 };

static const char not_captured[] = "\xe2\x80\xa6"; // … for the rest of the chain

struct chain { // what has been written of it
	struct text *out;
	unsigned num;
	bool has_deadline, has_state;
	bool is_cancel; // a context that can be canceled is in it
};

static void put_item(struct chain *chain, const char *text)
{
	text_puts(chain->out, chain->num++ ? ", " : "");
	text_puts(chain->out, text);
}

// The state of the innermost context that can be canceled is that of the whole chain.
static bool put_state(struct chain *chain, const struct known_value *context)
{
	struct known_value err;
	chain->is_cancel = true;
	if (chain->has_state)
		return true;
	// An atomic.Value from Go 1.26 on.
	if (!known_get(context, "err.v", &err) && !known_get(context, "err", &err))
		return false;
	chain->has_state = true;
	uint64_t word;
	const char *reason;
	if (!walk_read(err.walk, err.addr, &word, sizeof(word), &reason))
		return false;
	if (!word)
		return true;
	struct text message;
	text_init(&message);
	if (!known_put_error(&err, "", &message))
		text_puts(&message, "ended");
	const char *text = text_string(&message);
	put_item(chain, strncmp(text, "context ", 8) ? text : text + 8);
	text_deinit(&message);
	return true;
}

static bool put_deadline(struct chain *chain, const struct known_value *context)
{
	if (chain->has_deadline)
		return true;
	chain->has_deadline = true;
	put_item(chain, "deadline ");
	return known_put_known(context, "deadline", chain->out);
}

static bool put_key(struct chain *chain, const struct known_value *context)
{
	struct dynamic key;
	struct known_value held;
	if (!known_dynamic(context, "key", &key))
		return false;
	put_item(chain, "value ");
	text_puts(chain->out, key.type->name);
	size_t len = chain->out->len;
	text_putc(chain->out, '(');
	if (!key.missing && key.type->kind == GO_STRING && known_get(context, "key", &held) &&
	    known_follow(&held, &held) && known_quote(&held, "", chain->out))
		text_putc(chain->out, ')');
	else
		chain->out->len = len;
	return true;
}

// Writes one context, and finds the one around it. Returns false if it is not available; *parent's
// type is NULL after the last.
static bool put_one(struct chain *chain, const struct known_value *context,
		    struct known_value *parent)
{
	const char *name = context->type->full_name;
	struct known_value inner = *context;
	parent->type = NULL;
	if (!strcmp(name, "context.valueCtx"))
		return put_key(chain, context) && known_get(context, "Context", parent);
	if (!strcmp(name, "context.stopCtx"))
		return known_get(context, "Context", parent);
	if (!strcmp(name, "context.withoutCancelCtx")) {
		put_item(chain, "without cancel");
		chain->has_deadline = chain->has_state = true;
		return known_get(context, "c", parent);
	}
	bool is_timer = !strcmp(name, "context.timerCtx");
	if (is_timer && !put_deadline(chain, context))
		return false;
	if (is_timer || !strcmp(name, "context.afterFuncCtx")) {
		if (!known_get(context, "cancelCtx", &inner))
			return false;
		name = "context.cancelCtx";
	}
	if (!strcmp(name, "context.cancelCtx"))
		return put_state(chain, &inner) && known_get(&inner, "Context", parent);
	bool is_root = !strcmp(name, "context.backgroundCtx") || !strcmp(name, "context.todoCtx") ||
		       !strcmp(name, "context.emptyCtx");
	if (!is_root)
		put_item(chain, context->type->name);
	else if (!chain->num && !chain->is_cancel)
		put_item(chain, name[8] == 'b' ? "background" : name[8] == 't' ? "todo" : "empty");
	return true;
}

// Moves on to the next context of the chain; false if it was the last.
static bool next(struct chain *chain, struct known_value *at)
{
	struct known_value parent;
	size_t len = chain->out->len;
	unsigned num = chain->num;
	if (!put_one(chain, at, &parent)) {
		chain->out->len = len;
		chain->num = num;
	} else if (!parent.type) {
		return false;
	} else if (known_follow(&parent, at)) {
		return true;
	}
	put_item(chain, not_captured);
	return false;
}

static bool put_context(const struct known_value *context, struct text *out)
{
	struct chain chain = {.out = out};
	struct known_value at = *context;
	size_t start = out->len;
	text_puts(out, "ctx(");
	for (unsigned i = 0; next(&chain, &at); i++)
		if (i == CHAIN_MAX) {
			put_item(&chain, not_captured);
			break;
		}
	if (!chain.num)
		text_puts(out, "cancel");
	text_putc(out, ')');
	return strcmp(text_string(out) + start, "ctx(\xe2\x80\xa6)");
}

enum { CONTEXT = KNOWN_POINTER | KNOWN_CLEAR };

const struct known_row known_context[] = {
	{"context.emptyCtx", put_context, CONTEXT},
	{"context.backgroundCtx", put_context, CONTEXT},
	{"context.todoCtx", put_context, CONTEXT},
	{"context.cancelCtx", put_context, CONTEXT},
	{"context.timerCtx", put_context, CONTEXT},
	{"context.valueCtx", put_context, CONTEXT},
	{"context.stopCtx", put_context, CONTEXT},
	{"context.afterFuncCtx", put_context, CONTEXT},
	{"context.withoutCancelCtx", put_context, CONTEXT},
	{0},
};
