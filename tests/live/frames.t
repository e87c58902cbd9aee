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

my @walks = ('walk 4 60', 'grow 3', 'exits 20');

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

# Each call's depth as it is told without a condition, and as a condition knows it.
sub check_depth {
	my ($all, $path, @args) = @_;
	my @functions = ('main.fNode', 'main.fOuter*', 'main.fGuard', '!/func[0-9]/');
	for my $do ($all ? @walks : $walks[0]) {
		my $told = traced($path, $do, @functions, '--no-args', @args);
		my %told;
		$told{ field($_, 'depth') }++ for @{ $told->{entries} };
		my ($seen, $said) = map { my $by = $_; join ' ', map { "$_:$by->{$_}" } sort { $a <=> $b } keys %$by }
			\%told, { map { /^depth (\d+)/ ? ($1 => $told->{said}{$_}) : () } keys %{ $told->{said} } };
		is($seen, $said, "$do: depths as they are told");
		for my $depth ($all ? (1, 2, 7) : 2) {
			my $result = traced($path, $do, @functions, '--no-args', '--if', "depth == $depth", @args);
			is(scalar @{ $result->{entries} }, $told->{said}{"depth $depth"} // 0, "$do: calls of depth $depth");
			is_whole($result);
		}
	}
	my $result = traced($path, $walks[0], 'main.fNode if depth > 4 && ret0 >= 0', @functions[1 .. 3], '--no-args', @args);
	my $deep = 0;
	$deep += /^depth (\d+)/ && $1 > 4 ? $result->{said}{$_} : 0 for keys %{ $result->{said} };
	cmp_ok(scalar @{ $result->{entries} }, '>', 0, 'calls that return, chosen by their depth there');
	cmp_ok(scalar @{ $result->{entries} }, '<=', $deep, 'are some of those that are made');
	return;
}


for my $backend ('ebpf', 'ptrace') {
	for my $version (versions()) {
		for my $build (builds_of($version, 'optimized', 'unoptimized', 'pie')) {
			next if $backend eq 'ptrace' && $version ne newest();
			my $path = program('frames', $version, $build) // next;
			subtest "$backend, Go $version, $build" => sub {
				my @args = ('--backend', $backend);
				for my $do (@walks) {
					my $result = traced($path, $do, 'main.fNode', '--within', 'main.fOuter*', @args);
					is(scalar @{ $result->{entries} }, $result->{said}{within} // 0, "$do: calls within");
					is_whole($result);
				}
				check_depth(tries_all($version, $build), $path, @args);
				my $result = traced($path, $walks[0], 'main.fNode', 'main.fOuter', '--within', 'main.fOuter', '--no-return', '--no-args', @args);
				is(scalar @{ $result->{entries} }, $result->{said}{within}, 'calls whose ends are not asked for, by a function that is traced itself');
				is_whole($result);
			};
		}
	}
}

my $path = program('frames', newest(), 'optimized') // BAIL_OUT('the program frames cannot be built');

# Of calls that leave by a panic nothing is kept.
for my $backend ('ebpf', 'ptrace') {
	subtest "panics, $backend" => sub {
		my $num = $backend eq 'ebpf' ? 10000 : 2500;
		my $target = start_target($path, []);
		my $trace = start_trace(['attach', $target->{pid}, 'main.fRisk', '--errors', '--format', 'json', '--backend', $backend]);
		diag $trace->errors if $trace->armed != 1;
		$target->ask("panics $num");
		my ($said) = $target->ask('risk 6000');
		is($trace->stop, 0, 'the trace ends well');
		is($target->stop, 0, 'and so does the program');
		my @events = json_lines($trace->output);
		my $entries = grep { field($_, 'event') eq 'entry' } @events;
		my $returns = grep { field($_, 'event') eq 'return' } @events;
		my ($errors) = $said =~ /errors=(\d+)/;
		is("$entries $returns", "$errors $errors", 'calls that return an error, after those that panicked');
		is_whole({ summary => $events[-1] });
	};
}

subtest 'constants on pages that the program has not touched' => sub {
	for my $args (['attach', 'main.fText', '--if', 'text == "456789abcd"', '--no-return'], ['count', 'main.fText', '--if', 'hasPrefix(text, "4567")']) {
		my ($command, @rest) = @$args;
		my $target = start_target($path, []);
		my $trace = start_trace([$command, $target->{pid}, @rest, '--format', 'json']);
		diag $trace->errors if $trace->armed != 1;
		$target->ask('texts 512');
		is($trace->stop, 0, "$command: the trace ends well");
		is($target->stop, 0, 'and so does the program');
		my $summary = (json_lines($trace->output))[-1];
		is(field($summary, 'calls'), 512, 'all of them are compared');
		is(field($summary, 'unreadable') // 0, 0, 'and could be read');
	}
};

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
		my $seen = 0;
		until_true(60, sub {
			$shell->do('watch 0.1');
			$seen = () = $shell->events =~ /"event":"entry"[^\n]*"func":"main.fNode"/g;
			return $seen - $before >= $within - $eleven;
		});
		cmp_ok($within, '>', $eleven, 'there are such calls');
		is($seen - $before, $within - $eleven, "calls within, on a condition: $when");
		$shell->do('set strlen 100');
	}
	like($shell->events, qr/"event":"entry"[^\n]*"func":"main.fOuter"/, 'and those of the other trace');
	is($shell->stop, 0, 'the shell ends well') or diag $shell->errors;
	is($target->stop, 0, 'and so does the program');
};

subtest 'what the shell saves brings the same traces back' => sub {
	my $target = start_target($path, []);
	my $shell = start_shell($target->{pid});
	$shell->do($_) for (
		'set strlen 99', 'set stack 5', 'set max-overhead 7.5', 'set sample 1/3',
		q{trace 'main.fText if text == "it is"' --if 'len(text) > 1' --no-args --count 7 --duration 1h --rate 5/s},
		'set sample off',
		'trace main.fRisk --errors --slower 1.5ms --caller main.risky --within main.risk* --goroutine 17',
		'trace main.fGuard --no-return', 'set count 3'
	);
	$shell->do("save $work/first");
	is($shell->stop, 0, 'the shell ends well') or diag $shell->errors;
	my $first = slurp("$work/first");
	my @traces = $first =~ /^trace .*/mg;
	is($traces[0], q{trace 'main.fText if text == "it is"' --no-args --if 'len(text) > 1' --duration 1h --count 7 --sample 1/3 --rate 5/s}, 'one trace');
	is($traces[1], q{trace main.fRisk --slower 1500us --errors --caller main.risky --within 'main.risk*' --goroutine 17}, 'another');
	is(scalar @traces, 3, 'all of them') or diag $first;
	$shell = start_shell($target->{pid});
	$shell->do($_) for "source $work/first", "save $work/second";
	is(slurp("$work/second"), $first, 'and again the same');
	$shell->do('set max-overhead 5');
	is($shell->do('set max-overhead'), "5%\n", 'a setting that holds for all');
	$shell->do('output /dev/null');
	$shell->do("untrace $_") for 1 .. 3;
	$shell->do('set stack off');
	$shell->do('set count off');
	$shell->do('trace main.fRisk --no-args');
	$target->say("risk 20000000\n");
	ok(until_true(60, sub { $shell->do('watch 0.1'); $shell->errors =~ /main\.fRisk: .* calls\/s, .* \(brake 5%; --all shows all\)/ }), 'is obeyed');
	$shell->do($_) for 'watch 1', 'trace main.fRisk --no-args', 'watch 0.5';
	like($shell->errors, qr/^gotrace: trace \d+: 1 function, 1 of them traced already$/m, 'a function that is off is traced already');
	is($shell->stop, 0, 'the shell ends well') or diag $shell->errors;
	is(scalar(() = $shell->errors =~ /main\.fRisk: [\d ]+ of [\d ]+ calls shown/g), 1, 'it has one budget') or diag $shell->errors;
	is($target->stop, 0, 'and so does the program');
};

subtest 'a saved trace knows what its conditions left out' => sub {
	my $target = start_target($path, []);
	my $trace = start_trace(['attach', $target->{pid}, 'main.f*', 'main.fNode if n > 3', '--errors', '--save', "$work/saved", '--format', 'json']);
	diag $trace->errors if $trace->armed != 1;
	$target->ask('risk 300');
	is($trace->stop, 0, 'the trace ends well');
	is($target->stop, 0, 'and so does the program');
	my $again = run_gotrace('replay', "$work/saved", '--format', 'json');
	is($again->{status}, 0, 'it is replayed') or diag $again->{err};
	is($again->{out}, $trace->output, 'to the letter');
	like($again->{out}, qr/"calls":100,.*"unreadable":0,"crowded":0/, 'with its counts');
};

subtest 'what cannot be' => sub {
	my $target = start_target($path, []);
	my $result = run_gotrace('attach', $target->{pid}, 'main.fNode', '--within', 'main.fNothing');
	is($result->{status}, 1, 'a function that is not there');
	like($result->{err}, qr/^gotrace: --within: no function has the name 'main\.fNothing'/, 'why');
	is($target->stop, 0, 'the program ends well');
};

done_testing();
