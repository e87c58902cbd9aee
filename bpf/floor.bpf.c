// SPDX-License-Identifier: GPL-2.0-or-later
// The lowest possible cost of a uprobe, which gotrace bench compares with: a program that returns
// at once.
#define SECTION(name) __attribute__((section(name), used))

SECTION("uprobe")
int floor_hit(void *context)
{
	(void)context;
	return 0;
}

char LICENSE[] SECTION("license") = "GPL";
