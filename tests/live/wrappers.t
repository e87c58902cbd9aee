#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Methods with value receivers that are called through interfaces: where their code was inlined into the wrapper that
# the compiler made, the wrapper is traced, by the method's name; where the wrapper calls them, they are.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Json;
use Live;
use Test::More;

live_plan();

# calls(PATH, BACKEND, PATTERN...): how many calls and the last arguments and results, by function.
sub calls {
	my ($path, $backend, @patterns) = @_;
	my $target = start_target($path, []);
	my $trace = start_trace(['attach', $target->{pid}, '--format', 'json', '--backend', $backend, @patterns]);
	is($trace->armed, 1, "@patterns: attached");
	$target->ask('5');
	is($trace->stop . $target->stop, '00', 'both end well');
	my (%calls, %args, %results);
	for (json_lines($trace->output)) {
		my $func = field($_, 'func') // next;
		my $of = field($_, 'event') eq 'entry' ? 'args' : 'results';
		$calls{$func}++ if $of eq 'args';
		my @values = map { field($_, 'value') } @{ field($_, $of) // [] };
		($of eq 'args' ? \%args : \%results)->{$func} = $values[-1];
	}
	return (\%calls, \%args, \%results);
}

for my $version (versions()) {
	my $path = program('wrappers', $version, 'optimized') // BAIL_OUT('the program wrappers cannot be built');
	for my $backend ($version eq newest() ? ('ebpf', 'ptrace') : 'ebpf') {
		my ($calls, $args, $results) = calls($path, $backend, 'main.*');
		my $what = "Go $version, $backend";
		is($calls->{'main.empty.Read'}, 5, "$what: a method of which nothing is left");
		# The wrapper of a promoted method calls it, or (later releases) holds its code as well.
		my $promoted = $calls->{'main.(*holder).Sum'} ? 'main.(*holder).Sum' : 'main.point.Sum';
		is(join(' ', map { $calls->{"main.$_"} // 0 } 'point.Sum', '(*holder).Sum'), $promoted =~ /holder/ ? '5 5' : '10 0', "$what: inlined methods");
		is($args->{$promoted}, 4, "$what: the last argument");
		is($results->{$promoted}, 34, "$what: the last result");
		is($results->{'main.point.Sum'}, $promoted =~ /holder/ ? 16 : 34, "$what: another result");
		is($calls->{'main.point.Whole'}, 10, "$what: a method that its wrappers call");
		is((grep { /Whole|passing/ && $_ ne 'main.point.Whole' } keys %$calls), 0, "$what: and no wrapper of that kind");
	}
}

my $path = program('wrappers', newest(), 'optimized');
my ($calls) = calls($path, 'ebpf', 'main.point.Sum');
is(join(' ', map { "$_=$calls->{$_}" } sort keys %$calls), 'main.(*holder).Sum=5 main.point.Sum=5', 'by its name');
($calls) = calls($path, 'ebpf', 'main.(*point).Sum');
is(join(' ', map { "$_=$calls->{$_}" } sort keys %$calls), 'main.point.Sum=5', 'by the wrapper\'s name');
like(run_gotrace('list', $path, 'main.point.Sum')->{out}, qr/^main\.point\.Sum in main\.\(\*point\)\.Sum  func/m, 'list says which it is');

done_testing();
