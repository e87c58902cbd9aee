#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# A smoke part of the live tests, for kernels other than this machine's: several hundred values of every
# kind are right, a storm's calls are as many as the program counted, nothing is lost, the target lives on with its
# code untouched; call stacks are right. "smoke.t build" only builds the programs, which emulation is slow at.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../live/lib";
use Compare;
use File::Copy 'copy';
use Json;
use Live;
use Stacks;
use Storm;
use Test::More;

# An old and a new release: arguments on the stack, and in registers.
my @versions = qw(1.15 1.26);
my @patterns = ('/^main\.t[A-Z]/', '/^main\.\(\*t[A-Z]/', 'main.(*tPoint).Scaled-fm');

if (@ARGV && $ARGV[0] eq 'build') {
	for my $version (@versions) {
		program($_, $version, 'optimized') or die "$_ cannot be built by Go $version\n" for qw(values storm stacks);
	}
	exit 0;
}

# traced(WHAT, NAME, VERSION, PATTERNS, UNTIL): what the program said until the line that UNTIL matches, and
# the path of the trace.
sub traced {
	my ($what, $name, $version, $patterns, $until) = @_;
	my $path = "$work/$name";
	copy(program($name, $version, 'optimized'), $path) && chmod 0755, $path or die "$path: $!\n";
	my $target = start_target($path, []) or return;
	my $trace = start_trace(['attach', $target->{pid}, @$patterns, '--format', 'json']);
	is($trace->armed(120), 1, "$what: is traced") or diag $trace->errors;
	$target->say("\n");
	my @said;
	while (defined(my $line = $target->line(600))) {
		push @said, $line;
		last if $line =~ $until;
	}
	is($trace->stop, 0, "$what: gotrace ends well") or diag $trace->errors;
	ok($target->is_alive, "$what: the target is alive");
	is(text_differs($target->{pid}), '', "$what: its code is as it was");
	is($target->stop, 0, "$what: it ends well") or diag $target->errors;
	return ($trace->{path}, @said);
}

my $doctor = run_gotrace('doctor', { timeout => 120 });
is($doctor->{status}, 0, 'doctor finds that tracing works here');
diag $doctor->{out};

for my $version (@versions) {
	my $what = "Go $version, values";
	my ($path, @said) = traced($what, 'values', $version, \@patterns, qr/^DONE/);
	if ($path) {
		my @events = eval { json_lines(slurp($path)) };
		my $report = compare_trace([map { json_read($_) } grep { !/^DONE/ } @said], \@events);
		my @wrong = @{ $report->{wrong} };
		ok(!@wrong && $report->{checked} > 1000, "$what: $report->{checked} are right")
			or diag join "\n", scalar(@wrong) . ' wrong', @wrong[0 .. ($#wrong < 9 ? $#wrong : 9)];
		is(field($report->{summary} // [], 'lost'), 0, "$what: nothing is lost");
	} else {
		fail("$what: the program starts");
	}

	$what = "Go $version, storm";
	# An emulated processor stands still for long: there events may be lost, and are counted, and the kernel may be
	# moving the page of a goroutine, so that an event says of none. Once more, then.
	my $read;
	for my $try (1 .. 3) {
		($path, @said) = traced($what, 'storm', $version, \@storm_patterns, qr/"wrong":/);
		$read = $path ? storm_read($path) : undef;
		my $lost = $read ? $read->{summary}{lost} // 1 : 0;
		my $nameless = () = ($path ? slurp($path) : '') =~ /"tid":\d+,"func"/g;
		last unless $lost || $nameless;
		diag "$what: $lost lost, $nameless without their goroutine";
	}
	my $told = storm_said($said[-1] // '');
	if ($path && $told) {
		is(scalar @{ $read->{wrong} }, 0, "$what: every result belongs to its call")
			or diag join "\n", grep { defined } @{ $read->{wrong} }[0 .. 9];
		my %differ = map { $_ => 1 } grep {
			my ($want, $got) = map { $_ // {} } $told->{functions}{$_}, $read->{functions}{$_};
			grep { ($want->{$_} // 0) != ($got->{$_} // 0) } qw(entries return panicked goexit);
		} keys %{ $told->{functions} };
		is(join(' ', sort keys %differ), '', "$what: $read->{events} events, as many as the program counted");
		is($read->{lost} + ($read->{summary}{lost} // 1), 0, "$what: nothing is lost");
	} else {
		fail("$what: the program says what it did");
	}

	$what = "Go $version, stacks";
	my $stacks = "$work/stacks";
	copy(program('stacks', $version, 'optimized'), $stacks) && chmod 0755, $stacks or die "$stacks: $!\n";
	my ($said_stacks, $seen) = run_stacks($stacks, '--stack=128', '--creator', '--sample', '1/1');
	cmp_ok(scalar keys %$seen, '>', 50, "$what: some are seen");
	compare($what, $said_stacks, $seen);
}

done_testing();
