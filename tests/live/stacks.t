#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# --stack: at each call the stack is what runtime.Callers sees there, inlined frames included; or it says why it
# ends. --creator: who started the goroutine.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode 'decode_utf8';
use Json;
use Live;
use Stacks;
use Test::More;

live_plan();

for my $version (versions()) {
	my ($minor) = $version =~ /\.(\d+)/;
	for my $build (builds_of($version, 'optimized', 'unoptimized', 'pie', 'cgo')) {
		my $path = program('stacks', $version, $build) or next;
		for my $backend ('ebpf', 'ptrace') {
			next if $backend eq 'ptrace' && !tries_all($version, $build);
			my $what = "Go $version, $build, $backend";
			my $ends = compare($what, run_stacks($path, '--stack=128', '--creator', '--backend', $backend));
			my @expected = $build eq 'cgo' ? 'called from C' : 'main.frameless keeps no frame pointer';
			push @expected, 'main.thin keeps no frame pointer' if $minor < 21;
			is(join('; ', sort keys %$ends), join('; ', sort @expected), "$what: all but few are whole")
				or diag map { "$_: $ends->{$_}[0]\n" } sort keys %$ends;
			is(scalar(grep { @{ $ends->{$_} } != 1 } keys %$ends), 0, "$what: one call each");
		}
	}
}

my $path = program('stacks', newest(), 'optimized') // BAIL_OUT('the program stacks cannot be built');

subtest 'a part of the stack' => sub {
	my ($said, $seen) = run_stacks($path, '--stack=2');
	my @long = grep { @{ $said->{$_} } > 8 } keys %$said;
	cmp_ok(scalar @long, '>', 5, 'of some calls');
	is(scalar(grep { (field($seen->{$_}, 'stack_end') // '') ne 'more' } @long), 0, 'there is more');
	my $ends = compare('two frames', { map { ($_ => ['-', @{ $said->{$_} }[1 .. $#{ $said->{$_} }]]) } keys %$said }, $seen);
	ok($ends->{more}, 'which is said');
};

subtest 'the text formats' => sub {
	for my $format ('graph', 'lines') {
		my $target = start_target($path, []);
		my $trace = start_trace(['attach', $target->{pid}, 'main.sHere', 'main.note', '--stack=4', '--creator', '--format', $format, '--no-args']);
		is($trace->armed, 1, "$format: attached");
		$target->say("\n");
		while (defined(my $line = $target->line)) { last if $line eq 'DONE' }
		is($trace->stop, 0, 'ended');
		$target->stop;
		my $out = decode_utf8($trace->output);
		like($out, qr/main\.sHere\(\.\.\.\)(?: \{)?\n +at main\.plain \S+main\.go:\d+\n +at main\.main \S+main\.go:\d+\n/, "$format: below the call");
		like($out, qr/\n +at main\.inlinedOnce \S+main\.go:\d+ \(inlined\)\n +at main\.inlinedTwice \S+main\.go:\d+ \(inlined\)\n +at main\.inlining \S+\n +at main\.main /,
			"$format: inlined ones are marked");
		like($out, qr/\n +at main\.deep \S+main\.go:\d+\n +\.\.\.\n/, "$format: what is left out is marked");
		like($out, qr/\n +created by main\.goroutines\.func1 at \S+main\.go:\d+ in goroutine 1\n/, "$format: the creator");
	}
};

subtest 'saved, and shown again' => sub {
	my $target = start_target($path, []);
	my $file = "$work/stacks.gotrace";
	my $trace = start_trace(['attach', $target->{pid}, 'main.sHere', '--stack', '--creator', '--save', $file, '--format', 'json']);
	is($trace->armed, 1, 'attached');
	$target->say("\n");
	while (defined(my $line = $target->line)) { last if $line eq 'DONE' }
	is($trace->stop, 0, 'ended');
	$target->stop;
	my ($again, $first) = map { [split /\n/] } run_gotrace('replay', $file, '--format', 'json')->{out}, $trace->output;
	is(scalar @$again, scalar @$first, 'as many events');
	is(scalar(grep { $again->[$_] ne $first->[$_] } 0 .. $#$first), 0, 'and the same');
};

done_testing();
