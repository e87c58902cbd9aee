#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The options of attach, the patterns, and the two formats for people.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode 'decode_utf8';
use Json;
use Live;
use Test::More;
use Time::HiRes qw(sleep time);

live_plan();

my $path = program('target', newest(), 'optimized') // BAIL_OUT('the program target cannot be built');

# traced(COMMANDS, ARGS): {out, err, status} of a trace while the target obeys.
sub traced {
	my ($commands, @args) = @_;
	my $target = start_target($path, []);
	my $trace = start_trace(['attach', $target->{pid}, @args]);
	my $armed = $trace->armed;
	diag "@args: " . $trace->errors if $armed != 1;
	my @said = map { $target->ask($_) } @$commands;
	my $status = $trace->stop;
	my $ended = $target->stop;
	fail("@args: the target ended with $ended") if $ended ne '0';
	return { armed => $armed, out => $trace->output, err => $trace->errors, status => $status, said => \@said };
}

sub events { my ($result) = @_; return json_lines($result->{out}) }

my $duration = qr/\d+(?:\.\d+)?(?:ns|µs|ms|s)/;

subtest 'graph' => sub {
	my $result = traced(['calls 4'], 'main.h*', 'main.(*hStore).Get', '--capture', 'full');
	is($result->{status}, 0, 'ends well');
	my $out = decode_utf8($result->{out});
	like($out, qr/^ *$duration +G1 +main\.hWork\(n=1, s="text"\) = \(2, nil\)$/m, 'a call without traced calls inside is a line');
	like($out, qr/^ +G1 +main\.hOuter\(n=0\) \{\n *$duration +G1 +main\.hWork\(n=0, s="inner"\) = \(0, nil\)\n *$duration +G1 +\} = 1 \/\/ main\.hOuter$/m,
		'one with them has braces');
	like($out, qr/main\.\(\*hStore\)\.Get\(s=(&hStore\{Name: "store", Items: map\[string\]int\{"a": 1\}, Next: &hStore\{Name: "next".*?\}\}), key="a"\) = \(1, true\)/,
		'values print as Go writes them');
	my ($outer, $inner) = map { index($_, 'main.') } (grep { /hOuter|"inner"/ } split /\n/, $out)[0, 1];
	cmp_ok($inner, '>', $outer, 'what is inside is indented');
	unlike($out, qr/\e/, 'no colours into a file');
	like($result->{err}, qr/9 calls/, 'the summary counts the calls') or diag $result->{err};
	like($result->{err}, qr/0 lost|lost 0|nothing lost|no events? lost|0 events lost/i, 'and what was lost');
};

subtest 'calls that are alike fold' => sub {
	my ($out, $err) = @{traced(['calls 40'], 'main.hWork', 'main.hOuter')}{qw(out err)};
	$out = decode_utf8($out);
	my ($calls) = $err =~ /, (\d+) calls,/;
	my $shown = 0;
	$shown += /  \x{d7}(\d+), / ? $1 : 1 for grep { /main\./ && !/\}/ } split /\n/, $out;
	is($shown, $calls, 'no call is missing');
	unlike(decode_utf8(traced(['calls 40'], 'main.hWork', '--no-fold')->{out}), qr/\x{d7}/, '--no-fold shows each');
};

subtest 'a terminal that is flooded' => sub {
	my $target = start_target($path, []);
	my $command = "stty cols 120; '$gotrace' attach $target->{pid} 'main.h*' --no-fold --all --lines 50 --duration 3s";
	my $child = fork // die $!;
	if (!$child) { open STDOUT, '>', '/dev/null'; open STDIN, '<', '/dev/null'; exec 'script', '-qfec', $command, "$work/typescript" or die $! }
	until_true(10, sub { (slurp("$work/typescript") // '') =~ /tracing \d+ functions/ }) or diag 'not traced';
	$target->ask('calls 1000');
	waitpid $child, 0;
	$target->stop;
	(my $out = decode_utf8(slurp("$work/typescript"))) =~ s/\e\[\d+m|\r//g;
	my @lines = grep { / G\d+ .*(?:main\.|\})/ } split /\n/, $out;
	my ($calls) = $out =~ /, (\d+) calls,/;
	my $left_out = 0;
	$left_out += $1 while $out =~ /^\.\.\. (\d+) more lines \(counted/mg;
	like($out, qr/^DURATION +GOROUTINE +CALL$/m, 'has a heading');
	cmp_ok(scalar(@lines), '<=', 150, 'and no more lines than can be read');
	is(@lines + $left_out, 2002, 'all others are counted') or diag $out;
	is(scalar(() = $out =~ /^\.\.\. \d+% of the calls are of (main\.hWork): '!\1' leaves it out$/mg), 1, 'one hint names the function') or diag $out;
	is_deeply([grep { length > 120 && !/^Script/ } split /\n/, $out], [], 'no line is wider than the terminal');
};

subtest '--print' => sub {
	my $result = traced(['calls 4'], 'main.hWork', 'main.hOuter', '--print', '{func:<12}|{n:>3}|{s}|{len(s)}|{ret0}|{how}');
	like($result->{out}, qr/^main\.hWork  \|  0\|text\|4\|0\|return\nmain\.hWork  \|  0\|inner\|5\|0\|return\nmain\.hOuter \|  0\|-\|-\|1\|return\nmain\.hWork  \|  1\|text\|4\|2\|return$/m,
		'one line a call, when it ends') or diag $result->{err};
	my $entries = traced(['calls 1'], 'main.hWork', '--no-return', '--print', '{n} {s} {duration}')->{out};
	like($entries, qr/^0 text -$/m, 'or when it begins');
	like(run_gotrace('attach', $$, 'main.hWork', '--print', 'a {n')->{err}, qr/--print: column 3: /, 'the column of a mistake');
};

subtest '--width and --zero' => sub {
	for my $format ('graph', 'lines') {
		my @lines = split /\n/, decode_utf8(traced(['calls 4'], 'main.h*', 'main.(*hStore).Get', '--capture', 'full', '--format', $format, '--width', 80)->{out});
		cmp_ok(scalar(@lines), '>', 10, "$format is shown");
		is_deeply([grep { length > 80 } @lines], [], 'and no line is wider than asked for');
		ok((grep { /Get\(s=&hStore\{.*\x{2026}.*\}, key="a"\)/ } @lines), 'what is left out is marked') or diag join "\n", @lines;
	}
	my $out = decode_utf8(traced(['calls 4'], 'main.(*hStore).Get', '--width', 'none', '--zero')->{out});
	like($out, qr/Next: &hStore\{Name: "next", Items: \S+, Next: \S+\}/, 'fields that are zero, where they are asked for');
	unlike($out, qr/\x{2026}/, 'and nothing is left out');
};

subtest 'lines' => sub {
	my $out = decode_utf8(traced(['calls 2'], 'main.h*', '--format', 'lines')->{out});
	like($out, qr/^> G1 main\.hWork\(n=1, s="text"\)$/m, 'an entry');
	like($out, qr/^< G1 main\.hWork = \(2, nil\) \($duration\)$/m, 'a return');
	my @shape = map { /^([<>]) G1 main\.(\w+)/ } split /\n/, $out;
	is("@shape", '> hWork < hWork > hOuter > hWork < hWork < hOuter > hWork < hWork', 'each as it happens');
};

subtest 'colours' => sub {
	like(traced(['calls 1'], 'main.h*', '--color', 'always')->{out}, qr/\e\[/, 'always');
	unlike(traced(['calls 1'], 'main.h*', '--color', 'never')->{out}, qr/\e\[/, 'never');
};

subtest '--timestamps' => sub {
	my %shape = (
		none => qr/^(?: *\S+s)? +G1 +main\.hWork/m,
		relative => qr/^\s*\+?\d+\.\d+\S*\s+(?:\S+s +)?G1 +main\.hWork/m,
		wall => qr/^\s*(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d\.\d+\S*\s+(?:\S+s +)?G1 +main\.hWork/m,
		mono => qr/^\s*\d+(?:\.\d+)?\S*\s+(?:\S+s +)?G1 +main\.hWork/m,
	);
	for my $kind (sort keys %shape) {
		like(traced(['calls 1'], 'main.h*', '--timestamps', $kind)->{out}, $shape{$kind}, "$kind, graph");
		(my $lines = $shape{$kind}) =~ s/G1/[<>] G1/;
		my $out = traced(['calls 1'], 'main.h*', '--timestamps', $kind, '--format', 'lines')->{out};
		like($out, qr/G1 main\.hWork/, "$kind, lines");
	}
};

subtest '--no-args and --no-return' => sub {
	my @events = events(traced(['calls 3'], 'main.h*', '--format', 'json', '--no-args'));
	is(scalar(grep { field($_, 'args') } @events), 0, 'no arguments');
	ok((grep { field($_, 'results') } @events), 'but results');
	@events = events(traced(['calls 3'], 'main.h*', '--format', 'json', '--no-return'));
	is(scalar(grep { field($_, 'event') eq 'return' } @events), 0, 'no returns');
	is(scalar(grep { field($_, 'event') eq 'entry' } @events), 5, 'but entries');
	like(decode_utf8(traced(['calls 2'], 'main.h*', '--no-return')->{out}), qr/^\s*G1 +main\.hWork\(n=1, s="text"\)\s*$/m, 'graph shows them');
};

subtest '--count' => sub {
	my $target = start_target($path, []);
	my $trace = start_trace(['attach', $target->{pid}, 'main.h*', '--format', 'json', '--count', 5]);
	is($trace->armed, 1, 'attached');
	$target->ask('calls 30');
	is($trace->wait_end, 0, 'ends by itself') or $trace->stop;
	my @events = json_lines($trace->output);
	is(scalar(grep { field($_, 'event') eq 'entry' } @events), 5, 'after as many calls as asked for');
	is(scalar(grep { (field($_, 'how') // '') eq 'return' } @events), 5, 'which have returned');
	is($target->stop, 0, 'the target ends well');
};

subtest '--count waits for its calls, until it is interrupted' => sub {
	my $target = start_target($path, []);
	my $trace = start_trace(['attach', $target->{pid}, 'main.h*', '--format', 'json', '--count', 1]);
	is($trace->armed, 1, 'attached');
	$target->ask('slow');
	$target->ask('calls 3');
	is($trace->wait_end(1), 'running', 'the call counted is under way');
	is($trace->stop, 0, 'interrupted');
	my @events = json_lines($trace->output);
	is(join(' ', map { field($_, 'func') } grep { field($_, 'event') eq 'entry' } @events), 'main.hSlow', 'it is the only one');
	is(join(' ', map { field($_, 'how') // () } @events), 'detached', 'which ends as detached');
	is(join(',', $target->ask('release')), 'slow 42', 'and goes on');
	is($target->stop, 0, 'the target ends well');
};

subtest '--duration' => sub {
	my $target = start_target($path, []);
	my $start = time;
	my $trace = start_trace(['attach', $target->{pid}, 'main.h*', '--format', 'json', '--duration', '1.5s']);
	is($trace->armed, 1, 'attached');
	$target->ask('calls 3');
	is($trace->wait_end, 0, 'ends by itself') or $trace->stop;
	my ($summary) = grep { field($_, 'event') eq 'summary' } json_lines($trace->output);
	cmp_ok(field($summary, 'seconds'), '>=', 1.5, 'after that time, not before');
	is(field($summary, 'calls'), 5, 'with all calls');
	is($target->stop, 0, 'the target ends well');
};

subtest '-o' => sub {
	my $file = "$work/out.json";
	my $result = traced(['calls 2'], 'main.h*', '--format', 'json', '-o', $file);
	is($result->{out}, '', 'nothing on standard output');
	is(scalar(json_lines(slurp($file))), 9, 'all in the file');
};

subtest '--buffer' => sub {
	is(traced(['calls 2'], 'main.h*', '--buffer', $_)->{status}, 0, "$_ bytes") for '64K', '1M', '5000';
};

subtest 'patterns' => sub {
	my $functions = sub {
		my %seen = map { field($_, 'func') => 1 } grep { field($_, 'event') eq 'entry' } events(traced(['calls 4', 'tick 1'], @_, '--format', 'json'));
		return join ' ', sort keys %seen;
	};
	is($functions->('main.hWork'), 'main.hWork', 'a name');
	is($functions->('main.(*hStore).Get'), 'main.(*hStore).Get', 'a name with odd characters');
	is($functions->('main.h?ork'), 'main.hWork', '?');
	is($functions->('*.(*hStore).*'), 'main.(*hStore).Get', '*');
	is($functions->('/Wo|Ti/'), 'main.hTick main.hWork', 'a regular expression, unanchored');
	is($functions->('main.h*', '!main.hWork', '!/Tick/'), 'main.hOuter', '! takes away');
	is($functions->('main.h*', '!main.*', 'main.hTick'), 'main.hTick', 'in the order given');
	my $everything = traced(['calls 4', 'tick 5'], '*', '--format', 'json', '-o', '/dev/null', '--duration', '20s');
	is($everything->{status}, 0, 'everything can be chosen, and the target lives') or diag $everything->{err};
	my ($count) = $everything->{err} =~ /tracing (\d+) functions/;
	cmp_ok($count // 0, '>', 500, 'which is said');
};

done_testing();
