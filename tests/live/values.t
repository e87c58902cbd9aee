#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Every argument and result of several hundred calls, of every kind of type and signature, is what the
# program says it was: for each Go release, and for each way of building.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Compare;
use Json;
use Live;
use Test::More;

live_plan();

# Wrappers of method values are left out of patterns, so the one there is is named.
my @patterns = ('/^main\.t[A-Z]/', '/^main\.\(\*t[A-Z]/', 'main.(*tPoint).Scaled-fm');
my @shapes = ('/^main\.(\(\*)?t[A-Z][A-Za-z]*\[.*go\.shape/');
# The table's columns: values checked; floats in vector registers, which cannot be had; parameters that old
# releases' DWARF leaves out; maps whose entries lie too far apart to be read in full; values that should be
# there and are not; values that are not the program's.
my @table;

# trace_program(NAME, PATH, PATTERNS, OPTIONS): the report of one run; undef when it could not be made.
sub trace_program {
	my ($path, $patterns, $options, %compare) = @_;
	my $target = start_target($path, $options) or return undef;
	my $trace = start_trace(['attach', $target->{pid}, @$patterns, @$options, @{ $compare{tracer} // [] }, '--format', 'json']);
	if ($trace->armed != 1) {
		diag 'gotrace did not start tracing: ' . $trace->errors;
		$trace->stop;
		$target->stop;
		return undef;
	}
	$target->say("\n");
	my @said;
	while (defined(my $line = $target->line)) {
		last if $line eq 'DONE';
		push @said, json_read($line);
	}
	my $status = $trace->stop;
	my $ended = $target->stop;
	my @events = eval { json_lines($trace->output) };
	my $report = compare_trace(\@said, \@events, %compare);
	my $wrong = $report->{wrong};
	push @$wrong, "output: $@" if $@;
	push @$wrong, "gotrace ended with $status: " . $trace->errors if $status ne '0';
	push @$wrong, "target ended with $ended: " . $target->errors if $ended ne '0';
	push @$wrong, 'the program said nothing' unless @said;
	push @$wrong, 'no summary at the end' unless @events && (field($events[-1], 'event') // '') eq 'summary';
	push @$wrong, 'lost: ' . json_text($report->{summary}) if $report->{summary} && field($report->{summary}, 'lost');
	return $report;
}

sub unavailable {
	my ($report) = @_;
	my $n = 0;
	$n += $_ for values %{ $report->{unavailable} };
	return $n;
}

# hold(WHAT, REPORT): the checks on one run.
sub hold {
	my ($what, $report) = @_;
	SKIP: {
		ok($report, "$what: was traced") or skip 'no trace', 2;
		my @wrong = @{ $report->{wrong} };
		ok(!@wrong, sprintf '%s: %d values are right', $what, $report->{checked})
			or diag join "\n", scalar(@wrong) . ' wrong', @wrong[0 .. ($#wrong < 24 ? $#wrong : 24)];
		my @missing = sort keys %{ $report->{unavailable} };
		ok(!@missing, "$what: nothing is unavailable but floats in registers")
			or diag join "\n", map { "$report->{unavailable}{$_} x $_, first at $report->{where}{$_}" } @missing;
	}
	return;
}

sub row {
	my ($version, $build, $program, $report) = @_;
	push @table, $report
		? sprintf '%-8s %-12s %-8s %9d %6d %7d %6d %8d %6d %12d %6d', $version, $build, $program, $report->{functions}, $report->{calls}, $report->{checked},
		$report->{xmm}, $report->{nameless}, $report->{short}, unavailable($report), scalar @{ $report->{wrong} }
		: sprintf '%-8s %-12s %-8s    not traced', $version, $build, $program;
	return;
}

my %untyped = (nodwarf => 1, stripped => 1);

for my $version (versions()) {
	for my $build (builds_of($version)) {
		my $what = "Go $version, $build";
		SKIP: {
			my $path = program('values', $version, $build);
			skip "$what cannot be built here", 3 unless $path;
			my $report = trace_program($path, \@patterns, [], untyped => $untyped{$build});
			hold($what, $report);
			row($version, $build, 'values', $report);
		}
		next if $untyped{$build} || $build =~ /cgo|external/ || $version =~ /^1\.1[0-7]$/;
		SKIP: {
			my $path = program('generic', $version, $build);
			skip "$what, generics, cannot be built here", 3 unless $path;
			my $report = trace_program($path, \@shapes, []);
			hold("$what, generics", $report);
			row($version, $build, 'generic', $report);
		}
	}
}

# The other back end takes the same hits by other means, and reads the floats in registers too.
for my $version (versions()) {
	for my $build ('optimized', tries_all($version) ? 'pie' : ()) {
		my $path = program('values', $version, $build) or next;
		my $report = trace_program($path, \@patterns, [], tracer => ['--backend', 'ptrace']);
		hold("Go $version, $build, ptrace", $report);
		is($report->{xmm}, 0, "Go $version, $build, ptrace: floats in registers are read") if $report;
		row($version, "$build*", 'values', $report);
	}
}

# The limits are obeyed, at both ends.
for my $limits ([0, 0, 0], [1, 5, 3], [4, 1000, 100]) {
	my @options = map { ('--' . (qw(depth strlen items))[$_], $limits->[$_]) } 0 .. 2;
	for my $version ((versions())[0], newest()) {
		my $path = program('values', $version, 'optimized') or next;
		hold("Go $version, @options", trace_program($path, \@patterns, \@options));
	}
}

# Types of a plugin have their names and values, in a recording too.
SKIP: {
	my ($host, $plugin) = (program('pluginhost', newest(), 'cgo'), program('plugin', newest(), 'plugin'));
	skip_part('a plugin cannot be built here', 8) unless $host && $plugin;
	for my $backend (qw(ebpf ptrace)) {
		my @how = ('--backend', $backend, qw(--depth 3 --save), "$work/plugin");
		my @whole = qw(--width none --zero --no-fold);
		my $said = run_gotrace('run', @how, @whole, 'main.show', '--', $host, $plugin)->{out};
		my @calls = map { /(main\.show\(.*?\) = true)/ } split /\n/, $said;
		my $whole = 'v=main.Rate{Num: 1, Den: 2, Name: "rate", Next: &Rate{Num: 7, '; # the main of the plugin
		like($calls[0], qr/v=main\.Rate\{Num: 0, .* err=error\(\*main\.Err: &main\.Err\{Code: 0\}\)/, "$backend: a plugin's types");
		like($calls[1], qr/\Q$whole\E.*By: map\[string\]Rate\{"a": Rate\{Num: 8/, 'and all that they lead to');
		like($calls[2], qr/v=\?\(type made at run time\), err=nil/, 'a type that is made at run time');
		my @again = map { /(main\.show\(.*?\) = true)/ } split /\n/, run_gotrace('replay', @whole, "$work/plugin")->{out};
		is_deeply(\@again, \@calls, 'the same from the recording') or diag $said;
	}
}

diag '';
diag sprintf '%-8s %-12s %-8s %9s %6s %7s %6s %8s %6s %12s %6s', qw(version build program functions calls values in-XMM nameless cut unavailable wrong);
diag $_ for @table;
diag '* by the ptrace back end';

done_testing();
