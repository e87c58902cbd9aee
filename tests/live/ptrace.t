#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# What a tracer by ptrace must not get in the way of: stops and signals behave as without it, threads come and
# go, copies of the process and what it starts never meet a breakpoint, and traps of the program's own
# are its own.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Json;
use Live;
use POSIX ();
use Test::More;
use Time::HiRes 'sleep';

live_plan();

sub begin {
	my ($version, $build, @patterns) = @_;
	my $path = program('tracee', $version, $build) // return;
	my $target = start_target($path, [], own_group => 1) // return;
	@patterns = ('/^main\.k[A-Z]/') unless @patterns;
	my $trace = start_trace(['attach', $target->{pid}, @patterns, '--backend', 'ptrace', '--format', 'json']);
	is($trace->armed, 1, 'attached') or diag $trace->errors;
	return ($target, $trace);
}

# calls(TRACE): the calls of kWork by what they were given, and whether each of them returned.
sub calls {
	my ($trace) = @_;
	my (%calls, $summary);
	open my $file, '<', $trace->{path} or die $!;
	while (<$file>) {
		$calls{$1}++ if /^\{"event":"entry".*"func":"main.kWork".*"value":"(\w+)"/;
		$calls{copies}++ if /"func":"main.kCopy"/;
		$summary = json_read($_) if /^\{"event":"summary"/;
	}
	$calls{lost} = field($summary, 'lost') // 'no summary';
	$calls{open} = (field($summary, 'calls') // -1) - (field($summary, 'returns') // 0);
	return \%calls;
}

# finish(TARGET, TRACE, CALLS): both end well, and the trace has these calls, and all their returns, unless
# open is given as undef.
sub finish {
	my ($target, $trace, %want) = @_;
	is($trace->stop, 0, 'gotrace ends well') or diag $trace->errors;
	is(text_differs($target->{pid}), '', 'the code is as in its file');
	ok(!tracers($target->{pid}), 'no thread has a tracer');
	my $got = calls($trace);
	%want = (lost => 0, open => 0, %want);
	delete $want{open} unless defined $want{open};
	is(join(', ', map { "$_ " . ($got->{$_} // 0) } sort keys %want), join(', ', map { "$_ $want{$_}" } sort keys %want), 'every call is there');
	is($target->stop, 0, 'the target ends well') or diag $target->errors;
	return;
}

sub states {
	my ($target) = @_;
	return join '', sort map { (slurp("$_/stat") // '') =~ /\) (\w) / ? $1 : () } threads($target->{pid});
}

# is_told(TARGET, FLAG): the target's parent, which is this process, is told that it stopped, or goes on.
sub is_told {
	my ($target, $flag) = @_;
	return until_true(60, sub { waitpid($target->{pid}, $flag | POSIX::WNOHANG()) == $target->{pid} }) && $target->is_alive;
}

sub made { my ($target, $command) = @_; return ($target->ask($command))[0] =~ /^made (\d+)/ ? $1 : -1 }

# count_signals(TARGET, COUNTS): adds those that it has seen since the last time; false.
sub count_signals {
	my ($target, $counts) = @_;
	/(.+) (\d+)/ and $counts->{$1} += $2 for split /, /, ($target->ask('signals'))[0];
	return 0;
}

my ($WUNTRACED, $WCONTINUED) = (POSIX::WUNTRACED(), 8); # the latter is not in POSIX

for my $version ((versions())[0], newest()) {
	subtest "SIGSTOP and SIGCONT, Go $version" => sub {
		my ($target, $trace) = begin($version, 'optimized') or return fail('starts');
		$target->ask('busy');
		for my $name (qw(STOP TSTP STOP)) {
			sleep 0.1;
			kill $name, $target->{pid};
			ok(is_told($target, $WUNTRACED), "SIG$name: its parent is told that it stopped");
			ok(until_true(60, sub { states($target) =~ /^[tT]+$/ }), 'every thread stops') or diag states($target);
			my $size = -1; # what was under way is still written
			ok(until_true(60, sub { my $before = $size; sleep 0.2; ($size = -s $trace->{path}) == $before }), 'and makes no calls');
			kill 'CONT', $target->{pid};
			ok(is_told($target, $WCONTINUED), 'its parent is told that it goes on');
			my $before = made($target, 'made');
			ok(until_true(60, sub { made($target, 'made') > $before }), 'it makes calls again');
		}
		my %said;
		until_true(60, sub { ($said{continued} // 0) >= 3 || count_signals($target, \%said) });
		is(join(', ', %said), 'continued, 3', 'its own handler has seen every SIGCONT');
		finish($target, $trace, busy => made($target, 'idle'));
	};

	subtest "attached and left while stopped, Go $version" => sub {
		my $path = program('tracee', $version, 'optimized') // return fail('is built');
		my $target = start_target($path, []) // return fail('starts');
		kill 'STOP', $target->{pid};
		ok(is_told($target, $WUNTRACED), 'stopped');
		my $trace = start_trace(['attach', $target->{pid}, 'main.kWork', '--backend', 'ptrace', '--format', 'json']);
		is($trace->armed, 1, 'attached') or diag $trace->errors;
		$target->say("calls 5\n");
		is($target->line(0.3), undef, 'it stays stopped');
		ok(until_true(60, sub { states($target) =~ /^[tT]+$/ }), 'every thread') or diag states($target);
		kill 'CONT', $target->{pid};
		is($target->line, 'OK', 'it goes on when told');
		kill 'STOP', $target->{pid};
		ok(is_told($target, $WUNTRACED), 'stopped again');
		is($trace->stop, 0, 'gotrace ends well') or diag $trace->errors;
		ok(!tracers($target->{pid}), 'no thread has a tracer');
		$target->say("calls 3\n");
		is($target->line(0.3), undef, 'it stays stopped');
		ok(until_true(60, sub { states($target) =~ /^T+$/ }), 'every thread') or diag states($target);
		kill 'CONT', $target->{pid};
		is($target->line, 'OK', 'it goes on when told');
		finish($target, $trace, text => 5);
	};

	subtest "signals, Go $version" => sub {
		my ($target, $trace) = begin($version, 'optimized') or return fail('starts');
		$target->ask('busy');
		my %said;
		my $rounds = 40;
		my %names = (USR1 => 'user defined signal 1', USR2 => 'user defined signal 2', WINCH => 'window changed', TRAP => 'trace/breakpoint trap');
		for my $round (1 .. $rounds) {
			for my $name (sort keys %names) {
				kill $name, $target->{pid};
				# Signals of one kind are one while nobody takes them.
				until_true(60, sub {
					return ($said{ $names{$name} } // 0) >= $round || count_signals($target, \%said);
				}) // last;
			}
		}
		is(join(', ', map { "$_ $said{$_}" } sort keys %said), join(', ', map { "$_ $rounds" } sort values %names), 'each is seen, and seen once');
		finish($target, $trace, busy => made($target, 'idle'));
	};

	subtest "preemption by signal, Go $version" => sub {
		my ($target, $trace) = begin($version, 'optimized') or return fail('starts');
		is(join(',', $target->ask('preempt 30')), '', 'collections end while a loop runs that calls nothing');
		finish($target, $trace, collect => 30);
	};

	subtest "threads come and go, Go $version" => sub {
		my ($target, $trace) = begin($version, 'optimized') or return fail('starts');
		my @tracers = tracers($target->{pid});
		is(scalar @tracers, 1, 'every thread has one tracer');
		isnt($tracers[0], $trace->{pid}, 'which is not the gotrace that the user sees');
		$target->ask('threads 50') for 1 .. 6;
		my %tids = map { /"event":"entry".*"tid":(\d+)/ ? ($1 => 1) : () } split /\n/, $trace->output;
		cmp_ok(scalar keys %tids, '>', 50, 'calls are made by many threads');
		is(join(' ', tracers($target->{pid})), $tracers[0], 'threads that are there now have the same tracer');
		finish($target, $trace, thread => 300);
	};

	subtest "copies of the process, Go $version" => sub {
		my ($target, $trace) = begin($version, 'optimized') or return fail('starts');
		is(join(',', $target->ask('fork 40')), '', 'run the code that is traced here as if it were not');
		finish($target, $trace, before => 40, copies => 0);
	};

	subtest "processes started, Go $version" => sub {
		# The child shares the target's memory until it executes its program, and calls traced functions in it.
		my ($target, $trace) = begin($version, 'optimized', 'main.kWork', 'syscall.*', 'os.*', '!os.(*File).*') or return fail('starts');
		is(join(',', $target->ask('start 20')), '', 'all end well');
		my %pids = map { /"pid":(\d+)/ ? ($1 => 1) : () } split /\n/, $trace->output;
		is(join(' ', keys %pids), $target->{pid}, 'no other process has events');
		finish($target, $trace, before => 20, open => undef);
	};

	subtest "a breakpoint of the program's own, Go $version" => sub {
		my $path = program('tracee', $version, 'optimized') // return fail('is built');
		my @seen;
		for my $is_traced (0, 1) {
			my ($target, $trace) = $is_traced ? begin($version, 'optimized') : (start_target($path, []));
			$target->ask('calls 10');
			$target->say("trap\n");
			is($trace->wait_end, 0, 'gotrace ends well') if $trace;
			my $status = $target->stop;
			push @seen, "$status " . ($target->errors =~ /\A(SIGTRAP: trace trap)$/m ? $1 : substr $target->errors, 0, 200);
		}
		is($seen[1], $seen[0], 'ends it as without a tracer');
	};
}

subtest 'the process that holds the trace is killed' => sub {
	my ($target, $trace) = begin(newest(), 'optimized') or return fail('starts');
	$target->ask('calls 10');
	kill 'KILL', tracers($target->{pid});
	is($trace->wait_end, 1, 'gotrace ends with status 1') or $trace->stop;
	like($trace->errors, qr/^gotrace: process \d+, which held the trace, was killed: /m, 'and says what happened');
	is(text_differs($target->{pid}), '', 'the code is as in its file');
	$target->ask('calls 10');
	is($target->stop, 0, 'the target, which was at no breakpoint, lives on') or diag $target->errors;
};

SKIP: {
	my $version = newest();
	skip_part('cgo programs cannot be built here') unless program('tracee', $version, 'cgo');
	subtest 'copies made in C' => sub {
		my ($target, $trace) = begin($version, 'cgo') or return fail('starts');
		is(join(',', $target->ask('cfork 30')), 'changed', 'have the code as in the file, while the target has not');
		finish($target, $trace, before => 30);
	};
}

done_testing();
