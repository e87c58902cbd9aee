// SPDX-License-Identifier: GPL-2.0-or-later
// The session over a back end that takes no hits, and a real process of a Go executable. Its entry
// writes a byte, reads one, and then executes the program that its first argument names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "tests/unit/synthetic.h"
#include "tracer/session/session.h"

// --- The back end --------------------------------------------------------------------------------

enum { HITS = 32 };

static struct {
	const char *refused; // the function that cannot be armed; NULL: none
	const char *failure; // why arming fails; NULL: it does not
	bool is_full;	     // no room for what is added to the plan after opening
	size_t num_opened, num_armed, num_disarmed;
	struct backend_stats stats;
	struct synthetic_record hits[HITS];
	size_t num_hits;
	struct tables *tables; // of the back end that is open now, like armed
	struct armed *armed;
} fake;

struct fake_backend {
	struct backend base;
	struct loaded loaded;
	const struct plan *plan;
	struct armed *armed;
	struct tables tables;
	struct wire_state state;
	size_t num_funcs; // of the plan, at first
};

static void fake_close(struct backend *backend)
{
	struct fake_backend *self = (struct fake_backend *)backend;
	for (size_t i = 0; i < NUM_TABLES; i++)
		free(tables_memory(&self->tables, i));
	free(self);
}

static struct error *fake_open(const struct loaded *loaded, struct armed *armed,
			       const struct backend_settings *settings, struct backend **out)
{
	const struct plan *plan = loaded->plan;
	assert_true(loaded->pid > 0);
	struct fake_backend *self = calloc(1, sizeof(*self));
	assert_non_null(self);
	self->base.tables = fake.tables = &self->tables;
	self->loaded = *loaded;
	self->plan = plan;
	self->armed = fake.armed = armed;
	self->tables.state = &self->state;
	self->num_funcs = plan->num_funcs;
	assert_null(tables_size(&self->tables, plan, settings));
	for (size_t i = 0; i < NUM_TABLES; i++)
		if (self->tables.capacity[i])
			tables_place(&self->tables, i, calloc(1, tables_bytes(&self->tables, i)));
	fake.num_opened++;
	*out = &self->base;
	return NULL;
}

static struct error *fake_update(struct backend *backend)
{
	struct fake_backend *self = (struct fake_backend *)backend;
	assert_true(self->armed->num >= self->plan->num_funcs);
	if (fake.is_full && self->plan->num_funcs > self->num_funcs + 4)
		return error_errno(ENOSPC, "no room");
	return tables_update(&self->tables, &self->loaded);
}

static struct error *fake_arm(struct backend *backend, const uint32_t *funcs, size_t num)
{
	struct fake_backend *self = (struct fake_backend *)backend;
	if (fake.failure)
		return error_new("%s", fake.failure);
	size_t num_armed = 0;
	for (size_t i = 0; i < num; i++) {
		struct armed_func *armed = &self->armed->funcs[funcs[i]];
		assert_false(armed->is_armed);
		armed->is_armed = !fake.refused ||
				  strcmp(self->plan->funcs[funcs[i]]->func->name, fake.refused);
		if (!armed->is_armed)
			armed_refuse(self->armed, funcs[i], "it is refused");
		num_armed += armed->is_armed;
	}
	fake.num_armed += num_armed;
	return num_armed ? NULL : error_new("%s: it is refused", fake.refused);
}

static struct error *fake_disarm(struct backend *backend, const uint32_t *funcs, size_t num)
{
	struct fake_backend *self = (struct fake_backend *)backend;
	for (size_t i = 0; i < num; i++) {
		assert_true(self->armed->funcs[funcs[i]].is_armed);
		self->armed->funcs[funcs[i]].is_armed = false;
	}
	fake.num_disarmed += num;
	return NULL;
}

static struct error *fake_poll(struct backend *backend, size_t max,
			       bool (*visit)(void *context, const struct wire_record *record),
			       void *context, size_t *num, bool *ended)
{
	(void)backend;
	(void)ended;
	assert_true(max >= fake.num_hits);
	*num = 0;
	while (*num < fake.num_hits)
		if (!visit(context, &fake.hits[(*num)++].head))
			break;
	memmove(fake.hits, &fake.hits[*num], (fake.num_hits - *num) * sizeof(*fake.hits));
	fake.num_hits -= *num;
	return NULL;
}

static void fake_stats(struct backend *backend, struct backend_stats *out)
{
	(void)backend;
	*out = fake.stats;
}

static void fake_costs(struct backend *backend, struct backend_costs *out)
{
	(void)backend;
	*out = (struct backend_costs){.entry = 500, .exit = 500};
}

static const struct backend_ops fake_ops = {
	.name = "fake",
	.open = fake_open,
	.close = fake_close,
	.records = {.poll = fake_poll, .stats = fake_stats},
	.probes = {.update = fake_update,
		   .arm = fake_arm,
		   .disarm = fake_disarm,
		   .costs = fake_costs},
};

// --- The target ----------------------------------------------------------------------------------

static char exe[2][64]; // the same program, twice

// write(1, stack, 1); read(0, &byte, 1); execve(argv[1], &argv[1], NULL);
static const uint8_t entry[] = {
	0x48, 0x8b, 0x6c, 0x24, 0x10, 0x4c, 0x8d, 0x64, 0x24, 0x10, 0xb8, 0x01, 0x00,
	0x00, 0x00, 0xbf, 0x01, 0x00, 0x00, 0x00, 0x48, 0x89, 0xe6, 0xba, 0x01, 0x00,
	0x00, 0x00, 0x0f, 0x05, 0x31, 0xc0, 0x31, 0xff, 0x48, 0x8d, 0x74, 0x24, 0x80,
	0xba, 0x01, 0x00, 0x00, 0x00, 0x0f, 0x05, 0xb8, 0x3b, 0x00, 0x00, 0x00, 0x48,
	0x89, 0xef, 0x4c, 0x89, 0xe6, 0x31, 0xd2, 0x0f, 0x05, 0xf4,
};

static int make_programs(void **state)
{
	(void)state;
	struct text bytes;
	text_init(&bytes);
	gzFile file = gzopen("tests/captures/go1.27.exe.gz", "rb");
	if (!file)
		fail_msg("tests run from the top of the tree");
	char some[16384];
	int len;
	while ((len = gzread(file, some, sizeof(some))) > 0)
		text_append(&bytes, some, (size_t)len);
	gzclose(file);
	Elf64_Ehdr *head = (Elf64_Ehdr *)bytes.data;
	Elf64_Phdr *segment = (Elf64_Phdr *)(bytes.data + head->e_phoff);
	while (segment->p_type != PT_LOAD || head->e_entry - segment->p_vaddr >= segment->p_filesz)
		segment++;
	memcpy(bytes.data + segment->p_offset + head->e_entry - segment->p_vaddr, entry,
	       sizeof(entry));
	for (int i = 0; i < 2; i++) {
		snprintf(exe[i], sizeof(exe[i]), "/tmp/gotrace-session-XXXXXX");
		int made = mkstemp(exe[i]);
		assert_true(made >= 0 && write(made, bytes.data, bytes.len) == (ssize_t)bytes.len);
		assert_int_equal(fchmod(made, 0700), 0);
		close(made);
	}
	text_deinit(&bytes);
	return 0;
}

static int remove_programs(void **state)
{
	(void)state;
	return unlink(exe[0]) | unlink(exe[1]);
}

struct world {
	pid_t pid;
	int to, from; // the process's standard input and output
	struct session_options options;
	struct session *session;
	struct text shown;
	uint64_t now;
};

static void show(void *context, const struct text *text)
{
	text_append(context, text->data, text->len);
}

static void start(struct world *world)
{
	int in[2], out[2];
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	world->pid = fork();
	assert_true(world->pid >= 0);
	if (!world->pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(exe[0], exe[0], exe[1], NULL);
		_exit(1);
	}
	char byte;
	assert_int_equal(read(out[0], &byte, 1), 1); // it runs
	close(in[0]);
	close(out[1]);
	world->to = in[1];
	world->from = out[0];
}

static void open_session(struct world *world)
{
	struct target *target;
	assert_null(target_attach(world->pid, &target));
	assert_null(session_create(target, &world->options, &world->session));
}

static int set_up(void **state)
{
	memset(&fake, 0, sizeof(fake));
	struct world *world = test_calloc(1, sizeof(*world));
	text_init(&world->shown);
	world->options = (struct session_options){
		.plan.capture = {.depth = PLAN_DEPTH, .strlen = PLAN_STRLEN, .items = PLAN_ITEMS},
		.is_open = true,
		.backend = &fake_ops,
		.look.sink = sink_find("lines"),
		.look.out = -1,
		.show = show,
		.context = &world->shown,
		.save = -1,
	};
	start(world);
	world->now = clock_now();
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	session_destroy(world->session);
	close(world->to);
	close(world->from);
	kill(world->pid, SIGKILL);
	waitpid(world->pid, NULL, 0);
	text_deinit(&world->shown);
	test_free(world);
	return 0;
}

// --- What happens --------------------------------------------------------------------------------

static struct error *try_trace(struct world *world, const char *pattern, uint64_t max_calls,
			       const struct session_trace **out)
{
	char *patterns[] = {(char *)pattern};
	const struct session_request request = {
		.patterns = patterns,
		.num_patterns = 1,
		.options = world->options.plan,
		.max_calls = max_calls,
	};
	return session_trace(world->session, &request, out);
}

static const struct session_trace *trace(struct world *world, const char *pattern)
{
	const struct session_trace *made;
	struct error *err = try_trace(world, pattern, 0, &made);
	if (err)
		fail_msg("%s", error_message(err));
	return made;
}

static const struct plan_func *find(const struct world *world, const char *name)
{
	const struct plan *plan = session_plan(world->session);
	for (size_t i = plan->num_funcs; i-- > 0;)
		if (!strcmp(plan->funcs[i]->func->name, name))
			return plan->funcs[i];
	fail_msg("%s is not in the plan", name);
	return NULL;
}

static void hit(struct world *world, const char *name, bool is_return, uint64_t distance)
{
	const struct plan_func *func = find(world, name);
	fake.hits[fake.num_hits++] =
		synthetic_hit(func->first_probe + is_return, 7, distance, world->now += 1000);
}

static void call(struct world *world, const char *name)
{
	hit(world, name, false, 100);
	hit(world, name, true, 100);
}

static enum session_state poll_once(struct world *world)
{
	enum session_state state;
	assert_null(session_poll(world->session, 0, &state));
	return state;
}

// How many times the word was shown since the last question.
static size_t num_shown(struct world *world, const char *word)
{
	size_t num = 0;
	for (const char *at = text_string(&world->shown); (at = strstr(at, word)); at++)
		num++;
	return num;
}

static void assert_error(struct error *err, const char *part)
{
	assert_non_null(err);
	if (!strstr(error_message(err), part))
		fail_msg("'%s' has no '%s'", error_message(err), part);
	error_free(err);
}

static bool is_enabled(const struct world *world, const char *name)
{
	return !(fake.tables->plan.probes[find(world, name)->first_probe].flags & WIRE_DISABLED);
}

static size_t num_traces(const struct world *world)
{
	size_t num;
	session_traces(world->session, &num);
	return num;
}

// --- Tests ---------------------------------------------------------------------------------------

static void test_calls_are_shown_and_counted(void **state)
{
	struct world *world = *state;
	open_session(world);
	const struct session_trace *made = trace(world, "main.add");
	assert_int_equal(made->num_funcs, 1);
	call(world, "main.add");
	hit(world, "main.add", false, 200);
	assert_int_equal(poll_once(world), SESSION_RUNS);
	assert_int_equal(made->counts.calls, 2);
	assert_int_equal(made->counts.returns, 1);
	assert_int_equal(made->counts.open, 1);
	assert_int_equal(made->counts.total_ns, 1000);
	assert_true(num_shown(world, "main.add") >= 2);
}

static void test_arming_fails(void **state)
{
	struct world *world = *state;
	open_session(world);
	const struct session_trace *made;
	fake.failure = "not permitted";
	assert_error(try_trace(world, "main.add", 0, &made), "not permitted");
	assert_int_equal(num_traces(world), 0);
	fake.failure = NULL;
	made = trace(world, "main.add");
	assert_int_equal(made->id, 1);
	assert_int_equal(made->num_shared, 0);
	call(world, "main.add");
	poll_once(world);
	assert_int_equal(made->counts.calls, 1);
}

// What a glob selects is only counted at first; what is named exactly is traced whole at once.
static void test_a_glob_is_counted_first(void **state)
{
	struct world *world = *state;
	world->options.max_overhead = 0.25;
	open_session(world);
	trace(world, "main.ad*");
	const struct plan_func *func = find(world, "main.add");
	assert_false(func->is_named);
	assert_true(fake.armed->funcs[func->number].is_counted);
	assert_int_equal(tables_budget(fake.tables, func)->level, WIRE_BUDGET_COUNTS);
	assert_int_equal(tables_budget(fake.tables, func)->flags, 0);
	for (int i = 0; i < 3; i++) { // nobody calls it: there is room for it
		poll_once(world);
		usleep(150000);
	}
	poll_once(world);
	assert_false(fake.armed->funcs[func->number].is_counted);
	assert_int_equal(tables_budget(fake.tables, func)->level, WIRE_BUDGET_FULL);
	assert_int_equal(tables_budget(fake.tables, func)->flags, WIRE_BUDGET_FOLLOW);
	session_destroy(world->session);
	open_session(world);
	trace(world, "main.add");
	func = find(world, "main.add");
	assert_true(func->is_named);
	assert_false(fake.armed->funcs[func->number].is_counted);
	assert_int_equal(tables_budget(fake.tables, func)->level, WIRE_BUDGET_FULL);
}

// A condition that asks how deep calls are is true of the calls of a whole trace only.
static void test_no_brake_where_depth_is_asked_for(void **state)
{
	struct world *world = *state;
	world->options.max_overhead = 0.25;
	const struct session_trace *made;
	open_session(world);
	assert_error(try_trace(world, "main.add if depth > 1", 0, &made), "--max-overhead");
	session_destroy(world->session);
	world->options.is_brake = true;
	open_session(world);
	trace(world, "main.ad* if depth > 1");
	const struct plan_func *func = find(world, "main.add");
	assert_false(fake.armed->funcs[func->number].is_counted);
	assert_int_equal(tables_budget(fake.tables, func)->flags, WIRE_BUDGET_FOLLOW);
}

static void test_refusals(void **state)
{
	struct world *world = *state;
	open_session(world);
	fake.refused = "main.add";
	const struct session_trace *made;
	assert_error(try_trace(world, "main.add", 0, &made), "main.add: it is refused");
	assert_int_equal(num_traces(world), 0);
	assert_error(try_trace(world, "main.nothing", 0, &made), "main.nothing");
	made = trace(world, "main.*");
	size_t num = made->num_funcs;
	assert_true(num >= 5);
	assert_int_equal(made->num_refused, 1);
	struct text refusals;
	text_init(&refusals);
	assert_int_equal(plan_write_refusals(session_plan(world->session), false, 5, &refusals), 1);
	assert_string_equal(text_string(&refusals), "main.add (it is refused)");
	text_deinit(&refusals);
	assert_int_equal(session_untrace(world->session, made->id, NULL, 0, &num) != NULL, 0);
	assert_true(num >= 5);
	fake.refused = NULL; // it is tried again
	assert_int_equal(trace(world, "main.add")->num_funcs, 1);
}

static void test_two_traces_of_a_function(void **state)
{
	struct world *world = *state;
	open_session(world);
	const struct session_trace *first = trace(world, "main.*"),
				   *second = trace(world, "main.add");
	size_t num_funcs = first->num_funcs, num;
	assert_int_equal(second->num_funcs, 1);
	assert_int_equal(second->num_shared, 1);
	hit(world, "main.add", false, 100); // under way while its trace goes
	hit(world, "main.sum", false, 200);
	poll_once(world);
	assert_int_equal(first->counts.open, 2);
	assert_null(session_untrace(world->session, first->id, NULL, 0, &num));
	assert_int_equal(num, num_funcs - 1);
	assert_int_equal(fake.num_disarmed, num);
	assert_int_equal(num_traces(world), 1);
	assert_int_equal(second->num_shared, 0);
	hit(world, "main.add", true, 100);
	call(world, "main.add");
	poll_once(world);
	assert_int_equal(second->counts.calls, 1);
	assert_int_equal(second->counts.returns, 2);
	assert_int_equal(num_shown(world, "detached"), 1); // main.sum
	assert_null(session_untrace(world->session, second->id, NULL, 0, &num));
	assert_int_equal(num, 1);
	assert_int_equal(num_traces(world), 0);
	assert_error(session_untrace(world->session, 2, NULL, 0, &num), "no trace 2");
}

// The back end has removed the probes of a function by itself.
static void test_a_function_is_changed(void **state)
{
	struct world *world = *state;
	open_session(world);
	const struct session_trace *changed = trace(world, "main.add"),
				   *other = trace(world, "main.sum");
	hit(world, "main.add", false, 100);
	hit(world, "main.sum", false, 200);
	poll_once(world);
	fake.armed->funcs[find(world, "main.add")->number].is_armed = false;
	size_t num;
	assert_null(session_untrace(world->session, other->id, NULL, 0, &num));
	assert_int_equal(num_shown(world, "detached"), 2);
	assert_int_equal(changed->counts.open, 0);
}

static void test_part_of_a_trace_goes(void **state)
{
	struct world *world = *state;
	open_session(world);
	const struct session_trace *made = trace(world, "main.*");
	char *patterns[] = {"main.add"};
	size_t num_funcs = made->num_funcs, num;
	assert_null(session_untrace(world->session, made->id, patterns, 1, &num));
	assert_int_equal(num, 1);
	assert_int_equal(made->num_funcs, num_funcs - 1);
	call(world, "main.sum");
	poll_once(world);
	assert_int_equal(made->counts.calls, 1);
	assert_int_equal(trace(world, "main.add")->num_shared, 0); // it is armed again
}

static void test_pause(void **state)
{
	struct world *world = *state;
	open_session(world);
	const struct session_trace *first = trace(world, "main.add"), *second;
	hit(world, "main.add", false, 100);
	poll_once(world);
	assert_null(session_enable(world->session, first->id, false));
	assert_true(first->is_off && !is_enabled(world, "main.add"));
	assert_int_equal(num_shown(world, "detached"), 1);
	second = trace(world, "main.add"); // the first trace has it, so it stays off
	assert_false(is_enabled(world, "main.add"));
	size_t num;
	assert_null(session_untrace(world->session, first->id, NULL, 0, &num));
	assert_int_equal(num, 0);
	assert_true(is_enabled(world, "main.add")); // it belongs to the second, which is not paused
	world->now = clock_now();
	hit(world, "main.add", false, 100);
	hit(world, "main.add", false, 50); // the first one left without a return
	poll_once(world);
	assert_int_equal(num_shown(world, "detached"),
			 1); // not this one: its returns are seen again
	assert_int_equal(second->counts.calls, 2);
}

static void test_limits(void **state)
{
	struct world *world = *state;
	world->options.max_calls = 3;
	open_session(world);
	const struct session_trace *made;
	assert_null(try_trace(world, "main.add", 1, &made));
	trace(world, "main.sum");
	call(world, "main.add");
	call(world, "main.add"); // more than its trace is to show
	call(world, "main.sum");
	assert_int_equal(poll_once(world), SESSION_RUNS);
	assert_int_equal(made->counts.calls, 1);
	assert_int_equal(made->counts.calls_left, 0);
	hit(world, "main.sum", false, 100);
	assert_int_equal(poll_once(world), SESSION_RUNS); // the third call has not ended
	hit(world, "main.sum", true, 100);
	assert_int_equal(poll_once(world), SESSION_COUNTED);
	struct text summary;
	text_init(&summary);
	assert_null(session_finish(world->session, &summary));
	assert_int_equal(fake.num_armed, fake.num_disarmed);
	text_deinit(&summary);
}

static void test_losses(void **state)
{
	struct world *world = *state;
	open_session(world);
	const struct session_trace *made = trace(world, "main.add");
	fake.stats.lost_buffer = 4;
	fake.tables->lost[find(world, "main.add")->number] = 3;
	assert_null(session_count_lost(world->session));
	assert_null(session_count_lost(world->session)); // counted once
	assert_int_equal(made->counts.lost, 3);
	poll_once(world);
	assert_int_equal(num_shown(world, "4 events"), 1);
}

static void test_the_target_ends(void **state)
{
	struct world *world = *state;
	open_session(world);
	trace(world, "main.add");
	hit(world, "main.add", false, 100);
	kill(world->pid, SIGKILL);
	waitid(P_PID, (id_t)world->pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	while (poll_once(world) == SESSION_RUNS)
		;
	assert_int_equal(poll_once(world), SESSION_TARGET_EXITED);
	const struct session_trace *made;
	assert_error(try_trace(world, "main.sum", 0, &made), "the process has ended");
	assert_int_equal(num_traces(world), 1);
}

// It executed a program that ended at once: only the back end saw that.
static void test_the_target_was_replaced(void **state)
{
	struct world *world = *state;
	open_session(world);
	trace(world, "main.add");
	fake.stats.is_replaced = true;
	kill(world->pid, SIGKILL);
	waitid(P_PID, (id_t)world->pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	while (poll_once(world) == SESSION_RUNS)
		;
	assert_int_equal(poll_once(world), SESSION_TARGET_EXECED);
}

static void test_the_target_executes_another_program(void **state)
{
	struct world *world = *state;
	open_session(world);
	trace(world, "main.add");
	assert_int_equal(write(world->to, "x", 1), 1);
	while (poll_once(world) == SESSION_RUNS)
		usleep(1000);
	assert_int_equal(poll_once(world), SESSION_TARGET_EXECED);
	size_t num_armed = fake.num_armed;
	const struct session_trace *made;
	assert_error(try_trace(world, "main.sum", 0, &made), "has executed another program");
	assert_int_equal(fake.num_armed, num_armed);
}

static void test_renewal(void **state)
{
	struct world *world = *state;
	open_session(world);
	const struct session_trace *first = trace(world, "main.add"),
				   *second = trace(world, "main.*");
	size_t num_shared = second->num_shared, num_funcs = second->num_funcs;
	assert_null(session_enable(world->session, first->id, false));
	call(world, "main.sum");
	hit(world, "main.sum", false, 100);
	poll_once(world);
	struct session_options options = world->options;
	options.plan.capture.depth = 5;
	assert_null(session_renew(world->session, &options));
	assert_int_equal(session_plan(world->session)->options.capture.depth, 5);
	assert_int_equal(fake.num_opened, 2);
	assert_int_equal(num_shown(world, "detached"), 1);
	assert_int_equal(num_traces(world), 2);
	assert_int_equal(second->num_funcs, num_funcs);
	assert_int_equal(second->num_shared, num_shared);
	assert_false(is_enabled(world, "main.add")); // still paused
	assert_true(is_enabled(world, "main.sum"));
	call(world, "main.sum");
	poll_once(world);
	assert_int_equal(second->counts.calls, 3);
}

static void test_conditions_are_shared(void **state)
{
	struct world *world = *state;
	world->options.plan.filter.slower_ns = 1000000;
	open_session(world);
	const struct session_trace *made = trace(world, "main.*");
	const struct plan_tables *tables = &session_plan(world->session)->tables;
	assert_true(made->num_funcs > 1);
	for (size_t i = 0; i < made->num_funcs; i++) {
		const struct wire_condition *condition = &tables->conditions[made->funcs[i]];
		assert_int_equal(condition->num_entry + condition->num_return, tables->num_ops);
	}
}

// A back end without room for another trace is replaced by one that has it.
static void test_no_room(void **state)
{
	struct world *world = *state;
	open_session(world);
	const struct session_trace *first = trace(world, "main.add");
	fake.is_full = true;
	const struct session_trace *second = trace(world, "main.*");
	assert_int_equal(fake.num_opened, 2);
	assert_int_equal(second->id, 2);
	assert_int_equal(second->num_shared, 1);
	call(world, "main.add");
	call(world, "main.sum");
	poll_once(world);
	assert_int_equal(first->counts.calls, 1);
	assert_int_equal(second->counts.calls, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(calls_are_shown_and_counted),
		TEST(arming_fails),
		TEST(a_glob_is_counted_first),
		TEST(no_brake_where_depth_is_asked_for),
		TEST(refusals),
		TEST(two_traces_of_a_function),
		TEST(a_function_is_changed),
		TEST(part_of_a_trace_goes),
		TEST(pause),
		TEST(limits),
		TEST(losses),
		TEST(the_target_ends),
		TEST(the_target_was_replaced),
		TEST(the_target_executes_another_program),
		TEST(renewal),
		TEST(conditions_are_shared),
		TEST(no_room),
	};
	return cmocka_run_group_tests(tests, make_programs, remove_programs);
}
