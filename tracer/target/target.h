// SPDX-License-Identifier: GPL-2.0-or-later
// The traced process: its executable, where that is loaded, and its life and death. All is reached through
// /proc/PID, so another user's process, another mount or PID namespace and a deleted executable work alike. Its
// executable, its memory and the process itself are opened once, when they belong together: what is done through these
// descriptors later never meets another program, whatever the process executes and whoever gets its number.
#ifndef GOTRACE_TRACER_TARGET_TARGET_H
#define GOTRACE_TRACER_TARGET_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

#include "dwarf/index/index.h"

struct target;

enum target_end { TARGET_RUNS, TARGET_EXITED, TARGET_EXECED };

/** An existing process (a thread's id means its process). Does not disturb it. */
struct error *target_attach(pid_t pid, struct target **out) MUST_CHECK;

/** The path of a program that run could start, as a shell finds it (a name without a slash in PATH). What is there but
 *  no program of its own (a script, a folder, an empty file) is an error that says what it is. The caller frees. */
struct error *target_find(const char *program, char **path) MUST_CHECK;

/** Starts argv (PATH is searched) and holds it at its first instruction. is_apart: in a process group of its
 *  own, so that the terminal's Ctrl-C is not for it, and with nothing to read. */
struct error *target_start(char *const *argv, bool is_apart, struct target **out) MUST_CHECK;

/** Lets somebody else become the tracer of a started process that is held: from here on a SIGSTOP holds it.
 *  *is_held is false, and nothing is done, for any other. */
struct error *target_hand_over(struct target *target, bool *is_held) MUST_CHECK;

/** Lets a started process go: from here on it runs as any other child. */
struct error *target_resume(struct target *target) MUST_CHECK;

/** Frees; a started process that was never resumed is killed, any other runs on. Takes NULL. */
void target_destroy(struct target *target);

pid_t target_pid(const struct target *target);
/** What people call it: the executable's file name, printable. */
const char *target_name(const struct target *target);
/** A path of the executable's descriptor ("/proc/self/fd/N"), and "/proc/PID/root"; borrowed. */
const char *target_exe(const struct target *target);
const char *target_root(const struct target *target);

/** Run-time address - vaddr of the executable's image. */
struct error *target_bias(const struct target *target, struct image *image,
			  uint64_t *out) MUST_CHECK;

/** A descriptor that becomes readable when the process ends (a pidfd). */
int target_fd(const struct target *target);
/** A descriptor of its memory, to read and, where that is permitted, to write; it stays with the program that ran
 *  when the target was opened. -1 where neither is permitted. Borrowed. */
int target_mem(const struct target *target);
/** Whether it still runs the program that it ran when it was opened. Cheap: ask a few times a second. */
enum target_end target_state(struct target *target);

/** Waits for a started process to end; *status as a shell tells it: its own, or 128+signal. False where
 *  it was interrupted by a signal. */
bool target_wait(struct target *target, int *status);

#endif
