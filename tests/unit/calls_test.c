// SPDX-License-Identifier: GPL-2.0-or-later
// Pairing: small stories of one or two goroutines, each told as records and read back as a string.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/text.h"
#include "tests/unit/synthetic.h"
#include "tracer/event/calls.h"

struct story {
	struct synthetic synthetic;
	struct calls *calls;
	struct text told; // "+0" entry of f0, "-0" its return, "!0" panicked, "x0" goexit, ...
	uint64_t now;
	uint32_t losses, all_losses; // so far: of goroutine 7, and of all
	uint64_t last_end_ns;
};

static void on_entry(void *context, struct call *call, const struct wire_record *record)
{
	struct story *story = context;
	assert_non_null(record);
	assert_null(call->note);
	assert_true(call->number > 0);
	text_printf(&story->told, "%s+%u", story->told.len ? " " : "", call->func->number);
	if (call->depth > 1)
		text_printf(&story->told, "@%u", call->depth);
	if (call->parent)
		assert_int_equal(call->parent->depth + 1, call->depth);
	if (call->will_end)
		call->note = story;
}

static void on_end(void *context, struct call *call, const struct wire_record *record,
		   enum call_how how, uint64_t end_ns)
{
	struct story *story = context;
	assert_true(call->note == story);
	assert_true(end_ns >= call->entry_ns);
	assert_int_equal(record != NULL, how == CALL_RETURNED);
	static const char marks[] = {[CALL_RETURNED] = '-',
				     [CALL_PANICKED] = '!',
				     [CALL_GOEXIT] = 'x',
				     [CALL_DETACHED] = '~',
				     [CALL_LOST] = '?'};
	text_printf(&story->told, "%s%c%u", story->told.len ? " " : "", marks[how],
		    call->func->number);
	story->last_end_ns = end_ns;
}

static void on_orphan(void *context, struct call *call, const struct wire_record *record)
{
	struct story *story = context;
	assert_non_null(record);
	assert_int_equal(call->number, 0);
	text_printf(&story->told, "%so%u", story->told.len ? " " : "", call->func->number);
}

static const struct calls_listener listener = {on_entry, on_end, on_orphan};

static void begin(struct story *story, size_t num_notes)
{
	memset(story, 0, sizeof(*story));
	synthetic_init(&story->synthetic, 4, num_notes);
	story->now = 1000;
	assert_null(calls_create(&story->synthetic.plan, &listener, story, &story->calls));
}

static void take(struct story *story, struct wire_record *record)
{
	record->losses = record->goid == 7 ? story->losses : 0;
	record->all_losses = story->all_losses;
	assert_null(calls_record(story->calls, record));
}

static void hit(struct story *story, uint32_t probe, uint64_t goid, uint64_t distance)
{
	struct synthetic_record record = synthetic_hit(probe, goid, distance, story->now += 10);
	take(story, &record.head);
}

// An event of the goroutine is lost.
static void lose(struct story *story)
{
	story->losses++;
	story->all_losses++;
}

static void enter(struct story *story, unsigned func, uint64_t distance)
{
	hit(story, 3 * func + SYNTHETIC_ENTRY, 7, distance);
}

static void leave(struct story *story, unsigned func, uint64_t distance)
{
	hit(story, 3 * func + SYNTHETIC_RETURN, 7, distance);
}

static void panics(struct story *story, uint64_t distance)
{
	hit(story, synthetic_panic(&story->synthetic), 7, distance);
}

static void goexits(struct story *story, uint64_t distance)
{
	hit(story, synthetic_goexit(&story->synthetic), 7, distance);
}

static void deferreturns(struct story *story, uint64_t distance)
{
	hit(story, synthetic_deferreturn(&story->synthetic), 7, distance);
}

static void recovers(struct story *story, uint64_t distance)
{
	struct synthetic_recovery record =
		synthetic_recovers(&story->synthetic, 7, distance, story->now += 10);
	assert_null(calls_record(story->calls, &record.head));
}

static void expect_story(struct story *story, const char *expected)
{
	assert_string_equal(text_string(&story->told), expected);
	text_reset(&story->told);
	if (story->told.data)
		story->told.data[0] = '\0';
}

static void end(struct story *story)
{
	struct calls_stats stats;
	calls_finish(story->calls, story->now, false);
	calls_stats(story->calls, &stats);
	assert_int_equal(stats.open, 0);
	assert_int_equal(stats.calls, stats.returns + stats.detached + stats.lost_ends);
	calls_destroy(story->calls);
	text_deinit(&story->told);
}

// --- Returns -----------------------------------------------------------------------------------

static void nested_calls(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	enter(&story, 2, 300);
	leave(&story, 2, 300);
	enter(&story, 2, 300);
	leave(&story, 2, 300);
	leave(&story, 1, 200);
	leave(&story, 0, 100);
	expect_story(&story, "+0 +1@2 +2@3 -2 +2@3 -2 -1 -0");
	end(&story);
}

static void recursion(void **state)
{
	(void)state;
	enum { DEPTH = 1000000 };
	struct story story;
	begin(&story, 2);
	for (unsigned i = 0; i < DEPTH; i++)
		enter(&story, 0, 100 + 32ull * i);
	struct calls_stats stats;
	calls_stats(story.calls, &stats);
	assert_int_equal(stats.open, DEPTH);
	for (unsigned i = DEPTH; i-- > 0;)
		leave(&story, 0, 100 + 32ull * i);
	calls_stats(story.calls, &stats);
	assert_int_equal(stats.returns, DEPTH);
	assert_int_equal(stats.open, 0);
	end(&story);
}

static void two_goroutines(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	hit(&story, 0, 1, 100);
	hit(&story, 0, 2, 50);
	hit(&story, 3, 1, 200);
	hit(&story, 1, 2, 50);
	hit(&story, 4, 1, 200);
	hit(&story, 1, 1, 100);
	expect_story(&story, "+0 +0 +1@2 -0 -1 -0");
	end(&story);
}

static void under_way_at_attach(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	leave(&story, 2, 300);
	enter(&story, 2, 300);
	leave(&story, 2, 300);
	leave(&story, 1, 200);
	expect_story(&story, "o2 +2 -2 o1");
	end(&story);
}

static void other_function_at_the_place(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	lose(&story);
	enter(&story, 0, 100);
	leave(&story, 1, 100); // main.f0's return and main.f1's entry were lost
	expect_story(&story, "+0 ?0 o1");
	end(&story);
}

static void tail_jump(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	hit(&story, 3 * 0 + SYNTHETIC_TAIL, 7, 100);
	enter(&story, 1, 100);
	leave(&story, 1, 100);
	expect_story(&story, "+0 -0 +1 -1");
	end(&story);
}

static void without_return_probes(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	story.synthetic.plan_func[1].has_return = false;
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	enter(&story, 1, 300);
	leave(&story, 0, 100);
	expect_story(&story, "+0 +1@2 +1@2 -0");
	struct calls_stats stats;
	calls_stats(story.calls, &stats);
	assert_int_equal(stats.calls, 3);
	assert_int_equal(stats.returns, 1);
	calls_destroy(story.calls);
	text_deinit(&story.told);
}

static void no_goroutine(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	for (uint32_t probe = 0; probe < 2; probe++) {
		struct synthetic_record record = synthetic_hit(probe, 0, 0, ++story.now);
		record.head.flags = WIRE_NO_GOROUTINE;
		assert_null(calls_record(story.calls, &record.head));
	}
	expect_story(&story, "+0 o0");
	struct calls_stats stats;
	calls_stats(story.calls, &stats);
	assert_int_equal(stats.open, 0);
	calls_destroy(story.calls);
	text_deinit(&story.told);
}

static void system_stack_is_paired_by_thread(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	struct synthetic_record record = synthetic_hit(0, 0, 100, 1);
	assert_null(calls_record(story.calls, &record.head));
	record = synthetic_hit(0, 0, 50, 2); // further out, but on another thread
	record.head.tid = 11;
	assert_null(calls_record(story.calls, &record.head));
	record = synthetic_hit(1, 0, 100, 3);
	assert_null(calls_record(story.calls, &record.head));
	expect_story(&story, "+0 +0 -0");
	record = synthetic_hit(0, 0, 50, 4); // the system stack was left by a switch, not by a RET
	record.head.tid = 11;
	assert_null(calls_record(story.calls, &record.head));
	expect_story(&story, "?0 +0");
	end(&story);
}

// A signal meets g0 in a call: what runs on gsignal, further out by its own stack, leaves that call alone.
static void stacks_of_a_thread_are_paired_apart(void **state)
{
	(void)state;
	static const uint64_t g0 = 1ull << WIRE_STACK_SHIFT, gsignal = 2ull << WIRE_STACK_SHIFT;
	struct story story;
	begin(&story, 2);
	const struct synthetic_record records[] = {
		synthetic_hit(0, 0, g0 | 1000, 1),
		synthetic_hit(3, 0, gsignal | 50, 2),
		synthetic_hit(4, 0, gsignal | 50, 3),
		synthetic_hit(1, 0, g0 | 1000, 4),
	};
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		assert_null(calls_record(story.calls, &records[i].head));
	expect_story(&story, "+0 +1 -1 -0");
	end(&story);
}

static void damaged_records(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	hit(&story, 4 * 3 + 2, 7, 100);
	hit(&story, UINT32_MAX, 7, 100);
	story.synthetic.probes[0].func = 6;
	hit(&story, 0, 7, 100);
	story.synthetic.probes[0].func = 0;
	story.synthetic.probes[0].kind = 77;
	hit(&story, 0, 7, 100);
	struct calls_stats stats;
	calls_stats(story.calls, &stats);
	assert_int_equal(stats.damaged, 4);
	expect_story(&story, "");
	end(&story);
}

// --- Ends without a RET ------------------------------------------------------------------------

static void panic_recovered_by_caller(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	enter(&story, 2, 300);
	panics(&story, 400);
	enter(&story, 3, 600); // a deferred function, called by gopanic
	leave(&story, 3, 600);
	expect_story(&story, "+0 +1@2 +2@3 +3@4 -3");
	leave(&story, 0, 100); // it had recovered
	expect_story(&story, "!2 !1 -0");
	end(&story);
}

static void recovered_in_place(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	panics(&story, 400);
	leave(&story, 1, 200);
	// The panic is got over: a return that is lost now is no panic.
	lose(&story);
	leave(&story, 1, 50);
	expect_story(&story, "+0 +1@2 -1 ?0 o1");
	end(&story);
}

static void recovered_by_untraced(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	enter(&story, 1, 300);
	panics(&story, 400);
	enter(&story, 2, 250); // further out than main.f1: it is gone
	leave(&story, 2, 250);
	leave(&story, 0, 100);
	expect_story(&story, "+0 +1@2 !1 +2@2 -2 -0");
	end(&story);
}

static void recovered_long_ago(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	panics(&story, 400); // in something untraced, which recovers
	enter(&story, 1, 200);
	leave(&story, 1, 200);
	lose(&story);
	enter(&story, 2, 50); // main.f0's return may be lost
	expect_story(&story, "+0 +1@2 -1 ?0 +2");
	end(&story);
}

static void deferreturn_tells_who_recovered(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 3);
	enter(&story, 0, 100);
	enter(&story, 1, 300);
	panics(&story, 400);
	deferreturns(&story, 300); // of an untraced frame between the two
	expect_story(&story, "+0 +1@2 !1");
	enter(&story, 2, 500); // a deferred call that it makes, further in than main.f1 was
	leave(&story, 2, 500);
	expect_story(&story, "+2@2 -2");
	calls_finish(story.calls, story.now, true); // main.f0 was not panicking any more
	expect_story(&story, "~0");
	end(&story);
}

static void recovery_tells_who_recovered(void **state)
{
	(void)state;
	for (int is_in_panic = 0; is_in_panic < 2; is_in_panic++) {
		struct story story;
		begin(&story, 4);
		if (!is_in_panic) {
			story.synthetic.plan.recovery.is_in_panic = false;
			story.synthetic.plan.recovery.sp_off = 24;
		}
		enter(&story, 0, 100);
		enter(&story, 1, 300);
		panics(&story, 400);
		recovers(&story, 299); // it called main.f1
		expect_story(&story, "+0 +1@2 !1");
		enter(&story, 2, 500);
		leave(&story, 2, 500);
		expect_story(&story, "+2@2 -2");
		calls_finish(story.calls, story.now, true); // not panicking any more
		expect_story(&story, "~0");
		end(&story);
	}
}

static void recovery_does_not_end_goexit(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 4);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	goexits(&story, 300);
	enter(&story, 2, 500); // deferred
	panics(&story, 600);
	recovers(&story, 150); // main.f0 did, but Goexit goes on
	expect_story(&story, "+0 +1@2 +2@3 !2");
	enter(&story, 3, 520);
	leave(&story, 3, 520);
	calls_finish(story.calls, story.now, false);
	expect_story(&story, "+3@3 -3 x1 x0");
	end(&story);
}

static void recovery_that_cannot_be_read(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 4);
	enter(&story, 0, 100);
	enter(&story, 1, 300);
	panics(&story, 400);
	struct synthetic_recovery record =
		synthetic_recovers(&story.synthetic, 7, 299, story.now += 10);
	for (int i = 0; i < 4; i++) {
		struct synthetic_recovery bad = record;
		if (i == 0)
			bad.g_block.addr++;
		else if (i == 1)
			bad.panic_block.len = 0, bad.panic_block.flags = WIRE_BLOCK_FAULT,
			bad.head.size -= 8;
		else if (i == 2)
			bad.panic_words[0] = bad.g_words[1];
		else
			bad.head.size = sizeof(bad.head), bad.head.num_blocks = 0;
		assert_null(calls_record(story.calls, &bad.head));
	}
	expect_story(&story, "+0 +1@2");
	leave(&story, 0, 100);
	expect_story(&story, "!1 -0");
	end(&story);
}

// A record that is no hit is neither an event nor damage, whatever the other members hold.
static void other_kinds(void **state)
{
	(void)state;
	struct story story;
	struct calls_stats stats;
	begin(&story, 2);
	enter(&story, 0, 100);
	struct synthetic_record record = synthetic_hit(UINT32_MAX, 7, 50, story.now += 10);
	record.head.kind = WIRE_RECORD_HIT + 1;
	take(&story, &record.head);
	leave(&story, 0, 100);
	calls_stats(story.calls, &stats);
	assert_int_equal(stats.other_kinds, 1);
	assert_int_equal(stats.damaged, 0);
	expect_story(&story, "+0 -0");
	end(&story);
}

static void hit_of(struct story *story, uint8_t target, uint32_t probe, uint64_t distance)
{
	struct synthetic_record record = synthetic_hit(probe, 7, distance, story->now += 10);
	record.head.target = target;
	take(story, &record.head);
}

// Two processes have a goroutine with the same id, and calls at the same places of their stacks.
static void two_targets(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 4);
	enter(&story, 0, 100);
	hit_of(&story, 1, 3 * 0 + SYNTHETIC_RETURN, 100); // was under way there
	hit_of(&story, 1, 3 * 1 + SYNTHETIC_ENTRY, 50);	  // would be further out
	enter(&story, 2, 200);
	expect_story(&story, "+0 o0 +1 +2@2");
	hit_of(&story, 1, synthetic_panic(&story.synthetic), 300);
	leave(&story, 2, 200);
	struct synthetic_recovery recovery =
		synthetic_recovers(&story.synthetic, 7, 20, story.now += 10);
	recovery.head.target = 1;
	take(&story, &recovery.head);
	expect_story(&story, "-2 !1");
	leave(&story, 0, 100);
	expect_story(&story, "-0");
	end(&story);
}

// gopanic and Goexit may be traced themselves; either hit may come first.
static void notes_that_are_traced(void **state)
{
	(void)state;
	for (int note_first = 0; note_first < 2; note_first++) {
		struct story story;
		begin(&story, 4);
		story.synthetic.plan_func[1].func = story.synthetic.plan_func[4].func;
		story.synthetic.plan_func[2].func = story.synthetic.plan_func[5].func;
		enter(&story, 0, 100);
		if (note_first)
			panics(&story, 300);
		enter(&story, 1, 300);
		if (!note_first)
			panics(&story, 300);
		enter(&story, 3, 600);
		leave(&story, 3, 600);
		recovers(&story, 110);
		expect_story(&story, "+0 +1@2 +3@3 -3 !1");
		if (note_first)
			goexits(&story, 300);
		enter(&story, 2, 300);
		if (!note_first)
			goexits(&story, 300);
		calls_finish(story.calls, story.now, false);
		expect_story(&story, "+2@2 x2 x0");
		end(&story);
	}
}

static void deferreturn_in_a_deferred_call(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 3);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	panics(&story, 300);
	enter(&story, 2, 600);
	deferreturns(&story, 700); // of the deferred call, which panicked not
	leave(&story, 2, 600);
	expect_story(&story, "+0 +1@2 +2@3 -2");
	deferreturns(&story, 150);
	leave(&story, 0, 100);
	expect_story(&story, "!1 -0");
	end(&story);
}

static void nested_panics(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	panics(&story, 300);
	enter(&story, 2, 500); // deferred
	enter(&story, 3, 600);
	panics(&story, 700);
	leave(&story, 2, 500); // recovers the second panic; the first goes on
	expect_story(&story, "+0 +1@2 +2@3 +3@4 !3 -2");
	story.all_losses++; // elsewhere
	leave(&story, 0, 100);
	expect_story(&story, "!1 -0");
	end(&story);
}

static void panic_again(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	panics(&story, 300);
	enter(&story, 2, 500);
	panics(&story, 600); // the deferred function panics itself
	leave(&story, 0, 100);
	expect_story(&story, "+0 +1@2 +2@3 !2 !1 -0");
	end(&story);
}

static void lost_return(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	lose(&story);
	enter(&story, 2, 200);
	leave(&story, 2, 200);
	leave(&story, 0, 100); // it may be another call's
	expect_story(&story, "+0 +1@2 ?1 ?0 +2 -2 o0");
	end(&story);
}

// What the program did: +0 -0(lost) +0(lost) -0.
static void lost_pair(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	hit(&story, 3 + SYNTHETIC_ENTRY, 8, 100);
	enter(&story, 0, 100);
	lose(&story);
	lose(&story);
	leave(&story, 0, 100);
	enter(&story, 0, 100);
	leave(&story, 0, 100);
	hit(&story, 3 + SYNTHETIC_RETURN, 8, 100); // nothing of this goroutine was lost
	expect_story(&story, "+1 +0 ?0 o0 +0 -0 -1");
	struct calls_stats stats;
	calls_stats(story.calls, &stats);
	assert_int_equal(stats.calls, 3);
	assert_int_equal(stats.returns, 2);
	assert_int_equal(stats.lost_ends, 1);
	assert_int_equal(stats.orphans, 1);
	assert_int_equal(stats.lost_entries, 1);
	end(&story);
}

static void lost_return_at_the_end(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	hit(&story, 3 + SYNTHETIC_ENTRY, 8, 100);
	hit(&story, 6 + SYNTHETIC_ENTRY, 9, 100);
	struct wire_losses losses = {.all = 1, .by_goroutine = {[7] = 1}};
	calls_lost(story.calls, &losses, story.now);
	expect_story(&story, "+0 +1 +2 ?0");
	calls_lost(story.calls, NULL, story.now); // of anything
	struct calls_stats stats;
	calls_stats(story.calls, &stats);
	assert_int_equal(stats.open, 0);
	assert_int_equal(stats.lost_ends, 3);
	end(&story);
}

static void vanished_without_notes(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 0);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	leave(&story, 0, 100);
	expect_story(&story, "+0 +1@2 !1 -0");
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	lose(&story);
	leave(&story, 0, 100);
	expect_story(&story, "+0 +1@2 ?1 ?0 o0");
	end(&story);
}

static void vanished_with_notes(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	leave(&story, 0, 100);
	expect_story(&story, "+0 +1@2 ?1 -0");
	end(&story);
}

static void goexit(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	goexits(&story, 300);
	enter(&story, 2, 500); // deferred
	uint64_t long_after = story.now + 1000 * 1000 * 1000;
	calls_tick(story.calls, long_after); // records came since the last tick
	calls_tick(story.calls, long_after); // the deferred function still runs
	expect_story(&story, "+0 +1@2 +2@3");
	leave(&story, 2, 500);
	uint64_t last = story.now;
	calls_tick(story.calls, last + 50 * 1000 * 1000);
	calls_tick(story.calls, last + 50 * 1000 * 1000);
	expect_story(&story, "-2");
	calls_tick(story.calls, last + 100 * 1000 * 1000);
	expect_story(&story, "x1 x0");
	assert_int_equal(story.last_end_ns, last);
	calls_tick(story.calls, last + 300 * 1000 * 1000);
	expect_story(&story, "");
	end(&story);
}

static void goexit_then_the_end(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	goexits(&story, 300);
	hit(&story, 0, 8, 100);
	hit(&story, synthetic_goexit(&story.synthetic), 8, 300);
	hit(&story, 3, 8, 500); // a deferred call under way
	calls_finish(story.calls, story.now, false);
	expect_story(&story, "+0 +0 +1@2 x0 ~1 ~0");
	end(&story);
}

static void panic_in_goexit(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	goexits(&story, 300);
	enter(&story, 1, 500);
	panics(&story, 600);
	enter(&story, 2, 450); // Goexit goes on with the next deferred call
	leave(&story, 2, 450);
	calls_tick(story.calls, story.now + 1000000000);
	calls_tick(story.calls, story.now + 1000000000);
	expect_story(&story, "+0 +1@2 !1 +2@2 -2 x0");
	end(&story);
}

static void target_died_panicking(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	panics(&story, 300);
	hit(&story, 0, 8, 100);
	calls_finish(story.calls, story.now, true);
	expect_story(&story, "+0 +1@2 +0 !1 !0 ~0");
	end(&story);
}

static void detached_while_panicking(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	panics(&story, 300);
	calls_finish(story.calls, story.now, false);
	expect_story(&story, "+0 ~0");
	end(&story);
}

static void function_detached(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	enter(&story, 0, 300);
	assert_null(calls_off(story.calls, 0, story.now));
	calls_detach(story.calls, story.now);
	leave(&story, 1, 200);
	expect_story(&story, "+0 +1@2 +0@3 ~0 ~0 -1");
	end(&story);
}

// What another function's events tell of calls whose return probes went before is not how these ended.
// An entry that shows no return is a leaf: what follows is not nested in it, and nothing ends it.
static void entry_alone(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	struct synthetic_record record =
		synthetic_hit(3 * 1 + SYNTHETIC_ENTRY, 7, 200, story.now += 10);
	record.head.flags = WIRE_ALONE;
	take(&story, &record.head);
	enter(&story, 2, 300);
	leave(&story, 2, 300);
	leave(&story, 0, 100);
	expect_story(&story, "+0 +1@2 +2@2 -2 -0");
	calls_finish(story.calls, story.now, false);
	expect_story(&story, "");
	calls_destroy(story.calls);
	text_deinit(&story.told);
}

static void vanished_while_off(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	panics(&story, 300);
	assert_null(calls_off(story.calls, 1, story.now + 1));
	enter(&story, 2, 200);
	leave(&story, 2, 200);
	enter(&story, 1, 200);
	assert_null(calls_off(story.calls, 1, story.now + 1000000));
	leave(&story, 0, 100);
	expect_story(&story, "+0 +1@2 ~1 +2@2 -2 +1@2 ?1 -0");
	end(&story);
}

static void limit(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	calls_limit(story.calls, 2);
	enter(&story, 0, 100);
	enter(&story, 1, 200);
	enter(&story, 2, 300);
	leave(&story, 2, 300);
	leave(&story, 1, 200);
	leave(&story, 0, 100);
	expect_story(&story, "+0 +1@2 -1 -0");
	end(&story);
}

// --- Told at the return --------------------------------------------------------------------------

// The entry, which was held since then, and its return.
static void tell_late(struct story *story, unsigned func, uint64_t distance, uint64_t entry_ns)
{
	struct synthetic_record record =
		synthetic_hit(3 * func + SYNTHETIC_ENTRY, 7, distance, entry_ns);
	take(story, &record.head);
	leave(story, func, distance);
}

static void told_at_the_return(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, 100);
	tell_late(&story, 1, 200, story.now + 5);
	leave(&story, 0, 100);
	expect_story(&story, "+0 +1@2 -1 -0");
	end(&story);
}

static void told_after_what_it_called(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 3, 50);
	uint64_t entry_ns = story.now + 1, inner_ns = entry_ns + 1;
	enter(&story, 1, 200);
	leave(&story, 1, 200);
	tell_late(&story, 2, 200, inner_ns); // called by itself, and both are told
	tell_late(&story, 2, 100, entry_ns);
	leave(&story, 3, 50);
	expect_story(&story, "+3 +1@2 -1 +2@2 -2 +2@2 -2 -3");
	end(&story);
}

// The call inside has ended no sooner than its last event, though the entry that says so is older.
static void told_after_a_panic_inside(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 3, 50);
	uint64_t entry_ns = story.now + 1;
	enter(&story, 1, 200);
	panics(&story, 300);
	uint64_t panic_ns = story.now;
	struct synthetic_record record = synthetic_hit(SYNTHETIC_ENTRY, 7, 100, entry_ns);
	assert_null(calls_record(story.calls, &record.head));
	expect_story(&story, "+3 +1@2 !1 +0@2");
	assert_int_equal(story.last_end_ns, panic_ns);
	leave(&story, 0, 100);
	leave(&story, 3, 50);
	expect_story(&story, "-0 -3");
	end(&story);
}

static void told_and_its_return_lost(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	uint64_t entry_ns = story.now + 1;
	enter(&story, 1, 200);
	leave(&story, 1, 200);
	hit(&story, SYNTHETIC_ENTRY, 8, 100); // another goroutine's
	struct synthetic_record record = synthetic_hit(3 * 2 + SYNTHETIC_ENTRY, 7, 100, entry_ns);
	take(&story, &record.head);
	lose(&story);
	tell_late(&story, 1, 100, story.now + 5);
	hit(&story, SYNTHETIC_RETURN, 8, 100);
	expect_story(&story, "+1 -1 +0 +2 ?2 +1 -1 -0");
	end(&story);
}

// --- Memory ------------------------------------------------------------------------------------

static void many_goroutines(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	for (uint64_t goid = 1; goid <= 300000; goid++) {
		hit(&story, 0, goid, 100);
		hit(&story, 1, goid, 100);
	}
	struct calls_stats stats;
	calls_stats(story.calls, &stats);
	assert_int_equal(stats.returns, 300000);
	end(&story);
}

static void extreme_distances(void **state)
{
	(void)state;
	struct story story;
	begin(&story, 2);
	enter(&story, 0, UINT64_MAX);
	enter(&story, 1, 0);
	enter(&story, 2, UINT64_MAX);
	leave(&story, 2, UINT64_MAX);
	leave(&story, 1, 0);
	panics(&story, 0);
	panics(&story, UINT64_MAX);
	expect_story(&story, "+0 ?0 +1 +2@2 -2 -1");
	end(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested_calls),
		cmocka_unit_test(recursion),
		cmocka_unit_test(two_goroutines),
		cmocka_unit_test(under_way_at_attach),
		cmocka_unit_test(other_function_at_the_place),
		cmocka_unit_test(tail_jump),
		cmocka_unit_test(without_return_probes),
		cmocka_unit_test(no_goroutine),
		cmocka_unit_test(system_stack_is_paired_by_thread),
		cmocka_unit_test(stacks_of_a_thread_are_paired_apart),
		cmocka_unit_test(damaged_records),
		cmocka_unit_test(panic_recovered_by_caller),
		cmocka_unit_test(recovered_in_place),
		cmocka_unit_test(recovered_by_untraced),
		cmocka_unit_test(recovered_long_ago),
		cmocka_unit_test(deferreturn_tells_who_recovered),
		cmocka_unit_test(deferreturn_in_a_deferred_call),
		cmocka_unit_test(recovery_tells_who_recovered),
		cmocka_unit_test(recovery_does_not_end_goexit),
		cmocka_unit_test(recovery_that_cannot_be_read),
		cmocka_unit_test(other_kinds),
		cmocka_unit_test(two_targets),
		cmocka_unit_test(notes_that_are_traced),
		cmocka_unit_test(nested_panics),
		cmocka_unit_test(panic_again),
		cmocka_unit_test(lost_return),
		cmocka_unit_test(lost_pair),
		cmocka_unit_test(lost_return_at_the_end),
		cmocka_unit_test(vanished_without_notes),
		cmocka_unit_test(vanished_with_notes),
		cmocka_unit_test(goexit),
		cmocka_unit_test(goexit_then_the_end),
		cmocka_unit_test(panic_in_goexit),
		cmocka_unit_test(target_died_panicking),
		cmocka_unit_test(detached_while_panicking),
		cmocka_unit_test(function_detached),
		cmocka_unit_test(entry_alone),
		cmocka_unit_test(vanished_while_off),
		cmocka_unit_test(limit),
		cmocka_unit_test(told_at_the_return),
		cmocka_unit_test(told_after_what_it_called),
		cmocka_unit_test(told_after_a_panic_inside),
		cmocka_unit_test(told_and_its_return_lost),
		cmocka_unit_test(many_goroutines),
		cmocka_unit_test(extreme_distances),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
