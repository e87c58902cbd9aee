#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The capture engine makes the same record, to the byte, in the kernel and in user space.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Live;

live_plan();
my $build = $ENV{BUILD} // "$root/build";
exec "$build/tests/live/differential" or die "tests/live/differential is not built: make test-live\n";
