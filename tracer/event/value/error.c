// SPDX-License-Identifier: GPL-2.0-or-later
// Builds what an error's Error method would return, if that is known without running it. It is
// known for the error types of the standard library in the table below, for syscall.Errno, and for
// types of the program whose method returns their only string.
#include "tracer/event/value/internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "tracer/plan/errormethod.h"

enum {
	MESSAGE_NEST_MAX = 8,
	JOINED_MAX = 64,
};

// {F} is the field F: a string, an error's message, or the messages of a slice of errors, one a
// line. {F!} is the field, quoted. {} is the value itself, a string. The messages are the same in
// all releases from 1.15 on.
static const struct {
	const char *type, *message;
} known[] = {
	{"*errors.errorString", "{s}"},
	{"*errors.joinError", "{errs}"},
	{"*fmt.wrapError", "{msg}"},
	{"*fmt.wrapErrors", "{msg}"},
	{"*io/fs.PathError", "{Op} {Path}: {Err}"},
	{"*os.PathError", "{Op} {Path}: {Err}"},
	{"*os.LinkError", "{Op} {Old} {New}: {Err}"},
	{"*os.SyscallError", "{Syscall}: {Err}"},
	{"*os/exec.Error", "exec: {Name!}: {Err}"},
	{"*strconv.NumError", "strconv.{Func}: parsing {Num!}: {Err}"},
	{"*net/url.Error", "{Op} {URL!}: {Err}"},
	{"*net.ParseError", "invalid {Type}: {Text}"},
	{"*net.notFoundError", "{s}"},
	{"*net.temporaryError", "{s}"},
	{"*net.timeoutError", "i/o timeout"},
	{"*encoding/json.SyntaxError", "{msg}"},
	{"*internal/poll.DeadlineExceededError", "i/o timeout"},
	{"internal/poll.errNetClosing", "use of closed network connection"},
	{"context.deadlineExceededError", "context deadline exceeded"},
	{"net.UnknownNetworkError", "unknown network {}"},
	{"runtime.errorString", "runtime error: {}"},
	{"runtime.plainError", "{}"},
};

static const char *known_message(const struct gotype *type)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(known[i].type, type->full_name))
			return known[i].message;
	return NULL;
}

// Appends the first len of a part's total bytes. After a part that was cut, other parts only add to
// the total.
static void append(struct message *message, const char *bytes, size_t len, uint64_t total)
{
	if (message->len == message->total) {
		size_t room = sizeof(message->bytes) - message->len;
		size_t copied = len < room ? len : room;
		memcpy(message->bytes + message->len, bytes, copied);
		message->len += copied;
	}
	message->total += total;
}

static void append_text(struct message *message, const char *text, size_t len)
{
	append(message, text, len, len);
}

static bool append_string(struct walk *walk, uint64_t addr, bool is_quoted, struct message *message)
{
	struct {
		uint64_t data, len;
	} header;
	const char *reason;
	if (!walk_read(walk, addr, &header, sizeof(header), &reason) || header.len >> 47)
		return false;
	uint32_t most = walk->printer->strlen;
	size_t wanted = header.len < most ? (size_t)header.len : most, have = 0;
	const uint8_t *bytes = NULL;
	if (wanted && walk_is_user(header.data))
		bytes = memory_view(walk->memory, header.data, wanted, &have);
	if (!bytes && header.len)
		return false;
	if (!bytes)
		bytes = (const uint8_t *)"";
	if (!is_quoted) {
		append(message, (const char *)bytes, have, header.len);
		return true;
	}
	if (have < header.len)
		return false; // the quoted length of the rest is not known
	struct text quoted;
	text_init(&quoted);
	value_quote((const char *)bytes, have, &quoted);
	append_text(message, text_string(&quoted), quoted.len);
	bool is_whole = !quoted.failed;
	text_deinit(&quoted);
	return is_whole;
}

static bool append_dynamic(struct walk *walk, const struct dynamic *dynamic,
			   struct message *message);

static bool append_error(struct walk *walk, const struct gotype *type, uint64_t addr,
			 struct message *message)
{
	struct dynamic dynamic;
	const char *reason = NULL;
	if (message->nesting >= MESSAGE_NEST_MAX || !walk->reads)
		return false;
	walk->reads--;
	if (!walk_interface(walk, type, addr, &dynamic, &reason))
		return false;
	message->nesting++;
	bool is_known = append_dynamic(walk, &dynamic, message);
	message->nesting--;
	return is_known;
}

static bool append_joined(struct walk *walk, const struct gotype *elem, uint64_t addr,
			  struct message *message)
{
	struct {
		uint64_t data, len;
	} header;
	const char *reason;
	if (!walk_read(walk, addr, &header, sizeof(header), &reason) || !header.len ||
	    header.len > JOINED_MAX || !walk_is_user(header.data))
		return false;
	for (uint64_t i = 0; i < header.len; i++) {
		if (i)
			append_text(message, "\n", 1);
		if (!append_error(walk, elem, header.data + 16 * i, message))
			return false;
	}
	return true;
}

static bool append_value(struct walk *walk, struct gotype *type, uint64_t addr, bool is_quoted,
			 struct message *message)
{
	gotype_complete(type);
	if (type->kind == GO_STRING)
		return append_string(walk, addr, is_quoted, message);
	if (type->kind == GO_INTERFACE)
		return append_error(walk, type, addr, message);
	if (type->kind != GO_SLICE || !type->elem)
		return false;
	gotype_complete(type->elem);
	return type->elem->kind == GO_INTERFACE && append_joined(walk, type->elem, addr, message);
}

// Appends the part of a known message that is in braces at at: "{Op}". Returns what follows it;
// NULL if the field is not available.
static const char *append_field(struct walk *walk, const char *at, struct gotype *type,
				uint64_t addr, struct message *message)
{
	char name[32];
	size_t len = strcspn(at + 1, "!}");
	bool is_quoted = at[1 + len] == '!';
	if (len >= sizeof(name))
		return NULL;
	memcpy(name, at + 1, len);
	name[len] = '\0';
	if (len) {
		const struct gofield *field = gotype_field(type, name);
		if (!field || value_redacts_field(walk->printer, type, field))
			return NULL;
		type = field->type;
		addr += field->offset;
	}
	if (!append_value(walk, type, addr, is_quoted, message))
		return NULL;
	return at + 1 + len + is_quoted + 1;
}

static bool append_known(struct walk *walk, const char *at, struct gotype *type, uint64_t addr,
			 struct message *message)
{
	while (*at) {
		size_t len = strcspn(at, "{");
		append_text(message, at, len);
		at += len;
		if (*at == '{')
			at = append_field(walk, at, type, addr, message);
		if (!at)
			return false;
	}
	return true;
}

// What syscall.Errno's Error method returns on linux/amd64: the C library's text with a small first
// letter (src/syscall/zerrors_linux_amd64.go). The text of ESTALE differs between Go releases.
static bool append_errno(struct walk *walk, uint64_t addr, struct message *message)
{
	int64_t number;
	const char *reason;
	if (!walk_read(walk, addr, &number, sizeof(number), &reason) || number == ESTALE)
		return false;
	const char *known = number > 0 && number <= ERFKILL ? strerrordesc_np((int)number) : NULL;
	char text[64];
	if (known)
		snprintf(text, sizeof(text), "%s", known);
	else
		snprintf(text, sizeof(text), "errno %lld", (long long)number);
	if (islower((unsigned char)text[1])) // not "RFS specific error"
		text[0] = (char)tolower((unsigned char)text[0]);
	append_text(message, text, strlen(text));
	return true;
}

// True if the Error method of this type returns the type's only string. Cached in the printer,
// because the check reads the method's code.
static bool returns_string(struct value_printer *printer, struct gotype *type)
{
	uintptr_t slot = (uintptr_t)type / sizeof(*type) % VALUE_ERRORS;
	if (printer->errors[slot].type != type) {
		printer->errors[slot].type = type;
		printer->errors[slot].returns_string =
			printer->loaded->index &&
			error_method_returns_string(printer->loaded->index, type);
	}
	return printer->errors[slot].returns_string;
}

// The message of a type that no template is enough for.
static bool append_well_known(struct walk *walk, struct gotype *type, uint64_t addr,
			      struct message *message)
{
	struct text text;
	text_init(&text);
	bool is_known = walk_known_message(walk, type, addr, &text);
	if (is_known)
		append_text(message, text_string(&text), text.len);
	text_deinit(&text);
	return is_known;
}

static bool append_dynamic(struct walk *walk, const struct dynamic *dynamic,
			   struct message *message)
{
	struct gotype *type = dynamic->type;
	uint64_t addr = dynamic->addr;
	const char *known = known_message(type);
	if (value_redacts_type(walk->printer, type))
		return false;
	if (dynamic->missing && !dynamic->is_too_deep && (!known || strchr(known, '{')))
		return false;
	if (!known && type->kind == GO_UINTPTR && !strcmp(type->full_name, "syscall.Errno"))
		return append_errno(walk, addr, message);
	if (type->kind == GO_POINTER) {
		if (!type->elem || !walk_is_user(dynamic->word))
			return false;
		type = type->elem;
		gotype_complete(type);
		addr = dynamic->word;
	}
	if (known)
		return append_known(walk, known, type, addr, message);
	if (append_well_known(walk, type, addr, message))
		return true;
	return returns_string(walk->printer, dynamic->type) &&
	       append_string(walk, addr, false, message);
}

bool walk_message(struct walk *walk, const struct dynamic *dynamic, struct message *out)
{
	out->len = 0;
	out->total = 0;
	out->nesting = 0;
	if (!append_dynamic(walk, dynamic, out))
		return false;
	if (out->len < out->total)
		out->len = value_whole_runes(out->bytes, out->len);
	return true;
}
