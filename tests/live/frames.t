#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Calls chosen by where they are made, among calls that panic, are recovered, leave their goroutine, yield and grow
# their stack: held to what the program says that it called.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Json;
use Live;
use Terminal;
use Test::More;

live_plan();

# traced(PATH, DO, ARGS): {entries, summary, said} of a program that does DO under gotrace attach ARGS.
sub traced {
	my ($path, $do, @args) = @_;
	my $target = start_target($path, []) or return undef;
	my $trace = start_trace(['attach', $target->{pid}, @args, '--format', 'json', '--buffer', '256M']);
	diag "@args: " . $trace->errors if $trace->armed != 1;
	my $said = join "\n", $target->ask($do);
	my $status = $trace->stop;
	my $ended = $target->stop;
	is("$status $ended", '0 0', "$do, @args: both end well") or diag $trace->errors, $target->errors;
	my @events = json_lines($trace->output);
	my %said = map { /^(.*)=(\d+)$/ ? ($1 => $2) : () } split /;/, $said;
	unlike($said, qr/wrong/, 'the program knows what is active');
	my @entries = grep { field($_, 'event') eq 'entry' && field($_, 'func') eq 'main.fNode' } @events;
	return { entries => \@entries, summary => $events[-1], said => \%said };
}

sub is_whole {
	my ($result) = @_;
	is(join(' ', map { field($result->{summary}, $_) // '-' } qw(lost unreadable crowded)), '0 0 0', 'nothing is missing')
		or diag json_text($result->{summary});
	return;
}

my @walks = ('walk 4 60', 'grow 3', 'exits 20');

for my $backend ('ebpf', 'ptrace') {
	for my $version (versions()) {
		for my $build (grep { /^(optimized|unoptimized|pie)$/ } builds()) {
			next if $backend eq 'ptrace' && $version ne newest();
			my $path = program('frames', $version, $build) // next;
			subtest "$backend, Go $version, $build" => sub {
				my @args = ('--backend', $backend);
				for my $do (@walks) {
					my $result = traced($path, $do, 'main.fNode', '--within', 'main.fOuter*', @args);
					is(scalar @{ $result->{entries} }, $result->{said}{within} // 0, "$do: calls within");
					is_whole($result);
				}
				my $result = traced($path, $walks[0], 'main.fNode', 'main.fOuter', '--within', 'main.fOuter', '--no-return', '--no-args', @args);
				is(scalar @{ $result->{entries} }, $result->{said}{within}, 'calls whose ends are not asked for, by a function that is traced itself');
				is_whole($result);
			};
		}
	}
}

my $path = program('frames', newest(), 'optimized') // BAIL_OUT('the program frames cannot be built');

subtest 'traces of the shell, each with its own' => sub {
	my $target = start_target($path, []);
	my $shell = start_shell($target->{pid});
	$shell->do('format json');
	$shell->do("trace 'main.fNode if n != 11' --within 'main.fOuter*'");
	$shell->do('trace main.fOuter --within main.fGuard --no-args');
	for my $when ('at first', 'after the traces were armed anew') {
		my $before = () = $shell->events =~ /"event":"entry"[^\n]*"func":"main.fNode"/g;
		my ($said) = $target->ask('walk 2 40');
		my ($within) = $said =~ /within=(\d+)/;
		my ($eleven) = $said =~ /eleven=(\d+)/;
		$shell->do('watch 0.3');
		my $seen = () = $shell->events =~ /"event":"entry"[^\n]*"func":"main.fNode"/g;
		cmp_ok($within, '>', $eleven, 'there are such calls');
		is($seen - $before, $within - $eleven, "calls within, on a condition: $when");
		$shell->do('set strlen 100');
	}
	like($shell->events, qr/"event":"entry"[^\n]*"func":"main.fOuter"/, 'and those of the other trace');
	is($shell->stop, 0, 'the shell ends well') or diag $shell->errors;
	is($target->stop, 0, 'and so does the program');
};

subtest 'what cannot be' => sub {
	my $target = start_target($path, []);
	my $result = run_gotrace('attach', $target->{pid}, 'main.fNode', '--within', 'main.fNothing');
	is($result->{status}, 1, 'a function that is not there');
	like($result->{err}, qr/^gotrace: --within: no function has the name 'main\.fNothing'/, 'why');
	is($target->stop, 0, 'the program ends well');
};

done_testing();
