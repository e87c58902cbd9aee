#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Values of well-known types print as the program says that they print.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
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

done_testing();
