#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# list, info and doctor, on what every Go release builds.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Json;
use Live;
use Test::More;

live_plan();

for my $version (versions()) {
	for my $build (builds_of($version, 'optimized', 'unoptimized', 'pie', 'nodwarf', 'stripped')) {
		my $what = "Go $version, $build";
		my $path = program('values', $version, $build) or next;
		subtest $what => sub {
			my $typed = $build !~ /nodwarf|stripped/;
			my $info = run_gotrace('info', $path);
			is($info->{status}, 0, 'info') or diag $info->{err};
			like($info->{out}, qr/\bgo\Q$version\E\b/, 'tells the release');
			like($info->{out}, $build eq 'pie' ? qr/PIE/ : qr/fixed/, 'whether it is position independent');
			like($info->{out}, $version eq '1.15' ? qr/stack/ : qr/registers/, 'the ABI');
			my ($json) = eval { json_lines(run_gotrace('info', $path, '--format', 'json')->{out}) };
			ok(is_object($json), 'as JSON') or diag $@;

			my $list = run_gotrace('list', $path);
			is($list->{status}, 0, 'list') or diag $list->{err};
			my @lines = split /\n/, $list->{out};
			cmp_ok(scalar @lines, '>', 1000, 'shows all functions');
			is(scalar(grep { !/\S  \[.*\]$/ } @lines), 0, 'each with how it can be probed');
			my @refused = grep { /cannot be probed/ && /^main\.|^fmt\.|^strconv\./ } @lines;
			is(scalar @refused, 0, 'ordinary functions all can be') or diag join "\n", @refused[0 .. ($#refused < 5 ? $#refused : 5)];
			cmp_ok($list->{seconds}, '<', 20, 'soon');
			my @mine = grep { /^main\./ } split /\n/, run_gotrace('list', $path, 'main.*')->{out};
			cmp_ok(scalar @mine, '>', 60, 'patterns choose');
			if ($typed) {
				like(join("\n", @mine), qr/^main\.tManyResults  .*n int.*\ba int.*s string/m, 'signatures');
				like(join("\n", @mine), qr/^main\.\(\*tPoint\)\.Move  .*p \*main\.tPoint.*dx(,| int,) dy int.*\*main\.tPoint/m, 'of methods too');
			}
			my @json = eval { json_lines(run_gotrace('list', $path, 'main.t*', '--format', 'json')->{out}) };
			cmp_ok(scalar @json, '>', 40, 'as JSON') or diag $@;
			like(field($json[0], 'file') // '', qr/\.go$/, 'with files and lines');
		};
	}
}

# The options that a command has stand in its help, in the completion and in the manual.
subtest 'options' => sub {
	my $manual = slurp("$root/gotrace.1");
	my @known = grep { !/^--/ } split /\n/, run_gotrace('complete', '--', '')->{out};
	my @commands = run_gotrace('--help')->{out} =~ /^  (\w+) +\w/mg;
	@commands = grep { $_ ne 'gotrace' } @commands;
	is_deeply([sort @known], [sort @commands], 'the completion knows all commands');
	for my $command (@commands) {
		like($manual, qr/^\.It Cm (?:\w+ , )*$command\b/m, "$command: in the manual");
		my %help = map { $_ => 1 } run_gotrace($command, '--help')->{out} =~ /^ +(?:-\S, )?(--[a-z-]+)/mg;
		my $completed = run_command(['bash', '-c', <<"BASH"]);
complete() { :; }; compopt() { :; }
. '$root/completions/gotrace.bash'
COMP_WORDS=('$gotrace' $command --) COMP_CWORD=2
_gotrace
printf '%s\\n' "\${COMPREPLY[@]}"
BASH
		is_deeply([sort split ' ', $completed->{out}], [sort keys %help], "$command: completed") or diag $completed->{err};
		my @missing = grep { my $name = substr($_, 2); $name ne 'help' && $manual !~ /\bFl -$name\b/ } sort keys %help;
		is("@missing", '', "$command: its options are in the manual");
	}
};

subtest 'of a process' => sub {
	my $target = start_target(program('target', newest(), 'optimized'), []);
	like(run_gotrace('info', $target->{pid})->{out}, qr/go1\./, 'info PID');
	like(run_gotrace('list', $target->{pid}, 'main.hWork')->{out}, qr/^main\.hWork /, 'list PID');
	is($target->stop, 0, 'the target ends well');
};

subtest 'list to a reader that goes away' => sub {
	my $path = program('values', newest(), 'optimized');
	my $result = run_command(['sh', '-c', "'$gotrace' list '$path' | head -n 1"]);
	is($result->{err}, '', 'no complaint');
	like($result->{out}, qr/\A[^\n]+\n\z/, 'one line');
};

subtest 'doctor' => sub {
	my $doctor = run_gotrace('doctor');
	is($doctor->{status}, 0, 'all is well here') or diag "$doctor->{out}$doctor->{err}";
	like($doctor->{out}, qr/kernel/i, 'tells of the kernel');
	my $target = start_target(program('target', newest(), 'optimized'), []);
	my $of = run_gotrace('doctor', $target->{pid});
	is($of->{status}, 0, 'doctor PID') or diag "$of->{out}$of->{err}";
	is($target->stop, 0, 'the target ends well');
};

like(run_gotrace('--version')->{out}, qr/\Agotrace \d+\.\d+/, '--version');
like(run_gotrace('--help')->{out}, qr/attach.*run.*list.*info.*doctor/s, '--help tells the commands');

done_testing();
