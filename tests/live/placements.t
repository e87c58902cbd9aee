#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Where gotrace says that arguments and results are is where the code has them, in every function of whole executables.
# PLACEMENTS=all (make test-placements) builds and checks each release's go command, compiler and a web server too.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Live;
use Test::More;

live_plan();

my $census = ($ENV{BUILD} // "$root/build") . '/tests/live/placements';
BAIL_OUT("$census is not built: make test-live") unless -x $census;
my @names = qw(functions untyped placed saved read stored symbol tables doubt wrong);
my @table;

# check(WHAT, PATH, SHARE): no place is contradicted, and at least SHARE of them are certain.
sub check {
	my ($what, $path, $share) = @_;
	my $result = run_command([$census, $path]);
	my ($numbers) = $result->{out} =~ /^([\d ]+)\n\z/m;
	my @numbers = split ' ', $numbers // '';
	my %of;
	@of{@names} = @numbers;
	ok(@numbers == @names && $of{placed} > 1000 && !$of{wrong} && $result->{status} == 0, "$what: no place is wrong")
		or diag "status $result->{status}", map { "\n$_" } grep { /^#/ } split /\n/, "$result->{out}\n$result->{err}";
	return unless @numbers == @names;
	cmp_ok($of{doubt}, '<', (1 - $share) * ($of{placed} + $of{doubt}), "$what: $of{placed} places are known");
	cmp_ok($of{tables}, '<', $of{placed} / 8, "$what: the code shows most of them");
	push @table, sprintf '%-26s' . ' %9d' x @names, $what, @numbers;
	return;
}

# The share that is known. To Go 1.21 DWARF leaves blank parameters out; before 1.17 nothing else lists them.
sub share { my ($minor) = $_[0] =~ /\.(\d+)/; return $minor < 17 ? 0.85 : $minor < 22 ? 0.90 : 0.99 }

# command(VERSION, PACKAGE): the path of this release's command, built with its DWARF once.
sub command {
	my ($version, $package) = @_;
	my $path = make_dir("$root/build/placements/$version") . "/$package";
	return $path if -x $path;
	my $go = "$root/build/go/$version/bin/go";
	my $source = run_command([$go, 'env', 'GOROOT']);
	chomp(my $dir = $source->{out});
	my $result = run_command(
		['env', 'CGO_ENABLED=0', 'GOFLAGS=', 'GO111MODULE=on', 'GOPROXY=off', $go, 'build', '-o', $path, '.'],
		cd => "$dir/src/cmd/$package", timeout => 900);
	diag "$package, $version, is not built: $result->{err}" if $result->{status};
	return $result->{status} ? undef : $path;
}

for my $version (versions()) {
	for my $build (builds_of($version, 'optimized', 'unoptimized', 'pie')) {
		my $path = program('values', $version, $build);
		check("$version values $build", $path, share($version) - 0.1) if $path;
		ok($path, "values, $version, $build, is there");
	}
	next unless ($ENV{PLACEMENTS} // '') eq 'all';
	for my $package (qw(go compile)) {
		my $path = command($version, $package);
		ok($path, "$package, $version, is there") and check("$version $package", $path, share($version));
	}
	my $server = program('server', $version, 'optimized');
	ok($server, "server, $version, is there") and check("$version server", $server, share($version));
}

diag '';
diag sprintf '%-26s' . ' %9s' x @names, 'executable', @names;
diag $_ for @table;
diag 'placed: places that are known, because the stack check saves the register (saved), the code reads it (read) or',
	"\nuses the stack's slot (stored), by the symbol's ABI, or because sizes, words and lists agree (tables)";

done_testing();
