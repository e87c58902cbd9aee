// SPDX-License-Identifier: GPL-2.0-or-later
// Pairing against a model: random programs of many goroutines, with traced and untraced frames, defers, panics
// (recovered here or further out, nested, again), Goexit and tail jumps, attached to at a random moment. The
// model runs defers as Go's runtime does and knows how each call ended; the pairing must say the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/synthetic.h"
#include "tracer/event/calls.h"

enum {
	GOROUTINES = 24,
	EVENTS_MAX = 1500, // of a goroutine, before it comes to its end
	LEVEL_MAX = 40,
	FRAME_GOPANIC = 272, // bytes of the runtime's frames, about
	FRAME_DEFERRETURN = 184,
	FRAME_GOEXIT = 200,
};

struct event {
	uint32_t probe;
	uint64_t distance;
	struct token *token; // of the call that it belongs to; NULL for notes
};

struct token { // one traced call of the model
	enum call_how how;
	uint64_t distance;
	uint32_t depth;	 // in the model
	bool has_depth;	 // else calls that a panic took still seem to be open around it
	bool has_how;	 // else a Goexit, or the end, came while it still seemed to be open
	bool is_entered; // told by the pairing
	bool is_ended;
	bool may_be_lost, is_lost; // its end
	uint64_t number;
	struct token *next; // all of a program
};

struct frame {
	struct frame *outer;
	struct token *token; // NULL: not traced
	unsigned num_defers;
	bool recovers; // its first defer does
	bool is_open_coded;
	uint64_t inner; // where the calls that it makes stand
};

struct goroutine {
	struct event events[2 * EVENTS_MAX];
	size_t num, at;
	struct frame *innermost;
	uint32_t depth; // traced frames
	// Calls that a panic took, while no event has come from their distance or further out: deferred
	// calls that deferreturn makes may be further in.
	struct token *gone[2 * EVENTS_MAX];
	size_t num_gone;
	bool is_odd; // a Goexit came to its end with such calls
};

struct program {
	struct synthetic synthetic;
	struct goroutine goroutines[GOROUTINES];
	struct token *tokens;
	uint64_t random;
	size_t num_notes; // the first of gopanic, Goexit, deferreturn, recovery; of the last two one is enough
	bool has_goexit;
	bool has_losses;
	struct wire_losses losses;
	uint64_t num_calls, num_panicked, num_goexit, num_certain, num_lost;
};

// A place in the stack to go on at: NULL for the caller as usual, EXITING for nowhere.
static struct frame exiting;
static struct frame *const EXITING = &exiting;

static unsigned chance(struct program *program, unsigned one_in)
{
	program->random ^= program->random << 13;
	program->random ^= program->random >> 7;
	program->random ^= program->random << 17;
	return program->random % one_in == 0;
}

static void emit(struct goroutine *goroutine, uint32_t probe, uint64_t distance,
		 struct token *token)
{
	assert_true(goroutine->num < 2 * EVENTS_MAX);
	goroutine->events[goroutine->num++] =
		(struct event){.probe = probe, .distance = distance, .token = token};
	size_t num = 0;
	for (size_t i = 0; i < goroutine->num_gone; i++)
		if (goroutine->gone[i]->distance < distance)
			goroutine->gone[num++] = goroutine->gone[i];
	goroutine->num_gone = num;
}

static void forget_how(struct goroutine *goroutine)
{
	for (size_t i = 0; i < goroutine->num_gone; i++)
		goroutine->gone[i]->has_how = false;
}

static struct frame *run(struct program *program, struct goroutine *goroutine, uint64_t distance,
			 unsigned level, bool is_deferred);

// The frame recovered, and goes on.
static void recovers(struct program *program, struct goroutine *goroutine,
		     const struct frame *frame)
{
	if (program->num_notes == 4)
		emit(goroutine, (uint32_t)(3 * program->synthetic.num + 3), frame->inner - 8, NULL);
}

// Runs the deferred calls of all frames around, as gopanic and Goexit do, at this distance. Returns the
// frame that recovered, NULL if none did.
static struct frame *unwind(struct program *program, struct goroutine *goroutine, uint64_t distance,
			    unsigned level, bool is_panic)
{
	for (struct frame *frame = goroutine->innermost; frame; frame = frame->outer) {
		while (frame->num_defers) {
			frame->num_defers--;
			struct frame *saved = goroutine->innermost;
			struct frame *target = run(program, goroutine, distance, level + 1, true);
			goroutine->innermost = saved;
			if (target == EXITING)
				return target;
			if (target && is_panic)
				return target;
			// A panic in a deferred call of Goexit that was recovered further out: Goexit goes on.
			if (target) {
				recovers(program, goroutine, target);
				forget_how(goroutine);
			}
			if (is_panic && frame->recovers && !frame->num_defers)
				return frame;
		}
	}
	return NULL;
}

static bool is_recoverable(const struct goroutine *goroutine)
{
	for (const struct frame *frame = goroutine->innermost; frame; frame = frame->outer)
		if (frame->recovers && frame->num_defers)
			return true;
	return false;
}

static struct frame *panics(struct program *program, struct goroutine *goroutine, uint64_t distance,
			    unsigned level)
{
	emit(goroutine, synthetic_panic(&program->synthetic), distance, NULL);
	struct frame *target = unwind(program, goroutine, distance + FRAME_GOPANIC, level, true);
	assert_non_null(target);
	return target;
}

static struct frame *goexits(struct program *program, struct goroutine *goroutine,
			     uint64_t distance, unsigned level)
{
	emit(goroutine, synthetic_goexit(&program->synthetic), distance, NULL);
	forget_how(goroutine);
	unwind(program, goroutine, distance + FRAME_GOEXIT, level, false);
	goroutine->is_odd |= goroutine->num_gone != 0;
	forget_how(goroutine);
	return EXITING;
}

static struct frame *body(struct program *program, struct goroutine *goroutine, uint64_t inner,
			  unsigned level)
{
	while (!chance(program, 3)) {
		struct frame *target = NULL;
		if (goroutine->num > EVENTS_MAX || level > LEVEL_MAX)
			break;
		if (chance(program, 12) && is_recoverable(goroutine))
			target = panics(program, goroutine, inner, level);
		else if (program->has_goexit && chance(program, 150))
			target = goexits(program, goroutine, inner, level);
		else
			target = run(program, goroutine, inner, level + 1, false);
		if (target)
			return target;
	}
	return NULL;
}

// The frame's rest after its body, or after it recovered: deferred calls that are left, then RET. The compiler
// calls them itself (open-coded) or through deferreturn; a frame that recovered goes on there.
static struct frame *finish(struct program *program, struct goroutine *goroutine,
			    struct frame *frame, uint64_t inner, unsigned level, bool has_recovered)
{
	bool is_open_coded = frame->is_open_coded && !has_recovered;
	if (has_recovered)
		recovers(program, goroutine, frame);
	if (!is_open_coded && program->num_notes == 3 && (has_recovered || frame->num_defers))
		emit(goroutine, synthetic_deferreturn(&program->synthetic), inner, NULL);
	while (frame->num_defers) {
		frame->num_defers--;
		uint64_t distance = is_open_coded ? inner : inner + FRAME_DEFERRETURN;
		struct frame *target = run(program, goroutine, distance, level + 1, true);
		if (target == frame) {
			goroutine->innermost = frame;
			return finish(program, goroutine, frame, inner, level, true);
		}
		if (target)
			return target;
	}
	return NULL;
}

static struct token *new_token(struct program *program, struct goroutine *goroutine, uint32_t func,
			       uint64_t distance)
{
	struct token *token = calloc(1, sizeof(*token));
	assert_non_null(token);
	token->next = program->tokens;
	program->tokens = token;
	token->distance = distance;
	token->depth = ++goroutine->depth;
	token->has_how = true;
	emit(goroutine, 3 * func + SYNTHETIC_ENTRY, distance, token);
	token->has_depth = !goroutine->num_gone;
	program->num_calls++;
	return token;
}

// One call. Returns NULL, or the frame that goes on in its caller's stead.
static struct frame *run(struct program *program, struct goroutine *goroutine, uint64_t distance,
			 unsigned level, bool is_deferred)
{
	uint32_t func = (uint32_t)(program->random % program->synthetic.num);
	uint64_t inner = distance + 8 + 8 * (program->random % 32) + 8;
	struct frame frame = {.outer = goroutine->innermost, .inner = inner};
	if (level && !chance(program, 3))
		frame.token = new_token(program, goroutine, func, distance);
	goroutine->innermost = &frame;
	if (!level || (chance(program, 3) && goroutine->num < EVENTS_MAX)) {
		frame.num_defers = 1 + chance(program, 2);
		frame.is_open_coded = chance(program, 2);
		frame.recovers = !level || chance(program, 2);
	}
	bool is_tail = !is_deferred && !frame.num_defers && level && chance(program, 10);

	struct frame *target = body(program, goroutine, inner, level);
	if (target == &frame) {
		goroutine->innermost = &frame;
		target = finish(program, goroutine, &frame, inner, level, true);
	} else if (!target) {
		target = finish(program, goroutine, &frame, inner, level, false);
	}
	goroutine->innermost = frame.outer;
	if (frame.token)
		goroutine->depth--;
	if (target) {
		if (frame.token) {
			frame.token->how = target == EXITING ? CALL_GOEXIT : CALL_PANICKED;
			frame.token->has_how = !goroutine->is_odd;
			if (target != EXITING)
				goroutine->gone[goroutine->num_gone++] = frame.token;
		}
		return target;
	}
	if (frame.token)
		emit(goroutine, 3 * func + (is_tail ? SYNTHETIC_TAIL : SYNTHETIC_RETURN), distance,
		     frame.token);
	return is_tail ? run(program, goroutine, distance, level, false) : NULL;
}

// --- What the pairing says ---------------------------------------------------------------------

static struct token *current(void *context)
{
	return *(struct token **)context;
}

static void on_entry(void *context, struct call *call, const struct wire_record *record)
{
	(void)record;
	struct token *token = current(context);
	token->is_entered = true;
	token->number = call->number;
	if (token->has_depth)
		assert_int_equal(call->depth, token->depth);
	call->note = token;
}

static void on_end(void *context, struct call *call, const struct wire_record *record,
		   enum call_how how, uint64_t end_ns)
{
	(void)end_ns;
	struct token *token = call->note;
	assert_true(token->is_entered && !token->is_ended);
	assert_int_equal(token->number, call->number);
	token->is_ended = true;
	if (record)
		assert_ptr_equal(token, current(context));
	token->is_lost = how == CALL_LOST && token->may_be_lost;
	if (token->is_lost)
		return;
	if (token->has_how)
		assert_int_equal(how, token->how);
	else
		assert_int_not_equal(how, CALL_RETURNED);
}

static void on_orphan(void *context, struct call *call, const struct wire_record *record)
{
	(void)call;
	(void)record;
	const struct token *token = current(context);
	assert_true(!token->is_entered || token->is_lost);
}

static const struct calls_listener listener = {on_entry, on_end, on_orphan};

static void check_tokens(struct program *program, bool is_certain)
{
	while (program->tokens) {
		struct token *token = program->tokens;
		program->tokens = token->next;
		assert_int_equal(token->is_entered, token->is_ended);
		program->num_panicked += token->is_ended && token->how == CALL_PANICKED;
		program->num_goexit += token->is_ended && token->how == CALL_GOEXIT;
		program->num_certain += is_certain;
		program->num_lost += token->is_lost;
		assert_true(!is_certain || (token->has_depth && token->has_how));
		free(token);
	}
}

// Frames before the attach are not open to the pairing: depths count from there.
static void forget_depths(struct program *program)
{
	for (size_t i = 0; i < GOROUTINES; i++) {
		struct goroutine *goroutine = &program->goroutines[i];
		for (size_t at = goroutine->at; at < goroutine->num; at++)
			if (goroutine->at && goroutine->events[at].token)
				goroutine->events[at].token->has_depth = false;
	}
}

// Where events are lost, what is around a call is not known.
static void expect_losses(struct program *program)
{
	memset(&program->losses, 0, sizeof(program->losses));
	for (struct token *token = program->tokens; token; token = token->next) {
		token->may_be_lost = true;
		token->has_depth = false;
	}
}

// The record of an event, with what has been lost. It is lost itself where is_gap.
static struct error *take(struct program *program, struct calls *calls, struct wire_record *record,
			  bool is_gap)
{
	struct wire_losses *losses = &program->losses;
	uint64_t at = record->goid ? record->goid : record->tid;
	if (is_gap) {
		losses->all++;
		losses->by_goroutine[at]++;
		return NULL;
	}
	record->losses = losses->by_goroutine[at];
	record->all_losses = losses->all;
	return calls_record(calls, record);
}

static void play(struct program *program, size_t attach)
{
	bool is_gap = false;
	if (program->has_losses)
		expect_losses(program);
	struct token *token = NULL;
	struct calls *calls;
	assert_null(calls_create(&program->synthetic.plan, &listener, &token, &calls));
	size_t left = 0;
	for (size_t i = 0; i < GOROUTINES; i++)
		left += program->goroutines[i].num;
	for (size_t done = 0; left; done++) {
		if (done == attach)
			forget_depths(program);
		chance(program, 2);
		size_t i = program->random % GOROUTINES;
		struct goroutine *goroutine = &program->goroutines[i];
		if (goroutine->at == goroutine->num)
			continue;
		const struct event *event = &goroutine->events[goroutine->at++];
		left--;
		if (done < attach)
			continue;
		token = event->token;
		struct synthetic_record record =
			synthetic_hit(event->probe, i + 1, event->distance, 1000 + done);
		struct synthetic_recovery recovery =
			synthetic_recovers(&program->synthetic, i + 1, event->distance,
					   1000 + done);
		is_gap ^= program->has_losses && chance(program, is_gap ? 4 : 20);
		bool is_recovery = event->probe == recovery.head.probe;
		assert_null(
			take(program, calls, is_recovery ? &recovery.head : &record.head, is_gap));
	}
	calls_lost(calls, &program->losses, UINT64_MAX);
	calls_finish(calls, UINT64_MAX, false);
	calls_destroy(calls);
}

static void play_programs(struct program *program)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		program->random = seed * 0x9e3779b97f4a7c15;
		program->num_notes = 2 + seed % 3;
		program->has_goexit = seed % 4 != 1;
		synthetic_init(&program->synthetic, 5, program->num_notes);
		for (size_t i = 0; i < GOROUTINES; i++) {
			struct goroutine *goroutine = &program->goroutines[i];
			goroutine->num = goroutine->at = goroutine->depth = 0;
			goroutine->num_gone = 0;
			goroutine->is_odd = false;
			// The outermost frame is main's or the goroutine's own: it calls again and again.
			struct frame *target = NULL;
			for (unsigned j = 0; j < 50 && target != EXITING; j++) {
				goroutine->innermost = NULL;
				target = run(program, goroutine, 48, 0, false);
			}
			if (program->num_notes == 2 && target != EXITING)
				forget_how(goroutine);
		}
		size_t attach = seed % 2 ? 0 : seed * 7;
		play(program, attach);
		bool is_certain = program->num_notes == 4 ||
				  (program->num_notes == 3 && !program->has_goexit);
		check_tokens(program, is_certain && !attach && !program->has_losses);
	}
}

static void random_programs(void **state)
{
	(void)state;
	struct program *program = calloc(1, sizeof(*program));
	assert_non_null(program);
	play_programs(program);
	print_message("%zu calls (%zu certain), %zu panicked, %zu left by Goexit\n",
		      (size_t)program->num_calls, (size_t)program->num_certain,
		      (size_t)program->num_panicked, (size_t)program->num_goexit);
	assert_true(program->num_panicked > 1000 && program->num_goexit > 1000);
	free(program);
}

// Whatever is lost, no return is another call's, and no end is made up.
static void random_programs_with_losses(void **state)
{
	(void)state;
	struct program *program = calloc(1, sizeof(*program));
	assert_non_null(program);
	program->has_losses = true;
	play_programs(program);
	print_message("%zu calls, %zu ended in what was lost\n", (size_t)program->num_calls,
		      (size_t)program->num_lost);
	assert_true(program->num_lost > 1000 && program->num_lost < program->num_calls / 2);
	free(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_programs),
		cmocka_unit_test(random_programs_with_losses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
