// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/session/budget.h"

#include <math.h>
#include <stdlib.h>

// How long a function stays at a level before a higher one is tried: at first, and at most after
// higher levels failed again and again.
static const uint64_t HOLD_MIN_NS = 2000000000;
static const uint64_t HOLD_MAX_NS = 64000000000;
// Trials that are expected to fail take at most this part of the budget. Each takes a whole
// interval, or this time if it costs far too much.
static const double TRIALS = 0.1, SHORT_TRIAL_NS = 200000000;
// After this time at a higher level, earlier failures are forgotten.
static const uint64_t CALM_NS = 30000000000;
// A target that uses less than this part of one processor's time is not slowed down by tracing.
static const double IDLE = 0.1;
// At least this part of the target's time is its own, whatever the estimates say.
static const double LEAST_OWN = 0.02;
// Parts of the budget: when to step down, at once or at the end of a whole interval, and how far.
static const double FAR_OVER = 2, OVER = 1.1, DOWN_TO = 0.9, DOWN_TO_GROW = 0.4;
static const double LEFT = 0.02;	     // part of the cost that a step leaves at least
static const double ROOM = 0.5, UP_TO = 0.7; // parts of the budget: when to step up, how far
// Calls of all functions together in an interval that are needed to estimate what they cost.
static const double ENOUGH = 100;
static const double VALUES_MAX_NS = 20000; // the largest records take less
// What hits really cost: assumed at first, at most, and how much evidence outweighs the assumption.
static const double TRAPS_FIRST = 2, TRAPS_MAX = 30, TRAPS_DOUBT_NS = 20000000;
static const double TRAPS_FADE = 0.999; // the weight of earlier evidence at each step
// A whole interval. Load that comes in bursts is estimated over this time.
static const uint64_t WHOLE_NS = 1000000000;
// How long functions are only counted at first.
static const uint64_t FIRST_NS = 200000000;
// Calls a second of a sampled function that are traced. What they cost is estimated for one call in
// USUAL_EVERY: the probes cost far more than that.
static const double SAMPLES = 100, USUAL_EVERY = 100;
static const uint32_t EVERY_MIN = 2, EVERY_MAX = 1000000;

struct func {
	struct budget_func about;
	enum budget_level level, before; // before: the level at the beginning of the step
	double calls;			 // in the interval
	double whole_calls;		 // since the last interval of WHOLE_NS ended
	uint64_t changed_ns, hold_ns;
	bool is_trial;	// the level has gone up since it last went down
	bool is_fresh;	// it is only counted so that its first level can be found
	uint32_t every; // at BUDGET_SAMPLED
	struct budget_reason reason;
	double off_load; // what counting it would have cost when it went off
};

struct budget {
	double load; // at most this much tracing time per unit of the target's own time
	struct budget_costs costs;
	double trap_factor;	       // a hit costs this many times costs.entry or costs.exit
	double traps_said, traps_took; // evidence for it: ns by costs, and as sampled
	struct func *funcs;
	size_t num;
	bool has_room, is_growing;
	uint64_t judge_ns;	// when the fresh functions get their levels; 0: there are none
	uint64_t next_trial_ns; // when a function that is likely to cost too much is tried again
	uint64_t last_ns;
	double whole_cpu_ns, whole_tracing; // sums since whole_ns
	uint64_t whole_ns;
};

const char *budget_level_name(enum budget_level level)
{
	static const char *const names[BUDGET_LEVELS] = {
		[BUDGET_ALL] = "all",	      [BUDGET_NO_VALUES] = "no values",
		[BUDGET_SAMPLED] = "sampled", [BUDGET_ENTRIES] = "entries sampled",
		[BUDGET_COUNTED] = "counted", [BUDGET_OFF] = "off",
	};
	return names[level];
}

struct error *budget_create(double share, struct budget **out)
{
	struct budget *budget = calloc(1, sizeof(*budget));
	if (!budget)
		return error_nomem();
	budget->load = share / (1 - share);
	budget->trap_factor = 1;
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

void budget_set(struct budget *budget, size_t number, const struct budget_func *about)
{
	struct func *func = &budget->funcs[number];
	*func = (struct func){.about = *about, .level = about->level, .hold_ns = HOLD_MIN_NS};
	func->is_fresh = about->level == BUDGET_COUNTED;
	func->every = (uint32_t)USUAL_EVERY;
	if (!about->every)
		func->about.every = 1;
}

struct error *budget_add(struct budget *budget, const struct budget_func *about)
{
	struct func *funcs = reallocarray(budget->funcs, budget->num + 1, sizeof(*funcs));
	if (!funcs)
		return error_nomem();
	budget->funcs = funcs;
	budget_set(budget, budget->num++, about);
	return NULL;
}

enum budget_level budget_level(const struct budget *budget, size_t func)
{
	return budget->funcs[func].level;
}

uint32_t budget_every(const struct budget *budget, size_t func)
{
	const struct func *its = &budget->funcs[func];
	return its->level == BUDGET_SAMPLED || its->level == BUDGET_ENTRIES ? its->every : 1;
}

// --- What a level costs ------------------------------------------------------------------------

// The costs of the hits of one call, as measured in a loop.
static double loop_traps(const struct budget *budget, const struct func *func,
			 enum budget_level level)
{
	const struct budget_costs *costs = &budget->costs;
	const struct budget_func *about = &func->about;
	double entry = about->is_stepped ? costs->exit : costs->entry;
	if (level == BUDGET_OFF)
		return 0;
	return entry + (about->has_exits && level < BUDGET_ENTRIES ? costs->exit : 0);
}

// The cost per call if one call in every is taken, which costs event, and the others are skipped.
static double taken(const struct budget_costs *costs, double event, double every)
{
	return every > 1 ? event / every + costs->skip : event;
}

static double program(const struct budget *budget, const struct func *func, enum budget_level level)
{
	const struct budget_costs *costs = &budget->costs;
	double every = func->about.every;
	switch (level) {
	case BUDGET_ALL:
		return taken(costs, costs->values, every);
	case BUDGET_NO_VALUES:
		return taken(costs, costs->bare, every);
	case BUDGET_SAMPLED:
	case BUDGET_ENTRIES:
		return taken(costs, costs->values, every * USUAL_EVERY);
	case BUDGET_COUNTED:
		return costs->skip;
	default:
		return 0;
	}
}

static double cost(const struct budget *budget, const struct func *func, enum budget_level level)
{
	return loop_traps(budget, func, level) * budget->trap_factor + program(budget, func, level);
}

struct budget_reason budget_reason(const struct budget *budget, size_t func)
{
	return budget->funcs[func].reason;
}

double budget_cost(const struct budget *budget, size_t func, enum budget_level level)
{
	return cost(budget, &budget->funcs[func], level);
}

void budget_learn(struct budget *budget, const uint64_t *calls, uint64_t run_ns)
{
	static const double FASTER = 0.5, SLOWER = 0.125; // weights of a new sample
	struct budget_costs *costs = &budget->costs;
	double parts[BUDGET_LEVELS] = {0}, sum = 0, num = 0;
	for (size_t i = 0; i < budget->num; i++) {
		const struct func *func = &budget->funcs[i];
		double part = (double)calls[i] * program(budget, func, func->level);
		parts[func->level] += part;
		sum += part;
		num += (double)calls[i];
	}
	if (num < ENOUGH || sum <= 0)
		return;
	double ratio = (double)run_ns / sum;
	double change = (ratio < 1 ? ratio - 1 : ratio < 2 ? ratio - 1 : 1) / sum;
	change *= ratio < 1 ? FASTER : SLOWER;
	costs->values *= 1 + change * parts[BUDGET_ALL];
	costs->bare *= 1 + change * parts[BUDGET_NO_VALUES];
	costs->skip *= 1 + change * (parts[BUDGET_SAMPLED] + parts[BUDGET_ENTRIES] +
				     parts[BUDGET_COUNTED]);
	costs->values = costs->values < VALUES_MAX_NS ? costs->values : VALUES_MAX_NS;
	costs->bare = costs->bare < costs->values ? costs->bare : costs->values;
	costs->skip = costs->skip < costs->bare ? costs->skip : costs->bare;
}

void budget_learn_traps(struct budget *budget, const uint64_t *calls, uint64_t trap_ns)
{
	double said = 0;
	for (size_t i = 0; i < budget->num; i++) {
		const struct func *func = &budget->funcs[i];
		said += (double)calls[i] * loop_traps(budget, func, func->level);
	}
	budget->traps_said = budget->traps_said * TRAPS_FADE + said;
	budget->traps_took = budget->traps_took * TRAPS_FADE + (double)trap_ns;
	double factor = (budget->traps_took + TRAPS_DOUBT_NS * TRAPS_FIRST) /
			(budget->traps_said + TRAPS_DOUBT_NS);
	budget->trap_factor = factor < 1 ? 1 : factor > TRAPS_MAX ? TRAPS_MAX : factor;
}

double budget_trap_factor(const struct budget *budget)
{
	return budget->trap_factor;
}

// --- Steps -------------------------------------------------------------------------------------

struct interval {
	struct budget *budget;
	uint64_t now_ns, passed;
	double calls; // of all functions
	double cpu_ns, tracing;
	double own; // the target's own time, in ns
};

static double load(const struct interval *interval, const struct func *func,
		   enum budget_level level)
{
	return func->calls * cost(interval->budget, func, level) / interval->own;
}

static bool is_over(const struct interval *interval, double part)
{
	return interval->calls >= ENOUGH &&
	       interval->tracing > interval->budget->load * part * interval->own;
}

// The level that a function goes down to if it may take no more than this load.
static enum budget_level level_within(const struct interval *interval, const struct func *func,
				      double most)
{
	enum budget_level level = func->level;
	while (level < BUDGET_OFF && load(interval, func, level) > most)
		level += level == BUDGET_ENTRIES ? 2 : 1; // counting costs as much
	return level;
}

// Which functions are lowered: those that the user named exactly come last.
enum who { OTHERS, NAMED };

static bool is_lowered(const struct func *func, enum who who)
{
	return func->about.is_named == (who == NAMED);
}

// The load of all functions if each of these may take no more than this load.
static double total_within(const struct interval *interval, enum who who, double most)
{
	double sum = 0;
	for (size_t i = 0; i < interval->budget->num; i++) {
		const struct func *func = &interval->budget->funcs[i];
		if (func->calls > 0)
			sum += load(interval, func,
				    is_lowered(func, who) ? level_within(interval, func, most)
							  : func->level);
	}
	return sum;
}

// Lowers the levels of those of these functions that cost most, until all functions take no more
// than limit, if that is possible.
static void lower(const struct interval *interval, enum who who, double limit)
{
	enum { HALVINGS = 60 };
	struct budget *budget = interval->budget;
	double all = total_within(interval, who, INFINITY);
	// What each function may take: with high all is too much, with low it fits.
	double low = 0, high = all;
	if (all <= limit)
		return;
	for (int i = 0; i < HALVINGS; i++) {
		double middle = (low + high) / 2;
		*(total_within(interval, who, middle) > limit ? &high : &low) = middle;
	}
	double total = total_within(interval, who, low);
	for (size_t i = 0; i < budget->num; i++) {
		struct func *func = &budget->funcs[i];
		if (!is_lowered(func, who))
			continue;
		enum budget_level level = level_within(interval, func, low);
		enum budget_level better = level_within(interval, func, high);
		double more = load(interval, func, better) - load(interval, func, level);
		// Functions that cost the same need not all go down.
		bool fits = total + more <= limit;
		func->level = fits ? better : level;
		total += fits ? more : 0;
	}
}

// Lowers levels until all functions take no more than limit. A named function that does not fit by
// itself goes down first, so that it does not turn off the others. While tracing fills the target's
// time, its own time is hardly known, so what costs little waits for the next step.
static void fit(const struct interval *interval, double limit)
{
	double left = interval->tracing / interval->own * LEFT;
	limit = limit > left ? limit : left;
	for (size_t i = 0; i < interval->budget->num; i++) {
		struct func *func = &interval->budget->funcs[i];
		if (func->about.is_named && func->calls > 0)
			func->level = level_within(interval, func, limit);
	}
	lower(interval, OTHERS, limit);
	lower(interval, NAMED, limit);
}

// Marks a function whose level has gone down. If this was soon after the level went up, the next
// trial waits twice as long.
static void went_down(struct func *func, uint64_t now_ns)
{
	func->is_fresh = false;
	if (func->is_trial && func->hold_ns < HOLD_MAX_NS)
		func->hold_ns *= 2;
	func->is_trial = false;
	func->changed_ns = now_ns;
}

// A function that is off is counted for a while to see what it would cost now. If it is likely to
// cost too much together with others, that is done seldom.
static bool try_counting(const struct interval *interval, struct func *func, double room)
{
	struct budget *budget = interval->budget;
	if (func->off_load > room) {
		if (interval->now_ns < budget->next_trial_ns)
			return false;
		bool is_short = func->off_load > budget->load * FAR_OVER;
		double trial_ns = is_short ? SHORT_TRIAL_NS : (double)WHOLE_NS;
		double share = func->off_load / (1 + func->off_load);
		double pause_ns = share * trial_ns / (budget->load * TRIALS);
		budget->next_trial_ns = interval->now_ns + (uint64_t)pause_ns;
	}
	func->level = BUDGET_COUNTED;
	return true;
}

// Raises the function to the highest level whose load fits into the room, which includes its own.
static bool try_higher(const struct interval *interval, struct func *func, double room)
{
	enum budget_level level = func->level;
	while (level > BUDGET_ALL && load(interval, func, level - 1) <= room)
		level--;
	bool any = level != func->level;
	func->level = level;
	return any;
}

// Raises the levels of functions as far as there is room. Only a few that are off are tried, and of
// those that were not called only so many as can be armed in a moment.
static void step_up(const struct interval *interval)
{
	enum { FEW = 20, MANY = 4096 };
	struct budget *budget = interval->budget;
	double used = interval->tracing / interval->own;
	size_t num = 0, num_idle = 0;
	for (size_t i = 0; i < budget->num; i++) {
		struct func *func = &budget->funcs[i];
		bool is_off = func->level == BUDGET_OFF, is_called = is_off || func->calls > 0;
		bool is_full = budget->is_growing || used > budget->load * ROOM;
		if (!func->level || (is_called && is_full) ||
		    interval->now_ns - func->changed_ns < func->hold_ns || (is_off && num == FEW) ||
		    (!is_called && num_idle == MANY))
			continue;
		double its = load(interval, func, func->level);
		double room = is_called ? budget->load * UP_TO - used + its : 0;
		if (is_off ? !try_counting(interval, func, room)
			   : !try_higher(interval, func, room))
			continue;
		num += is_off;
		num_idle += !is_called;
		used += is_off ? func->off_load : load(interval, func, func->level) - its;
		func->is_trial = true;
		func->changed_ns = interval->now_ns;
	}
}

// Gives the functions that were only counted until now the highest levels at which all functions
// fit. Of those that were not called only so many go up as can be armed in a moment.
static void judge(const struct interval *interval, double limit)
{
	enum { MANY = 4096 };
	struct budget *budget = interval->budget;
	size_t num_idle = 0;
	for (size_t i = 0; i < budget->num; i++) {
		struct func *func = &budget->funcs[i];
		bool is_up = func->is_fresh && func->level == BUDGET_COUNTED &&
			     (func->calls > 0 || num_idle < MANY);
		func->is_fresh = false;
		if (!is_up)
			continue;
		num_idle += func->calls <= 0;
		func->level = BUDGET_ALL;
		func->is_trial = true;
		func->changed_ns = interval->now_ns;
	}
	budget->judge_ns = 0;
	fit(interval, limit);
}

static void calm_down(struct func *func, uint64_t now_ns)
{
	if (!func->is_trial || now_ns - func->changed_ns < CALM_NS)
		return;
	func->is_trial = false;
	func->hold_ns = HOLD_MIN_NS;
}

// About SAMPLES calls a second are traced; the number is one that can be read, such as 400.
static uint32_t sample_every(double calls)
{
	double every = calls / SAMPLES, unit = 1;
	if (!(every < EVERY_MAX))
		return EVERY_MAX;
	while (unit * 10 <= every)
		unit *= 10;
	uint32_t rounded = (uint32_t)(floor(every / unit + 0.5) * unit);
	return rounded > EVERY_MIN ? rounded : EVERY_MIN;
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
		double all = interval->tracing / interval->own + (is_down ? 0 : its);
		changes[num++] = (struct budget_change){
			.func = i,
			.from = func->before,
			.to = func->level,
			.calls = func->calls / (double)interval->passed * 1e9,
			.share = its / (1 + all),
		};
		if (func->level == BUDGET_SAMPLED || func->level == BUDGET_ENTRIES)
			func->every = sample_every(changes[num - 1].calls);
		if (is_down)
			went_down(func, interval->now_ns);
		if (func->level == BUDGET_OFF)
			func->off_load = load(interval, func, BUDGET_COUNTED);
	}
	return num;
}

// After the levels were set: notes what functions that are not traced whole would cost.
static void note_reasons(const struct interval *interval)
{
	for (size_t i = 0; i < interval->budget->num; i++) {
		struct func *func = &interval->budget->funcs[i];
		double its = load(interval, func, BUDGET_ALL), share = its / (1 + its);
		if (func->level == BUDGET_ALL || func->is_fresh || share <= func->reason.share)
			continue;
		func->reason.calls = func->calls / (double)interval->passed * 1e9;
		func->reason.share = share;
	}
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
	interval->calls = is_whole ? 0 : interval->calls;
	for (size_t i = 0; i < budget->num; i++) {
		struct func *func = &budget->funcs[i];
		func->whole_calls += func->calls;
		if (!is_whole)
			continue;
		func->calls = func->whole_calls;
		interval->calls += func->calls;
	}
	if (!is_whole)
		return;
	interval->passed = interval->now_ns - budget->whole_ns;
	interval->cpu_ns = budget->whole_cpu_ns;
	interval->tracing = budget->whole_tracing;
	interval->own = own_time(interval);
}

void budget_judge_soon(struct budget *budget, uint64_t now_ns)
{
	budget->judge_ns = now_ns + FIRST_NS;
}

void budget_restart(struct budget *budget, uint64_t now_ns)
{
	budget->last_ns = budget->whole_ns = now_ns;
	budget->whole_cpu_ns = budget->whole_tracing = 0;
	for (size_t i = 0; i < budget->num; i++)
		budget->funcs[i].whole_calls = 0;
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
	bool is_begin = !budget->last_ns;
	budget->last_ns = now_ns;
	if (is_begin)
		budget_restart(budget, now_ns);
	if (is_begin || !interval.passed || interval.passed >> 62)
		return 0;
	for (size_t i = 0; i < budget->num; i++) {
		struct func *func = &budget->funcs[i];
		func->before = func->level;
		func->calls = (double)calls[i];
		interval.calls += func->calls;
		interval.tracing += func->calls * cost(budget, func, func->level);
		calm_down(func, now_ns);
	}
	interval.own = own_time(&interval);
	bool is_low = interval.tracing <= budget->load * ROOM * interval.own;
	// No verdict on a burst that even an idle program may have in a second.
	bool is_far_over = is_over(&interval, FAR_OVER) &&
			   interval.tracing > budget->load * IDLE * (double)WHOLE_NS;
	bool is_first = budget->judge_ns && now_ns >= budget->judge_ns;
	bool is_whole = !is_far_over && (is_first || now_ns - budget->whole_ns >= WHOLE_NS);
	add_up(&interval, is_whole);
	double limit = budget->load * (budget->is_growing ? DOWN_TO_GROW : DOWN_TO);
	if (is_far_over || (is_whole && is_over(&interval, OVER)))
		fit(&interval, limit);
	else if (is_first)
		judge(&interval, limit);
	else if (is_whole)
		step_up(&interval);
	if (is_far_over && budget->judge_ns)
		budget_judge_soon(budget, now_ns);
	if (is_far_over || is_whole)
		budget_restart(budget, now_ns);
	size_t num = list_changes(&interval, changes);
	if (is_far_over || is_whole)
		note_reasons(&interval);
	budget->has_room = is_low && !num;
	return num;
}

void budget_set_growing(struct budget *budget, bool is_growing)
{
	budget->is_growing = is_growing;
}

bool budget_has_room(const struct budget *budget)
{
	return budget->has_room;
}
