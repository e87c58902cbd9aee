#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Values that are hard to reach are whole, or their reason is true: read-only memory that the program has
# changed, maps with few entries and much room, errors at a small depth, bodies of loops over functions,
# large values passed by value.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Live;
use Test::More;

live_plan();

# calls(VERSION, PATTERN, COMMANDS, OPTIONS): the lines of a trace of the program while it does that.
sub calls {
	my ($version, $pattern, $commands, @options) = @_;
	my $program = program('reach', $version, 'optimized') or return [];
	my $target = start_target($program, []) or return [];
	my $trace = start_trace(['attach', $target->{pid}, $pattern, '--timestamps', 'none', '--width', 'none', '--zero', '--no-fold', @options]);
	diag $trace->errors if $trace->armed != 1;
	$target->ask($_) for @$commands;
	$trace->stop;
	$target->stop;
	return [split /\n/, $trace->output];
}

sub arguments { return [map { /\((step.*)\) = / ? $1 : () } @{ $_[0] }] }

sub rodata {
	my ($version) = @_;
	my @lines = @{ arguments(calls($version, 'main.text', ['rodata'], '--save', "$work/saved")) };
	is $lines[0], 'step=1, s="the original text in rodata"', "$version: a constant as in the file";
	is $lines[1], 'step=2, s="FALSIFIEDnal text in rodata"', "$version: memory comes before the file";
	like $lines[$_], qr/^step=\d, s=\?\(unreadable 0x/, "$version: the file is not asked for what is not its own" for 2, 3;
	my $again = run_gotrace('replay', "$work/saved", '--width', 'none', '--zero', '--no-fold');
	is_deeply arguments([split /\n/, $again->{out}]), \@lines, "$version: the same from a recording";
	@lines = @{ arguments(calls($version, 'main.text', ['rodata'], '--backend', 'ptrace')) };
	is $lines[1], 'step=2, s="FALSIFIEDnal text in rodata"', "$version: memory comes before the file, by ptrace";
	like $lines[2], qr/^step=3, s=\?\(unreadable 0x/, "$version: nor is the file asked there";
}

sub maps {
	my ($version, @options) = @_;
	my $lines = calls($version, 'main.sparse', ['maps'], @options);
	my @shown = map { /, m=(.*)\) = / ? $1 : () } @$lines;
	is scalar @shown, 18, "$version: maps with few entries and much room (@options)";
	# A page that was never touched may hold the end of a bucket with entries: it says so.
	my @whole = grep { $_ eq 'map[int]string{1: "s", 1001: "s", 2001: "s"}' } @shown;
	my @part = grep { /^map\[int\]string\{.*\.\.\.\+[1-3] \?\(not captured[^)]*\)\}$/ } @shown;
	is @whole + @part, @shown, "$version: are whole or say why not" or diag join "\n", @shown;
	cmp_ok @part, '<=', $version eq '1.15' && !@options ? 6 : 0, "$version: they are whole";
}

# What failed is shown whatever the depth, from the first call on.
sub failures {
	my ($version, @options) = @_;
	my $lines = calls($version, 'main.fails', ['failures'], '--errors', @options);
	my @shown = map { /\) = \(?(error\(.*\))\)?$/ ? $1 : () } @$lines;
	my $at = "$version: @options";
	is scalar @shown, 6, "$at: calls that failed" or diag join "\n", @$lines;
	like $shown[0], qr/: "plain"\)/, "$at: an error that is text";
	like $shown[1], qr/: "open \/nonexistent: no such file or directory"\)/, "$at: an error in an error";
	like $shown[2], qr/: "refused"\)/, "$at: a string with methods";
	like $shown[3], qr/: "no such file or directory"\)/, "$at: a number of the system";
	like $shown[4], qr/: "while failing: read p: nested"\)/, "$at: an error that wraps one";
	unlike $shown[5], qr/"/, "$at: no message without knowing it";
}

# DWARF lists no result of a loop's body that the compiler makes a function.
sub range_body {
	my ($version) = @_;
	my $lines = calls($version, 'main.*-range1', ['range']);
	my @shown = map { /(\(i=\d\) = \w+)/ ? $1 : () } @$lines;
	is_deeply \@shown, ['(i=0) = true', '(i=1) = true', '(i=2) = false'], "$version: the body of a loop over a function"
		or diag join "\n", @$lines;
}

# printed(TEXT): what the program says, as gotrace writes it: its own package is left out, bytes are hexadecimal.
sub printed {
	my ($text) = @_;
	$text =~ s/\bmain\.(?=[a-z])//g;
	$text =~ s/\[(\d*)\]uint8\{((?:0x[0-9a-f]+, )+)\.\.\.\+(\d+)\}/"[$1]byte(hex " . join('', map { sprintf '%02x', hex } split(', ', $2)) . "...+$3 bytes)"/ge;
	return $text;
}

sub large {
	my ($version, @options) = @_;
	my $program = program('reach', $version, 'optimized') or return;
	my $target = start_target($program, []) or return;
	my $trace = start_trace(['attach', $target->{pid}, map({ "main.$_" } qw(byValue rows pages blocks huges byPointer slices matrix mapped)),
		'--timestamps', 'none', '--width', 'none', '--zero', '--no-fold', '--save', "$work/large", @options]);
	diag $trace->errors if $trace->armed != 1;
	my @wanted = map { printed($_) } $target->ask('large');
	$trace->stop;
	$target->stop;
	my $calls = sub { return [map { /^ *[\d.]+\S+s +G\d+ +main\.(.*)$/ ? $1 : () } split /\n/, $_[0]] };
	my $shown = $calls->($trace->output);
	is $shown->[$_], $wanted[$_], "$version: " . ($wanted[$_] =~ /^(\w+)/)[0] . ": large values are whole (@options)" for 0 .. $#wanted;
	is_deeply $calls->(run_gotrace('replay', "$work/large", '--width', 'none', '--zero', '--no-fold')->{out}), $shown, "$version: they are the same from a recording";
}

for my $version (grep { /^1\.(15|24|27)$/ } versions()) {
	rodata($version);
	maps($version);
	maps($version, '--backend', 'ptrace');
	large($version);
	large($version, '--backend', 'ptrace');
	range_body($version) if $version >= 1.23;
	failures($version, '--depth', $_) for 0, 1;
	failures($version, '--depth', 0, '--backend', 'ptrace');
}
done_testing;
