// SPDX-License-Identifier: GPL-2.0-or-later
// The Go version and the build settings that the linker put into the executable
// (runtime/debug.BuildInfo). Source: src/debug/buildinfo of the Go tree. Reads both layouts: of
// Go 1.15 to 1.17, and of 1.18 and later.
#ifndef GOTRACE_DWARF_GO_BUILDINFO_H
#define GOTRACE_DWARF_GO_BUILDINFO_H

#include "dwarf/image/image.h"

// "go1.24.4 X:nodwarf5" is {1, 24, 4}. A development build has the minor number of its base.
struct go_version {
	int major, minor, patch; // 0.0.0: not known
};

struct buildinfo {
	char *version;	   // as in the executable, "go1.24.4"; NULL if not known
	char *module_info; // the text of "go version -m", without its guards; NULL if there is none
	struct go_version go;
};

/** Reads the build info. Finds it by its section's name, or else by scanning the data segments for
 *  its magic. If there is none, version is NULL, which is not an error: it is pclntab_open that
 *  reports an executable that is not a Go program. */
struct error *buildinfo_init(struct buildinfo *info, struct image *image) MUST_CHECK;
void buildinfo_deinit(struct buildinfo *info);

/** A copy of the value of a build setting ("-buildmode", "GOAMD64"), printable; NULL if absent. */
char *buildinfo_setting(const struct buildinfo *info, const char *key);
/** A copy of the main package's path (the "path" line), printable; NULL if absent. */
char *buildinfo_main(const struct buildinfo *info);

/** True if the version is known and at least 1.minor. */
bool go_version_at_least(struct go_version go, int minor);
/** Parses a version like "go1.24.4" or "devel go1.24-abc"; 0.0.0 if text holds none. */
struct go_version go_version_parse(const char *text);

#endif
