#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Conditions on values of every kind, decided at the entry and at the return, held to what the program itself counts.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Json;
use Live;
use Test::More;

live_plan();

# attached(TARGET, COMMAND, ARGS): what gotrace printed while the target obeyed.
sub attached {
	my ($target, $command, @args) = @_;
	my $trace = start_trace(['attach', $target->{pid}, @args, '--format', 'json']);
	diag "@args: " . $trace->errors if $trace->armed != 1;
	my @said = $target->ask($command, 120);
	diag "$command: @said" if "@said" =~ /NO ANSWER/;
	my $status = $trace->stop;
	is($status, 0, "$command: gotrace ends well") or diag "@args: " . $trace->errors;
	return $trace->output;
}

# calls(OUTPUT): the arguments n of the calls that were told, entry and return, by function; the summary. Json.pm takes its
# time, and here are many.
sub calls {
	my ($output) = @_;
	my (%open, %calls);
	while ($output =~ /^\{"event":"(entry|return)".*?"func":"main\.(\w+)".*?"call":(\d+),(.*)$/mg) {
		my ($event, $func, $call, $rest) = ($1, $2, $3, $4);
		if ($event eq 'entry') {
			my ($is_raw, $n) = $rest =~ /"args":\[\{"name":"[^"]+","type":"(?:int|(word))","value":"?(\w+)"?\}/;
			$open{$call} = $is_raw ? hex $n : $n // -1;
		} elsif ($rest =~ /"how":"return"/ && exists $open{$call}) {
			push @{ $calls{$func} }, delete $open{$call};
		} else {
			push @{ $calls{$func} }, -1;
		}
	}
	push @{ $calls{alone} }, values %open;
	my ($summary) = $output =~ /^(\{"event":"summary".*)$/m;
	return (\%calls, json_read($summary // 'null'));
}

sub entries { my ($output, $func) = @_; return scalar(() = $output =~ /^\{"event":"entry".*"func":"main\.\Q$func\E"/mg) }

# check_all(TARGET, STEP, WANTED, ARGS): all conditions that match at once, each about its own copy of the function.
sub check_all {
	my ($target, $step, $wanted, @args) = @_;
	my (@patterns, %said, $unknown);
	for ($target->ask("which $step")) {
		my ($number, $undecided, $text, $which) = /^(\d+)\t(\d+)\t(.*)\t(.*)/ or next;
		next unless $text =~ $wanted;
		push @patterns, "main.cCall$number if $text";
		$said{$number} = [$text, $which];
		$unknown += $undecided;
	}
	my ($calls, $summary) = calls(attached($target, "each $step", @patterns, '--depth', 0, '--strlen', 128, '--buffer', '64M', @args));
	for (sort keys %said) {
		my ($text, $which) = @{ $said{$_} };
		is(join(',', sort { $a <=> $b } @{ $calls->{"cCall$_"} // [] }), $which, $text);
	}
	is(field($summary, 'functions'), scalar @patterns, 'all of them can be asked');
	is(scalar @{ $calls->{alone} }, 0, 'each entry has its return');
	is(join(' ', map { field($summary, $_) } qw(lost crowded unreadable)), "0 0 $unknown", 'none are lost; so many could not be decided');
	return;
}

# Where a program is built in other ways, what differs: places and addresses; without names, what needs none.
my $few = qr/^(?:caller|goid|tid|fn|any\.|err\.|a\.k\.boxed|duration|p\.next|m |out)/;
my $nameless = qr/^(?:caller [=!]= "main.cOdd"|goid == \d+|tid == \d+|duration > 200ms)$/;

for my $version (versions()) {
	for my $build (builds_of($version, 'optimized', 'unoptimized', 'pie', 'cgo-pie', 'stripped')) {
		my $is_own = $build =~ /optimized/;
		my $path = program('conditions', $version, $build) // next;
		my $target;
		my $start = sub { $target = start_target($path, []) or return fail('it starts') };
		my $wanted = $build eq 'stripped' ? $nameless : $is_own ? qr/./ : $few;
		subtest "Go $version, $build" => sub {
			$start->() or return;
			check_all($target, 5, $wanted);
			check_all($target, 29, $wanted, '--backend', 'ptrace') if $build ne 'unoptimized' && tries_all($version);
			is($target->stop, 0, 'the program ends well');
		};
	}
}

# shows(OUTPUT): what each event shows, in order.
sub shows { return join "\n", $_[0] =~ /"show":(\{.*?\})(?:,"how"|\}$)/mg }

for my $version (grep { my $version = $_; grep { $version eq $_ } (versions())[0], newest() } versions()) {
	subtest "Go $version: what is shown" => sub {
		my $target = start_target(program('conditions', $version, 'optimized'), []) or return fail('it starts');
		my (@expressions, @wanted);
		push @{ s/^expression // ? \@expressions : \@wanted }, $_ for $target->ask('shown 60');
		my $wanted = join "\n", @wanted;
		my @show = ('--show', join(', ', @expressions), '--depth', 0, '--strlen', 128);
		for my $backend ('ebpf', 'ptrace') {
			my $shown = shows(attached($target, 'run 60', 'main.cCall', @show, '--backend', $backend, '--save', "$work/$backend"));
			is($shown, $wanted, "$backend: as the program says");
			my $replay = run_gotrace('replay', "$work/$backend", '--format', 'json');
			is(shows($replay->{out}), $wanted, "$backend: and so in a replay") or diag $replay->{err};
		}
		attached($target, 'run 60', 'main.cCall', '--save', "$work/whole");
		attached($target, 'run 60', 'main.cCall', '--show', 'p.val, text', '--save', "$work/two");
		cmp_ok(8 * -s "$work/two", '<', -s "$work/whole", 'records of two values are an eighth of those without --show, at most');
		my $replay = run_gotrace('replay', "$work/whole", '--format', 'json', '--show', 'p.val,s[3]', '--show', 'text');
		like($replay->{out}, qr/"show":\{"p.val":9,"s\[3\]":98\}.*\n.*"show":\{"text":"t3"\}/, 'a replay shows part of what was recorded');
		my $clause = attached($target, 'run 20', 'main.cCall show n, err if n > 17', 'main.cGrow');
		is(join(' ', $clause =~ /"event":"entry".*cCall".*("show":\{.*\}(?=\}$)|"args")/mg), '"show":{"n":18} "show":{"n":19}', 'a clause of one pattern');
		like($clause, qr/cGrow".*"args":\[\{"name":"n"/, 'is not for the others');
		my $names = sub { return join ' | ', map { join ' ', /"name":"(\w+)"/g } $_[0] =~ /"(?:args|results)":(\[.*?\])(?:,"how"|\}$)/mg };
		my @few = ('--args', 'n, i8,p', '--args', 'ok', '--hide', 'error,p', '--hide', 'main.node, text', '--depth', 0);
		my $some = 'n i8 ok | ret list';
		is($names->(attached($target, 'run 1', 'main.cCall', @few, '--save', "$work/few")), $some, '--args and --hide');
		is($names->(run_gotrace('replay', "$work/few", '--format', 'json')->{out}), $some, 'and in a replay');
		is($names->(attached($target, 'run 1', 'main.cCall args n hide error, int, text if n == 0')), 'out list', 'as clauses of a pattern');
		my ($first) = run_gotrace('replay', "$work/whole", '--format', 'json', '--args', 's,n', '--hide', 'ret,err,list')->{out} =~ /(.*\n.*\n)/;
		is($names->($first), 'n s | text out', 'a replay leaves out part of what was recorded');
		is($target->stop, 0, 'the program ends well');
	};
}

subtest 'what cannot be shown' => sub {
	my $target = start_target(program('conditions', newest(), 'optimized'), []) or return fail('it starts');
	my @wrong = (
		['main.cCall', 'nn',       qr/main\.cCall does not have what is to be shown: 'nn': column 1: there is no 'nn'; there are n, /],
		['main.cCall', 'p.singel', qr/column 3: main\.node has no field 'singel'; did you mean 'single'\?/],
		['main.c*',    'q.x',      qr/none of the \d+ functions has what is to be shown: .*there is no 'q'/],
		['main.cCall', 'n + 1',    qr/column 3: only parameters, results/],
		['main.cCall', 'm[n]',     qr/column 3: a map's key is a constant here/],
		['main.cCall', 'n, ',      qr/what is to be shown: '': column 1: a value is missing/],
	);
	for (@wrong) {
		my ($pattern, $show, $why) = @$_;
		my $result = run_gotrace('attach', $target->{pid}, $pattern, '--show', $show);
		is($result->{status}, 1, "$show: refused");
		like($result->{err}, $why, "$show: why");
	}
	my $result = run_gotrace('attach', $target->{pid}, 'main.cCall', 'main.cGrow', '--show', 'n,err', '--duration', '1ms');
	like($result->{err}, qr/warning: not shown of functions that do not have it: 'err' \(1 of 2, such as main\.cGrow\)\n/, 'a warning for what some do not have');
	$result = run_gotrace('attach', $target->{pid}, 'main.cCall', '--if', 'm["3"] == 3');
	like($result->{err}, qr/column 2: an element of a map can be shown/, 'an element of a map is no condition');
	$result = run_gotrace('attach', $target->{pid}, 'main.cCall', '--args', 'nn');
	like($result->{err}, qr/main\.cCall does not have what is to be shown: it has no argument 'nn'; there are n, i8, /, 'no such argument');
	$result = run_gotrace('attach', $target->{pid}, 'main.cCall', '--hide', 'ctx', '--duration', '1ms');
	like($result->{err}, qr/warning: there is nothing to hide that is called 'ctx'/, 'nothing to hide');
	$result = run_gotrace('count', $target->{pid}, 'main.cCall show n', '--duration', '1ms');
	like($result->{err}, qr/'show n': calls that are counted are not shown/, 'what is counted is not shown');
	$target->stop;
};

my $path = program('conditions', newest(), 'optimized');

subtest 'short forms, patterns' => sub {
	my $target = start_target($path, []) or return fail('it starts');
	my %num = map { /^(\d+) (.*)/ ? ($2 => $1) : () } $target->ask('list');
	my @forms = (
		[$num{'err != nil'}, 'main.cCall', '--errors'],
		[$num{'caller == "main.cOdd"'}, 'main.cCall', '--caller', 'main.cOdd'],
		[$num{'n > 900'}, 'main.cCall if n > 900'],
		[$num{'n > 900'}, 'main.cCall if n > 900', 'main.cOdd'],
		[$num{'failed && n > 500'}, 'main.cCall if n > 500', '--if', 'err != nil'],
		[$num{'failed && n > 500'}, 'main.cCall', '--if', 'err != nil', '--if', 'n > 500'],
		[$num{'n > 900'}, 'main.cCall', '--if', 'n > 900', '--no-return', '--no-args'],
		[$num{'goid == 1 && n < 5'}, 'main.cCall', '--if', 'goid == 1 && n < 5', '--no-return', '--no-args'],
	);
	for my $form (@forms) {
		my ($num, @args) = @$form;
		is(entries(attached($target, 'run 1000', @args), 'cCall'), $num, "@args");
	}
	is(entries(attached($target, 'run 1000', 'main.cCall if n > 900', 'main.cOdd'), 'cOdd'), 500, 'a function without a condition beside one with it');
	is(entries(attached($target, 'slow 1000', 'main.cCall', '--slower', '200ms'), 'cCall'), $num{'duration > 200ms'}, '--slower');
	is(entries(attached($target, 'million 1000000', 'main.cRare', '--if', 'n == 777777', '--no-return'), 'cRare'), 1, 'once in a million');
	my @wrong = (
		['x > 3',             qr/column 1: there is no 'x'; there are n, i8, u8, .*goid/],
		['n > "a"',           qr/column 3: mismatched types: int and a string/],
		['n >',               qr/column 4: a value is missing/],
		['p.none == 1',       qr/column 3: main\.node has no field 'none'; there are inner, val/],
		['u8 == 256',         qr/column 7: this does not fit uint8/],
		['n = 3',             qr/column 3: equality is ==/],
		['n',                 qr/column 1: this is int, not a condition/],
		['any.(error)',       qr/column 5: 'error' is an interface/],
		['any.(*scanner.Scanner)', qr{column 5: more than one type is called 'scanner.Scanner': '(?:go|text)/scanner.Scanner' and}],
		['any.(main.nothing)', qr/column 5: the program has no type 'main.nothing'/],
	);
	for (@wrong) {
		my ($text, $why) = @$_;
		my $result = run_gotrace('attach', $target->{pid}, 'main.cCall', '--if', $text);
		is($result->{status}, 1, "$text: refused");
		like($result->{err}, $why, "$text: why");
		is(scalar(split /\n/, $result->{err}), 1, "$text: in one line");
	}
	my $result = run_gotrace('attach', $target->{pid}, 'main.c*', '--if', 'n == 3', '--duration', '1ms');
	like($result->{err}, qr/^gotrace: \d+ of the selected functions (?:is|are) left out, because .*: main\.\S+ \([^()]*there is no 'n'[^()]*\)( and \d+ more)?$/m,
		'functions that the condition does not fit: how many, and why of one');
	unlike($result->{err}, qr/cannot be probed/, 'which could be probed');
	is($target->stop, 0, 'the program ends well');
};

done_testing;
