#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The eBPF programs keep well below the kernel's bounds for stack and instructions.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Live;

live_plan();
my $build = $ENV{BUILD} // "$root/build";
exec "$build/tests/live/verifier" or die "tests/live/verifier is not built: make test-live\n";
