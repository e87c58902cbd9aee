// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !withcgo
// +build !withcgo

#include "funcdata.h"
#include "textflag.h"

TEXT ·frameless(SB),NOSPLIT|NOFRAME,$0-0
	NO_LOCAL_POINTERS
	CALL ·plain(SB)
	RET
