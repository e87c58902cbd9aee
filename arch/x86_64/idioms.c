// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/idioms.h"

#include <string.h>

// "mov disp8(%rbx),%rbp"; BX is the gobuf.
bool idiom_gogo_restores(const uint8_t *code, size_t len, uint8_t offset)
{
	const uint8_t load[] = {0x48, 0x8b, 0x6b, offset};
	for (size_t i = 0; i + sizeof(load) <= len; i++)
		if (!memcmp(code + i, load, sizeof(load)))
			return true;
	return false;
}

static int32_t i32_at(const uint8_t *bytes)
{
	int32_t value;
	memcpy(&value, bytes, sizeof(value));
	return value;
}

// "mov %fs:disp32,reg", or in position-independent code "mov $imm32,reg" and then
// "mov %fs:(reg),reg".
int32_t idiom_tls_offset(const uint8_t *code, size_t len)
{
	for (size_t i = 0; i + 9 <= len; i++) {
		const uint8_t *at = code + i;
		bool is_load = at[0] == 0x64 && (at[1] == 0x48 || at[1] == 0x4c) && at[2] == 0x8b;
		if (is_load && (at[3] & 0xc7) == 0x04 && at[4] == 0x25)
			return i32_at(at + 5);
		bool is_move =
			(at[0] == 0x48 || at[0] == 0x49) && at[1] == 0xc7 && (at[2] & 0xf8) == 0xc0;
		if (is_move && at[7] == 0x64)
			return i32_at(at + 3);
	}
	return 0;
}

bool idiom_call_next(const uint8_t *code, size_t size, uint64_t vaddr, struct idiom_call *call)
{
	for (size_t i = call->next; i + 2 <= size; i++) {
		unsigned extension = code[i + 1] >> 3 & 7;
		bool is_indirect = code[i] == 0xff && (extension == 2 || extension == 4);
		bool is_direct = (code[i] == 0xe8 || code[i] == 0xe9) && i + 5 <= size;
		if (!is_indirect && !is_direct)
			continue;
		*call = (struct idiom_call){
			.next = i + 1,
			.end = i + (is_direct ? 5 : 2),
			.is_indirect = is_indirect,
		};
		if (is_direct)
			call->target = vaddr + call->end + (uint64_t)(int64_t)i32_at(code + i + 1);
		return true;
	}
	return false;
}
