// SPDX-License-Identifier: GPL-2.0-or-later
// The Go version and build settings that the linker left in the executable (runtime/debug.BuildInfo).
// Source: src/debug/buildinfo of the Go tree; layouts in both forms, 1.15 to 1.17 and 1.18 on.
#ifndef GOTRACE_DWARF_GO_BUILDINFO_H
#define GOTRACE_DWARF_GO_BUILDINFO_H

#include "dwarf/image/image.h"

struct go_version { // "go1.24.4 X:nodwarf5" is {1, 24, 4}; a development build has minor of its base
	int major, minor, patch; // 0.0.0: not known
};

struct buildinfo {
	char *version;	   // as it stands there, "go1.24.4"; NULL when not known
	char *module_info; // the text of "go version -m", without its guards; NULL when there is none
	struct go_version go;
};

/** Reads it, by section name or by scanning the data segments for its magic. An executable that is
 *  not Go's at all (no build info, no pclntab) is found out by the caller: here version is just NULL. */
struct error *buildinfo_init(struct buildinfo *info, struct image *image) MUST_CHECK;
void buildinfo_deinit(struct buildinfo *info);

/** The value of a build setting ("-buildmode", "CGO_ENABLED", "GOAMD64"), copied; NULL if absent. */
char *buildinfo_setting(const struct buildinfo *info, const char *key);
/** The main package's path ("path" line), copied; NULL if absent. */
char *buildinfo_main(const struct buildinfo *info);

/** True if go is known and at least 1.MINOR. */
bool go_version_at_least(struct go_version go, int minor);
struct go_version go_version_parse(const char *text);

#endif
