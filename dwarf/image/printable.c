// SPDX-License-Identifier: GPL-2.0-or-later
// The printable forms of names in the file that are not printable; each is made once. A name in a
// hostile executable must not reach a terminal unescaped, and such names must not use unlimited
// memory.
#include <stdlib.h>

#include <uthash.h>

#include "base/rune.h"
#include "dwarf/image/private.h"

enum { NAME_MAX_BYTES = 1 << 16, ALL_MAX_BYTES = 1 << 26 };

struct printable {
	char *text;
	UT_hash_handle hh;
	char name[]; // as in the file, at most NAME_MAX_BYTES
};

static void forget(struct printable *printable)
{
	if (printable)
		free(printable->text);
	free(printable);
}

static struct printable *add(struct image *image, const char *name, size_t len)
{
	struct printable *new = calloc(1, sizeof(*new) + len + 1);
	if (!new)
		return NULL;
	memcpy(new->name, name, len);
	new->text = rune_printable(new->name);
	if (new->text)
		HASH_ADD(hh, image->printables, name, len, new);
	if (!new->text || !new->hh.tbl) {
		forget(new);
		return NULL;
	}
	image->printable_bytes += sizeof(*new) + len + strlen(new->text);
	return new;
}

const char *image_printable(struct image *image, const char *name)
{
	size_t len = strlen(name);
	if (rune_printable_length(name, len) == len)
		return name;
	if (len > NAME_MAX_BYTES)
		len = NAME_MAX_BYTES;
	struct printable *found;
	HASH_FIND (hh, image->printables, name, len, found)
		;
	if (!found && image->printable_bytes < ALL_MAX_BYTES)
		found = add(image, name, len);
	return found ? found->text : "?";
}

void image_forget_printables(struct image *image)
{
	struct printable *each, *next;
	HASH_ITER (hh, image->printables, each, next) {
		HASH_DEL(image->printables, each);
		forget(each);
	}
}
