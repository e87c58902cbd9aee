// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/plan/brief.h"

#include <string.h>

enum {
	LARGE = 96,    // bytes of a struct of which not all is shown
	SMALL = 48,    // bytes of one that is shown within another
	RECEIVER = 24, // bytes of one that is shown for each call of its methods
};

// The names are those of tracer/event/value/known/, and those of the structs that its printers pass
// through. A context is shown as far as --depth goes: each one in the chain is a step.
static const struct {
	const char *type, *needs;
} rows[] = {
	{"net/http.Request", "Method,RequestURI,Proto,URL"},
	{"net/http.Response", "Status,Proto"},
	{"net/http.response", ""},
	{"net/http.http2responseWriter", "rws"},
	{"net/http.http2responseWriterState", ""},
	{"net/http/internal/http2.responseWriter", "rws"},
	{"net/http/internal/http2.responseWriterState", ""},
	{"golang.org/x/net/http2.responseWriter", "rws"},
	{"golang.org/x/net/http2.responseWriterState", ""},
	{"context.emptyCtx", ""},
	{"context.backgroundCtx", ""},
	{"context.todoCtx", ""},
	{"context.cancelCtx", "+Context,err"},
	{"context.timerCtx", "cancelCtx,deadline"},
	{"context.valueCtx", "+Context,key"},
	{"context.stopCtx", "+Context"},
	{"context.afterFuncCtx", "cancelCtx"},
	{"context.withoutCancelCtx", "+c"},
	{"database/sql.DB", "+connector"},
	{"database/sql.dsnConnector", "driver"},
	{"os.File", "file"},
	{"os.file", "name"},
	{"os/exec.Cmd", "Args"},
	{"net.TCPConn", "conn"},
	{"net.UDPConn", "conn"},
	{"net.IPConn", "conn"},
	{"net.UnixConn", "conn"},
	{"net.conn", "fd"},
	{"net.TCPListener", "fd"},
	{"net.UnixListener", "fd"},
	{"net.netFD", "laddr,raddr"},
	{"bufio.Reader", ""},
	{"bufio.Writer", ""},
	{"regexp.Regexp", "expr"},
	{"text/template.Template", "name"},
	{"html/template.Template", "text"},
	{"time.Location", "name"},
};

const char *brief_needs(const struct gotype *type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].type, type->full_name))
			return rows[i].needs;
	return NULL;
}

enum brief_need brief_need(const char *needs, const char *name)
{
	size_t len = strlen(name);
	for (const char *at = needs; *at; at += *at == ',') {
		bool is_step = *at == '+';
		at += is_step;
		size_t its = strcspn(at, ",");
		if (its == len && !memcmp(at, name, len))
			return is_step ? BRIEF_STEP : BRIEF_FREE;
		at += its;
	}
	return BRIEF_NONE;
}

bool brief_shows(const struct gotype *type, struct gotype *field)
{
	if (type->size <= LARGE)
		return true;
	switch (field->kind) {
	case GO_FUNC:
	case GO_CHAN:
	case GO_MAP:
	case GO_SLICE:
		return false;
	case GO_INTERFACE:
		return !strcmp(field->full_name, "error") ||
		       !strcmp(field->full_name, "context.Context");
	case GO_POINTER:
		if (!field->elem)
			return false;
		gotype_complete(field->elem);
		return brief_needs(field->elem) || field->elem->size <= SMALL;
	default:
		return true;
	}
}

bool brief_is_bulky_receiver(const struct func *func, const struct param *param)
{
	struct gotype *type = param->type;
	if (!type || type->kind != GO_POINTER || !type->elem)
		return false;
	gotype_complete(type->elem);
	if (type->elem->kind != GO_STRUCT || type->elem->size <= RECEIVER ||
	    brief_needs(type->elem))
		return false;
	// "ex.am/pkg.T" is the type of the receiver of "ex.am/pkg.(*T).Method".
	const char *name = type->elem->full_name, *slash = strrchr(name, '/');
	const char *dot = strchr(slash ? slash : name, '.');
	if (!dot || strncmp(func->name, name, (size_t)(dot - name)))
		return false;
	const char *method = func->name + (dot - name);
	size_t len = strlen(dot + 1);
	return !strncmp(method, ".(*", 3) && !strncmp(method + 3, dot + 1, len) &&
	       !strncmp(method + 3 + len, ").", 2) && !strchr(method + 3 + len + 2, '.');
}
