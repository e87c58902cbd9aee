// SPDX-License-Identifier: GPL-2.0-or-later
// --max-overhead: measures what tracing costs the target, asks the controller (budget.h) how much
// of each function's calls to trace, and applies the answer.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "tracer/session/limiter.h"

// First estimates of what a call costs in addition to its hits, in ns; see struct budget_costs.
static const double VALUES_NS = 1200, BARE_NS = 500, SKIP_NS = 200;
static const uint64_t TICK_NS = 50 * 1000000ull, PAUSE_MAX_NS = 1000000000ull;
// Many functions are armed in slices: nobody knows before which of them are called so often that
// their probes stop the target. What is armed together is also armed again together if one of the
// functions changes.
enum { SLICE_MIN = 128, SLICE_MAX = 1024 };

void session_budget_destroy(struct session_budget *budget)
{
	if (!budget)
		return;
	budget_destroy(budget->budget);
	free(budget->waiting);
	free(budget->funcs);
	free(budget->calls);
	free(budget->changes);
	free(budget);
}

struct error *session_budget_create(struct session *session, struct session_budget **out)
{
	struct session_budget *budget = calloc(1, sizeof(*budget));
	if (!budget)
		return error_nomem();
	struct error *err = budget_create(session->options.max_overhead, &budget->budget);
	int errnum = clock_getcpuclockid(target_pid(session->target), &budget->clock);
	if (!err && errnum)
		err = error_errno(errnum, "the time that %d uses", target_pid(session->target));
	if (err) {
		session_budget_destroy(budget);
		return err;
	}
	struct backend_costs hit;
	session->options.backend->probes.costs(session->backend, &hit);
	log_info("a probe costs %.0f ns at an entry, %.0f at a return", hit.entry, hit.exit);
	budget_set_costs(budget->budget,
			 &(struct budget_costs){hit.entry, hit.exit, VALUES_NS, BARE_NS, SKIP_NS});
	budget->slice = SLICE_MIN;
	*out = budget;
	return NULL;
}

static bool grow(struct session_budget *budget)
{
	if (budget->num < budget->size)
		return true;
	size_t size = budget->size ? budget->size * 2 : 64;
	const struct {
		void **array;
		size_t element;
	} arrays[] = {{(void **)&budget->funcs, sizeof(*budget->funcs)},
		      {(void **)&budget->calls, sizeof(*budget->calls)},
		      {(void **)&budget->changes, sizeof(*budget->changes)}};
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
		void *array = reallocarray(*arrays[i].array, size, arrays[i].element);
		if (!array)
			return false;
		*arrays[i].array = array;
	}
	budget->size = size;
	return true;
}

// --- Measuring -----------------------------------------------------------------------------------

static void count_calls(struct session *session)
{
	struct session_budget *budget = session->budget;
	for (size_t i = 0; i < budget->num; i++) {
		struct limited *limited = &budget->funcs[i];
		const struct plan_func *func = session->loaded.plan->funcs[limited->func];
		const struct wire_budget *table = tables_budget(session->backend->tables, func);
		uint64_t seen = table ? __atomic_load_n(&table->seen, __ATOMIC_RELAXED) : 0;
		budget->calls[i] = seen - limited->seen;
		limited->seen = seen;
	}
}

// The CPU time that the target has used since the last call.
static uint64_t used_ns(struct session_budget *budget)
{
	uint64_t cpu_ns = clock_ns(budget->clock);
	uint64_t used = cpu_ns > budget->cpu_ns ? cpu_ns - budget->cpu_ns : 0;
	if (budget->cpu_ns)
		budget->all_cpu_ns += used;
	budget->cpu_ns = cpu_ns;
	return used;
}

// Adjusts the costs to what the calls since the last time took.
static void learn_costs(struct session *session)
{
	struct session_budget *budget = session->budget;
	struct backend_stats stats;
	session->options.backend->records.stats(session->backend, &stats);
	uint64_t run_ns = stats.run_ns - budget->run_ns, trap_ns = stats.trap_ns - budget->trap_ns;
	if (budget->run_ns && stats.run_ns > budget->run_ns)
		budget_learn(budget->budget, budget->calls, run_ns);
	if (stats.trap_ns)
		budget_learn_traps(budget->budget, budget->calls,
				   trap_ns > run_ns ? trap_ns - run_ns : 0);
	budget->run_ns = stats.run_ns;
	budget->trap_ns = stats.trap_ns;
}

// From now on, calls and times count.
static void restart(struct session *session, uint64_t now_ns)
{
	budget_restart(session->budget->budget, now_ns);
	count_calls(session);
	learn_costs(session);
	used_ns(session->budget);
}

// --- Functions ---------------------------------------------------------------------------------

static bool has_exits(enum budget_level level)
{
	return level < BUDGET_ENTRIES;
}

// A condition that the return decides is never true where returns have no probes.
static bool needs_returns(const struct session *session, const struct plan_func *func)
{
	const struct wire_condition *condition = tables_condition(session->backend->tables, func);
	return condition && condition->num_return;
}

// Passes a level to the capture engine: one call in so many is recorded. Probes are armed and
// disarmed elsewhere.
static void set_level(struct session *session, const struct plan_func *func,
		      enum budget_level level, uint32_t sampled)
{
	struct wire_budget *table = tables_budget(session->backend->tables, func);
	if (!table)
		return;
	uint32_t every = func->sampling.every ? func->sampling.every : 1;
	every = every > UINT32_MAX / sampled ? UINT32_MAX : every * sampled;
	bool is_counted = level >= BUDGET_COUNTED ||
			  (level == BUDGET_ENTRIES && needs_returns(session, func));
	bool is_followed = func->has_return && has_exits(level);
	uint16_t told = is_counted		    ? WIRE_BUDGET_COUNTS
			: level == BUDGET_NO_VALUES ? WIRE_BUDGET_BARE
						    : WIRE_BUDGET_FULL;
	__atomic_store_n(&table->every, every, __ATOMIC_RELAXED);
	__atomic_store_n(&table->flags, is_followed ? WIRE_BUDGET_FOLLOW : 0, __ATOMIC_RELAXED);
	__atomic_store_n(&table->level, told, __ATOMIC_RELEASE);
}

// Records no more calls of a function that is to be armed in another way. Those under way are
// followed until then.
static void hold_back(struct session *session, const struct plan_func *func)
{
	struct wire_budget *table = tables_budget(session->backend->tables, func);
	if (table)
		__atomic_store_n(&table->level, WIRE_BUDGET_COUNTS, __ATOMIC_RELEASE);
}

// Puts all but the last of these functions to those that wait. In a Go executable, the functions of
// the program's own packages come last, and those of the runtime first.
static struct error *wait(struct session_budget *budget, const uint32_t *funcs, size_t num)
{
	uint32_t *waiting =
		reallocarray(budget->waiting, budget->num_waiting + num, sizeof(*waiting));
	if (!waiting)
		return error_nomem();
	memcpy(&waiting[budget->num_waiting], funcs, num * sizeof(*funcs));
	budget->waiting = waiting;
	budget->num_waiting += num;
	return NULL;
}

struct error *session_budget_begin(struct session *session, const uint32_t *funcs, size_t num,
				   size_t *first)
{
	enum { MANY = 2 * SLICE_MIN };
	struct error *err = NULL;
	uint64_t now_ns = clock_now();
	bool is_held = target_is_held(session->target), is_sliced = num > MANY && !is_held;
	for (size_t i = 0; !err && i < num; i++) {
		const struct plan_func *func = session->loaded.plan->funcs[funcs[i]];
		bool is_counted = is_sliced || (!func->is_named && !is_held);
		session->armed.funcs[funcs[i]].is_counted = is_counted;
		set_level(session, func, is_counted ? BUDGET_COUNTED : BUDGET_ALL, 1);
		if (is_counted)
			err = session_turn(session, funcs[i], now_ns);
	}
	*first = is_sliced ? num - SLICE_MIN : 0;
	if (!err && is_sliced)
		err = wait(session->budget, funcs, *first);
	if (is_sliced)
		log_info("%zu functions are armed by and by, and only counted at first, to see "
			 "what they cost",
			 num);
	restart(session, now_ns);
	return err;
}

struct error *session_budget_add(struct session *session, const uint32_t *funcs, size_t num)
{
	struct session_budget *budget = session->budget;
	bool are_counted = false;
	for (size_t i = 0; i < num; i++) {
		const struct plan_func *func = session->loaded.plan->funcs[funcs[i]];
		const struct armed_func *armed = &session->armed.funcs[funcs[i]];
		uint32_t *number = &session->funcs[funcs[i]].budget;
		if (!armed->is_armed)
			continue;
		struct budget_func about = {
			.is_stepped = !session->loaded.plan->probes[func->first_probe].is_emulated,
			.has_exits = func->has_return,
			.is_named = func->is_named,
			.every = func->sampling.every,
			.level = armed->is_counted ? BUDGET_COUNTED : BUDGET_ALL,
		};
		are_counted |= armed->is_counted;
		if (*number) { // it was traced before
			budget_set(budget->budget, *number - 1, &about);
			continue;
		}
		struct error *err =
			grow(budget) ? budget_add(budget->budget, &about) : error_nomem();
		if (err)
			return err;
		budget->funcs[budget->num++] = (struct limited){.func = funcs[i]};
		*number = (uint32_t)budget->num;
	}
	// Hits were ignored until all probes were attached.
	uint64_t now_ns = clock_now();
	restart(session, now_ns);
	if (are_counted)
		budget_judge_soon(budget->budget, now_ns);
	return NULL;
}

// --- Applying levels -----------------------------------------------------------------------------

// Adds up how long a function is off.
static void note_off(struct limited *limited, enum budget_level level, uint64_t now_ns)
{
	if (level == BUDGET_OFF && !limited->since_ns)
		limited->since_ns = now_ns;
	if (level == BUDGET_OFF || !limited->since_ns)
		return;
	limited->off_ns += now_ns - limited->since_ns;
	limited->since_ns = 0;
}

// True if other probes are needed.
static bool is_rearmed(const struct budget_change *change)
{
	return change->to == BUDGET_OFF || has_exits(change->from) != has_exits(change->to);
}

static void apply_level(struct session *session, const struct budget_change *change)
{
	struct session_budget *budget = session->budget;
	struct limited *limited = &budget->funcs[change->func];
	set_level(session, session->loaded.plan->funcs[limited->func], change->to,
		  budget_every(budget->budget, change->func));
	session->armed.funcs[limited->func].is_counted = !has_exits(change->to);
	note_off(limited, change->to, clock_now());
}

// Sets all new levels and removes the probes that are not needed any more or must be armed in
// another way. This comes before arm, because it lowers the cost of tracing. A call that is
// recorded before has its return followed until the probes are gone; one that is recorded after has
// none.
static struct error *disarm(struct session *session, size_t num)
{
	struct session_budget *budget = session->budget;
	uint32_t *funcs = calloc(num, sizeof(*funcs));
	if (!funcs)
		return error_nomem();
	size_t num_funcs = 0;
	struct error *err = NULL;
	for (size_t i = 0; i < num; i++) {
		const struct budget_change *change = &budget->changes[i];
		uint32_t func = budget->funcs[change->func].func;
		if (!is_rearmed(change)) {
			apply_level(session, change);
		} else if (session->armed.funcs[func].is_armed) {
			hold_back(session, session->loaded.plan->funcs[func]);
			funcs[num_funcs++] = func;
		}
		if (!err && has_exits(change->from) && !has_exits(change->to))
			err = session_turn(session, func, clock_now());
	}
	if (!err && num_funcs) {
		err = session->options.backend->probes.disarm(session->backend, funcs, num_funcs);
		struct error *settle_err = session_settle(session);
		if (err)
			error_free(settle_err);
		else
			err = settle_err;
	}
	for (size_t i = 0; i < num; i++)
		if (is_rearmed(&budget->changes[i]))
			apply_level(session, &budget->changes[i]);
	free(funcs);
	return err;
}

static struct error *arm(struct session *session, size_t num)
{
	struct session_budget *budget = session->budget;
	uint32_t *funcs = calloc(num, sizeof(*funcs));
	if (!funcs)
		return error_nomem();
	size_t num_funcs = 0;
	struct error *err = NULL;
	for (size_t i = 0; i < num; i++) {
		uint32_t func = budget->funcs[budget->changes[i].func].func;
		if (!err && has_exits(budget->changes[i].to))
			err = session_turn(session, func, 0);
		// A function without a trace is not traced any more and stays off.
		if (!session->armed.funcs[func].is_armed && session->funcs[func].trace &&
		    budget->changes[i].to != BUDGET_OFF)
			funcs[num_funcs++] = func;
	}
	for (size_t i = 0; !err && i < num_funcs; i += SLICE_MAX)
		err = session_arm(session, &funcs[i],
				  num_funcs - i < SLICE_MAX ? num_funcs - i : SLICE_MAX);
	free(funcs);
	return err;
}

// --- Ticks ----------------------------------------------------------------------------------------

// With ptrace the tracer works while the target waits and uses no CPU time. This is the estimated
// time of that wait.
static uint64_t waited_ns(const struct session_budget *budget)
{
	double sum = 0;
	for (size_t i = 0; i < budget->num; i++)
		sum += (double)budget->calls[i] *
		       budget_cost(budget->budget, i, budget_level(budget->budget, i));
	return (uint64_t)sum;
}

// Applies the changes. What hits cost meanwhile is not known. The longer this takes, the more calls
// the next changes must be based on, so that there are few of them.
static struct error *apply(struct session *session, size_t num)
{
	struct session_budget *budget = session->budget;
	uint64_t start_ns = clock_now();
	struct error *err = disarm(session, num);
	if (!err)
		err = arm(session, num);
	bool is_down = false;
	for (size_t i = 0; !err && i < num; i++) {
		limiter_note(session, &budget->changes[i]);
		is_down = is_down || budget->changes[i].to > budget->changes[i].from;
	}
	if (is_down)
		budget->slice = budget->slice / 2 > SLICE_MIN ? budget->slice / 2 : SLICE_MIN;
	uint64_t end_ns = clock_now(), pause_ns = (end_ns - start_ns) / 4;
	log_info("%zu functions changed in %.1f ms", num, (double)(end_ns - start_ns) / 1e6);
	restart(session, end_ns);
	budget->next_ns = end_ns + (pause_ns < TICK_NS	      ? TICK_NS
				    : pause_ns < PAUSE_MAX_NS ? pause_ns
							      : PAUSE_MAX_NS);
	return err;
}

// While functions wait, those that were just armed may cost far too much for a moment. On average,
// that is kept to a few times the budget.
static bool has_room_to_grow(const struct session *session)
{
	static const double TIMES = 3, MOST = 0.4, IDLE = 0.1; // IDLE: as in budget.c
	const struct session_budget *budget = session->budget;
	double idle_ns = IDLE * (double)(clock_now() - session->start_ns);
	double cpu_ns = (double)budget->all_cpu_ns;
	double share = session->options.max_overhead * TIMES;
	double most = (share < MOST ? share : MOST) * (cpu_ns > idle_ns ? cpu_ns : idle_ns);
	return budget_has_room(budget->budget) && (double)budget->trap_ns <= most;
}

// Arms the next functions that wait. Those that cannot be armed are refused.
static struct error *arm_slice(struct session *session)
{
	struct session_budget *budget = session->budget;
	uint32_t funcs[SLICE_MAX];
	size_t num = 0;
	while (budget->num_waiting && num < budget->slice) {
		uint32_t number = budget->waiting[--budget->num_waiting];
		if (session->funcs[number].trace) // else it is not traced any more
			funcs[num++] = number;
	}
	struct error *err = session_arm(session, funcs, num);
	bool are_all_refused = err && target_state(session->target) == TARGET_RUNS;
	for (size_t i = 0; i < num; i++) {
		const char *refused = session->armed.funcs[funcs[i]].refused;
		are_all_refused = are_all_refused && refused;
		if (!err && refused)
			err = plan_refuse(session->loaded.plan,
					  session->loaded.plan->funcs[funcs[i]]->func, refused);
	}
	if (are_all_refused) {
		error_free(err);
		return NULL;
	}
	budget->slice = budget->slice < SLICE_MAX / 2 ? budget->slice * 2 : SLICE_MAX;
	if (!budget->num_waiting)
		log_info("all functions are armed");
	return err ? err : session_budget_add(session, funcs, num);
}

struct error *session_budget_tick(struct session *session, uint64_t now_ns)
{
	struct session_budget *budget = session->budget;
	if (now_ns < budget->next_ns || !budget->num)
		return NULL;
	budget->next_ns = now_ns + TICK_NS;
	uint64_t used = used_ns(budget);
	count_calls(session);
	learn_costs(session);
	if (session->options.backend->is_tracer)
		used += waited_ns(budget);
	budget_set_growing(budget->budget, budget->num_waiting);
	size_t num = budget_step(budget->budget, now_ns, used, budget->calls, budget->changes);
	struct error *err = NULL;
	if (num)
		err = apply(session, num);
	else if (budget->num_waiting && has_room_to_grow(session))
		err = arm_slice(session);
	limiter_say(session, now_ns);
	if (err && target_state(session->target) != TARGET_RUNS) { // the target ended meanwhile
		error_free(err);
		err = NULL;
	}
	return err;
}
