// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/arch.h"

#include <stddef.h>

#include "arch/x86_64/registers.h"

static const struct arch *const archs[] = {&arch_x86_64};

const struct arch *arch_host(void)
{
	return &arch_x86_64;
}

const struct arch *arch_find(uint16_t elf_machine)
{
	for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++)
		if (archs[i]->elf_machine == elf_machine)
			return archs[i];
	return NULL;
}

const char *arch_int(const struct arch *arch, unsigned i)
{
	return i < arch->num_ints ? arch->ints[i] : "?";
}

const char *arch_float(const struct arch *arch, unsigned i)
{
	return i < arch->num_floats ? arch->floats[i] : "?";
}
