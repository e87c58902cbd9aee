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
my $rounds  = $ENV{LIVE_ROUNDS} // 8;
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
	return until_true(10, sub { !grep({ !is_gone($_) } @keepers) && text_differs($target->{pid}) eq '' });
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

subtest 'nothing waits for the keeper' => sub {
	my $script = "$gotrace attach $target->{pid} 'main.*' --format json & pid=\$!; sleep 1; kill -KILL \$pid; wait \$pid";
	my $result = run_command(['sh', '-c', "($script) 2>&1 | cat >/dev/null"], timeout => 10);
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

ok($target->is_alive, 'the target lives');
is($target->stop, 0, 'and ends well') or diag $target->errors;

done_testing();
