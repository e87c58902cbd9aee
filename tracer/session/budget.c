// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/session/budget.h"

#include <stdlib.h>

// How long a function stays at a level before a higher one is tried: at first, and at most after
// higher levels failed again and again.
static const uint64_t HOLD_MIN_NS = 2000000000;
static const uint64_t HOLD_MAX_NS = 64000000000;
// After this time at a higher level, earlier failures are forgotten.
static const uint64_t CALM_NS = 30000000000;
// A target that uses less than this part of one processor's time is not slowed down by tracing.
static const double IDLE = 0.1;
// At least this part of the target's time is its own, whatever the estimates say.
static const double LEAST_OWN = 0.02;
static const double OVER = 1.1, DOWN_TO = 0.9; // parts of the budget: when to step down, how far
static const double FAR_LESS = 0.05;	       // part of the heaviest function's cost
static const double ROOM = 0.5, UP_TO = 0.7;   // parts of the budget: when to step up, how far
// Calls of a function in an interval that are needed to estimate what it costs.
static const double ENOUGH = 100;
// The interval for functions that are called less often than that.
static const uint64_t WHOLE_NS = 1000000000;

struct func {
	bool has_exits;
	uint32_t every;
	enum budget_level level, before; // before: the level at the beginning of the step
	double calls;			 // in the interval
	double whole_calls;		 // since the last interval of WHOLE_NS ended
	uint64_t changed_ns, hold_ns;
	bool is_trial; // the level has gone up since it last went down
};

struct budget {
	double load; // at most this much tracing time per unit of the target's own time
	struct budget_costs costs;
	struct func *funcs;
	size_t num;
	uint64_t last_ns;
	double whole_cpu_ns, whole_tracing; // sums since whole_ns
	uint64_t whole_ns;
};

const char *budget_level_name(enum budget_level level)
{
	static const char *const names[BUDGET_LEVELS] = {
		[BUDGET_ALL] = "all",	      [BUDGET_NO_VALUES] = "no values",
		[BUDGET_SAMPLED] = "sampled", [BUDGET_COUNTED] = "counted",
		[BUDGET_OFF] = "off",
	};
	return names[level];
}

struct error *budget_create(double share, struct budget **out)
{
	struct budget *budget = calloc(1, sizeof(*budget));
	if (!budget)
		return error_nomem();
	budget->load = share / (1 - share);
	*out = budget;
	return NULL;
}

void budget_destroy(struct budget *budget)
{
	if (budget)
		free(budget->funcs);
	free(budget);
}

void budget_set_costs(struct budget *budget, const struct budget_costs *costs)
{
	budget->costs = *costs;
}

struct error *budget_add(struct budget *budget, bool has_exits, uint32_t every)
{
	struct func *funcs = reallocarray(budget->funcs, budget->num + 1, sizeof(*funcs));
	if (!funcs)
		return error_nomem();
	budget->funcs = funcs;
	funcs[budget->num++] = (struct func){
		.has_exits = has_exits,
		.every = every ? every : 1,
		.hold_ns = HOLD_MIN_NS,
	};
	return NULL;
}

enum budget_level budget_level(const struct budget *budget, size_t func)
{
	return budget->funcs[func].level;
}

// --- What a level costs ------------------------------------------------------------------------

// The cost per call if one call in every is taken, which costs event, and the others are skipped.
static double taken(const struct budget_costs *costs, double event, double every)
{
	return every > 1 ? event / every + costs->skip : event;
}

static double cost(const struct budget *budget, const struct func *func, enum budget_level level)
{
	const struct budget_costs *costs = &budget->costs;
	double traps = costs->entry + (func->has_exits ? costs->exit : 0);
	switch (level) {
	case BUDGET_ALL:
		return traps + taken(costs, costs->values, func->every);
	case BUDGET_NO_VALUES:
		return traps + taken(costs, costs->bare, func->every);
	case BUDGET_SAMPLED:
		return traps + taken(costs, costs->bare, (double)func->every * BUDGET_EVERY);
	case BUDGET_COUNTED:
		return costs->entry + costs->skip;
	default:
		return 0;
	}
}

double budget_cost(const struct budget *budget, size_t func, enum budget_level level)
{
	return cost(budget, &budget->funcs[func], level);
}

// --- Steps -------------------------------------------------------------------------------------

struct interval {
	struct budget *budget;
	uint64_t now_ns, passed;
	double cpu_ns, tracing;
	double own; // the target's own time, in ns
};

static double load(const struct interval *interval, const struct func *func,
		   enum budget_level level)
{
	return func->calls * cost(interval->budget, func, level) / interval->own;
}

// The load of all functions that were called at least so often.
static double total(const struct interval *interval, double calls)
{
	double sum = 0;
	for (size_t i = 0; i < interval->budget->num; i++) {
		const struct func *func = &interval->budget->funcs[i];
		if (func->calls >= calls)
			sum += load(interval, func, func->level);
	}
	return sum;
}

static bool is_untouched(const struct func *func)
{
	return func->level == func->before;
}

// The function with the highest load, of those that were called often enough for an estimate.
static struct func *heaviest(const struct interval *interval)
{
	struct func *found = NULL;
	double most = 0;
	for (size_t i = 0; i < interval->budget->num; i++) {
		struct func *func = &interval->budget->funcs[i];
		double its = load(interval, func, func->level);
		if (its <= most || func->calls < ENOUGH)
			continue;
		most = its;
		found = func;
	}
	return found;
}

// Lowers the level of the function that costs most, one level at a time, until all fits. While one
// function fills the target's time, the others cannot be estimated, so functions that cost far less
// wait for the next step.
static void step_down(const struct interval *interval)
{
	const double limit = interval->budget->load * DOWN_TO;
	struct func *func;
	double most = 0;
	while (total(interval, ENOUGH) > limit && (func = heaviest(interval))) {
		double its = load(interval, func, func->level);
		if (its < FAR_LESS * most && is_untouched(func))
			return;
		most = its > most ? its : most;
		func->level++;
	}
}

// Marks a function whose level has gone down. If this was soon after the level went up, the next
// trial waits twice as long.
static void went_down(struct func *func, uint64_t now_ns)
{
	if (func->is_trial && func->hold_ns < HOLD_MAX_NS)
		func->hold_ns *= 2;
	func->is_trial = false;
	func->changed_ns = now_ns;
}

// Nothing is known about a function that is off. Its calls are counted for a while to see what it
// would cost.
static bool try_counting(const struct interval *interval, struct func *func)
{
	if (interval->now_ns - func->changed_ns < func->hold_ns)
		return false;
	func->level = BUDGET_COUNTED;
	return true;
}

// Raises the function to the highest level that fits together with all other functions.
static bool try_higher(const struct interval *interval, struct func *func, double used)
{
	if (interval->now_ns - func->changed_ns < func->hold_ns)
		return false;
	double others = used - load(interval, func, func->level);
	enum budget_level level = func->level;
	while (level > BUDGET_ALL &&
	       others + load(interval, func, level - 1) <= interval->budget->load * UP_TO)
		level--;
	bool any = level != func->level;
	func->level = level;
	return any;
}

// Raises the levels of a few functions at a time.
static void step_up(const struct interval *interval)
{
	enum { FEW = 20 };
	struct budget *budget = interval->budget;
	size_t num = 0;
	for (size_t i = 0; i < budget->num && num < FEW; i++) {
		double used = total(interval, 0);
		if (used > budget->load * ROOM)
			return;
		struct func *func = &budget->funcs[i];
		bool any = func->level == BUDGET_OFF ? try_counting(interval, func)
			   : func->level	     ? try_higher(interval, func, used)
						     : false;
		if (!any)
			continue;
		func->is_trial = true;
		func->changed_ns = interval->now_ns;
		num++;
	}
}

static void calm_down(struct func *func, uint64_t now_ns)
{
	if (!func->is_trial || now_ns - func->changed_ns < CALM_NS)
		return;
	func->is_trial = false;
	func->hold_ns = HOLD_MIN_NS;
}

static size_t list_changes(const struct interval *interval, struct budget_change *changes)
{
	struct budget *budget = interval->budget;
	size_t num = 0;
	for (size_t i = 0; i < budget->num; i++) {
		struct func *func = &budget->funcs[i];
		if (func->level == func->before)
			continue;
		bool is_down = func->level > func->before;
		double its = load(interval, func, is_down ? func->before : func->level);
		changes[num++] = (struct budget_change){
			.func = i,
			.from = func->before,
			.to = func->level,
			.calls = func->calls / (double)interval->passed * 1e9,
			.share = its / (1 + its),
		};
		if (is_down)
			went_down(func, interval->now_ns);
	}
	return num;
}

static double own_time(const struct interval *interval)
{
	double own = interval->cpu_ns - interval->tracing;
	if (own < LEAST_OWN * interval->cpu_ns)
		own = LEAST_OWN * interval->cpu_ns;
	if (own < IDLE * (double)interval->passed - interval->tracing)
		own = IDLE * (double)interval->passed - interval->tracing;
	return own > 1 ? own : 1;
}

// Adds the interval to the whole one. is_whole: the whole one ends here and replaces the interval.
static void add_up(struct interval *interval, bool is_whole)
{
	struct budget *budget = interval->budget;
	budget->whole_cpu_ns += interval->cpu_ns;
	budget->whole_tracing += interval->tracing;
	for (size_t i = 0; i < budget->num; i++) {
		struct func *func = &budget->funcs[i];
		func->whole_calls += func->calls;
		if (!is_whole)
			continue;
		func->calls = func->whole_calls;
		func->whole_calls = 0;
	}
	if (!is_whole)
		return;
	interval->passed = interval->now_ns - budget->whole_ns;
	interval->cpu_ns = budget->whole_cpu_ns;
	interval->tracing = budget->whole_tracing;
	interval->own = own_time(interval);
	budget->whole_cpu_ns = budget->whole_tracing = 0;
	budget->whole_ns = interval->now_ns;
}

size_t budget_step(struct budget *budget, uint64_t now_ns, uint64_t cpu_ns, const uint64_t *calls,
		   struct budget_change *changes)
{
	struct interval interval = {
		.budget = budget,
		.now_ns = now_ns,
		.passed = now_ns - budget->last_ns,
		.cpu_ns = (double)cpu_ns,
	};
	bool is_first = !budget->last_ns;
	budget->last_ns = now_ns;
	if (is_first)
		budget->whole_ns = now_ns;
	if (is_first || !interval.passed || interval.passed >> 62)
		return 0;
	for (size_t i = 0; i < budget->num; i++) {
		struct func *func = &budget->funcs[i];
		func->before = func->level;
		func->calls = (double)calls[i];
		interval.tracing += func->calls * cost(budget, func, func->level);
		calm_down(func, now_ns);
	}
	interval.own = own_time(&interval);
	bool is_over = total(&interval, ENOUGH) > budget->load * OVER;
	bool is_whole = !is_over && now_ns - budget->whole_ns >= WHOLE_NS;
	add_up(&interval, is_whole);
	if (is_over || (is_whole && total(&interval, ENOUGH) > budget->load * OVER))
		step_down(&interval);
	else if (is_whole)
		step_up(&interval);
	return list_changes(&interval, changes);
}
