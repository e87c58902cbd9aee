#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Targets that are hard to reach or to follow: another user's, a deleted or replaced executable, other mount
# and PID namespaces, chroot; programs that exec, fork, exit, panic; calls under way at attach; run.
# Arguments are options for every gotrace.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Copy 'copy';
use Json;
use Live;
use Test::More;
use Time::HiRes 'sleep';

live_plan();

my $version = newest();
my $path = program('target', $version, 'optimized') // BAIL_OUT('the program target cannot be built');
my @options = @ARGV;
my @patterns = ('/^main\.h[A-Z]/', 'main.(*hStore).*', @options);

sub attach { my ($target, @more) = @_; return start_trace(['attach', $target->{pid}, @patterns, '--format', 'json', @more]) }

sub events { my ($trace) = @_; return grep { is_object($_) } eval { json_lines($trace->output) } }

sub entries { my ($name, @events) = @_; return grep { field($_, 'event') eq 'entry' && field($_, 'func') eq $name } @events }

sub returns { my ($name, @events) = @_; return grep { field($_, 'event') eq 'return' && field($_, 'func') eq $name } @events }

sub arg { my ($event, $n) = @_; return field(field($event, 'args')->[$n], 'value') }

# works(WHAT, TARGET): attaches, has calls made, and finds all of them.
sub works {
	my ($what, $target) = @_;
	my $trace = attach($target);
	if (!is($trace->armed, 1, "$what: attached")) {
		diag $trace->errors;
		$trace->stop;
		return;
	}
	$target->ask('calls 30');
	is($trace->stop, 0, "$what: gotrace ends well") or diag $trace->errors;
	my @events = events($trace);
	my @work = entries('main.hWork', @events);
	is(scalar @work, 40, "$what: every call is there");
	is(join(' ', map { arg($_, 0) } grep { arg($_, 1) eq 'text' } @work), join(' ', 0 .. 29), "$what: its arguments are right");
	is(scalar returns('main.(*hStore).Get', @events), 6, "$what: and every return");
	ok($target->is_alive, "$what: the target lives");
	is(text_differs($target->{pid}), '', "$what: its code is as in its file");
	return @events;
}

subtest 'another user' => sub {
	my $target = start_target($path, [], prefix => ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']) or return fail('starts');
	works('nobody', $target);
	is($target->stop, 0, 'ends well');
};

subtest 'the executable was deleted' => sub {
	my $copy = "$work/deleted";
	copy($path, $copy);
	chmod 0755, $copy;
	my $target = start_target($copy, []) or return fail('starts');
	unlink $copy;
	works('deleted', $target);
	is($target->stop, 0, 'ends well');
};

subtest 'the executable was replaced' => sub {
	my $copy = "$work/replaced";
	copy($path, $copy);
	chmod 0755, $copy;
	my $target = start_target($copy, []) or return fail('starts');
	copy(program('storm', $version, 'optimized'), "$copy.new");
	rename "$copy.new", $copy;
	works('replaced', $target);
	is($target->stop, 0, 'ends well');
};

subtest 'a path with spaces and a newline' => sub {
	my $copy = make_dir("$work/a dir (deleted)") . "/pro\ngram 1-2 r-xp";
	copy($path, $copy);
	chmod 0755, $copy;
	my $target = start_target($copy, []) or return fail('starts');
	works('odd path', $target);
	is($target->stop, 0, 'ends well');
};

subtest 'another mount namespace' => sub {
	my $hidden = make_dir("$work/hidden");
	my $target = start_target("$hidden/inner", [], prefix => [
		'unshare', '-m', '--propagation', 'private', 'sh', '-c', "mount -t tmpfs none $hidden && cp $path $hidden/inner && exec \"\$@\"", 'sh']);
	SKIP: {
		$target or skip_part('no mount namespaces here');
		ok(!-e "$hidden/inner", 'the executable cannot be seen from here');
		works('mount namespace', $target);
		is($target->stop, 0, 'ends well');
	}
};

subtest 'chroot' => sub {
	my $jail = make_dir("$work/jail");
	copy($path, "$jail/program");
	chmod 0755, "$jail/program";
	# A misleading file under the same name outside.
	my $target = start_target('/program', [], prefix => ['chroot', $jail]);
	SKIP: {
		$target or skip_part('no chroot here');
		works('chroot', $target);
		is($target->stop, 0, 'ends well');
	}
};

subtest 'another PID namespace, seen from outside' => sub {
	my $target = start_target($path, [], prefix => ['unshare', '-p', '-f', '--mount-proc']);
	SKIP: {
		$target && $target->{pid} or skip_part('no PID namespaces here');
		is($target->{inner}, 1, 'the target is 1 within');
		my @events = works('PID namespace', $target);
		is(field($events[0], 'pid'), $target->{pid}, 'events carry the PID that was asked for');
		is($target->stop, 0, 'ends well');
	}
};

subtest 'within a PID namespace' => sub {
	my $target = start_target($path, [], prefix => ['unshare', '-p', '-f', '--mount-proc']);
	SKIP: {
		$target && $target->{pid} or skip_part('no PID namespaces here');
		my $trace = start_trace(['attach', 1, @patterns, '--format', 'json'], prefix => ['nsenter', '-t', $target->{pid}, '-p', '-m', '--']);
		if (is($trace->armed, 1, 'attached')) {
			$target->ask('calls 10');
			kill 'INT', (children($trace->{pid}))[1];
			is($trace->wait_end, 0, 'gotrace ends well') or diag $trace->errors;
			my @events = events($trace);
			is(scalar entries('main.hWork', @events), 14, 'every call is there');
			is(field($events[0], 'pid'), 1, 'with the PID as it is within');
		} else {
			diag $trace->errors;
			$trace->stop;
		}
		is($target->stop, 0, 'ends well');
	}
};

# A process has one tracer by ptrace.
sub only_one_tracer {
	my ($target) = @_;
	my $one = attach($target);
	is($one->armed, 1, 'attached');
	my $two = attach($target);
	is($two->wait_end, 1, 'another is refused');
	like($two->errors, qr/^gotrace: \d+ is traced by process \d+ already/m, 'and told why') or diag $two->errors;
	$target->ask('calls 3');
	is($one->stop, 0, 'the first one ends well');
	is(scalar entries('main.hWork', events($one)), 4, 'with all calls');
	is(text_differs($target->{pid}), '', 'the code is as in its file');
	is($target->stop, 0, 'ends well');
	return;
}

subtest 'two targets of one executable are told apart' => sub {
	my ($one, $two) = map { start_target($path, []) } 1, 2;
	my $trace = attach($one);
	is($trace->armed, 1, 'attached to one');
	$two->ask('calls 50');
	$one->ask('calls 3');
	is($trace->stop, 0, 'gotrace ends well');
	is(scalar entries('main.hWork', events($trace)), 4, 'only its calls are there');
	is($_->stop, 0, 'ends well') for $one, $two;
};

subtest 'two tracers of one target' => sub {
	my $target = start_target($path, []);
	if ("@options" =~ /ptrace/) {
		only_one_tracer($target);
		return;
	}
	my ($one, $two) = map { attach($target) } 1, 2;
	is($_->armed, 1, 'attached') for $one, $two;
	$target->ask('calls 3');
	is($one->stop, 0, 'one ends');
	$target->ask('calls 3');
	is($two->stop, 0, 'the other ends');
	is(scalar entries('main.hWork', events($one)), 4, 'one saw the first calls');
	is(scalar entries('main.hWork', events($two)), 8, 'the other saw all');
	is(text_differs($target->{pid}), '', 'the code is as in its file');
	is($target->stop, 0, 'ends well');
};

subtest 'goroutines have their own numbers' => sub {
	my $target = start_target($path, []);
	my $trace = attach($target);
	is($trace->armed, 1, 'attached');
	my @said = map { /^goid (\d+)/ } $target->ask('tick 20');
	is($trace->stop, 0, 'gotrace ends well');
	my @ticks = entries('main.hTick', events($trace));
	is(scalar @ticks, 20 + 190, 'every call is there');
	is(scalar(grep { field($_, 'goid') != arg($_, 0) } @ticks), 0, 'each on the goroutine that the program says');
	is(scalar @said, 20, 'the program said which');
	is($target->stop, 0, 'ends well');
};

subtest '--goroutine' => sub {
	my $target = start_target($path, []);
	my $trace = attach($target, '--goroutine', 1);
	is($trace->armed, 1, 'attached') or diag $trace->errors;
	$target->ask('tick 5');
	$target->ask('calls 3');
	is($trace->stop, 0, 'gotrace ends well');
	my @events = events($trace);
	is(scalar entries('main.hTick', @events), 0, 'no other goroutine is shown');
	is(scalar entries('main.hWork', @events), 4, 'the chosen one is');
	is($target->stop, 0, 'ends well');
};

for my $v ((versions())[0], $version) {
	my $program = program('target', $v, 'optimized') or next;
	subtest "arguments that lead nowhere, Go $v" => sub {
		my $target = start_target($program, []);
		my $trace = attach($target, '--depth', 4);
		is($trace->armed, 1, 'attached') or diag $trace->errors;
		is(join(',', $target->ask('bad')), 42, 'the calls are made');
		is($trace->stop, 0, 'gotrace ends well') or diag $trace->errors;
		my @events = events($trace);
		is(field($events[-1], 'lost'), 0, 'nothing is lost');
		my @bad = entries('main.hBad', @events);
		is(scalar @bad, 70, 'every call is there');
		my @kinds = map { arg($_, 0) } @bad;
		is(scalar(grep { $kinds[$_] ne $kinds[$_ % 7] } 0 .. 69), 0, 'the argument that is right is right');
		my $low = join ' ', map { json_text(arg($bad[9], $_)) } 1 .. 8;
		is(() = $low =~ /unavailable|"0x10"/g, 8, 'no value is made up') or diag $low;
		my @empty = grep { arg($_, 1) eq '' } @bad[map { 7 * $_ } 0 .. 9];
		is(scalar @empty, 10, 'an empty string needs no memory');
		my ($asm) = entries('main.hAsm', @events);
		ok($asm, 'a function in assembly is traced');
		my @args = @{ field($asm, 'args') // [] };
		ok(!@args || json_text(\@args) =~ /unavailable/ || join(' ', map { json_text(field($_, 'value')) } @args[0, 1]) =~ /^"?(0x28|40)"? "?(0x2|2)"?$/, 'its arguments are right, if any are shown')
			or diag json_text(field($asm, 'args'));
		is($target->stop, 0, 'ends well');
	};

	subtest "functions called by go and defer, Go $v" => sub {
		my $target = start_target($program, []);
		my $trace = attach($target);
		is($trace->armed, 1, 'attached') or diag $trace->errors;
		$target->ask('start 50');
		is($trace->stop, 0, 'gotrace ends well') or diag $trace->errors;
		my @events = events($trace);
		for my $name (qw(hStarted hDeferred hWork)) {
			my @calls = entries("main.$name", @events);
			is(join(' ', sort { $a <=> $b } map { arg($_, 0) } @calls), join(' ', 0 .. 49), "$name has its arguments");
			is(scalar(grep { (field($_, 'how') // '') eq 'return' } returns("main.$name", @events)), 50, "$name returns");
		}
		my %depth = map { field($_, 'depth') => 1 } entries('main.hWork', @events);
		is(join(' ', keys %depth), 3, 'one within the other');
		is($target->stop, 0, 'ends well');
	};
}

subtest 'a call under way at attach' => sub {
	my $target = start_target($path, []);
	$target->ask('slow');
	my $trace = attach($target);
	is($trace->armed, 1, 'attached');
	my ($line) = $target->ask('release');
	is($line, 'slow 42', 'the call ends well');
	$target->ask('calls 1');
	is($trace->stop, 0, 'gotrace ends well');
	my @events = events($trace);
	is(scalar entries('main.hSlow', @events), 0, 'no entry is made up');
	is(scalar(grep { defined field($_, 'duration_ns') } returns('main.hSlow', @events)), 0, 'nor a duration');
	is(scalar entries('main.hWork', @events), 2, 'later calls are there');
	is($target->stop, 0, 'ends well');
};

subtest 'a call under way at the end' => sub {
	my $target = start_target($path, []);
	my $trace = attach($target);
	is($trace->armed, 1, 'attached');
	$target->ask('slow');
	is($trace->stop, 0, 'gotrace ends well');
	my ($return) = returns('main.hSlow', events($trace));
	is($return && field($return, 'how'), 'detached', 'it ends as detached');
	is(join(',', $target->ask('release')), 'slow 42', 'and goes on');
	is($target->stop, 0, 'ends well');
};

subtest 'the target exits' => sub {
	my $target = start_target($path, []);
	my $trace = attach($target);
	is($trace->armed, 1, 'attached');
	$target->ask('calls 3');
	$target->say("exit 7\n");
	is($trace->wait_end, 0, 'gotrace ends with it, well') or diag $trace->errors;
	my @events = events($trace);
	is(scalar entries('main.hWork', @events), 4, 'with all calls');
	is(field($events[-1], 'event'), 'summary', 'and a summary');
	is($target->stop, 7, 'the status is its own');
};

subtest 'the target is killed' => sub {
	my $target = start_target($path, []);
	my $trace = attach($target);
	is($trace->armed, 1, 'attached');
	$target->ask('slow');
	$target->ask('calls 3');
	kill 'KILL', $target->{pid};
	is($trace->wait_end, 0, 'gotrace ends with it, well') or diag $trace->errors;
	my @events = events($trace);
	is(scalar entries('main.hWork', @events), 4, 'with all calls');
	is(field($events[-1], 'event'), 'summary', 'and a summary');
	$target->stop;
};

subtest 'the target executes another program' => sub {
	my $target = start_target($path, []);
	my $trace = attach($target);
	is($trace->armed, 1, 'attached');
	$target->ask('calls 3');
	$target->say("exec /bin/sleep 3\n");
	is($trace->wait_end, 0, 'gotrace ends well') or diag $trace->errors;
	my @events = events($trace);
	is(scalar entries('main.hWork', @events), 4, 'with all calls');
	is(field($events[-1], 'event'), 'summary', 'and a summary');
	$target->stop;
};

subtest 'the target becomes the same program anew' => sub {
	my $target = start_target($path, []);
	my $trace = attach($target);
	is($trace->armed, 1, 'attached');
	$target->ask('calls 3');
	$target->say("exec $path\n");
	like($target->line, qr/^READY/, 'it runs again');
	$target->ask('calls 3');
	my $status = $trace->wait_end;
	is($status, 0, 'gotrace ends well') or $trace->stop;
	my @events = events($trace);
	is(scalar entries('main.hWork', @events), 4, 'with the calls made before, and none made since');
	is(field($events[-1], 'event'), 'summary', 'with a summary');
	my ($begun, $ended) = map { my $kind = $_; scalar grep { field($_, 'event') eq $kind } @events } 'entry', 'return';
	is($ended, $begun, 'and an end to every call');
	is(text_differs($target->{pid}), '', 'the new code is as in its file');
	is($target->stop, 0, 'ends well');
};

subtest 'the same, and it ends at once' => sub {
	my $trace = run_gotrace('run', 'main.h*', @options, '--', $path, 'calls', 3, 'exec', $path, 'calls', 3);
	like($trace->{err}, qr/has executed another program/, 'which is said') or diag $trace->{err};
} unless "@options" =~ /ptrace/;

subtest 'fork' => sub {
	my $target = start_target($path, []);
	my $trace = attach($target);
	is($trace->armed, 1, 'attached');
	is(join(',', $target->ask('fork 20')), '', 'the target starts processes');
	is($trace->stop, 0, 'gotrace ends well');
	my @events = events($trace);
	is(scalar entries('main.hWork', @events), 20, 'its calls are there');
	is(scalar(grep { (field($_, 'pid') // $target->{pid}) != $target->{pid} } @events), 0, 'and no other process');
	is($target->stop, 0, 'ends well');
};

subtest 'the target panics' => sub {
	my $target = start_target($path, []);
	my $trace = attach($target);
	is($trace->armed, 1, 'attached');
	$target->say("panic\n");
	is($trace->wait_end, 0, 'gotrace ends well') or diag $trace->errors;
	is($target->stop, 2, "its own status is Go's");
	like($target->errors, qr/^panic: as told/m, 'and its message whole');
};

# ---- run

for my $v (versions()) {
	my $program = program('target', $v, 'optimized') or next;
	subtest "run, Go $v" => sub {
		my $out = "$work/run.json";
		my $result = run_gotrace('run', @patterns, '--format', 'json', '-o', $out, '--', $program, 'calls', 5, 'tick', 2, 'exit', 5);
		is($result->{status}, 5, "the program's status") or diag $result->{err};
		like($result->{out}, qr/^goid \d+$/m, "the program's output is its own");
		my @events = json_lines(slurp($out) // '');
		is(scalar entries('main.hInit', @events), 2, 'calls before main.main are there');
		is(field($events[0], 'func'), 'main.hInit', 'the first event is the first call');
		is(join(',', map { arg($_, 1) } entries('main.hInit', @events)), 'variable,function', 'with their arguments');
		is(scalar entries('main.hWork', @events), 7, 'and all others');
		is(field($events[0], 'goid'), 1, 'the main goroutine is 1');
	};
}

subtest 'run, the ways in which a program ends' => sub {
	my @run = ('run', @patterns, '-o', '/dev/null', '--', $path);
	is(run_gotrace(@run, 'exit', 0)->{status}, 0, 'success');
	is(run_gotrace(@run, 'exit', 255)->{status}, 255, 'a status of its own');
	is(run_gotrace(@run, 'kill', 9)->{status}, 137, 'SIGKILL');
	is(run_gotrace(@run, 'kill', 15)->{status}, 143, 'SIGTERM');
	is(run_gotrace(@run, 'panic')->{status}, 2, 'a panic');
	my $missing = run_gotrace('run', 'main.*', @options, '--', "$work/none");
	is($missing->{status}, 1, 'no such program');
	like($missing->{err}, qr/\A(gotrace: [^\n]*none[^\n]*\n)\z/, 'one line says so');
};

subtest 'run passes its program what it is given' => sub {
	open my $null, '<', '/dev/null' or die $!;
	my $result = run_gotrace('run', 'main.h*', @options, '-q', '--format', 'lines', '--', $path, { in => $null });
	is($result->{status}, 0, 'an end of input ends it');
	like($result->{out}, qr/^READY \d+$/m, 'its output comes through');
	is($result->{err}, '', '-q says nothing');
};

subtest 'SIGINT to gotrace run' => sub {
	my $trace = start_trace(['run', @patterns, '--format', 'json', '--', $path, 'calls', 3, 'kill', 0]);
	is($trace->armed, 1, 'traced');
	sleep 0.3;
	my ($program) = grep { $_ != $trace->{pid} } children($trace->{pid});
	kill 'TERM', $trace->{pid};
	my $status = $trace->wait_end;
	isnt($status, 'running', "SIGTERM ends gotrace ($status)");
	my ($summary) = grep { (field($_, 'event') // '') eq 'summary' } eval { json_lines($trace->output =~ s/^(?!\{).*\n//gmr) };
	ok($summary, 'with a summary');
	kill 'KILL', $program if $program;
};

# A test's program with C in it, and calls from C.
for my $build (qw(cgo cgo-pie)) {
	SKIP: {
		my $values = program('values', $version, $build) or skip_part("$build programs cannot be built here");
		my $target = start_target($values, []) or skip_part('it does not start');
		my $trace = start_trace(['attach', $target->{pid}, 'main.tExported', 'main.tInside', 'main.tCRecord', @options, '--format', 'json']);
		is($trace->armed, 1, "$build: attached") or diag $trace->errors;
		$target->say("\n");
		until_true(60, sub { ($target->line // 'DONE') eq 'DONE' });
		is($trace->stop, 0, "$build: gotrace ends well");
		my @events = events($trace);
		my ($outer, $inner) = map { (entries($_, @events))[0] } qw(main.tExported main.tInside);
		ok($outer && $inner, "$build: calls from C are there");
		is($inner && field($inner, 'depth'), 2, "$build: one within the other") if $outer;
		is($target->stop, 0, "$build: ends well");
	}
}

done_testing();
