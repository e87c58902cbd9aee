// SPDX-License-Identifier: GPL-2.0-or-later

#include "textflag.h"

// func hAsm(a, b int) int
TEXT ·hAsm(SB), NOSPLIT, $0-24
	MOVQ a+0(FP), AX
	ADDQ b+8(FP), AX
	MOVQ AX, ret+16(FP)
	RET
