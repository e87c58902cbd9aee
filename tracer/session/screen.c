// SPDX-License-Identifier: GPL-2.0-or-later
// On a terminal, a trace shows no more lines a second than --lines. The others are counted.
#include <inttypes.h>

#include "base/rune.h"
#include "tracer/session/internal.h"

// A function that makes at least this much of a flood is named.
static const double SHARE_MIN = 0.2;

static const uint64_t SECOND_NS = 1000 * 1000 * 1000;

// Writes, once, who makes most of the lines that were left out.
static void put_hint(struct session *session, struct text *out)
{
	double share;
	const struct func *func = report_busiest(session->report, &share);
	if (session->screen.has_hinted || !func || share < SHARE_MIN)
		return;
	session->screen.has_hinted = true;
	size_t start = out->len;
	text_printf(out, "... %.0f%% of the calls are of %s: '!%s' leaves it out", share * 100,
		    func->name, func->name);
	rune_disarm(out, start);
	text_putc(out, '\n');
}

static void end_second(struct session *session, uint64_t now_ns)
{
	struct screen *screen = &session->screen;
	struct text *out = report_text(session->report);
	uint64_t left_out = screen->left_out;
	screen->second_ns = now_ns;
	screen->shown = screen->left_out = 0;
	if (left_out) {
		text_printf(out,
			    "... %" PRIu64
			    " more lines (counted; -o FILE keeps all, --lines N shows more)\n",
			    left_out);
		put_hint(session, out);
	} else {
		double share; // of this second, which is over
		report_busiest(session->report, &share);
	}
}

void session_screen(struct session *session, uint64_t now_ns, bool is_end)
{
	struct screen *screen = &session->screen;
	struct text *out = report_text(session->report);
	if (!session->options.look.is_screen || !session->options.lines_max || out->failed)
		return;
	size_t end = screen->admitted;
	for (size_t i = end; i < out->len; i++) {
		if (out->data[i] != '\n')
			continue;
		if (screen->shown >= session->options.lines_max) {
			screen->left_out++;
			continue;
		}
		screen->shown++;
		end = i + 1;
	}
	report_cut(session->report, end);
	if (is_end || now_ns - screen->second_ns >= SECOND_NS)
		end_second(session, now_ns);
	screen->admitted = out->len;
}
