// SPDX-License-Identifier: GPL-2.0-or-later

//go:build withcgo
// +build withcgo

package main

/*
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// A copy made by fork says by its status whether these bytes are at this place.
static int look(void *bytes, size_t len, void *place) {
	int status = 0;
	pid_t pid = fork();
	if (pid == 0)
		_exit(memcmp(bytes, place, len) ? 1 : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}
*/
import "C"

import "unsafe"

func cfork(wanted, place []byte) int {
	return int(C.look(unsafe.Pointer(&wanted[0]), C.size_t(len(wanted)), unsafe.Pointer(&place[0])))
}
