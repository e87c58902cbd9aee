// SPDX-License-Identifier: GPL-2.0-or-later

//go:build withcgo
// +build withcgo

package main

/*
#include <stdlib.h>
static long twice(long n) { return 2 * n; }
typedef struct { int a; double b; char name[8]; } record;
extern long tExported(long, char *);
static long back(long n) { return tExported(n, (char *)"from C"); }
*/
import "C"

import (
	. "programs/oracle"
)

//export tExported
func tExported(n C.long, s *C.char) C.long { return C.long(tInside(int(n), C.GoString(s))) }

//go:noinline
func tInside(n int, s string) int { return n + len(s) }

//go:noinline
func tCRecord(p *C.record, n C.int) C.long { return C.twice(C.long(n)) }

// native calls through C and back.
func native() {
	r := (*C.record)(C.calloc(1, C.sizeof_record))
	r.a = 5
	r.b = 2.5
	record := Call{Name: "main.tCRecord", Fn: tCRecord, Names: "p n"}
	record.Make(r, C.int(7))
	C.back(30)
	Call{Name: "main.tInside", Fn: tInside, Names: "n s"}.Expect("return", []interface{}{30, "from C"}, []interface{}{36})
}
