#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Breakpoints leave the target whatever ends gotrace, and whenever: also where it is killed while they are put on or taken
# off, when the kernel would leave them behind. The process that keeps them is in nobody's way.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Live;
use Test::More;
use Time::HiRes qw(sleep time);

live_plan();

my $version = newest();
my $path    = program('storm', $version, 'optimized') // die 'no storm';
my $rounds  = rounds(4, 8);
my @all     = ('*', '--format', 'json', '-o', '/dev/null');

# copied(NAME): the program in a file of its own, since the kernel keeps what is left of a file's probes.
sub copied {
	my ($name) = @_;
	my $copy = "$work/$name";
	spew($copy, slurp($path));
	chmod 0755, $copy;
	return $copy;
}

sub keepers { my ($pid) = @_; return grep { (slurp("/proc/$_/comm") // '') eq "gotrace-keeper\n" } children($pid) }

sub is_gone { my ($pid) = @_; return (slurp("/proc/$pid/stat") // ') Z ') =~ /\) Z / }

# settled(TARGET, KEEPERS): true when its code is as in its file and the processes are gone.
sub settled {
	my ($target, @keepers) = @_;
	return until_true(60, sub { !grep({ !is_gone($_) } @keepers) && text_differs($target->{pid}) eq '' });
}

my $target = start_target(copied('killed'), ['-goroutines', 4]) // die 'storm does not start';

subtest 'killed while its probes come off' => sub {
	my $unclean = 0;
	for my $round (1 .. $rounds) {
		my $trace = start_trace(['attach', $target->{pid}, @all]);
		is($trace->armed, 1, "round $round: traced") or diag $trace->errors;
		my @keepers = keepers($trace->{pid});
		ok(@keepers > 0, "round $round: somebody keeps its probes");
		kill 'INT', $trace->{pid};
		sleep rand 0.04;
		$trace->stop('KILL');
		$unclean++ unless settled($target, @keepers);
	}
	is($unclean, 0, 'its code was as in its file after each round');
};

subtest 'killed while its probes are put on' => sub {
	my $start = time;
	my $trace = start_trace(['attach', $target->{pid}, @all]);
	is($trace->armed, 1, 'traced') or diag $trace->errors;
	my $takes = time - $start;
	$trace->stop;
	my ($unclean, $early) = (0, 0);
	for my $round (1 .. $rounds) {
		$trace = start_trace(['attach', $target->{pid}, @all]);
		sleep $takes * (0.3 + rand 0.7);
		$early++ if $trace->errors !~ /tracing/;
		kill 'KILL', $trace->{pid};
		$trace->wait_end;
		$unclean++ unless settled($target);
	}
	cmp_ok($early, '>', 0, "$early times before it was done");
	is($unclean, 0, 'its code was as in its file after each round');
};

subtest 'a fatal signal that is not caught, to its whole process group' => sub {
	my $unclean = 0;
	local $SIG{QUIT} = 'DEFAULT'; # a shell's background job ignores it, and so would gotrace
	for my $signal (qw(KILL QUIT USR1 SEGV)) {
		my $trace = start_trace(['attach', $target->{pid}, @all], prefix => ['setsid']);
		is($trace->armed, 1, "SIG$signal: traced") or diag $trace->errors;
		my @keepers = keepers($trace->{pid});
		kill $signal, -$trace->{pid};
		$trace->wait_end;
		$unclean++ unless settled($target, @keepers);
	}
	is($unclean, 0, 'its code was as in its file each time');
};

subtest 'the keeper itself is killed' => sub {
	my $trace = start_trace(['attach', $target->{pid}, @all]);
	is($trace->armed, 1, 'traced') or diag $trace->errors;
	my @keepers = keepers($trace->{pid});
	kill 'TERM', @keepers;
	kill 'INT', @keepers;
	sleep 0.1;
	is(scalar(keepers($trace->{pid})), scalar @keepers, 'signals that can be blocked do nothing to it');
	kill 'KILL', @keepers;
	is($trace->wait_end, 1, 'gotrace ends');
	like($trace->errors, qr/process \d+, which kept the probes, was killed/, 'and says why');
	ok(settled($target, @keepers), 'the target is clean');
	my $unclean = 0;
	for my $round (1 .. $rounds) {
		$trace = start_trace(['attach', $target->{pid}, @all]);
		is($trace->armed, 1, "round $round: traced") or diag $trace->errors;
		@keepers = keepers($trace->{pid});
		kill 'INT', $trace->{pid};
		sleep rand 0.04;
		kill 'KILL', @keepers;
		$trace->wait_end;
		$unclean++ unless settled($target, @keepers);
	}
	is($unclean, 0, 'killed while it takes probes off, too');
};

# strace(OPTIONS): a command to start gotrace with, whose system calls are changed.
sub strace { return prefix => ['strace', '-qq', '-o', "$work/strace", @_] }

subtest 'the keeper is killed while it puts probes on' => sub {
	my $trace = start_trace(['attach', $target->{pid}, 'main.s*', '--no-return', '--format', 'json', '-o', '/dev/null'],
		strace('-f', '-e', 'trace=bpf', '-e', 'inject=bpf:delay_enter=500000:when=1..2'));
	my @keepers;
	until_true(60, sub { @keepers = keepers($trace->{pid}) });
	kill 'KILL', @keepers;
	unlike($trace->errors, qr/tracing/, 'before it was done');
	is($trace->armed, 1, 'another one does it') or diag $trace->errors;
	isnt(text_differs($target->{pid}), '', 'the probes are there');
	my (undef, $gotrace_pid) = children($trace->{pid});
	kill 'INT', $gotrace_pid;
	is($trace->wait_end, 0, 'gotrace ends well') or diag $trace->errors;
	ok(settled($target), 'the target is clean');
};

subtest 'a kernel without uprobe_multi links' => sub {
	run_command([@{ {strace('-e', 'trace=bpf')}->{prefix} }, $gotrace, 'attach', $target->{pid}, 'main.sLeaf', '--no-return', '--duration', '1ms']);
	my ($before) = slurp("$work/strace") =~ /\A(.*?)^bpf\(BPF_LINK_CREATE/ms or return fail('the first link asks for them');
	my $number = 1 + ($before =~ tr/\n//);
	local $ENV{GOTRACE_DEBUG} = 1;
	for my $signal ('INT', 'KILL') {
		my $trace = start_trace(['attach', $target->{pid}, 'main.sLeaf', 'main.sText', '--format', 'json', '-o', '/dev/null'],
			strace('-e', 'trace=bpf', '-e', "inject=bpf:error=EINVAL:when=$number"));
		is($trace->armed, 1, "SIG$signal: traced") or diag $trace->errors;
		like($trace->errors, qr/uprobes attach by perf events/, 'by perf events');
		isnt(text_differs($target->{pid}), '', 'the probes are there');
		my @keepers = keepers($trace->{pid});
		cmp_ok(scalar @keepers, '>', 0, 'kept by a process');
		my (undef, $gotrace_pid) = children($trace->{pid});
		kill $signal, $gotrace_pid;
		is($trace->wait_end, $signal eq 'INT' ? 0 : 137, 'gotrace ends');
		ok(settled($target, @keepers), 'the target is clean');
	}
};

subtest 'nothing waits for the keeper' => sub {
	my $script = "$gotrace attach $target->{pid} 'main.*' --format json & pid=\$!; sleep 1; kill -KILL \$pid; wait \$pid";
	my $result = run_command(['sh', '-c', "($script) 2>&1 | cat >/dev/null"], timeout => 120);
	is($result->{status}, 0, 'a pipe of a killed gotrace ends');
	my $trace = start_trace(['attach', $target->{pid}, 'main.*', '--format', 'json']);
	is($trace->armed, 1, 'traced');
	for my $keeper (keepers($trace->{pid})) {
		my @open = map { readlink } glob "/proc/$keeper/fd/*";
		is_deeply([grep { !/^(?:\/dev\/null|socket:|anon_inode:)/ } @open], [], 'it has none of our files open') or diag "@open";
		my ($group, $session) = (slurp("/proc/$keeper/stat") // '') =~ /\) \S \d+ (\d+) (\d+)/;
		is("$group $session", "$keeper $keeper", 'it is in a session of its own');
	}
	is($trace->stop, 0, 'and it ends');
	is(scalar(keepers($trace->{pid})), 0, 'with its keeper');
};

# address_of(FUNC): where its first instruction is, of a program that is not position-independent.
sub address_of {
	my ($func) = @_;
	my ($address) = run_gotrace('info', $path, $func)->{out} =~ /\b0x([0-9a-f]+)/;
	return hex($address // die "no address of $func");
}

# overwrite(ADDRESS, BYTES): in the target's memory.
sub overwrite {
	my ($address, $bytes) = @_;
	open my $mem, '+<:raw', "/proc/$target->{pid}/mem" or die "mem: $!";
	sysseek $mem, $address, 0;
	syswrite($mem, $bytes) == length $bytes or die "mem: $!";
	return;
}

sub at {
	my ($address, $length) = @_;
	open my $mem, '<:raw', "/proc/$target->{pid}/mem" or die "mem: $!";
	sysseek $mem, $address, 0;
	sysread $mem, my ($bytes), $length;
	return $bytes;
}

sub code_rows { my ($out) = @_; return join "\n", $out =~ /^(\w+ +target's code .*(?:\n +->.*)?)/mg }

subtest 'doctor compares the code with the file' => sub {
	my $doctor = run_gotrace('doctor', $target->{pid});
	is($doctor->{status}, 0, 'status 0') or diag $doctor->{err};
	like(code_rows($doctor->{out}), qr/^yes +target's code is as in its file/, 'nothing differs');

	# What a killed tracer left behind, with which the program ran on.
	overwrite($_, "\xcc") for map { address_of($_) } 'main.main', 'main.sText';
	my $rows = code_rows(run_gotrace('doctor', $target->{pid})->{out});
	like($rows, qr/^no .* 2 breakpoints: main\.\w+, main\.\w+\n.*killed.*doctor --repair $target->{pid}/, 'breakpoints') or diag $rows;
	my $trace = start_trace(['attach', $target->{pid}, 'main.sLeaf', '--format', 'json', '-o', '/dev/null']);
	is($trace->armed, 1, 'a trace goes on beside') or diag $trace->errors;
	my $repair = run_gotrace('doctor', '--repair', $target->{pid});
	is($repair->{status}, 0, '--repair');
	like($repair->{err}, qr/: 2 breakpoints were left by a killed tracer and are off now; \d+ stay/, 'says what it did');
	unlike(code_rows($repair->{out}), qr/main\.(?:main|sText)/, 'they are off');
	like(code_rows($repair->{out}), qr/ [1-9]\d* breakpoints?: /, 'those of the other trace stay') or diag $repair->{out};
	is($trace->stop, 0, 'which ends');
	is(text_differs($target->{pid}), '', 'and nothing is left');

	my $text = address_of('main.sText') + 1;
	my $before = at($text, 3);
	overwrite($text, "\x90\x90\x90");
	$rows = code_rows(run_gotrace('doctor', $target->{pid})->{out});
	like($rows, qr/^no .*\d bytes? of its code differ from its file, first in main\.sText\n.*patch/, 'a patch') or diag $rows;
	unlike($rows, qr/breakpoint/, 'which is no breakpoint');
	overwrite($text, $before);
	is(text_differs($target->{pid}), '', 'as it was');
};

subtest 'priority' => sub {
	my $trace = start_trace(['attach', $target->{pid}, @all]);
	is($trace->armed, 1, 'traced') or diag $trace->errors;
	my $mine = getpriority 0, $$;
	is(getpriority(0, $_), $mine, 'it runs with the priority that it was started with') for children($trace->{pid});
	is($trace->stop, 0, 'it ends');
	my $shell = run_gotrace('shell', '-e', "attach $target->{pid}", '-e', 'trace main.sLeaf', '-e', '!nice');
	like($shell->{out}, qr/^$mine$/m, 'and so does a command of its shell') or diag "$shell->{out}$shell->{err}";
};

subtest 'the seconds of the summary are those of the trace, whatever taking probes off takes' => sub {
	my $trace = start_trace(['attach', $target->{pid}, 'main.*', '--duration', '1s', '--format', 'json']);
	is($trace->armed, 1, 'traced') or diag $trace->errors;
	my @keepers = keepers($trace->{pid});
	kill 'STOP', @keepers;
	sleep 4;
	kill 'CONT', @keepers;
	is($trace->wait_end, 0, 'it ends');
	my ($seconds) = $trace->output =~ /"event":"summary".*"seconds":([\d.]+)/;
	cmp_ok($seconds // 99, '<', 4, "$seconds s");
};

# status_of(PID): what /proc says of its privileges. mine(NAMES): these capabilities, as far as this process has them.
sub status_of { my ($pid) = @_; return +{ (slurp("/proc/$pid/status") // '') =~ /^(Cap(?:Inh|Prm|Eff|Amb)|NoNewPrivs|Seccomp):\s+(\w+)/mg } }

sub mine {
	my %numbers = (DAC_OVERRIDE => 1, DAC_READ_SEARCH => 2, KILL => 5, SYS_PTRACE => 19, SYS_ADMIN => 21, SYS_RESOURCE => 24, PERFMON => 38, BPF => 39);
	my $set = 0;
	$set |= 1 << $numbers{$_} for @_;
	no warnings 'portable';
	return sprintf '%016x', $set & hex status_of($$)->{CapPrm};
}

sub has_kept {
	my ($pid, $who, $set) = @_;
	my %want = (CapInh => '0' x 16, CapAmb => '0' x 16, CapPrm => $set, CapEff => $set, NoNewPrivs => 1, Seccomp => 2);
	until_true(60, sub { (status_of($pid)->{Seccomp} // '') eq '2' });
	return is_deeply(status_of($pid), \%want, "$who keeps what it needs");
}

subtest 'privileges that are not needed any more are given up' => sub {
	my $tracing = mine(qw(BPF PERFMON SYS_PTRACE DAC_READ_SEARCH));
	my $tracer = mine(qw(SYS_PTRACE DAC_READ_SEARCH DAC_OVERRIDE KILL));
	for my $command (['attach', $target->{pid}, 'main.*', '--format', 'json', '-o', '/dev/null'], ['count', $target->{pid}, 'main.*'],
		['attach', $target->{pid}, 'main.sText', '--rate', '1/s', '--backend', 'ptrace']) {
		my $trace = start_trace($command);
		is($trace->armed, 1, "@$command: traced") or diag $trace->errors;
		has_kept($trace->{pid}, 'gotrace', $tracing);
		my (undef, @apart) = children($trace->{pid});
		cmp_ok(scalar @apart, '>', 0, 'it has processes');
		has_kept($_, slurp("/proc/$_/comm") =~ s/\n//r, slurp("/proc/$_/comm") =~ /ptrace/ ? $tracer : $tracing) for @apart;
		is($trace->stop, 0, 'it ends well') or diag $trace->errors;
	}
	my $status = "grep -E '^(Cap(Inh|Eff|Amb)|Seccomp|NoNewPrivs):' /proc";
	my $shell = run_gotrace('shell', '-e', "attach $target->{pid}", '-e', "!$status/\$PPID/status", '-e', "!$status/self/status");
	my %mine = (%{ status_of($$) }, CapInh => '0' x 16, CapAmb => '0' x 16);
	my @said = map { +{ /^(\w+):\s+(\w+)/mg } } split /(?<=^Seccomp:\t0\n)/m, $shell->{out};
	delete $mine{CapPrm};
	my $kept = mine(qw(BPF PERFMON SYS_PTRACE DAC_READ_SEARCH DAC_OVERRIDE KILL SYS_ADMIN SYS_RESOURCE));
	is_deeply(\@said, [{ %mine, CapEff => $kept }, \%mine], 'the shell keeps what its commands need, and a program has those of its user') or diag $shell->{err};
};

ok($target->is_alive, 'the target lives');
is($target->stop, 0, 'and ends well') or diag $target->errors;

done_testing();
