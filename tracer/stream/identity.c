// SPDX-License-Identifier: GPL-2.0-or-later
// What a recording says of its executable and its plan, so that a replay takes no others.
#include "tracer/stream/file.h"

#include "base/text.h"

char *capture_build_id(struct image *image)
{
	struct text text;
	text_init(&text);
	size_t len = 0;
	const char *go = image_go_build_id(image);
	const uint8_t *gnu = image_build_id(image, &len);
	if (go && *go)
		text_printf(&text, "go:%s", go);
	else if (gnu && len)
		text_puts(&text, "gnu:");
	for (size_t i = 0; i < len && !(go && *go); i++)
		text_printf(&text, "%02x", gnu[i]);
	char *id = text.failed ? NULL : strdup(text_string(&text));
	text_deinit(&text);
	return id;
}

// FNV-1a.
static uint64_t digest_bytes(uint64_t digest, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		digest = (digest ^ ((const uint8_t *)data)[i]) * 0x100000001b3;
	return digest;
}

static uint64_t digest_u64(uint64_t digest, uint64_t value)
{
	return digest_bytes(digest, &value, sizeof(value));
}

static uint64_t digest_frame(uint64_t digest, const struct plan_frame *frame)
{
	digest = digest_u64(digest, frame->size);
	digest = digest_u64(digest, frame->num_values);
	for (size_t i = 0; i < frame->num_values; i++) {
		digest = digest_u64(digest, frame->values[i].frame_off);
		digest = digest_u64(digest, frame->values[i].frame_bytes);
	}
	return digest;
}

uint64_t capture_plan_digest(const struct plan *plan)
{
	uint64_t digest = 0xcbf29ce484222325;
	for (size_t i = 0; i < plan->num_funcs; i++) {
		const struct plan_func *func = plan->funcs[i];
		digest = digest_bytes(digest, func->func->name, strlen(func->func->name) + 1);
		digest = digest_u64(digest, func->func->vaddr);
		digest = digest_frame(digest, &func->args);
		digest = digest_frame(digest, &func->results);
	}
	for (uint32_t i = 0; i < plan->tables.num_probes; i++) {
		digest = digest_u64(digest, plan->probes[i].vaddr);
		digest = digest_u64(digest, plan->tables.probes[i].func);
		digest = digest_u64(digest, plan->tables.probes[i].kind);
	}
	return digest;
}
