#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# gotrace bench: the shape of what it prints, and that its counts are right. Never a speed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Json;
use Live;
use File::Copy qw(copy);
use Test::More;

live_plan();

# The bundled program is looked for beside gotrace.
my $bin = make_dir("$Live::work/bin");
copy($ENV{GOTRACE} // 'build/gotrace', "$bin/gotrace") or die "gotrace: $!";
chmod 0755, "$bin/gotrace";

sub bench { return run_command(["$bin/gotrace", 'bench', '-q', @_], timeout => 120) }

my $missing = run_command(["$bin/gotrace", 'bench', '-q', '--rounds', '1'], cd => $Live::work);
is($missing->{status}, 1, 'without the bundled program');
like($missing->{err}, qr/make bench-target/, 'it says how to make it');

my $path = program('bench', newest(), 'optimized') or BAIL_OUT('the bundled program is not built');
copy($path, "$bin/bench-target") or die "bench-target: $!";
chmod 0755, "$bin/bench-target";

my @names = ('untraced', 'uprobe entry', 'uprobe entry+return', 'ebpf entry', 'ebpf entry+return', 'ebpf depth 0',
	'ebpf depth 1', 'ebpf depth 2', 'ptrace entry', 'ptrace entry+return');
my $json = bench(qw(--rounds 2 --calls 100 --format json), '--svg', "$Live::work/chart.svg");
is($json->{status}, 0, 'all workloads') or diag $json->{err};
is($json->{err}, '', 'nothing is said with -q');
my ($result) = eval { json_lines($json->{out}) };
ok(is_object($result), 'one JSON object') or diag $@, $json->{out};
like(field(field($result, 'machine'), 'kernel') // '', qr/^Linux \d/, 'it tells the machine');
my @rows = @{ field($result, 'bench') // [] };
is_deeply([map { field($_, 'workload') . ' ' . field($_, 'name') } @rows],
	[map { my $workload = $_; map { "$workload $_" } @names } qw(leaf typical delve server)], 'every row, in order');
like($json->{out}, qr/\{"workload":"leaf","name":"untraced","ns_per_call":[\d.e+]+,"spread":\[[\d.e+]+,[\d.e+]+\],"ratio":1,"kept":0,"lost":0,"tracer_cpu":0,"survived":true\}/,
	'the first row, its keys in order');
for my $row (@rows) {
	my $what   = field($row, 'workload') . ', ' . field($row, 'name');
	my $traces = field($row, 'name') =~ /^(ebpf|ptrace)/;
	cmp_ok(field($row, 'ns_per_call'), '>', 0, "$what: a time");
	my ($low, $high) = map { $$_ } @{ field($row, 'spread') };
	ok($low <= field($row, 'ns_per_call') * 1.001 && field($row, 'ns_per_call') <= $high * 1.001, "$what: within its spread");
	is(field($row, 'kept'), $traces ? 200 : 0, "$what: every call kept");
	is(field($row, 'lost'), 0, "$what: none lost");
	ok(field($row, 'survived'), "$what: the program survived");
}
my $svg = slurp("$Live::work/chart.svg") // '';
like($svg, qr/\A<svg .*<\/svg>\n\z/s, 'a chart');
is(scalar(() = $svg =~ /<rect /g), scalar @rows, 'with a bar a row');
unlike($svg, qr/href|url\(|<script/, 'and nothing from elsewhere');

my $benchfmt = bench(qw(--rounds 2 --calls 100 --workload typical --format benchfmt));
is($benchfmt->{status}, 0, 'benchfmt');
like($benchfmt->{out}, qr/\Agoos: linux\ngoarch: amd64\n(?:\w+: .+\n)+(?:BenchmarkTypical\/\S+ \d+ [\d.e+]+ ns\/op\n){20}\z/, 'a line a round');
like($benchfmt->{out}, qr/^BenchmarkTypical\/ebpf-entry\+return /m, 'names without blanks');

my $table = bench(qw(--rounds 1 --calls 100 --workload leaf));
like($table->{out}, qr/^\Q$_\E +[\d.]+ /m, "the table has $_") for @names;

my $values = program('values', newest(), 'optimized');
my $own = bench(qw(--rounds 1 --format json main.main --), $values);
is($own->{status}, 0, 'a program of one\'s own') or diag $own->{err};
my ($whole) = eval { json_lines($own->{out}) };
is_deeply([map { field($_, 'name') } @{ field($whole, 'bench') // [] }],
	['untraced', 'ebpf entry', 'ebpf entry+return', 'ebpf depth 2', 'ptrace entry', 'ptrace entry+return'], 'its rows') or diag $own->{out};
is(field($_, 'kept'), field($_, 'name') eq 'untraced' ? 0 : 1, field($_, 'name') . ': its one call') for @{ field($whole, 'bench') // [] };

for (['--rounds', 0], ['--workload', 'none'], ['--format', 'xml'], ['main.*'], ['--', '/bin/true']) {
	is(bench(@$_)->{status}, 2, "bench @$_: a usage error");
}
is(bench('main.f', '--', '/nowhere/none')->{status}, 1, 'a program that is not there');

done_testing;
