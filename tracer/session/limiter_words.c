// SPDX-License-Identifier: GPL-2.0-or-later
// What a session reports of its budget: which functions are not traced whole, why, and what tracing
// costs.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "tracer/session/limiter.h"

static const uint64_t SAY_NS = 5 * 1000000000ull;

static const char *name_of(const struct session *session, size_t func)
{
	return session->loaded.plan->funcs[session->budget->funcs[func].func]->func->name;
}

static enum budget_level level_of(const struct session *session, size_t func)
{
	return budget_level(session->budget->budget, func);
}

// Writes 40000 as "40 000".
static void write_number(uint64_t number, struct text *out)
{
	if (number < 1000) {
		text_u64(out, number);
		return;
	}
	write_number(number / 1000, out);
	text_printf(out, " %03" PRIu64, number % 1000);
}

// Writes a rate with two digits that count, as it was seen in a moment.
static void write_rate(double rate, struct text *out)
{
	double unit = 1;
	while (rate / unit >= 100 && unit < 1e15)
		unit *= 10;
	write_number((uint64_t)(floor(rate / unit + 0.5) * unit), out);
	text_puts(out, " calls/s");
}

static void write_level(const struct session *session, size_t func, struct text *out)
{
	enum budget_level level = level_of(session, func);
	static const char *const words[BUDGET_LEVELS] = {
		[BUDGET_ALL] = "all shown",
		[BUDGET_NO_VALUES] = "all shown without values",
		[BUDGET_COUNTED] = "counted, not shown",
		[BUDGET_OFF] = "not shown and not counted",
	};
	if (level == BUDGET_SAMPLED || level == BUDGET_ENTRIES)
		text_printf(out, "1 in %" PRIu32 " shown%s",
			    budget_every(session->budget->budget, func),
			    level == BUDGET_ENTRIES ? " without returns" : "");
	else
		text_puts(out, words[level]);
}

void limiter_note(const struct session *session, const struct budget_change *change)
{
	const char *from = budget_level_name(change->from), *to = budget_level_name(change->to);
	if (!change->calls && change->from != BUDGET_OFF)
		return; // it was counted, and was not called
	if (!change->calls)
		log_info("%s: %s -> %s, to see how often it is called now",
			 name_of(session, change->func), from, to);
	else
		log_info("%s: %s -> %s: %.0f calls/s %s %.1f%% of the target's time",
			 name_of(session, change->func), from, to, change->calls,
			 change->to > change->from ? "cost" : "will cost", change->share * 100);
}

// Logs (with -v) what tracing has cost since the last time, every few seconds.
static void say_cost(struct session_budget *budget, uint64_t now_ns)
{
	uint64_t own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t cpu_ns = budget->all_cpu_ns - budget->said_cpu_ns;
	uint64_t passed_ns = now_ns - budget->said_cost_ns;
	if (budget->said_cost_ns && passed_ns < SAY_NS)
		return;
	if (budget->said_cost_ns && budget->trap_ns && cpu_ns)
		log_info("probes take %.1f%% of the target's CPU time, a hit %.1f times as long as "
			 "in a loop; gotrace itself takes %.1f%% of a processor",
			 (double)(budget->trap_ns - budget->said_trap_ns) / (double)cpu_ns * 100,
			 budget_trap_factor(budget->budget),
			 (double)(own_ns - budget->said_own_ns) / (double)passed_ns * 100);
	budget->said_cost_ns = now_ns;
	budget->said_own_ns = own_ns;
	budget->said_cpu_ns = budget->all_cpu_ns;
	budget->said_trap_ns = budget->trap_ns;
}

// Writes "; 3 more are not shown in full; 2000 are not armed yet".
static void write_others(const struct session_budget *budget, size_t num, struct text *out)
{
	if (num)
		text_printf(out, "; %zu more %s not shown in full", num, num == 1 ? "is" : "are");
	if (budget->num_waiting)
		text_printf(out, "; %zu functions are not armed yet", budget->num_waiting);
}

static struct limited_state state_now(const struct session *session)
{
	const struct session_budget *budget = session->budget;
	struct limited_state state = {.is_growing = budget->num_waiting};
	double share = 0;
	for (size_t i = 0; i < budget->num; i++) {
		double its = budget_reason(budget->budget, i).share;
		if (level_of(session, i) == BUDGET_ALL || its <= 0)
			continue;
		state.num++;
		if (its > share) {
			share = its;
			state.costliest = i;
		}
	}
	if (state.num)
		state.level = level_of(session, state.costliest);
	return state;
}

// True if a user wants to read of the change: a few functions more or less are not worth a line.
static bool is_news(const struct limited_state *now, const struct limited_state *said)
{
	return now->costliest != said->costliest || now->level != said->level ||
	       now->is_growing != said->is_growing || now->num > said->num * 2 ||
	       now->num < said->num / 2 || !now->num != !said->num;
}

void limiter_say(struct session *session, uint64_t now_ns)
{
	struct session_budget *budget = session->budget;
	say_cost(budget, now_ns);
	if (budget->said_ns && now_ns - budget->said_ns < SAY_NS)
		return;
	struct limited_state state = state_now(session);
	if (!is_news(&state, &budget->said))
		return;
	bool had_any = budget->said.num;
	budget->said = state;
	if (!state.num && !had_any)
		return;
	budget->said_ns = now_ns;
	struct text line;
	text_init(&line);
	if (state.num) {
		text_printf(&line, "%s: ", name_of(session, state.costliest));
		write_rate(budget_reason(budget->budget, state.costliest).calls, &line);
		text_puts(&line, ", ");
		write_level(session, state.costliest, &line);
		write_others(budget, state.num - 1, &line);
	} else {
		text_puts(&line, "all calls are shown again");
	}
	log_warning("%s (brake %g%%; --all shows all)", text_string(&line),
		    session->options.max_overhead * 100);
	text_deinit(&line);
}

// --- The end -------------------------------------------------------------------------------------

struct left_out { // what one function was not traced whole for
	size_t func;
	double share;
};

static int by_share(const void *a, const void *b)
{
	const struct left_out *left = a, *right = b;
	return left->share > right->share ? -1 : left->share < right->share;
}

static void say_left_out(const struct session *session, size_t func)
{
	const struct limited *limited = &session->budget->funcs[func];
	struct budget_reason reason = budget_reason(session->budget->budget, func);
	const struct wire_budget *counts =
		tables_budget(session->backend->tables, session->loaded.plan->funcs[limited->func]);
	uint64_t seen = counts ? counts->seen : 0, skipped = counts ? counts->skipped : 0;
	struct text line;
	text_init(&line);
	text_printf(&line, "%s: ", name_of(session, func));
	write_number(seen > skipped ? seen - skipped : 0, &line);
	text_puts(&line, " of ");
	write_number(seen, &line);
	text_puts(&line, " calls shown");
	if (limited->off_ns)
		text_printf(&line, ", not counted for %.1f s", (double)limited->off_ns / 1e9);
	text_puts(&line, "; at the end ");
	write_level(session, func, &line);
	text_puts(&line, "; ");
	write_rate(reason.calls, &line);
	log_warning("%s would cost %.1f%% of the target's time", text_string(&line),
		    reason.share * 100);
	text_deinit(&line);
}

void session_budget_end(struct session *session)
{
	enum { SHOWN = 10 };
	struct session_budget *budget = session->budget;
	struct left_out *all = budget ? calloc(budget->num + 1, sizeof(*all)) : NULL;
	if (!all) // there is no budget, or no memory to say more of it
		return;
	size_t num = 0;
	uint64_t now_ns = clock_now();
	for (size_t i = 0; i < budget->num; i++) {
		struct limited *limited = &budget->funcs[i];
		if (limited->since_ns && now_ns > limited->since_ns)
			limited->off_ns += now_ns - limited->since_ns;
		limited->since_ns = 0;
		double share = budget_reason(budget->budget, i).share;
		if (share > 0)
			all[num++] = (struct left_out){i, share};
	}
	qsort(all, num, sizeof(*all), by_share);
	size_t shown = num < SHOWN || log_wants(LOG_INFO) ? num : SHOWN;
	for (size_t i = 0; i < shown; i++)
		say_left_out(session, all[i].func);
	if (num > shown)
		log_warning("and %zu more functions were not shown in full (-v: each)",
			    num - shown);
	if (budget->num_waiting)
		log_warning("%zu functions were not armed yet (brake %g%%)", budget->num_waiting,
			    session->options.max_overhead * 100);
	free(all);
}

double session_budget_overhead(const struct session *session)
{
	const struct session_budget *budget = session->budget;
	if (!budget || !budget->all_cpu_ns)
		return 0;
	return (double)budget->trap_ns / (double)budget->all_cpu_ns;
}

uint64_t session_budget_off_ns(const struct session *session, uint32_t func)
{
	uint32_t number = func < session->num_funcs ? session->funcs[func].budget : 0;
	return session->budget && number ? session->budget->funcs[number - 1].off_ns : 0;
}
