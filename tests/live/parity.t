#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Both back ends tell the same: over the same program their JSON is equal, line by line and key by key, but for
# what belongs to a run: times, process and thread numbers, addresses of the heap (which must differ
# one to one), the entries of a map that is cut short (the map's seed says which come first), and the moment at
# which an end by Goexit is noticed. One difference is allowed: floats in vector registers, which a uprobe
# does not see, are read by ptrace.
use strict;
use warnings;
no warnings 'portable'; # hexadecimal numbers of 64 bits
use FindBin;
use lib "$FindBin::Bin/lib";
use Json;
use Live;
use POSIX ();
use Test::More;
use Time::HiRes ();

live_plan();

# Go gives each processor numbers for its goroutines, and collections start goroutines of their own.
my @quiet = ('env', 'GOGC=off', 'setarch', '-R');
my @values = ('/^main\.t[A-Z]/', '/^main\.\(\*t[A-Z]/', 'main.(*tPoint).Scaled-fm');
my @parity = ('/^main\.p[A-Z]/', 'main.(*pNode).*', 'main.pNode.*');
my @table;

# ---- one run

# ranges(PID): where its memory is that differs from run to run: heap, stacks, what was mapped.
sub ranges {
	my ($pid) = @_;
	return map { /^([0-9a-f]+)-([0-9a-f]+) rw\S+ \S+ \S+ 0\s/ ? [hex $1, hex $2] : () } split /\n/, slurp("/proc/$pid/maps");
}

# trace(BACKEND, PATH, PATTERNS, OPTIONS, ENVIRONMENT): {events, said, ranges, pid, from, to}, or undef.
sub trace {
	my ($backend, $path, $patterns, $options, @environment) = @_;
	my $from = POSIX::floor(Time::HiRes::time());
	my $target = start_target($path, $path =~ /values$/ ? ['-twice'] : [], prefix => [@environment, @quiet]) or return undef;
	my $trace = start_trace(['attach', $target->{pid}, @$patterns, @$options, '--backend', $backend, '--format', 'json']);
	my @said;
	if ($trace->armed == 1) {
		$target->say("\n");
		while (defined(my $line = $target->line)) {
			push @said, $line;
			last if $line =~ /^DONE/;
		}
	}
	my %run = (backend => $backend, said => \@said, pid => $target->{pid}, from => $from, to => $from + 120, ranges => [ranges($target->{pid})]);
	my $status = $trace->stop;
	my $ended = $target->stop;
	if ($status ne '0' || $ended ne '0' || !@said) {
		diag "$backend: gotrace ended with $status, the program with $ended: " . $trace->errors . $target->errors;
		return undef;
	}
	$run{events} = [json_lines($trace->output)];
	return \%run;
}

# settle(RUN): without the calls of the first round, in which the tracer may or may not have learnt a dynamic type in
# time; the program says which they are.
sub settle {
	my ($run) = @_;
	my (%settled, %unsettled, %seen);
	for (grep { /^\{/ } @{ $run->{said} }) {
		my $call = json_read($_);
		push @{ $settled{ field($call, 'func') } }, field($call, 'settled') eq 'true';
	}
	my @kept;
	for my $event (@{ $run->{events} }) {
		my ($name, $number) = map { field($event, $_) // '' } qw(func call);
		my $of = $settled{$name};
		$unsettled{$number} = 1 if field($event, 'event') eq 'entry' && $of && !$of->[$seen{$name}++];
		push @kept, $event unless $unsettled{$number};
	}
	$run->{events} = \@kept;
	return $run;
}

# ---- what belongs to a run

# name_of(RUN, ADDRESS): its name in the order of first appearance; the address itself where it is the same in every run.
sub name_of {
	my ($run, $addr) = @_;
	return undef unless grep { $addr >= $_->[0] && $addr < $_->[1] } @{ $run->{ranges} };
	return $run->{names}{$addr} //= 'address ' . (1 + keys %{ $run->{names} // {} });
}

sub is_now {
	my ($run, $text) = @_;
	my @t = $text =~ /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.?\d*Z$/ or return 0;
	local $ENV{TZ} = 'UTC';
	my $seconds = POSIX::mktime($t[5], $t[4], $t[3], $t[2], $t[1] - 1, $t[0] - 1900) // 0;
	return $seconds >= $run->{from} && $seconds <= $run->{to};
}

# plain(RUN, VALUE): a scalar as text, with a letter for its kind, and without what belongs to the run.
sub plain {
	my ($run, $value) = @_;
	return 'null' unless defined $value;
	if (is_number($value)) {
		my $name = $$value =~ /^\d{9,15}$/ ? name_of($run, $$value) : undef;
		return 'number ' . ($name // $$value);
	}
	return "boolean $$value" if ref $value;
	return 'now' if is_now($run, $value);
	$value =~ s/0x([0-9a-f]{1,16})\b/name_of($run, hex $1) \/\/ "0x$1"/ge;
	return "string $value";
}

# Of these only the kind is compared.
my %own = map { $_ => 1 } qw(time mono_ns tid duration_ns seconds);

# entries(VALUE): the length of a list of pairs, as a map is, the first halves of those that are told, and by them
# (where they are not cut short themselves) the second ones.
sub entries {
	my ($value) = @_;
	my ($length, $pairs, $is_cut) = ref $value eq 'ARRAY' ? (scalar @$value, $value, 0) : ();
	($length, $pairs, $is_cut) = (field($value, 'len'), field($value, 'cut'), 1)
		if is_object($value) && "@{[map { $_->[0] } @$value]}" eq 'len cut';
	return undef if ref $pairs ne 'ARRAY' || grep { ref $_ ne 'ARRAY' || @$_ != 2 } @$pairs;
	return {
		length => $length,
		is_cut => $is_cut,
		keys   => join(' ', map { json_text($_->[0]) } @$pairs),
		pairs  => { map { is_object($_->[0]) ? () : (json_text($_->[0]) => $_->[1]) } @$pairs },
	};
}

# ---- comparing

sub differ {
	my ($report, $path, @values) = @_;
	push @{ $report->{wrong} }, "$path: ebpf has " . join ', ptrace ', map { substr json_text($_), 0, 200 } @values;
	return;
}

# A float that stands in a vector register.
sub is_float_seen {
	my ($ebpf, $ptrace) = @_;
	return 0 unless is_object($ebpf) && @$ebpf == 1 && $ebpf->[0][0] eq 'unavailable' && $ebpf->[0][1] =~ /^float in XMM\d+$/;
	my @parts = ref $ptrace eq 'ARRAY' && @$ptrace == 2 ? @$ptrace : $ptrace; # of a complex number
	return !grep { !is_number($_) && !(defined && !ref && /^(NaN|[-+]Inf)$/) } @parts;
}

# Of a map that is cut short other entries may be told.
sub are_cut_maps {
	my @maps = map { entries($_) // return 0 } @_;
	return ($maps[0]{is_cut} || $maps[1]{is_cut}) && $maps[0]{keys} ne $maps[1]{keys};
}

sub compare_cut_maps {
	my ($report, $path, @values) = @_;
	my ($e, $p) = map { entries($_) } @values;
	differ($report, $path, @values) if $e->{length} != $p->{length};
	same($report, "$path.$_", $e->{pairs}{$_}, $p->{pairs}{$_}) for grep { exists $p->{pairs}{$_} } sort keys %{ $e->{pairs} };
	$report->{cut}++;
	return;
}

sub same {
	my ($report, $path, $ebpf, $ptrace) = @_;
	if (is_float_seen($ebpf, $ptrace)) {
		$report->{floats}++;
	} elsif (are_cut_maps($ebpf, $ptrace)) {
		compare_cut_maps($report, $path, $ebpf, $ptrace);
	} elsif (is_object($ebpf) && is_object($ptrace)) {
		return differ($report, $path, $ebpf, $ptrace) if join("\n", map { $_->[0] } @$ebpf) ne join("\n", map { $_->[0] } @$ptrace);
		same($report, "$path.$ebpf->[$_][0]", $ebpf->[$_][1], $ptrace->[$_][1]) for 0 .. $#$ebpf;
	} elsif (ref $ebpf eq 'ARRAY' && ref $ptrace eq 'ARRAY') {
		return differ($report, $path, $ebpf, $ptrace) if @$ebpf != @$ptrace;
		same($report, "$path\[$_]", $ebpf->[$_], $ptrace->[$_]) for 0 .. $#$ebpf;
	} elsif (ref $ebpf eq 'ARRAY' || ref $ptrace eq 'ARRAY' || is_object($ebpf) || is_object($ptrace)) {
		differ($report, $path, $ebpf, $ptrace);
	} else {
		my ($e, $p) = (plain($report->{ebpf}, $ebpf), plain($report->{ptrace}, $ptrace));
		differ($report, "$path ($e, $p)", $ebpf, $ptrace) if $e ne $p;
		$report->{values}++;
	}
	return;
}

# event_without(RUN, EVENT): an event whose own times and numbers are checked and taken out.
sub event_without {
	my ($report, $run, $event) = @_;
	my @pairs;
	for my $pair (@$event) {
		my ($key, $value) = @$pair;
		if ($key eq 'pid') {
			differ($report, 'pid', $value, $run->{pid}) if $$value != $run->{pid};
		} elsif ($key eq 'goid' && $run->{renumbers}) {
			push @pairs, [$key, $run->{goroutines}{$$value} //= 'goroutine ' . (1 + keys %{ $run->{goroutines} // {} })];
			next;
		}
		push @pairs, [$key, $key eq 'pid' || $own{$key} ? (is_number($value) ? 'a number' : 'a string') : $value];
	}
	return bless \@pairs, 'Json::Object';
}

# in_order(RUN): its events. That a goroutine has left by Goexit shows by its having been quiet for a while, so other
# events come in between, more or fewer: these ends are put behind them.
sub in_order {
	my ($run) = @_;
	my (@events, @left);
	push @{ (field($_, 'how') // '') eq 'goexit' ? \@left : \@events }, $_ for @{ $run->{events} };
	return [@events, sort { field($a, 'call') <=> field($b, 'call') } @left];
}

sub compare_runs {
	my ($ebpf, $ptrace) = @_;
	my $report = { wrong => [], floats => 0, values => 0, cut => 0, ebpf => $ebpf, ptrace => $ptrace };
	my ($e, $p) = map { in_order($_) } $ebpf, $ptrace;
	push @{ $report->{wrong} }, sprintf 'ebpf has %d events, ptrace %d', scalar @$e, scalar @$p if @$e != @$p;
	for my $i (0 .. ($#$e < $#$p ? $#$e : $#$p)) {
		my $what = join ' ', map { field($e->[$i], $_) // () } qw(event func call);
		same($report, $what, event_without($report, $ebpf, $e->[$i]), event_without($report, $ptrace, $p->[$i]));
	}
	return $report;
}

# ---- the checks on one program

# said(RUN, ALONE): the calls that the program counted, in all or in its first goroutine; program values tells of them
# by function. told(RUN): those in the trace.
sub said {
	my ($run, $alone) = @_;
	return 'lost 0, calls ' . (split ' ', $run->{said}[-1])[$alone ? 2 : 1] if @{ $run->{said} } == 1;
	my %of;
	$of{ field(json_read($_), 'func') =~ s/\[.*//r }++ for grep { /^\{/ } @{ $run->{said} };
	$run->{functions} = \%of;
	return 'lost 0, calls ' . join ', ', map { "$_ $of{$_}" } sort keys %of;
}

sub told {
	my ($run) = @_;
	my $summary = $run->{events}[-1];
	my $lost = field($summary, 'lost') // 'unknown';
	return "lost $lost, calls " . (field($summary, 'calls') + (field($summary, 'skipped') // 0)) unless $run->{functions};
	my %of;
	$of{ field($_, 'func') =~ s/\[.*//r }++ for grep { field($_, 'event') eq 'entry' } @{ $run->{events} };
	return "lost $lost, calls " . join ', ', map { "$_ $of{$_}" } grep { $run->{functions}{$_} } sort keys %of;
}

sub xmm { my ($run) = @_; return scalar map { json_text($_) =~ /"float in XMM/g } @{ $run->{events} } }

# hold(WHAT, PROGRAM, VERSION, BUILD, options): options are the tracer's; renumbers: goroutines' numbers are a run's own.
sub hold {
	my ($what, $name, $version, $build, %how) = @_;
	$what = "Go $version, $build, $what";
	my $path = program($name, $version, $build);
	my @environment = ('env', 'GOMAXPROCS=' . ($how{processors} // 1));
	my ($ebpf, $ptrace) = $path
		? map { trace($_, $path, $name eq 'values' ? \@values : \@parity, $how{options} // [], @environment) } qw(ebpf ptrace)
		: ();
	SKIP: {
		ok($ebpf && $ptrace, "$what: both traces are made") or skip 'no traces', 4;
		for my $run ($ebpf, $ptrace) {
			$run->{renumbers} = ($how{processors} // 1) > 1;
			is(said($run, $how{alone}), told($run), "$what: $run->{backend} tells of all calls that the program made");
			settle($run);
		}
		my $report = compare_runs($ebpf, $ptrace);
		my @wrong = @{ $report->{wrong} };
		ok(!@wrong, "$what: both are equal ($report->{values} values)")
			or diag join "\n", scalar(@wrong) . ' differ', @wrong[0 .. ($#wrong < 24 ? $#wrong : 24)];
		my $passes_floats = $version ne '1.15' && !$how{has_no_floats};
		my @floats = ($report->{floats}, xmm($ptrace));
		ok($floats[1] == 0 && ($floats[0] > 0) == $passes_floats && $floats[0] == xmm($ebpf),
			"$what: floats in registers are ptrace's alone, all of them ($floats[0])") or diag "@floats " . xmm($ebpf);
		push @table, sprintf '%-8s %-12s %-32s %7d %7d %7d %9d %5d', $version, $build, $what =~ s/.*?, .*?, //r,
			scalar @{ $report->{ebpf}{events} }, $report->{values}, $report->{floats}, scalar keys %{ $ebpf->{names} // {} }, $report->{cut};
	}
	return;
}

my %wanted = map { $_ => 1 } qw(1.15 1.19 1.24 1.27);
for my $version (grep { $wanted{$_} } versions()) {
	for my $build ('optimized', tries_all($version) ? 'unoptimized' : ()) {
		hold('values', 'values', $version, $build);
		hold('a processor', 'parity', $version, $build) if tries_all($version);
		hold('four processors', 'parity', $version, $build, processors => 4);
	}
}

# Whatever is asked for, both do it alike.
my $newest = newest();
hold('deep', 'values', $newest, 'optimized', options => [qw(--depth 4 --strlen 1000 --items 64)]);
hold('shallow', 'values', $newest, 'optimized', options => [qw(--depth 0 --strlen 0 --items 0)]);
hold('no arguments', 'parity', $newest, 'optimized', options => ['--no-args']);
hold('no returns', 'parity', $newest, 'optimized', options => ['--no-return']);
hold('one call in three', 'parity', $newest, 'optimized', options => ['--sample', '1/3']);
hold('stacks', 'parity', $newest, 'optimized', options => ['--stack']);
hold('creators', 'parity', $newest, 'optimized', options => ['--creator']);
hold('one goroutine', 'parity', $newest, 'optimized', alone => 1, options => ['--goroutine', 1]);

diag '';
diag sprintf '%-8s %-12s %-32s %7s %7s %7s %9s %5s', qw(version build program events values in-XMM addresses cut);
diag $_ for @table;
done_testing();
