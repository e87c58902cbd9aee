#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Values of well-known types print as the program says that they print.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode 'decode';
use JSON::PP;
use Live;
use Test::More;

live_plan();

my $json = JSON::PP->new->allow_nonref->utf8;

# What the trace has of the second argument: the text of a well-known type without its type's name, or an error's message.
sub meaning {
	my ($value) = @_;
	my $text = $value->{text} // $value->{error} // return ref $value->{value} ? undef : $value->{value};
	$text =~ s/^(?!ctx)[\w*.\/\[\]]+\((.*)\)$/$1/s if exists $value->{text};
	$text =~ s/fd \d+$/fd N/ if ($value->{type} // '') =~ /^\*net\./;
	return $text;
}

for my $version (versions()) {
	my $path = program('known', $version, 'optimized');
	SKIP: {
		skip "Go $version cannot build it", 1 unless $path;
		my $said = run_gotrace('run', 'main.show', 'main.fails', qw(--depth 6 --format json -o), "$work/known.json", '--', $path)->{out};
		my @want = map { [split /\t/, $_, 2] } grep { /\t/ } split /\n/, $said;
		my @calls = grep { $_->{event} eq 'entry' } map { $json->decode($_) } split /\n/, slurp("$work/known.json");
		my @wrong = map {
			my ($name, $means) = ($want[$_][0], $json->decode($want[$_][1]));
			my $value = $calls[$_] ? $calls[$_]{args}[1]{value} : {};
			my $got = meaning($value) // $json->encode($value);
			$got eq $means ? () : "$name: $got, not $means";
		} 0 .. $#want;
		ok(@want > 80 && @calls == @want && !@wrong, "Go $version: " . @want . ' values print as what they mean')
			or diag join "\n", scalar(@calls) . ' calls', @wrong;
	}
}

SKIP: {
	my $path = program('known', newest(), 'optimized') or skip 'cannot be built', 1;
	my $raw = run_gotrace('run', 'main.show', 'main.fails', qw(--raw --no-return --no-fold -o), "$work/raw", '--', $path);
	my $text = slurp("$work/raw");
	ok($text =~ /name="ip4", v=net\.IP\(hex c0000201 len 4\)/ && $text =~ /name="plain", err=error\(\*errors\.errorString: &errors\.errorString\{s: "plain"\}/,
		'--raw: their fields') or diag $raw->{err};
}

# What is secret is in no output, and what is open is; a recording has only the elements of maps.
for my $version (versions()) {
	my $path = program('known', $version, 'optimized') or next;
	my @run = (qw(run main.login --width none --depth 3), '--save', "$work/secret", '--', $path);
	my %out = map { my @how = @$_; "@how" => run_gotrace(@run[0 .. 3], @how, @run[4 .. $#run])->{out} } [], ['--format', 'json'], ['--format', 'lines'], ['--raw'];
	my @bad = grep { my $text = $out{$_}; $text =~ /hunter2/ || grep { $text !~ /\Q$_/ } qw(open-name open-account open/accept open-cookie example.com) } sort keys %out;
	ok(!@bad, "Go $version: secrets are not shown") or diag map { "$_: $out{$_}\n" } @bad;
	for my $format ('graph', 'lines') {
		run_gotrace('run', 'main.*', qw(--width 120 --no-fold --format), $format, '-o', "$work/wide", '--', $path);
		my @lines = split /\n/, decode('UTF-8', slurp("$work/wide"));
		ok(@lines > 80 && !grep({ length > 120 } @lines), "Go $version: all lines of $format fit into 120 columns") or diag grep { length > 120 } @lines;
	}
	my $saved = slurp("$work/secret");
	ok(2 > (() = $saved =~ /hunter2(?:hunter2)?/g), "Go $version: nor saved");
	my $none = run_gotrace('replay', '--redact', 'none', '--width', 'none', "$work/secret")->{out};
	unlike($none, qr/hunter2/, "Go $version: nor replayed");
	like(run_gotrace(@run[0 .. 3], '--redact', 'none', @run[4 .. $#run])->{out}, qr/password="hunter2hunter2"/, "Go $version: but for --redact none");
}

done_testing();
