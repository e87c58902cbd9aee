#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# count, hist and top: held to what the program says it did, call by call.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Json;
use Live;
use Terminal;
use Test::More;

live_plan();

# counted(PATH, COMMAND, ARGS): {rows, summary, err, said} of what gotrace counted while the target obeyed.
sub counted {
	my ($path, $do, $command, @args) = @_;
	my $target = start_target($path, []) or return undef;
	my $trace = start_trace([$command, $target->{pid}, @args, '--format', 'json']);
	diag "@args: " . $trace->errors if $trace->armed != 1;
	my $said = join "\n", $target->ask($do);
	my $status = $trace->stop;
	my $ended = $target->stop;
	is("$status $ended", '0 0', "$command @args: both end well") or diag $trace->errors, $target->errors;
	my @rows = json_lines($trace->output);
	my $summary = pop @rows;
	my %said = map { /^(.*)=(\d+)$/ ? ($1 => $2) : () } split /;/, $said;
	return { rows => \@rows, summary => $summary, err => $trace->errors, said => \%said };
}

sub key { my ($row, $expr) = @_; return field(field($row, 'by'), $expr) }

# A key that was cut stands for the one that begins so.
sub plain { my ($value) = @_; return ref $value && defined field($value, 'cut') ? field($value, 'cut') : $value }

# by(RESULT, WHAT, EXPR...): the program's counts of WHAT, and gotrace's, as text.
sub same_by {
	my ($result, $what, @exprs) = @_;
	my %seen;
	for my $row (@{ $result->{rows} }) {
		my $name = join ' ', map { plain(key($row, $_)) } @exprs;
		$name =~ s/\s+$//;
		$name =~ s/\bmain\.//;
		$seen{$name} += field($row, 'calls');
	}
	my %said;
	for (grep { /^\Q$what\E / } keys %{ $result->{said} }) {
		my $name = substr $_, length($what) + 1;
		$name = substr $name, 0, 256 if length $name > 256;
		$name =~ s/\s+$//;
		$said{$name} += $result->{said}{$_};
	}
	my ($seen, $said) = map { my $counts = $_; join ', ', map { "$_=$counts->{$_}" } sort keys %$counts } \%seen, \%said;
	is($seen, $said, "by @exprs");
	return;
}

sub total { my ($result, $key) = @_; my $sum = 0; $sum += field($_, $key) // 0 for @{ $result->{rows} }; return $sum }

sub check_calls {
	my ($all, $path, $num, @args) = @_;
	my $do = "calls 4 $num";
	my $result = counted($path, $do, 'count', 'main.aGet', '--by', 'name', @args);
	same_by($result, 'name', 'name');
	is(total($result, 'calls'), $result->{said}{calls}, 'all calls');
	is(total($result, 'returns'), $result->{said}{calls}, 'and returns');
	is(total($result, 'errors'), $result->{said}{errors}, 'and errors');
	is(scalar @{ $result->{rows} }, 8, 'strings that differ in their last byte alone have a row each');
	is(join(' ', map { field(key($_, 'name'), 'len') } grep { ref key($_, 'name') } @{ $result->{rows} }), '321 321', 'one that was cut says its length');
	my @four = ('request.user.name', 'request.large', 'length', 'caller');
	same_by(counted($path, $do, 'count', 'main.aGet', '--by', join(',', @four), @args), 'four', @four);
	return unless $all;
	same_by(counted($path, $do, 'count', 'main.aGet', '--by', 'request.user.name,request.user.age', @args), 'user', 'request.user.name', 'request.user.age');
	same_by(counted($path, $do, 'count', 'main.aGet', '--by', 'caller', @args), 'from', 'caller');
	same_by(counted($path, $do, 'count', 'main.aGet', '--by', 'length', @args), 'length', 'length');
	same_by(counted($path, $do, 'count', 'main.aGet', '--by', 'n', @args), 'n', 'n');
	is(total(counted($path, $do, 'count', 'main.aGet', '--if', 'contains(name, "longest b")', @args), 'calls'), $result->{said}{'name ' . 'longest ' x 40 . 'b'}, 'a part that stands at the end of a long string');
	return;
}

sub check_hist {
	my ($path, $num, @args) = @_;
	my $do = "calls 3 $num";
	my $result = counted($path, $do, 'hist', 'main.aGet', 'n', '--linear', '-50,50,1', @args);
	same_buckets($result, 'n');
	$result = counted($path, $do, 'hist', 'main.aGet', '--by', 'request.large', @args);
	my %calls = map { key($_, 'request.large') => field($_, 'values') } @{ $result->{rows} };
	is($calls{$_}, $result->{said}{"large $_"}, "durations of $_") for 'true', 'false';
	for (@{ $result->{rows} }) {
		my ($low, $high) = map { json_text($_) } @{ field($_, 'p50') };
		my $mean = field($_, 'total_ns') / field($_, 'values');
		cmp_ok($low, '<', $high, 'a quantile has its bounds');
		cmp_ok($mean, '>', 0, 'time has passed');
	}
	$result = counted($path, $do, 'hist', 'main.aGet', 'len(data)', @args);
	same_buckets($result, 'data');
	return;
}

sub same_buckets {
	my ($result, $what) = @_;
	my ($row) = @{ $result->{rows} };
	my $seen = join ', ', map { json_text($_->[0]) . '=' . json_text($_->[2]) } @{ field($row, 'buckets') };
	my $said = join ', ', map { "$_=" . $result->{said}{"$what $_"} } sort { $a <=> $b } map { /^$what (.*)/ ? $1 : () } keys %{ $result->{said} };
	is($seen, $said, "a histogram of $what");
	return;
}

sub check_ends {
	my ($path, $num, @args) = @_;
	my $result = counted($path, "risk $num", 'count', 'main.aRisky', @args);
	is(total($result, $_), $result->{said}{$_}, "$_ of calls that panic now and then") for 'calls', 'returns', 'errors';
	$result = counted($path, "within $num", 'count', 'main.aWork', '--within', 'main.aOuter', @args);
	is(total($result, 'calls'), $result->{said}{within}, 'calls within a function that calls itself and panics');
	$result = counted($path, "within $num", 'hist', 'main.aWork', '--within', 'main.aOuter', @args);
	is(total($result, 'values'), $result->{said}{within}, 'and their durations');
	return;
}

# same_part(RESULT, WHAT, KEY): the program's counts of WHAT, each under what KEY makes of it (undef: under nothing).
sub same_part {
	my ($result, $what, $key, $expr) = @_;
	my (%said, %seen);
	for (keys %{ $result->{said} }) {
		my ($value) = /^\Q$what\E (.*)/ or next;
		my $name = $key->($value) // next;
		$said{$name} += $result->{said}{$_};
	}
	$seen{ plain(key($_, $expr)) } += field($_, 'calls') for @{ $result->{rows} };
	my ($seen, $said) = map { my $counts = $_; join ', ', map { "$_=$counts->{$_}" } sort keys %$counts } \%seen, \%said;
	is($seen, $said, "by $expr");
	is(field($result->{summary}, 'unreadable'), undef, 'everything could be read');
	return;
}

sub check_choosing {
	my ($path, $num, @args) = @_;
	my @count = ($path, "calls 4 $num", 'count', 'main.aGet');
	same_part(counted(@count, '--by', 'n', '--if', 'n > 10 && request.user != nil', @args), 'n', sub { $_[0] > 10 ? $_[0] : undef }, 'n');
	same_part(counted(@count, '--by', 'n&3', @args), 'n', sub { $_[0] & 3 }, 'n&3');
	same_part(counted(@count, '--by', 'n', '--errors', @args), 'n', sub { $_[0] % 3 ? undef : $_[0] }, 'n');
	same_part(counted(@count, '--by', 'length', '--if', 'err == nil', '--if', 'length > 4', @args), 'length', sub { $_[0] > 4 ? $_[0] : undef }, 'length');
	same_part(counted(@count, '--by', 'n*2', '--if', 'err != nil && n < 0', @args), 'n', sub { $_[0] % 3 || $_[0] >= 0 ? undef : $_[0] * 2 }, 'n*2');
	is(total(counted(@count, '--slower', '1h', @args), 'calls'), 0, 'no call is that slow');
	my $result = counted(@count, '--caller', 'main.aFirst', @args);
	is(total($result, 'calls'), $result->{said}{'from aFirst'}, 'calls by one function');
	$result = counted($path, "loop $num", 'count', 'main.aLoop if goid == 1', '--by', 'goid', @args);
	is(join(' ', map { key($_, 'goid') . '=' . field($_, 'calls') } @{ $result->{rows} }), "1=$num", 'by goroutine, where the entry is all');
	$result = counted($path, "calls 3 $num", 'hist', 'main.aGet', 'n - 1', '--linear', '-60,60,1', '--errors', @args);
	my ($row) = @{ $result->{rows} };
	my %said = map { /^n (.*)/ && !($1 % 3) ? ($1 - 1 => $result->{said}{$_}) : () } keys %{ $result->{said} };
	my $seen = join ', ', map { json_text($_->[0]) . '=' . json_text($_->[2]) } @{ field($row, 'buckets') };
	is($seen, join(', ', map { "$_=$said{$_}" } sort { $a <=> $b } keys %said), "a histogram of an entry's values, decided at the return");
	return;
}

for my $backend ('ebpf', 'ptrace') {
	for my $version (versions()) {
		for my $build (builds_of($version, 'optimized', 'unoptimized', 'cgo-pie')) {
			next if $version ne newest() && ($build eq 'cgo-pie' || ($backend eq 'ptrace' && ($build ne 'optimized' || !tries_all($version))));
			my $path = program('aggregates', $version, $build) // next;
			my $num = $backend eq 'ebpf' ? 600 : 100;
			subtest "$backend, Go $version, $build" => sub {
				my @args = ('--backend', $backend);
				check_calls(tries_all($version, $build), $path, $num, @args);
				check_ends($path, $num, @args);
				return unless tries_all($version, $build);
				check_hist($path, $num, @args);
				check_choosing($path, $num, @args);
			};
		}
	}
}

my $path = program('aggregates', newest(), 'optimized') // BAIL_OUT('the program aggregates cannot be built');

subtest 'very many calls' => sub {
	my $num = 600007;
	is(total(counted($path, "loop $num", 'count', 'main.aLoop'), 'calls'), $num, 'are counted');
	is(total(counted($path, "loop $num", 'count', 'main.aLoop if n&0xfffff == 7'), 'calls'), 1, 'one of them chosen');
	my $result = counted($path, "loop $num", 'hist', 'main.aLoop', 'n');
	my ($row) = @{ $result->{rows} };
	my %seen = map { json_text($_->[0]) => json_text($_->[2]) } @{ field($row, 'buckets') };
	is(field($row, 'values'), $num, 'are in a histogram');
	is(field($row, 'total'), $num * ($num - 1) / 2, 'of the right sum');
	is($seen{524288}, 589824 - 524288, 'each where it belongs');
};

# So many keys are not counted by each CPU for itself.
subtest 'tables that all CPUs share' => sub {
	my $result = counted($path, 'calls 4 2000', 'hist', 'main.aGet', 'n', '--by', 'request.id', '--keys', '20000');
	is(scalar @{ $result->{rows} }, 2000, 'a row for each key');
	is(total($result, 'values'), 8000, 'with all values');
	is((grep { field($_, 'values') != 4 } @{ $result->{rows} }), 0, 'each with those of four goroutines');
};

subtest 'more keys than there is room for' => sub {
	my $result = counted($path, 'calls 1 300', 'count', 'main.aGet', '--by', 'request.id', '--keys', '10');
	is(scalar @{ $result->{rows} }, 10, 'ten keys');
	is(field($result->{summary}, 'keys_full'), 290, 'the other calls are told');
	is(field($result->{summary}, 'calls'), 300, 'and counted');
	like($result->{err}, qr/290 calls are under no key/, 'in words too');
};

subtest 'top, intervals, a program that it starts' => sub {
	my $input = "$work/aggregates.in";
	spew($input, "loop 1000\ncalls 1 30\nquit\n");
	for my $args (['top', 'main.aLoop', 'main.aGet'], ['top', 'main.a*', '--sort', 'calls', '--interval', '50ms']) {
		my $result = run_command(['sh', '-c', '"$@" <' . $input, 'sh', $gotrace, @$args, '--', $path]);
		is($result->{status}, 0, "@$args") or diag $result->{err};
		like($result->{out}, qr/^ +CALLS +CALLS\/S +ERRORS +TOTAL +AVERAGE +P50 +P99 +FUNCTION$/m, 'its head');
		like($result->{out}, qr/^ +1000 .* main\.aLoop$/m, 'one function');
		like($result->{out}, qr/^ +30 .* 10 .* main\.aGet$/m, 'the other, with errors');
	}
};

subtest 'top on a terminal' => sub {
	my $target = start_target($path, []);
	my @top = ($gotrace, 'top', $target->{pid}, '-q', '--interval', '100ms');
	my $terminal = start_terminal(@top, 'main.aLoop', 'main.aGet');
	$terminal->shows(qr/^ +CALLS +CALLS\/S .* FUNCTION\n?\z/, 'a head, before there are calls');
	for my $calls (1000, 1500) {
		$target->ask("loop " . ($calls > 1000 ? $calls - 1000 : $calls));
		$terminal->shows(qr/\A +CALLS .* FUNCTION\n +$calls .* main\.aLoop\z/, "$calls calls: in the place of what was there");
	}
	$target->ask('calls 1 30');
	$terminal->shows(qr/\A +CALLS .* FUNCTION\n(?=.*^ +30 .* main\.aGet$)(?=.*^ +1500 .* main\.aLoop$)(?:.+\n?){2}\z/ms, 'a second row');
	$terminal->key('C-c');
	is($terminal->status, 0, 'Ctrl-C ends it');
	like($terminal->screen, qr/\A +CALLS [^\n]*\n(?=.* 1500 )(?:[^\n]+\n){2}ENDED/s, 'the last table stays');
	$terminal->stop;

	$terminal = start_terminal(@top, 'main.aGet', '--by', 'request.id,caller', { columns => 60, rows => 12 });
	$terminal->shows(qr/CALLS/, 'a small terminal');
	$target->ask('calls 1 300');
	$terminal->shows(qr/\A +CALLS +ERRORS +TOTAL +P99  KEY\n(?:[^\n]{1,60}(?:\n|\z)){10}\z/, 'as many rows as there is room for, none in two lines');
	is($terminal->tmux('display-message', '-p', '#{history_size}'), "0\n", 'nothing has gone over its edge');
	$terminal->key('C-c');
	is($terminal->status, 0, 'Ctrl-C ends it');
	my @keys = $terminal->screen =~ /^ +1 .*main\.a\w+/mg;
	is(scalar @keys, 300, 'the last table is whole');
	$terminal->stop;
	is($target->stop, 0, 'the program ends well');
};

subtest 'what cannot be counted' => sub {
	my $target = start_target($path, []);
	for (
		[['count', 'main.aGet', '--by', 'nmae'], qr/'nmae': column 1: there is no 'nmae'; did you mean 'name'\?; there are request, name, data, n, length, err, goid, pid, tid, duration, caller, failed/],
		[['count', 'main.aGet', '--by', 'request.usr'], qr/'request\.usr': column 9: main\.aRequest has no field 'usr'; there are id, user, large/],
		[['count', 'main.aGet', '--by', 'data'], qr/'data': column 1: this is \[\]uint8, not an integer, a bool or a string/],
		[['hist', 'main.aGet', 'name'], qr/'name': column 1: this is string, not an integer/],
		[['hist', 'main.aGet', 'len(n)'], qr/'len\(n\)': column 1: int8 has no length/],
		[['count', 'main.aGet', '--if', 'n'], qr/'n': column 1: this is int8, not a condition/],
		[['count', 'main.aLoop', '--errors'], qr/the function has no result of type error/],
		[['count', 'main.aGet', '--within', 'main.nothing'], qr/main\.nothing/],
	) {
		my ($args, $why) = @$_;
		my ($command, @rest) = @$args;
		my $result = run_gotrace($command, $target->{pid}, @rest);
		is($result->{status}, 1, "@$args is refused");
		like($result->{err}, $why, 'with a reason');
	}
	$target->stop;
	for (['count', '1', 'main.x', '--by', 'a,b,c,d,e'], ['count', '1', 'main.x', '--by', 'contains(a, "b,c"),'], ['count', '1', 'main.x', '--slower', '5'], ['hist', '1', 'main.x', '--linear', '5,1,1'], ['top', '1', 'main.x', '--sort', 'x'], ['count', '1', 'main.x', '--value', 'n'], ['count', '1']) {
		is(run_gotrace(@$_)->{status}, 2, "@$_ is no usage");
	}
};

done_testing();
