#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# What is typed wrong: each message says what, and what to type instead.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Live;
use Test::More;

live_plan();

sub says {
	my ($status, $why, @args) = @_;
	my $result = run_gotrace(@args);
	is($result->{status}, $status, "@args") or diag $result->{err};
	like($result->{err}, $why, 'what is wrong');
	is($result->{out}, '', 'and nothing else');
	return;
}

subtest 'command lines' => sub {
	says(2, qr/^gotrace: no command 'atach'; did you mean 'attach'\?$/, 'atach', '1', 'main.*');
	says(2, qr/^gotrace: no command 'disasemble'; did you mean 'disassemble'\?$/, 'disasemble');
	says(2, qr/^gotrace: no command 'qqqqqqq': see gotrace --help$/, 'qqqqqqq');
	says(2, qr/^gotrace: which command\? .*gotrace attach 77 'main\.\*'$/, '77', 'main.*');
	says(2, qr/^gotrace: which command\? Options follow it: .* --format$/, '--format', 'json', 'attach', '1');
	says(2, qr/there is no option --fromat; did you mean --format\?$/, 'attach', '1', 'main.*', '--fromat', 'json');
	says(2, qr/there is no option --fromat; did you mean --format\?$/, 'attach', '1', 'main.*', '--fromat=json');
	says(2, qr/there is no option --qqqqqqq: see gotrace list --help$/, 'list', '/bin/sh', '--qqqqqqq');
	says(2, qr/--duration 5: of which unit\? Give 5s, 5ms or 5m$/m, 'attach', '1', 'main.*', '--duration', '5');
	says(2, qr/--slower 10: of which unit\?/, 'count', '1', 'main.*', '--slower', '10');
	says(2, qr/--interval 2: of which unit\?/, 'top', '1', 'main.*', '--interval', '2');
	says(2, qr/--duration 0s: not a time above 0/, 'attach', '1', 'main.*', '--duration', '0s');
	says(2, qr/--count 0: give a whole number from 1 on$/m, 'attach', '1', 'main.*', '--count', '0');
	for my $command ('attach', 'count', 'top', 'hist') {
		says(2, qr/12 and 34 are both PIDs: give one process/, $command, '12', '34', 'main.*');
		says(2, qr/main\.\*: not a PID\. Which process\?/, $command, 'main.*');
	}
	for my $command (qw(attach run list types whatis info disassemble doctor replay count hist top bench shell)) {
		my ($short, $long) = map { run_gotrace($command, $_) } '-h', '--help';
		is($short->{status}, 0, "$command -h");
		is($short->{out}, $long->{out}, 'is --help');
	}
};

my $path = program('target', newest(), 'optimized') // BAIL_OUT('the program target cannot be built');
my $target = start_target($path, []);

subtest 'patterns' => sub {
	spew("$work/go.mod", '');
	my $result = run_command([$gotrace, 'attach', $target->{pid}, 'go.mod'], cd => $work);
	is($result->{status}, 1, 'a pattern that the shell has made of *');
	like($result->{err}, qr/no function has the name 'go\.mod'.*a file here has that name: .*quote the pattern/, 'is recognized');
	my $trace = start_trace(['attach', $target->{pid}, 'main.small', 'main.hWork', 'main.small if true']);
	is($trace->armed, 1, 'a function that was inlined everywhere does not end a trace of others') or diag $trace->errors;
	like($trace->errors, qr/warning: 'main\.small' has no code of its own, every call of it was inlined/, 'but is named');
	is($trace->stop, 0, 'it ends well');
};

subtest 'only errors of a glob' => sub {
	my $result = run_gotrace('attach', $target->{pid}, 'main.h*', '--errors', '--duration', '200ms');
	is($result->{status}, 0, 'is a trace') or diag $result->{err};
	unlike($result->{err}, qr/left out|no result of type error/, 'that does not list functions which cannot fail');
	$result = run_gotrace('attach', $target->{pid}, 'main.*', '--errors', '--dry-run');
	like($result->{out}, qr/^\d+ functions without a result of type error: left out$/m, 'a dry run counts them');
	is(() = $result->{out} =~ /no result of type error/g, 0, 'and lists none');
	$result = run_gotrace('attach', $target->{pid}, 'main.hOuter', '--errors');
	is($result->{status}, 1, 'if there is no other');
	like($result->{err}, qr/main\.hOuter: .*the function has no result of type error/, 'it is refused');
};

is($target->stop, 0, 'the target ends well');
done_testing();
