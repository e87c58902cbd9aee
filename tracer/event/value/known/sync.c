// SPDX-License-Identifier: GPL-2.0-or-later
// The packages sync and sync/atomic.
#include "tracer/event/value/known/known.h"

enum { LOCKED = 1, STARVING = 4, WAITERS_SHIFT = 3, READERS_MAX = 1 << 30 };

static void put_count(int64_t num, const char *one, struct text *out)
{
	if (num)
		text_printf(out, ", %lld %s%s", (long long)num, one,
			    num > 1 && one[0] == 'r' ? "s waiting" : "");
}

// The state of a mutex; its fields are in an inner mutex from Go 1.24 on.
static bool read_mutex(const struct known_value *mutex, int64_t *out)
{
	return (known_number(mutex, "state", out) || known_number(mutex, "mu.state", out)) &&
	       *out >= 0;
}

static bool put_mutex(const struct known_value *mutex, struct text *out)
{
	int64_t state;
	if (!read_mutex(mutex, &state))
		return false;
	text_puts(out, state & LOCKED ? "locked" : "unlocked");
	put_count(state >> WAITERS_SHIFT, "waiting", out);
	if (state & STARVING)
		text_puts(out, ", starving");
	return true;
}

// A writer subtracts READERS_MAX from the number of readers, and waits for those that were there.
static bool put_rw_mutex(const struct known_value *mutex, struct text *out)
{
	int64_t readers, departing;
	if (!known_number(mutex, "readerCount", &readers) ||
	    !known_number(mutex, "readerWait", &departing) || readers < -READERS_MAX ||
	    readers >= READERS_MAX)
		return false;
	if (readers >= 0 && readers)
		text_printf(out, "%lld reader%s", (long long)readers, readers > 1 ? "s" : "");
	else if (!readers)
		text_puts(out, "unlocked");
	else if (departing > 0)
		text_printf(out, "%lld reader%s, a writer waiting", (long long)departing,
			    departing > 1 ? "s" : "");
	else
		text_puts(out, "locked");
	if (readers < 0) {
		int64_t waiting = readers + READERS_MAX - (departing > 0 ? departing : 0);
		if (waiting > 0)
			put_count(waiting, waiting > 1 ? "reader" : "reader waiting", out);
	}
	return true;
}

// The counter and the number of waiters are the halves of a 64-bit word. Up to Go 1.17 the word is
// where it is aligned in an array.
static bool put_wait_group(const struct known_value *group, struct text *out)
{
	int64_t state;
	struct known_value array;
	const char *reason;
	if (!known_number(group, "state", &state) && !known_number(group, "state1", &state) &&
	    (!known_get(group, "state1", &array) || array.type->kind != GO_ARRAY ||
	     array.type->size < 12 ||
	     !walk_read(array.walk, (array.addr + 7) & ~7ull, &state, 8, &reason)))
		return false;
	int32_t counter = (int32_t)((uint64_t)state >> 32);
	if (counter < 0)
		return false;
	text_i64(out, counter);
	put_count(state & INT32_MAX, "waiting", out);
	return true;
}

static bool put_once(const struct known_value *once, struct text *out)
{
	int64_t done, state;
	struct known_value mutex;
	if (!known_number(once, "done", &done) || !known_get(once, "m", &mutex) ||
	    !read_mutex(&mutex, &state))
		return false;
	text_puts(out, done ? "done" : state & LOCKED ? "running" : "not done");
	return true;
}

static bool put_integer(const struct known_value *atomic, struct text *out)
{
	return known_put_scalar(atomic, "v", out);
}

static bool put_bool(const struct known_value *atomic, struct text *out)
{
	int64_t value;
	if (!known_number(atomic, "v", &value) || value < 0 || value > 1)
		return false;
	text_puts(out, value ? "true" : "false");
	return true;
}

const struct known_row known_sync[] = {
	{"sync.Mutex", put_mutex, KNOWN_POINTER},
	{"internal/sync.Mutex", put_mutex, KNOWN_POINTER},
	{"sync.RWMutex", put_rw_mutex, KNOWN_POINTER},
	{"sync.WaitGroup", put_wait_group, KNOWN_POINTER},
	{"sync.Once", put_once, KNOWN_POINTER},
	{"sync/atomic.Int32", put_integer, KNOWN_POINTER},
	{"sync/atomic.Int64", put_integer, KNOWN_POINTER},
	{"sync/atomic.Uint32", put_integer, KNOWN_POINTER},
	{"sync/atomic.Uint64", put_integer, KNOWN_POINTER},
	{"sync/atomic.Bool", put_bool, KNOWN_POINTER},
	{0},
};
