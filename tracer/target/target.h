// SPDX-License-Identifier: GPL-2.0-or-later
// The target is the traced process: its executable, where the executable is loaded, how the process
// starts and how it ends. Everything is accessed through /proc/PID, so a process of another user or
// in another mount or PID namespace, and one whose executable was deleted, work the same way.
//
// The executable, the memory and the process are opened once, and it is checked that they belong
// together. Their descriptors never reach another program later, even if the process executes one
// or its PID is used again.
#ifndef GOTRACE_TRACER_TARGET_TARGET_H
#define GOTRACE_TRACER_TARGET_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

#include "dwarf/index/index.h"
#include "tracer/loaded.h"

struct target;

enum target_end { TARGET_RUNS, TARGET_EXITED, TARGET_EXECED };

/** Opens an existing process without disturbing it. pid may be the id of any of its threads. */
struct error *target_attach(pid_t pid, struct target **out) MUST_CHECK;

/** Finds the path of a program that can be started, as a shell does: a name without a slash is
 *  looked up in PATH. If the file is not an executable of its own (a script, a directory, an empty
 *  file), the error says what it is. The caller frees *path. */
struct error *target_find(const char *program, char **path) MUST_CHECK;

/** Starts argv (argv[0] as in target_find) and holds it at its first instruction. is_apart: the
 *  process gets a process group of its own, so that the terminal's Ctrl-C does not reach it, and
 *  /dev/null as its standard input. */
struct error *target_start(char *const *argv, bool is_apart, struct target **out) MUST_CHECK;

/** True for a started process that was not resumed yet. */
bool target_is_held(const struct target *target);

/** Lets somebody else become the tracer of a started process that is held: from now on a SIGSTOP
 *  holds it. For any other process, nothing is done and *is_held is false. */
struct error *target_hand_over(struct target *target, bool *is_held) MUST_CHECK;

/** Resumes a started process, which then runs like any other child. */
struct error *target_resume(struct target *target) MUST_CHECK;

/** Frees the target. A started process that was never resumed is killed; any other process runs on.
 *  target may be NULL. */
void target_destroy(struct target *target);

pid_t target_pid(const struct target *target);
/** The executable's file name, made printable, for messages. */
const char *target_name(const struct target *target);
/** A path that opens the executable ("/proc/self/fd/N"), and "/proc/PID/root"; borrowed. */
const char *target_exe(const struct target *target);
const char *target_root(const struct target *target);

/** Finds where the executable, which index is of, is loaded. *out borrows from both; it has no
 *  plan. It is an error if the executable is not loaded where its headers say. */
struct error *target_load(const struct target *target, struct index *index,
			  struct loaded *out) MUST_CHECK;

/** A descriptor that becomes readable when the process ends (a pidfd). */
int target_fd(const struct target *target);
/** A descriptor of the target's memory, for reading and, if permitted, for writing. It always shows
 *  the memory of the program that ran when the target was opened. -1 if neither is permitted.
 *  Borrowed. */
int target_mem(const struct target *target);
/** Whether the target still runs the program that it ran when it was opened. Cheap enough to call a
 *  few times a second. */
enum target_end target_state(struct target *target);

/** Waits until a started process ends. *status is as a shell reports it: the exit status, or
 *  128 + the number of the signal that killed it. False if a signal interrupted the wait. */
bool target_wait(struct target *target, int *status);

#endif
