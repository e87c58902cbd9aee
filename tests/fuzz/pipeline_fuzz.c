// SPDX-License-Identifier: GPL-2.0-or-later
// The input is a list of changes to a real executable (tests/fuzz/pipeline.h). Whatever they are, all
// that reads it ends, and reads only what is there.
#include <stddef.h>
#include <stdint.h>

#include "tests/fuzz/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pipeline_input(data, size);
	return 0;
}
