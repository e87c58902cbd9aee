// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/target/target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/rune.h"
#include "tracer/target/code.h"

enum { AUXV_MAX = 64 };

struct target {
	pid_t pid;
	bool is_child, is_held;
	bool is_stopped; // held by a SIGSTOP instead of by ptrace
	bool has_ended;
	int status; // status of a child that ended, as waitpid reports it
	int pidfd, exe_fd;
	int mem;	  // -1: opening it is not permitted
	struct stat file; // the executable
	char *name;
	char link[32], exe[32], root[32], auxv_path[32];
	// when the target was opened; another program's differs (AT_RANDOM, AT_ENTRY)
	Elf64_auxv_t auxv[AUXV_MAX];
	size_t auxv_bytes;
};

static struct error *no_process(pid_t pid)
{
	return error_new("%d: no such process", pid);
}

// The number after "KEY:" in /proc/PID/status; *letter, if letter is not NULL, is the value's first
// character. -1 if the file cannot be read; errno is the reason.
static long status_value(pid_t pid, const char *key, char *letter)
{
	char path[32], line[256];
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	size_t len = strlen(key);
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, len) || line[len] != ':')
			continue;
		if (letter)
			*letter = line[len + 2];
		return strtol(line + len + 1, NULL, 10);
	}
	return -1;
}

static size_t read_auxv(const struct target *target, Elf64_auxv_t *auxv)
{
	CLEANUP_CLOSE int fd = open(target->auxv_path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, auxv, AUXV_MAX * sizeof(*auxv));
	return len < 0 ? 0 : (size_t)len;
}

// The error, for the user, if a file below /proc/PID cannot be read.
static struct error *file_error(pid_t pid, const char *name, int errnum)
{
	if (errnum == EACCES || errnum == EPERM)
		return error_new("%d: /proc/%d/%s cannot be read (run gotrace as root, or with "
				 "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)",
				 pid, pid, name);
	if (errnum && errnum != ENOENT && errnum != ESRCH) // too many open files, no memory
		return error_errno(errnum, "/proc/%d/%s", pid, name);
	return no_process(pid);
}

static struct error *exe_error(pid_t pid, int errnum)
{
	char state = 0;
	if (errnum != ENOENT && errnum != ESRCH)
		return file_error(pid, "exe", errnum);
	if (status_value(pid, "State", &state) < 0 && !state)
		return no_process(pid);
	if (state == 'Z' || state == 'X')
		return error_new("%d: the process has ended (a zombie)", pid);
	if (errnum == ENOENT)
		return error_new("%d: has no executable (a kernel thread)", pid);
	return file_error(pid, "exe", errnum);
}

static struct error *find_exe(struct target *target)
{
	char link[PATH_MAX];
	ssize_t len = readlink(target->link, link, sizeof(link) - 1);
	if (len < 0)
		return exe_error(target->pid, errno);
	link[len] = '\0';
	static const char deleted[] = " (deleted)";
	size_t tail = sizeof(deleted) - 1;
	if ((size_t)len > tail && !strcmp(link + len - tail, deleted))
		link[(size_t)len - tail] = '\0';
	const char *slash = strrchr(link, '/');
	target->name = rune_printable(slash && slash[1] ? slash + 1 : link);
	if (!target->name)
		return error_nomem();
	target->exe_fd = open(target->link, O_RDONLY | O_CLOEXEC);
	if (target->exe_fd < 0 || fstat(target->exe_fd, &target->file) < 0)
		return exe_error(target->pid, errno);
	snprintf(target->exe, sizeof(target->exe), "/proc/self/fd/%d", target->exe_fd);
	return NULL;
}

// False if the process executes another file than the one that was opened.
static bool has_same_exe(const struct target *target)
{
	struct stat now;
	return stat(target->link, &now) ||
	       (now.st_dev == target->file.st_dev && now.st_ino == target->file.st_ino);
}

static bool has_same_auxv(const struct target *target, size_t *len)
{
	Elf64_auxv_t auxv[AUXV_MAX];
	*len = read_auxv(target, auxv);
	return *len == target->auxv_bytes && !memcmp(auxv, target->auxv, *len);
}

// The address of the program's first instruction.
static uint64_t entry_addr(const struct target *target)
{
	for (size_t i = 0; i < target->auxv_bytes / sizeof(target->auxv[0]); i++)
		if (target->auxv[i].a_type == AT_ENTRY)
			return target->auxv[i].a_un.a_val;
	return 0;
}

// Checks that all that was opened belongs to the same program in the same process.
static struct error *check_whole(struct target *target)
{
	size_t len;
	struct pollfd ended = {.fd = target->pidfd, .events = POLLIN};
	bool is_same = has_same_exe(target) && has_same_auxv(target, &len) &&
		       (target->mem < 0 || target_code_is_there(target->mem, entry_addr(target)));
	if (poll(&ended, 1, 0) > 0)
		return error_new("%d: the process has ended", target->pid);
	return is_same ? NULL
		       : error_new("%d: executes another program just now: try again", target->pid);
}

static struct error *target_open(struct target *target)
{
	pid_t pid = target->pid;
	snprintf(target->link, sizeof(target->link), "/proc/%d/exe", pid);
	snprintf(target->root, sizeof(target->root), "/proc/%d/root", pid);
	snprintf(target->auxv_path, sizeof(target->auxv_path), "/proc/%d/auxv", pid);
	target->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (target->pidfd < 0)
		return errno == ESRCH ? no_process(pid) : error_errno(errno, "%d: pidfd_open", pid);
	char mem[32];
	snprintf(mem, sizeof(mem), "/proc/%d/mem", pid);
	target->mem = open(mem, O_RDWR | O_CLOEXEC);
	if (target->mem < 0 && (errno == EACCES || errno == EPERM)) // without CAP_DAC_OVERRIDE
		target->mem = open(mem, O_RDONLY | O_CLOEXEC);
	if (target->mem < 0 && errno != EACCES && errno != EPERM)
		return file_error(pid, "mem", errno);
	struct error *err = find_exe(target);
	if (err)
		return err;
	errno = 0;
	target->auxv_bytes = read_auxv(target, target->auxv);
	if (!target->auxv_bytes)
		return file_error(pid, "auxv", errno);
	return check_whole(target);
}

static struct target *target_new(pid_t pid)
{
	struct target *target = calloc(1, sizeof(*target));
	if (target) {
		target->pid = pid;
		target->pidfd = target->exe_fd = target->mem = -1;
	}
	return target;
}

struct error *target_attach(pid_t pid, struct target **out)
{
	if (pid <= 0)
		return no_process(pid);
	if (pid == getpid())
		return error_new("%d: gotrace does not trace itself", pid);
	errno = 0;
	long tgid = status_value(pid, "Tgid", NULL);
	if (tgid <= 0)
		return file_error(pid, "status", errno);
	struct target *target = target_new((pid_t)tgid);
	if (!target)
		return error_nomem();
	struct error *err = target_open(target);
	if (err) {
		target_destroy(target);
		return err;
	}
	*out = target;
	return NULL;
}

// --- Starting ------------------------------------------------------------------------------------

// Why the file at path cannot be traced, if exec would start it nevertheless (a script) or if
// exec's error would say less. NULL: let exec try.
static struct error *file_trouble(const char *path)
{
	struct stat file;
	if (stat(path, &file) < 0)
		return error_errno(errno, "%s", path);
	if (S_ISDIR(file.st_mode))
		return error_new("%s: a directory, not a program", path);
	if (!S_ISREG(file.st_mode))
		return error_new("%s: not a file, so not a program", path);
	if (!(file.st_mode & 0111))
		return error_new("%s: not executable (chmod +x makes it so)", path);
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char start[128] = "";
	ssize_t len = fd < 0 ? -1 : read(fd, start, sizeof(start) - 1);
	if (len < 0) // a file that cannot be read may still be executable
		return NULL;
	if (!len)
		return error_new("%s: an empty file, not a program", path);
	if ((size_t)len >= SELFMAG && !memcmp(start, ELFMAG, SELFMAG))
		return NULL;
	if (strncmp(start, "#!", 2) != 0)
		return error_new("%s: not an ELF executable, so not a Go program", path);
	const char *by = start + 2 + strspn(start + 2, " \t");
	return error_new(
		"%s: a script (for %.*s), not a Go program: give the Go program that it starts, or "
		"attach to that when it runs",
		path, (int)strcspn(by, " \t\r\n"), by);
}

// Finds the first executable file of this name in the directories of PATH.
static struct error *find_in_path(const char *program, char **path)
{
	const char *folders = getenv("PATH");
	for (const char *at = folders ? folders : "/bin:/usr/bin"; at;) {
		size_t len = strcspn(at, ":");
		char *file;
		if (asprintf(&file, "%.*s%s%s", (int)len, at, len ? "/" : "", program) < 0)
			return error_nomem();
		struct stat info;
		if (!stat(file, &info) && S_ISREG(info.st_mode) && !access(file, X_OK)) {
			*path = file;
			return NULL;
		}
		free(file);
		at = at[len] ? at + len + 1 : NULL;
	}
	if (access(program, F_OK) < 0)
		return error_new("%s: not found in PATH", program);
	return error_new("%s: not found in PATH; for the one in this folder give ./%s", program,
			 program);
}

struct error *target_find(const char *program, char **path)
{
	char *found = NULL;
	struct error *err = NULL;
	if (!*program)
		return error_new("the program's name is empty");
	if (strchr(program, '/'))
		found = strdup(program);
	else
		err = find_in_path(program, &found);
	if (!err)
		err = found ? file_trouble(found) : error_nomem();
	if (err) {
		free(found);
		return err;
	}
	*path = found;
	return NULL;
}

// In the child: creates a process group of its own, which does not read from the terminal.
static void stand_apart(void)
{
	setpgid(0, 0);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
}

// In the child: executes the program, or writes the errno to the pipe if this fails.
static void child_exec(const char *path, char *const *argv, bool is_apart, int report)
{
	if (is_apart)
		stand_apart();
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PTRACER, getppid()); // Yama: gotrace and its children may trace this process
	int failed = 0;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		failed = errno;
	if (!failed) {
		execv(path, argv);
		failed = errno;
	}
	ssize_t ignored = write(report, &failed, sizeof(failed));
	(void)ignored;
	_exit(127);
}

static struct error *wait_for_exec(pid_t pid, const char *name, int report)
{
	int failed = 0, status;
	if (read(report, &failed, sizeof(failed)) == sizeof(failed)) {
		waitpid(pid, NULL, 0);
		return error_errno(failed, "%s", name);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(errno, "%s: waiting for it to start", name);
	if (!WIFSTOPPED(status))
		return error_new("%s: ended before it started", name);
	if (!ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL))
		return NULL;
	struct error *err = error_errno(errno, "%s: ptrace", name);
	kill(pid, SIGKILL); // it is stopped, and nobody would ever continue it
	waitpid(pid, NULL, 0);
	return err;
}

struct error *target_start(char *const *argv, bool is_apart, struct target **out)
{
	CLEANUP_FREE char *path = NULL;
	struct error *err = target_find(argv[0], &path);
	if (err)
		return err;
	int report[2];
	if (pipe2(report, O_CLOEXEC) < 0)
		return error_errno(errno, "pipe");
	CLEANUP_CLOSE int read_end = report[0];
	struct target *target = target_new(0);
	pid_t pid = target ? fork() : -1;
	if (pid == 0)
		child_exec(path, argv, is_apart, report[1]);
	if (pid < 0)
		err = target ? error_errno(errno, "fork") : error_nomem();
	close(report[1]);
	if (!err)
		err = wait_for_exec(pid, argv[0], read_end);
	if (err) {
		free(target);
		return err;
	}
	target->pid = pid;
	target->is_child = target->is_held = true;
	err = target_open(target);
	if (err) {
		target_destroy(target);
		return err;
	}
	*out = target;
	return NULL;
}

bool target_is_held(const struct target *target)
{
	return target->is_held;
}

struct error *target_hand_over(struct target *target, bool *is_held)
{
	if (target->is_held && !target->is_stopped) {
		if (ptrace(PTRACE_DETACH, target->pid, NULL, (void *)SIGSTOP) < 0)
			return error_errno(errno, "%s: handing it over", target->name);
		target->is_stopped = true;
	}
	*is_held = target->is_held;
	return NULL;
}

struct error *target_resume(struct target *target)
{
	long result = 0;
	if (target->is_held)
		result = target->is_stopped ? kill(target->pid, SIGCONT)
					    : ptrace(PTRACE_DETACH, target->pid, NULL, NULL);
	if (result < 0)
		return error_errno(errno, "%s: letting it go", target->name);
	target->is_held = false;
	return NULL;
}

void target_destroy(struct target *target)
{
	if (!target)
		return;
	if (target->is_held) {
		kill(target->pid, SIGKILL);
		waitpid(target->pid, NULL, 0);
	}
	const int held[] = {target->pidfd, target->exe_fd, target->mem};
	for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++)
		if (held[i] >= 0)
			close(held[i]);
	free(target->name);
	free(target);
}

pid_t target_pid(const struct target *target)
{
	return target->pid;
}

const char *target_name(const struct target *target)
{
	return target->name;
}

const char *target_exe(const struct target *target)
{
	return target->exe;
}

const char *target_root(const struct target *target)
{
	return target->root;
}

struct error *target_load(const struct target *target, struct index *index, struct loaded *out)
{
	struct image *image = index_image(index);
	uint64_t entry = entry_addr(target), bias = entry - image_entry(image);
	if (!entry)
		return error_new("%s: no entry address in its auxiliary vector", target->name);
	if (bias & 0xfff || (bias && !image_is_pie(image)))
		return error_new("%s: is not loaded where its headers say (was it started through "
				 "the dynamic loader by name?)",
				 target->name);
	*out = (struct loaded){
		.image = image,
		.index = index,
		.bias = bias,
		.pid = target->pid,
		.exe = target->exe,
		.pidfd = target->pidfd,
		.mem = target->mem,
	};
	return NULL;
}

int target_fd(const struct target *target)
{
	return target->pidfd;
}

int target_mem(const struct target *target)
{
	return target->mem;
}

enum target_end target_state(struct target *target)
{
	struct pollfd ended = {.fd = target->pidfd, .events = POLLIN};
	if (target->has_ended || poll(&ended, 1, 0) > 0)
		return TARGET_EXITED;
	size_t len;
	if (has_same_auxv(target, &len) && has_same_exe(target))
		return TARGET_RUNS;
	// If the auxv cannot be read, the process is exiting and its memory is gone, or it now runs
	// a program that gotrace may not read.
	return len ? TARGET_EXECED : poll(&ended, 1, 0) > 0 ? TARGET_EXITED : TARGET_RUNS;
}

bool target_wait(struct target *target, int *status)
{
	if (!target->has_ended) {
		if (waitpid(target->pid, &target->status, 0) < 0)
			return false;
		target->has_ended = true;
	}
	*status = WIFSIGNALED(target->status) ? 128 + WTERMSIG(target->status)
					      : WEXITSTATUS(target->status);
	return true;
}
