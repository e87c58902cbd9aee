#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# A storm of 64 goroutines (recursion on growing stacks, collections, panics, Goexit, changing threads):
# entries, returns, panics and exits are as many as the program counted, each result belongs to its
# call, nothing is lost.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Live;
use Storm;
use Test::More;

live_plan();

sub counts { my ($c) = @_; return join ' ', map { "$_ " . ($c->{$_} // 0) } qw(entries return panicked goexit) }

my @table;

sub storm {
	my ($version, $build, @options) = @_;
	my $what = join ', ', "Go $version", $build, @options;
	SKIP: {
		my $path = program('storm', $version, $build);
		skip "$what cannot be built here", 6 unless $path;
		my $target = start_target($path, []) or do { fail("$what: starts"); return };
		my $trace = start_trace(['attach', $target->{pid}, @storm_patterns, @options, '--format', 'json']);
		if (!is($trace->armed, 1, "$what: is traced")) {
			diag $trace->errors;
			$trace->stop;
			$target->stop;
			return;
		}
		$target->say("\n");
		my $said = storm_said($target->line(120) // '');
		my $status = $trace->stop;
		is($target->stop, 0, "$what: the program ends well") or diag $target->errors;
		is($status, 0, "$what: gotrace ends well") or diag $trace->errors;
		my $read = storm_read($trace->{path});
		ok($said && $said->{wrong} == 0, "$what: the program's own results are right");
		my $differ = 0;
		for my $name (sort keys %{ $said->{functions} }) {
			my ($want, $got) = map { counts($_->{functions}{$name} // {}) } $said, $read;
			next if $want eq $got;
			diag "$name: traced $got, said $want";
			$differ++;
		}
		is($differ, 0, "$what: every function's calls are as many as the program counted");
		is(scalar @{ $read->{wrong} }, 0, "$what: every result belongs to its call")
			or diag join "\n", @{ $read->{wrong} }[0 .. (@{ $read->{wrong} } > 20 ? 19 : $#{ $read->{wrong} })];
		my $summary = $read->{summary} // {};
		is($read->{lost} + ($summary->{lost} // 1), 0, "$what: nothing is lost");
		my %total = (entries => 0, ends => 0);
		for my $count (values %{ $read->{functions} }) {
			$total{entries} += $count->{entries};
			$total{ends} += $count->{return} + $count->{panicked} + $count->{goexit};
		}
		is("$summary->{calls} $summary->{returns}", "$total{entries} $total{ends}", "$what: the summary says so too");
		cmp_ok($read->{moved}, '>', 0, "$what: some calls changed their thread");
		push @table, sprintf '%-8s %-12s %-8s %8d %8d %6d', $version, $build, $options[1] // 'ebpf', $read->{events}, $read->{moved}, $read->{lost};
	}
	return;
}

for my $version (versions()) {
	storm($version, $_) for builds_of($version, 'optimized', 'unoptimized');
}
storm($_, 'optimized', '--backend', 'ptrace') for (versions())[0], newest();

diag '';
diag sprintf '%-8s %-12s %-8s %8s %8s %6s', qw(version build backend events moved lost);
diag $_ for @table;
cmp_ok($unreadable, '<=', 20, "arguments that could not be read are rare ($unreadable)");
done_testing();
