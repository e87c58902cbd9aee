#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The target survives whatever becomes of gotrace: killed in mid-storm it leaves the program running, its
# code as in its file, its results right. A reader that goes away, or sleeps, or a full disk, end or
# thin the trace and do no harm.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Live;
use Storm;
use Test::More;
use Time::HiRes qw(sleep time);

live_plan();

my $rounds = rounds(8, 20);

# stormy(VERSION): a program that storms until it is told to stop.
sub stormy {
	my ($version) = @_;
	my $path = program('storm', $version, 'optimized') // die "storm for $version";
	my $target = start_target($path, ['-loop', '-goroutines', 16]) // die 'storm does not start';
	$target->say("\n");
	return $target;
}

# calm(TARGET, WHAT): stops it; it ran all the while and its results were right.
sub calm {
	my ($target, $what) = @_;
	ok($target->is_alive, "$what: the target lives");
	is(text_differs($target->{pid}), '', "$what: its code is as in its file");
	$target->say("\n");
	my $said = storm_said($target->line // '');
	is($said ? $said->{wrong} : 'nothing', 0, "$what: its results were right") or diag $target->errors;
	is($target->stop, 0, "$what: it ended well") or diag $target->errors;
	return $said;
}

for my $case (map { my $v = $_; map { [$v, $_, 'ebpf'], [$v, $_, 'ptrace'] } qw(INT TERM KILL) } (versions())[0], newest()) {
	my ($version, $signal, $backend) = @$case;
	my $what = "Go $version, SIG$signal, $backend";
	my $target = stormy($version);
	my ($armed, $altered, $ended, $apart) = (0, 0, 0, 0);
	for my $round (1 .. $rounds) {
		my $trace = start_trace(['attach', $target->{pid}, @storm_patterns, '--backend', $backend, '--format', 'json', '-o', '/dev/null']);
		$armed++ if $trace->armed == 1;
		sleep 0.02 + rand 0.1;
		# By ptrace another process is the tracer than the one that ends here.
		my %below = map { $_ => 1 } children($trace->{pid});
		$apart++ if !grep { !$below{$_} || $_ == $trace->{pid} } tracers($target->{pid});
		my $status = $trace->stop($signal);
		$ended++ if $status eq ($signal eq 'KILL' ? 137 : 0);
		diag "round $round ended with $status: " . $trace->errors if $status ne ($signal eq 'KILL' ? 137 : 0);
		# The kernel takes a dead tracer's probes off a moment later, and so does the worker of a dead gotrace.
		my $clean = until_true(60, sub { !tracers($target->{pid}) && text_differs($target->{pid}) eq '' });
		$altered++ unless $clean;
		last unless $target->is_alive;
	}
	is($armed, $rounds, "$what: traced $rounds times");
	is($ended, $rounds, "$what: gotrace ended as it should each time");
	is($apart, $rounds, "$what: the tracer is not the process that the user sees");
	is($altered, 0, "$what: its code was restored each time, and no tracer is left");
	calm($target, $what);
}

for my $version (versions()) {
	# Every function of the program but the runtime's own: its locks, its memory, its printing.
	my $target = stormy($version);
	my $out = "$work/everything.json";
	my $trace = start_trace(['attach', $target->{pid}, '*', '--format', 'json', '-o', $out]);
	is($trace->armed, 1, "Go $version, everything traced: begins") or diag $trace->errors;
	sleep 1;
	is($trace->stop, 0, "Go $version, everything traced: ends well") or diag $trace->errors;
	my ($calls, $functions) = (slurp($out) // '') =~ /^\{"event":"summary","calls":(\d+),.*"functions":(\d+)\}\n\z/m;
	cmp_ok($calls // 0, '>', 1000, "Go $version, everything traced: " . ($functions // 0) . ' functions');
	unlink $out;
	calm($target, "Go $version, everything traced");
}

my $version = newest();

subtest 'a reader that goes away ends the trace' => sub {
	my $target = stormy($version);
	pipe my ($read), my ($write) or die $!;
	my $trace = start_trace(['attach', $target->{pid}, @storm_patterns, '--format', 'json'], out => $write);
	close $write;
	ok(sysread($read, my ($bytes), 4096), 'the trace begins');
	close $read;
	my $status = $trace->wait_end;
	is($status, 0, 'gotrace ends by itself, well') or diag $trace->errors;
	unlike($trace->errors, qr/error|abort|broken/i, 'and without a word of complaint');
	calm($target, 'closed pipe');
};

subtest 'a reader that sleeps makes events lost, and the target not slow' => sub {
	my $target = stormy($version);
	pipe my ($read), my ($write) or die $!;
	my $trace = start_trace(['attach', $target->{pid}, @storm_patterns, '--format', 'json', '--buffer', '1M'], out => $write);
	close $write;
	is($trace->armed, 1, 'traced') or diag $trace->errors;
	sleep 4;
	ok($target->is_alive, 'the target runs');
	# Now it is asked to end while nobody reads: it prints what it has as somebody reads on.
	kill 'INT', $trace->{pid};
	my $text = '';
	my $end = time + 30;
	while (time < $end && sysread $read, my ($part), 1 << 20) {
		$text = substr($text, -4096) . $part;
	}
	is($trace->wait_end, 0, 'gotrace ends well') or diag $trace->errors;
	my ($lost) = $text =~ /^\{"event":"summary".*"lost":(\d+)/m;
	cmp_ok($lost // -1, '>', 0, 'lost events are counted in the summary');
	my $said = calm($target, 'slow reader');
	my $calls = 0;
	$calls += $_->{entries} for values %{ $said->{functions} };
	cmp_ok($calls, '>', 200_000, "the target made $calls calls meanwhile");
};

subtest 'a full disk ends the trace' => sub {
	my $target = stormy($version);
	for my $how (['-o', '/dev/full'], []) {
		open my $full, '>', '/dev/full' or die $!;
		my $trace = start_trace(['attach', $target->{pid}, @storm_patterns, '--format', 'json', @$how], @$how ? () : (out => $full));
		is($trace->wait_end, 1, "status 1 (@$how)") or $trace->stop;
		like($trace->errors, qr/No space left on device/, 'the message says why');
		unlike($trace->errors, qr/(No space left.*){2}/s, 'once');
	}
	calm($target, 'full disk');
};

subtest 'gotrace stopped like a process at ^Z holds nothing up' => sub {
	my $target = stormy($version);
	my $trace = start_trace(['attach', $target->{pid}, @storm_patterns, '--format', 'json', '-o', '/dev/null']);
	is($trace->armed, 1, 'traced');
	kill 'STOP', $trace->{pid};
	sleep 2;
	$target->say("\n");
	my $said = storm_said($target->line // '');
	is($said ? $said->{wrong} : 'nothing', 0, 'the target ends its storm');
	kill 'CONT', $trace->{pid};
	is($target->stop, 0, 'and itself');
	is($trace->wait_end, 0, 'gotrace ends with its target') or diag $trace->errors;
};

done_testing();
