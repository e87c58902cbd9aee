#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# A smoke part of the live tests, for kernels other than this machine's: several hundred values of every
# kind are right, a storm's calls are as many as the program counted, nothing is lost, the target lives on with its
# code untouched; call stacks, conditions, counts and histograms are right. "smoke.t build" only builds the programs,
# which emulation is slow at.
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
		program($_, $version, 'optimized') or die "$_ cannot be built by Go $version\n" for qw(values storm stacks conditions aggregates);
	}
	exit 0;
}

# traced(WHAT, NAME, VERSION, PATTERNS, UNTIL): what the program said until the line that UNTIL matches, and
# the path of the trace.
sub traced {
	my ($what, $name, $version, $patterns, $until) = @_;
	my $target = start_target(copied($name, $version), []) or return;
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

# Decided at the entry and at the return. In none of these is anything that a call has not.
my @conditions = (
	'n > 900', 'i8 + 100 < 0', 's >= "abab/api/4"', 'contains(s, "ab/api/3")', 'p == nil || p.ratio < 0', 'wide.names[n&1] == "one"',
	'any.(int)', 'caller == "main.cOdd"', 'ret > n', 'failed && n > 500', 'text == "t4" && hasPrefix(s, "ab")',
);

# copied(NAME, VERSION): the path of a copy of the program in the machine's memory.
sub copied {
	my ($name, $version) = @_;
	my $path = "$work/$name";
	copy(program($name, $version, 'optimized'), $path) && chmod 0755, $path or die "$path: $!\n";
	return $path;
}

# exactly(WHAT, CODE): CODE's rows are right, where it says (as its second word) what the kernel could not read; as
# above, it is tried again then.
sub exactly {
	my ($what, $code) = @_;
	for my $try (1 .. 3) {
		my ($seen, $missing, $wanted) = $code->();
		if ($seen eq $wanted || !$missing || $try == 3) {
			is("$seen, $missing missing", "$wanted, 0 missing", $what);
			last;
		}
		diag "$what: $missing missing";
	}
	return;
}

sub missing { my ($summary, @names) = @_; my $sum = 0; $sum += field($summary, $_) // 0 for @names; return $sum }

# fulfilled(TARGET, NUM, TEXT, OPTIONS): calls and returns that fulfil the condition, each entry with its caller's frame.
sub fulfilled {
	my ($target, $num, $text) = @_;
	my $trace = start_trace(['attach', $target->{pid}, 'main.cCall', '--if', $text, '--strlen', 128, '--stack=8', '--format', 'json']);
	diag "$text: " . $trace->errors if $trace->armed(120) != 1;
	$target->ask('run 1000', 600);
	my $status = $trace->stop;
	my @events = json_lines($trace->output);
	my $summary = pop @events;
	my @entries = grep { field($_, 'event') eq 'entry' } @events;
	my %ended = map { field($_, 'call') => 1 } grep { field($_, 'event') eq 'return' } @events;
	my $whole = grep { $ended{ field($_, 'call') } } @entries;
	my $framed = grep { (field((field($_, 'stack') // [])->[0], 'func') // '') =~ /^main\.c(?:Odd|Even)$/ } @entries;
	return (join(' ', scalar @entries, $whole, $framed, $status), missing($summary, qw(lost crowded unreadable)), "$num $num $num 0");
}

# counted(TARGET, DO, EXPECTED, COMMAND...): what is counted by key, or by bucket, against what EXPECTED makes of the
# program's words.
sub counted {
	my ($target, $do, $expected, @command) = @_;
	my ($command, @args) = @command;
	my $trace = start_trace([$command, $target->{pid}, 'main.aGet', @args, '--format', 'json']);
	diag "@command: " . $trace->errors if $trace->armed(120) != 1;
	my %said = map { /^(.*)=(\d+)$/ ? ($1 => $2) : () } split /;/, join ';', $target->ask($do, 600);
	my $status = $trace->stop;
	my @rows = json_lines($trace->output);
	my $summary = pop @rows;
	my %seen;
	for my $row (@rows) {
		if ($command eq 'count') {
			$seen{ join ' ', map { my $value = $_->[1]; ref $value ? json_text($value) : $value } @{ field($row, 'by') } } += field($row, 'calls');
		} else {
			$seen{ json_text($_->[0]) } += json_text($_->[2]) for @{ field($row, 'buckets') };
		}
	}
	my %wanted = $expected->(%said);
	my ($seen, $wanted) = map { my $counts = $_; join ' ', map { "$_=$counts->{$_}" } sort keys %$counts } \%seen, \%wanted;
	return ("$seen, status $status", missing($summary, qw(unreadable unknown_goroutine calls_full keys_full)), "$wanted, status 0");
}

# renamed(WHAT, CODE): of the program's counts of WHAT, those whose value CODE makes something of, under that.
sub renamed {
	my ($what, $code) = @_;
	return sub {
		my (%said) = @_;
		my %wanted;
		for (keys %said) {
			my ($value) = /^$what (.*)/ or next;
			my $name = $code->($value) // next;
			$wanted{$name} += $said{$_};
		}
		return %wanted;
	};
}

# Each: what the program counts, as which key or bucket, and what is asked.
my @counts = (
	[from => sub { "main.$_[0]" }, 'count', '--by', 'caller'],
	[user => sub { $_[0] }, 'count', '--by', 'request.user.name,request.user.age', '--if', 'request.user != nil'],
	[length => sub { $_[0] > 4 ? $_[0] : undef }, 'count', '--by', 'length', '--if', 'err == nil', '--if', 'length > 4'],
	[n => sub { $_[0] == 7 ? undef : $_[0] }, 'hist', 'n', '--linear', '-50,50,1', '--if', 'n != 7'],
	[n => sub { $_[0] % 3 ? undef : $_[0] - 1 }, 'hist', 'n - 1', '--linear', '-60,60,1', '--errors'],
);

my $doctor = run_gotrace('doctor', { timeout => 120 });
is($doctor->{status}, 0, 'doctor finds that tracing works here');
diag $doctor->{out};

my $verifier = run_command(["$root/build/tests/live/verifier"], timeout => 600);
is($verifier->{status}, 0, 'the eBPF programs keep well below this kernel\'s bounds') or diag $verifier->{out};
diag join "\n", $verifier->{out} =~ /^ok \d+ - (.*(?:stack|instructions))$/gm;

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
	my ($said_stacks, $seen) = run_stacks(copied('stacks', $version), '--stack=128', '--creator', '--sample', '1/1');
	cmp_ok(scalar keys %$seen, '>', 50, "$what: some are seen");
	compare($what, $said_stacks, $seen);

	$what = "Go $version, conditions";
	my $target = start_target(copied('conditions', $version), []);
	my %num = map { /^(\d+) (.*)/ ? ($2 => $1) : () } $target->ask('list', 600);
	for my $text (@conditions) {
		exactly("$what: $text", sub { fulfilled($target, $num{$text} // 'no', $text) });
	}
	is($target->stop, 0, "$what: the program ends well");

	$what = "Go $version, counts";
	$target = start_target(copied('aggregates', $version), []);
	for (@counts) {
		my ($said, $code, @command) = @$_;
		exactly("$what: @command", sub { counted($target, 'calls 2 200', renamed($said, $code), @command) });
	}
	is($target->stop, 0, "$what: the program ends well");
}

done_testing();
