#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# What is lost is counted, and what is told is right all the same: after each gap a return is its own call's, or nobody's.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Live;
use Test::More;
use Time::HiRes qw(sleep);

live_plan();

my $path = program('losses', newest(), 'optimized') or BAIL_OUT('the program is not built');

# read_calls(TEXT): {told, paired, wrong, lost, summary} of a trace of main.hit in JSON.
sub read_calls {
	my ($text) = @_;
	my %seen = (told => 0, paired => 0, wrong => 0, lost => 0);
	my %argument;
	for (split /\n/, $text) {
		my ($kind) = /^\{"event":"(\w+)"/ or next;
		$seen{lost} += $1 if $kind eq 'lost' && /"count":(\d+)/;
		$seen{summary} = { /"(\w+)":(\d+)/g } if $kind eq 'summary';
		$seen{told}++ if $kind eq 'entry' || $kind eq 'return';
		my ($call) = /"call":(\d+)/ or next;
		my ($value) = /"type":"int","value":(\d+)/;
		$argument{$call} = $value if $kind eq 'entry';
		next unless $kind eq 'return' && /"how":"return"/;
		$seen{paired}++;
		next if $value == $argument{$call} + 5;
		$seen{wrong}++;
		diag "call of $argument{$call}: $_";
	}
	return \%seen;
}

# Gaps: the tracer does not read while the target fills its buffer.
for my $options ([], ['--sample', '1/3'], ['--if', 'ret1 == nil'], ['--backend', 'ptrace']) {
	my $what = join ' ', 'losses', @$options;
	subtest $what => sub {
		my $target = start_target($path, []);
		my $trace = start_trace(['attach', $target->{pid}, 'main.hit', '--buffer', '4K', '--format', 'json', '--save', "$work/saved", @$options]);
		is($trace->armed, 1, 'is traced') or diag $trace->errors;
		$target->say("go\n");
		sleep 0.1;
		for (1 .. 5) {
			kill 'STOP', $trace->{pid};
			sleep 0.3;
			kill 'CONT', $trace->{pid};
			sleep 0.05;
		}
		$target->stop;
		is($trace->wait_end, 0, 'gotrace ends well') or diag $trace->errors;
		my $seen = read_calls($trace->output);
		my $summary = $seen->{summary};
		cmp_ok($seen->{paired}, '>', 20, 'calls were seen whole');
		is($seen->{wrong}, 0, 'each result is its own call\'s');
		cmp_ok($seen->{lost}, '>', 0, 'events were lost');
		is($summary->{lost}, $seen->{lost}, 'the summary says how many');
		is($summary->{returns} + ($summary->{lost_ends} // 0) + ($summary->{detached} // 0), $summary->{calls}, 'and how the calls ended');
		my $again = run_gotrace('replay', "$work/saved", '--format', 'json', { timeout => 30 });
		is($again->{out}, $trace->output, 'a replay tells the same');
	};
}

done_testing();
