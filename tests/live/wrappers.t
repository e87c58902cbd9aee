#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Methods that are called through interfaces: where the code of a method with a value receiver, or of one of a generic
# type, was inlined into the wrapper that the compiler made, the wrapper is traced, by the method's name; where the
# wrapper calls them, they are.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Json;
use List::Util 'sum';
use Live;
use Test::More;

live_plan();

# calls(PATH, BACKEND, PATTERN...): how many calls and the last arguments and results, by function.
# PATTERNs may be followed by options.
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
		is((grep { /Whole|passing/ && $_ !~ /^main\.(?:point|box\[.*\])\.Whole$/ } keys %$calls), 0, "$what: and no wrapper of that kind");
		next if $version =~ /\.15$/; # without generic types
		for my $method (qw(Add Last Whole Twice Calls)) {
			my @names = grep { /box.*\.$method$/ } sort keys %$calls;
			is(sum(map { $calls->{$_} } @names), 15, "$what: $method of a generic type, in @names");
			is(join(' ', map { $args->{$_} } @names), join(' ', (4) x @names), "$what: their last arguments");
		}
		my ($twice) = grep { /box.*int.*\.Twice$/ } keys %$calls;
		is($results->{$twice}, 24, "$what: the result of $twice");
	}
}

my $path = program('wrappers', newest(), 'optimized');
my ($calls) = calls($path, 'ebpf', 'main.point.Sum');
is(join(' ', map { "$_=$calls->{$_}" } sort keys %$calls), 'main.(*holder).Sum=5 main.point.Sum=5', 'by its name');
($calls) = calls($path, 'ebpf', 'main.(*point).Sum');
is(join(' ', map { "$_=$calls->{$_}" } sort keys %$calls), 'main.point.Sum=5', 'by the wrapper\'s name');
like(run_gotrace('list', $path, 'main.point.Sum')->{out}, qr/^main\.point\.Sum in main\.\(\*point\)\.Sum  func/m, 'list says which it is');

# The method runs in its wrappers, so they are callers by the method's name too.
for (['--caller', 'main.plain.Calls', 5], ['--within', 'main.plain.Calls', 5], ['--caller', 'main.box.Calls', 15], ['--within', 'main.box[int].Calls', 5]) {
	my ($option, $method, $num) = @$_;
	($calls) = calls($path, 'ebpf', 'main.called', $option, $method);
	is($calls->{'main.called'}, $num, "$option $method");
}

done_testing();
