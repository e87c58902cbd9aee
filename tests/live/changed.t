#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The target's memory need not hold what its file does: it executes another program while gotrace reads the file, functions
# are patched in memory, breakpoints of others are there or come. Nothing that is not as in the file gets a probe.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Copy 'copy';
use Json;
use Live;
use Terminal;
use Test::More;

live_plan();

my $version = newest();
my $path = program('target', $version, 'optimized') // BAIL_OUT('the program target cannot be built');
my $storm = program('storm', $version, 'optimized') // BAIL_OUT('the program storm cannot be built');
my %addr = map { (field($_, 'func') => hex substr field($_, 'addr'), 2) } json_lines(run_gotrace('list', $path, '--format', 'json')->{out});

sub entries { my ($trace, $name) = @_; return scalar grep { is_object($_) && field($_, 'event') eq 'entry' && field($_, 'func') eq $name } eval { json_lines($trace->output) } }

sub attach { my ($target, @more) = @_; return start_trace(['attach', $target->{pid}, '--format', 'json', @more]) }

# poke(TARGET, ADDRESS, BYTES): as a program that patches itself does, and a debugger; the bytes that were there.
sub poke {
	my ($target, $at, $bytes) = @_;
	open my $mem, '+<:raw', "/proc/$target->{pid}/mem" or die "mem: $!";
	sysseek $mem, $at, 0;
	sysread $mem, my ($before), length $bytes;
	sysseek $mem, $at, 0;
	syswrite($mem, $bytes) == length $bytes or die "mem: $!";
	return $before;
}

sub peek { my ($target, $at, $len) = @_; open my $mem, '<:raw', "/proc/$target->{pid}/mem" or die "mem: $!"; sysseek $mem, $at, 0; sysread $mem, my ($bytes), $len; return $bytes }

# What hot patches and mocking libraries write: MOV RDX, ADDRESS; JMP [RDX]
my $patch = "\x48\xba\0\0\0\0\0\0\0\0\xff\x22";

for my $backend (qw(ebpf ptrace)) {
	subtest "a function patched in memory, $backend" => sub {
		my $target = start_target($path, []) or return fail('starts');
		poke($target, $addr{'main.hSlow'}, $patch);
		my $trace = attach($target, 'main.hSlow', 'main.hWork', '--backend', $backend);
		is($trace->armed, 1, 'the other function is traced') or diag $trace->errors;
		$target->ask('calls 10');
		is($trace->stop, 0, 'gotrace ends well');
		like($trace->errors, qr/main\.hSlow \(its code was changed in memory\)|main\.hSlow: its code was changed in memory/, 'the patched one is left out, and why');
		is(entries($trace, 'main.hWork'), 14, 'every call is there');
		is(peek($target, $addr{'main.hSlow'}, 12), $patch, 'the patch is as it was');
		my $alone = attach($target, 'main.hSlow', '--backend', $backend);
		is($alone->wait_end, 1, 'it alone is refused');
		like($alone->errors, qr/^gotrace: main\.hSlow[^\n]*: its code was changed in memory\n\z/m, 'in one line') or diag $alone->errors;
		is($target->stop, 0, 'the target ends well');
	};

	subtest "a function is patched while it is traced, $backend" => sub {
		my $target = start_target($path, []) or return fail('starts');
		my $shell = start_shell($target->{pid});
		$shell->do("set backend $backend");
		$shell->do('trace main.hSlow main.hWork main.hOuter');
		my $had = poke($target, $addr{'main.hSlow'}, $patch);
		$shell->do('untrace 1 main.hWork');
		is(peek($target, $addr{'main.hSlow'}, 12), $patch, 'what is traced further does not touch the patch');
		$shell->do('trace main.hTick main.hSlow');
		is(peek($target, $addr{'main.hSlow'}, 12), $patch, 'nor does another trace');
		# By ptrace it is seen when the sites are looked at, each 100 ms.
		until_true(60, sub { $shell->errors =~ /main\.hSlow: its code was changed/ });
		$shell->do('untrace 1');
		is(peek($target, $addr{'main.hSlow'}, 12), $patch, 'nor does the end');
		$shell->do('trace main.hSlow');
		is(peek($target, $addr{'main.hSlow'}, 12), $patch, 'nor does a trace of it alone');
		$target->ask('calls 10');
		isnt($shell->stop, 'timeout', 'the shell ends');
		is(peek($target, $addr{'main.hSlow'}, 12), $patch, 'nor does the end of all');
		like($shell->errors, qr/main\.hSlow: its code was changed in memory/, 'which said why');
		ok($target->is_alive, 'the target lives');
		is($target->stop, 0, 'and ends well');
	};

	subtest "the target executes another program before probes are set, $backend" => sub {
		for my $round (1 .. 2) {
			my $target = start_target($path, []) or return fail('starts');
			my $trace = attach($target, '*', '--backend', $backend);
			# Once its file is open, it is read.
			my $is_open = until_true(60, sub { grep { (readlink $_ // '') eq $path } glob "/proc/$trace->{pid}/fd/*" });
			$target->say("exec $storm -loop\n");
			ok($is_open, "round $round: the file was open");
			like($target->line // '', qr/^READY/, "round $round: the other program starts") or diag $target->errors;
			my $status = $trace->wait_end;
			like($trace->errors, qr/another program/, "round $round: and gotrace says so ($status)") or diag $trace->errors;
			is(text_differs($target->{pid}), '', "round $round: its code is as in its file");
			$target->say("\n\n");
			like($target->line // '', qr/./, "round $round: it does its work");
			is($target->stop, 0, "round $round: it ends well") or diag $target->errors;
		}
	};
}

subtest 'ptrace, then eBPF' => sub {
	my $target = start_target($path, []) or return fail('starts');
	my $one = attach($target, 'main.hWork', '--backend', 'ptrace');
	is($one->armed, 1, 'traced by ptrace') or diag $one->errors;
	my $two = attach($target, 'main.hWork');
	is($two->wait_end, 1, 'eBPF is refused');
	like($two->errors, qr/^gotrace: main\.hWork[^\n]*: a breakpoint of process \d+ \(gotrace-ptrace\)/m, 'and says who is there') or diag $two->errors;
	my $other = attach($target, 'main.hTick');
	is($other->armed, 1, 'but for other functions') or diag $other->errors;
	$target->ask('calls 10');
	$target->ask('tick 5');
	is($other->stop, 0, 'that one ends well');
	$target->ask('calls 10');
	is($one->stop, 0, 'the first one ends well');
	is(entries($one, 'main.hWork'), 28, 'with every call') or diag $one->errors, $one->output;
	is(text_differs($target->{pid}), '', 'the code is as in its file');
	is($target->stop, 0, 'the target ends well');
};

subtest 'eBPF, then ptrace' => sub {
	my $target = start_target($path, []) or return fail('starts');
	my $one = attach($target, 'main.hWork');
	is($one->armed, 1, 'traced by eBPF') or diag $one->errors;
	my $two = attach($target, 'main.hWork', '--backend', 'ptrace');
	is($two->wait_end, 1, 'ptrace is refused');
	like($two->errors, qr/^gotrace: main\.hWork[^\n]*: another tracer's uprobe is there/m, 'and says who is there') or diag $two->errors;
	my $third = attach($target, 'main.hWork');
	is($third->armed, 1, 'eBPF twice is no trouble') or diag $third->errors;
	$target->ask('calls 10');
	is($third->stop, 0, 'it ends well');
	$target->ask('calls 10');
	is($one->stop, 0, 'the first one ends well');
	is(entries($one, 'main.hWork'), 28, 'with every call');
	is(entries($third, 'main.hWork'), 14, 'as does the other');
	is(text_differs($target->{pid}), '', 'the code is as in its file');
	is($target->stop, 0, 'the target ends well');
};

# uprobe(PID, FILE, OFFSET): a uprobe as perf has it, by an event for each thread. It goes when the array is emptied.
sub uprobe {
	my ($pid, $file, $off) = @_;
	my ($perf_event_open, $cloexec, $size, $inherit) = (298, 8, 72, 2);
	my $type = 0 + slurp('/sys/bus/event_source/devices/uprobe/type');
	my $attr = pack 'LLQQQQQLLpQ', $type, $size, (0) x 4, $inherit, (0) x 2, $file, $off;
	my @handles;
	# An event counts for one thread and those that it starts; the goroutine may be on any thread.
	for my $task (glob "/proc/$pid/task/*") {
		my $fd = syscall $perf_event_open, $attr, 0 + ($task =~ /(\d+)$/)[0], -1, -1, $cloexec;
		return if $fd < 0;
		open my $handle, '<&=', $fd or die $!;
		push @handles, $handle;
	}
	return \@handles;
}

# breakpoint(TARGET): the address of the first breakpoint in its code.
my $image = 0x400000;
sub breakpoint { my ($target) = @_; return text_differs($target->{pid}) =~ /0x(\w+)/ ? hex $1 : $image }

subtest 'a uprobe comes to a breakpoint, and goes' => sub {
	my $target = start_target($path, []) or return fail('starts');
	my $trace = attach($target, 'main.hWork', '--no-return', '--backend', 'ptrace');
	is($trace->armed, 1, 'traced by ptrace') or diag $trace->errors;
	my $uprobe = uprobe($target->{pid}, $path, breakpoint($target) - $image);
	ok($uprobe, 'a uprobe comes to the same place') or diag $!;
	$target->ask('calls 10');
	@$uprobe = () if $uprobe;
	ok(until_true(60, sub { $trace->errors =~ /main\.hWork: its breakpoint was removed/ }), 'when it is gone, gotrace says so') or diag $trace->errors;
	ok(until_true(60, sub { text_differs($target->{pid}) ne '' }), 'and puts it there again');
	$target->ask('calls 10');
	is($trace->stop, 0, 'gotrace ends well');
	is(entries($trace, 'main.hWork'), 14, 'later calls are there');
	my ($summary) = grep { is_object($_) && field($_, 'event') eq 'summary' } json_lines($trace->output);
	cmp_ok(field($summary, 'lost'), '>', 0, 'and the summary has lost events');
	is(text_differs($target->{pid}), '', 'the code is as in its file');
	is($target->stop, 0, 'the target ends well');
};

subtest 'a uprobe comes to a breakpoint, and stays' => sub {
	my $target = start_target($path, []) or return fail('starts');
	my $trace = attach($target, 'main.hWork', '--no-return', '--backend', 'ptrace');
	is($trace->armed, 1, 'traced by ptrace') or diag $trace->errors;
	my $uprobe = uprobe($target->{pid}, $path, breakpoint($target) - $image) or return fail("a uprobe comes: $!");
	my $counted = sub {
		my $sum = 0;
		for my $event (@$uprobe) { sysread $event, my $bytes, 8; $sum += unpack 'Q', $bytes }
		return $sum;
	};
	$target->ask('calls 10');
	my $hits = $counted->(); # a hit counts twice if a signal comes during its step
	cmp_ok($hits, '>=', 14, 'it has taken the hits over');
	is($trace->stop, 0, 'gotrace ends well');
	like($trace->errors, qr/main\.hWork: another tracer's uprobe is at its breakpoint/, 'and says so') or diag $trace->errors;
	my ($summary) = grep { is_object($_) && field($_, 'event') eq 'summary' } json_lines($trace->output);
	cmp_ok(field($summary, 'lost'), '>', 0, 'the summary has lost events');
	$target->ask('calls 10');
	cmp_ok($counted->(), '>=', $hits + 14, 'the uprobe is hit after the end, too');
	@$uprobe = ();
	is(text_differs($target->{pid}), '', 'the code is as in its file when it is gone');
	is($target->stop, 0, 'the target ends well');
};

subtest 'a breakpoint that was left' => sub {
	my $target = start_target($path, []) or return fail('starts');
	my $trace = attach($target, 'main.hWork', '--no-return');
	is($trace->armed, 1, 'traced') or diag $trace->errors;
	my $at = breakpoint($target);
	is($trace->stop, 0, 'it ends well');
	my $had = poke($target, $at, "\xcc");
	my $by_ptrace = attach($target, 'main.hSlow', '--backend', 'ptrace');
	is($by_ptrace->armed, 1, 'does not matter to other functions') or diag $by_ptrace->errors;
	is($by_ptrace->stop, 0, 'it ends well');
	is(peek($target, $at, 1), "\xcc", 'it is as it was');
	$by_ptrace = attach($target, 'main.hWork', '--backend', 'ptrace');
	is($by_ptrace->wait_end, 1, 'its function is refused by ptrace');
	is(peek($target, $at, 1), "\xcc", 'and it is as it was');
	my $by_ebpf = attach($target, 'main.hWork');
	is($by_ebpf->armed, 1, 'eBPF traces it') or diag $by_ebpf->errors;
	$target->ask('calls 10');
	is($by_ebpf->stop, 0, 'it ends well');
	is(entries($by_ebpf, 'main.hWork'), 14, 'with every call');
	is(text_differs($target->{pid}), '', 'and the breakpoint is gone');
	is($target->stop, 0, 'the target ends well');
};

subtest 'the memory of another user\'s program may only be read' => sub {
	my $target = start_target($path, []) or return fail('starts');
	poke($target, $addr{'main.hSlow'}, $patch);
	my $copy = "$work/gotrace";
	copy($gotrace, $copy) or die $!;
	chmod 0755, $copy;
	my $caps = '+bpf,+perfmon,+sys_ptrace,+dac_read_search';
	my @as_other = ('setpriv', '--reuid', 65534, '--clear-groups', '--inh-caps', $caps, '--ambient-caps', $caps, $copy, 'attach', $target->{pid});
	my $one = run_command([@as_other, 'main.hSlow']);
	like($one->{err}, qr/^gotrace: main\.hSlow: its code was changed in memory$/m, 'a change is noticed');
	my $two = run_command([@as_other, 'main.hWork', '--backend', 'ptrace']);
	like($two->{err}, qr/^gotrace: \d+ may not be traced by ptrace: run gotrace as root, or with CAP_SYS_PTRACE and CAP_DAC_OVERRIDE/m, 'ptrace needs more');
	my $three = run_command([@as_other, 'main.hWork', '--duration', '100ms']);
	is($three->{status}, 0, 'eBPF does not') or diag $three->{err};
	ok($target->is_alive, 'the target lives');
	$target->stop;
};

done_testing;
