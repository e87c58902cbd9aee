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
		my $again = run_gotrace('replay', "$work/saved", '--format', 'json');
		is($again->{out}, $trace->output, 'a replay tells the same');
	};
}

# shown(TEXT, FORMAT): how many events its whole lines are.
sub shown {
	my ($text, $format) = @_;
	return scalar(() = $text =~ /^[<>] G\d+ main\.hit.*\n/mg) if $format eq 'lines';
	return 2 * (() = $text =~ /^ *\d\S+s +G\d+ +main\.hit\(.*\n/mg) + (() = $text =~ / main\.hit\(\.\.\.\).*\(ent.*\n/g);
}

# drain(HANDLE): what waits in a pipe.
sub drain {
	my ($handle) = @_;
	my $text = '';
	1 while sysread $handle, $text, 1 << 16, length $text;
	close $handle;
	return $text;
}

# The text's reader does not read: what it does not get is counted, to the event.
for my $format ('lines', 'graph') {
	subtest "a reader that does not read, $format" => sub {
		my $target = start_target($path, []);
		pipe my $read, my $write or die $!;
		my $trace = start_trace(['attach', $target->{pid}, 'main.hit', '--no-fold', '--format', $format], out => $write);
		close $write;
		is($trace->armed, 1, 'is traced') or diag $trace->errors;
		$target->say("go\n");
		sleep 0.7;
		close $target->{in};
		my ($calls) = ($target->line // '') =~ /^CALLS (\d+)/;
		$target->stop;
		is($trace->stop, 1, 'the trace has failed');
		my ($lost) = $trace->errors =~ /, (\d+) lost, /;
		like($trace->errors, qr/^gotrace: the trace's reader does not read/m, 'and says why');
		cmp_ok($lost, '>', 0, 'events were lost');
		is(shown(drain($read), $format) + $lost, 2 * $calls, 'as many as are not shown');
	};
}

subtest 'a disk that is full' => sub {
	my $target = start_target($path, []);
	open my $full, '>', '/dev/full' or die $!;
	my $trace = start_trace(['attach', $target->{pid}, 'main.hit'], out => $full);
	is($trace->armed, 1, 'is traced') or diag $trace->errors;
	$target->say("go\n");
	is($trace->wait_end, 1, 'the trace fails');
	like($trace->errors, qr/, [1-9]\d* lost, .*^gotrace: writing the trace: No space left on device$/ms, 'and says what is lost');
	$target->stop;
};

# After one signal what is buffered is waited for, after a second one it is not.
subtest 'a second signal' => sub {
	my $target = start_target($path, []);
	pipe my $read, my $write or die $!;
	my $trace = start_trace(['attach', $target->{pid}, 'main.hit', '--format', 'json', '--save', "$work/saved"], out => $write);
	close $write;
	is($trace->armed, 1, 'is traced') or diag $trace->errors;
	$target->say("go\n");
	sleep 0.7;
	kill 'INT', $trace->{pid};
	is($trace->stop('TERM'), 0, 'gotrace ends well') or diag $trace->errors;
	is($target->is_alive, 1, 'the target runs on');
	$target->stop;
	unlike(drain($read), qr/"event":"summary"/, 'what its reader does not take is not waited for');
	my $again = run_gotrace('replay', "$work/saved", '--format', 'json');
	my $seen = read_calls($again->{out});
	is($seen->{wrong}, 0, 'what was saved until then is right');
	cmp_ok($seen->{summary}{lost}, '>', 0, 'and it says that it is not all');
};

done_testing();
