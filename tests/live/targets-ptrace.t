#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Targets that are hard to reach or to follow, traced by the ptrace back end.
use strict;
use warnings;
use FindBin;

exec $^X, "$FindBin::Bin/targets.t", '--backend', 'ptrace' or die "targets.t: $!\n";
