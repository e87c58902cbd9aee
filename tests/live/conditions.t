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

# traced(TARGET, COMMAND, ARGS): (entries, returns that belong to them, summary, what the target said).
sub traced {
	my ($target, $command, @args) = @_;
	my $trace = start_trace(['attach', $target->{pid}, @args, '--format', 'json']);
	diag "@args: " . $trace->errors if $trace->armed != 1;
	my @said = $target->ask($command);
	my $status = $trace->stop;
	diag "@args: $status " . $trace->errors if $status ne '0';
	my @events = json_lines($trace->output);
	my (%open, $entries, $returns);
	($entries, $returns) = (0, 0);
	for (@events) {
		my $what = field($_, 'event');
		if ($what eq 'entry') {
			$entries++;
			$open{ field($_, 'call') } = 1;
		} elsif ($what eq 'return') {
			$returns++ if field($_, 'how') eq 'return' && delete $open{ field($_, 'call') // 0 };
		}
	}
	return ($entries, $returns, $events[-1], "@said");
}

# check(TARGET, ARGS): each of its conditions; those that match are looked for alone.
sub check {
	my ($target, $wanted, @args) = @_;
	for ($target->ask('list')) {
		my ($num, $text) = /^(\d+) (.*)/ or next;
		next unless $text =~ $wanted;
		my $command = $text =~ /duration/ ? 'slow 1000' : 'run 1000';
		my ($entries, $returns, $summary) = traced($target, $command, 'main.cCall', '--if', $text, '--strlen', 128, @args);
		is("$entries $returns", "$num $num", $text);
		is(field($summary, 'lost') . ' ' . field($summary, 'crowded'), '0 0', "$text: none lost") or diag json_text($summary);
		ok(defined field($summary, 'unreadable'), "$text: it says how many could not be decided");
	}
	return;
}

for my $version (versions()) {
	for my $build ('optimized', 'unoptimized') {
		my $path = program('conditions', $version, $build) // next;
		# Every condition by the newest; the others differ in where values stand.
		my $wanted = $version eq newest() && $build eq 'optimized' ? qr/./ : qr/^(?:i8 [<+]|u64|s [=<]|hasPrefix|p\.next|p\.ratio >=|\*\*p|wide|xs\[n|len\(m|any\.|caller ==|ret > n|err\.\(|text|p != nil && \()/;
		subtest "Go $version, $build" => sub {
			my $target = start_target($path, []) or return fail('it starts');
			check($target, $wanted);
			is($target->stop, 0, 'the program ends well');
		};
	}
}

my $path = program('conditions', newest(), 'optimized');

subtest 'by ptrace' => sub {
	my $target = start_target($path, []) or return fail('it starts');
	check($target, qr/^(?:i8 <|p\.ratio >=|xs\[n|hasPrefix|contains|err\.\(|ret > n|failed|caller ==)/, '--backend', 'ptrace');
	is($target->stop, 0, 'the program ends well');
};

subtest 'short forms, patterns' => sub {
	my $target = start_target($path, []) or return fail('it starts');
	my %num = map { /^(\d+) (.*)/ ? ($2 => $1) : () } $target->ask('list');
	my @forms = (
		[$num{'err != nil'}, 'main.cCall', '--errors'],
		[$num{'caller == "main.cOdd"'}, 'main.cCall', '--caller', 'main.cOdd'],
		[$num{'n > 900'}, 'main.cCall if n > 900'],
		[$num{'n > 900'} + 500, 'main.cCall if n > 900', 'main.cOdd'],
		[$num{'failed && n > 500'}, 'main.cCall if n > 500', '--if', 'err != nil'],
		[$num{'failed && n > 500'}, 'main.cCall', '--if', 'err != nil', '--if', 'n > 500'],
		[$num{'n > 900'}, 'main.cCall', '--if', 'n > 900', '--no-return', '--no-args'],
	);
	for my $form (@forms) {
		my ($num, @args) = @$form;
		my ($entries) = traced($target, 'run 1000', @args);
		is($entries, $num, "@args");
	}
	my ($entries) = traced($target, 'slow 1000', 'main.cCall', '--slower', '20ms');
	is($entries, $num{'duration > 20ms'}, '--slower');
	my (undef, undef, $summary) = traced($target, 'run 1000', 'main.cCall', '--if', 'p.val > 1500');
	is(field($summary, 'unreadable'), 200, 'the nil pointers are counted');
	my (undef, undef, undef, $said) = ($entries) = traced($target, 'million 1000000', 'main.cRare', '--if', 'n == 777777', '--no-return');
	is($entries, 1, 'once in a million');
	my @wrong = (
		['x > 3',             qr/column 1: there is no 'x'; there are n, i8, u8, .*goid/],
		['n > "a"',           qr/column 3: mismatched types: int and a string/],
		['n >',               qr/column 4: a value is missing/],
		['p.none == 1',       qr/column 3: main\.node has no field 'none'; there are inner, val/],
		['u8 == 256',         qr/column 7: this does not fit uint8/],
		['n = 3',             qr/column 3: equality is ==/],
		['n',                 qr/column 1: this is int, not a condition/],
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
	like($result->{err}, qr/^gotrace: \d+ of the functions chosen are left out, not having .*: main\.\S+ \([^()]*there is no 'n'[^()]*\)( and \d+ more)?$/m,
		'functions that the condition does not fit: how many, and why of one');
	unlike($result->{err}, qr/cannot be probed/, 'which could be probed');
	is($target->stop, 0, 'the program ends well');
};

done_testing;
