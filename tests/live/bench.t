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

sub bench { return run_command(["$bin/gotrace", 'bench', '-q', @_], timeout => 600) }

my $missing = run_command(["$bin/gotrace", 'bench', '-q', '--rounds', '1'], cd => $Live::work);
is($missing->{status}, 1, 'without the bundled program');
like($missing->{err}, qr/make bench-target/, 'it says how to make it');

my $path = program('bench', newest(), 'optimized') or BAIL_OUT('the bundled program is not built');
copy($path, "$bin/bench-target") or die "bench-target: $!";
chmod 0755, "$bin/bench-target";

my @names = ('untraced', 'uprobe entry', 'uprobe entry+return', 'ebpf entry', 'ebpf entry+return', 'ebpf depth 0',
	'ebpf depth 1', 'ebpf depth 2', 'ebpf count', 'ebpf hist', 'ebpf false at entry', 'ebpf false at return', 'ptrace entry', 'ptrace entry+return');
# So few calls are one step, which is made whole however long it takes.
my $json = bench(qw(--rounds 1 --calls 50 --format json), '--svg', "$Live::work/chart.svg");
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
	is(field($row, 'kept'), $traces && $what !~ /false/ ? 50 : 0, "$what: every call kept that is wanted");
	is(field($row, 'lost'), 0, "$what: none lost");
	ok(field($row, 'survived'), "$what: the program survived");
}
my $svg = slurp("$Live::work/chart.svg") // '';
like($svg, qr/\A<svg .*<\/svg>\n\z/s, 'a chart');
is(scalar(() = $svg =~ /<rect /g), scalar @rows, 'with a bar a row');
unlike($svg, qr/href|url\(|<script/, 'and nothing from elsewhere');

my $benchfmt = bench(qw(--rounds 2 --calls 50 --workload typical --format benchfmt));
is($benchfmt->{status}, 0, 'benchfmt');
like($benchfmt->{out}, qr/\Agoos: linux\ngoarch: amd64\n(?:[a-z-]+: .+\n)+(?:BenchmarkTypical\/\S+ \d+ [\d.]+ ns\/op\n){28}\z/, 'a line a round');
unlike($benchfmt->{out}, qr/^BenchmarkTypical\/(?!untraced )\S+ (?!50 )/m, 'with the calls of each');
like($benchfmt->{out}, qr/^BenchmarkTypical\/ebpf_entry\+return /m, 'names without blanks');

my $table = bench(qw(--rounds 1 --calls 50 --workload delve --workload leaf));
like($table->{out}, qr/^\Q$_\E +[\d.]+ /m, "the table has $_") for @names;
is_deeply([$table->{out} =~ /^(\w+): main\.\w+\(.*; a call takes [\d.]+ \S+ untraced$/mg], ['leaf', 'delve'], 'of the workloads chosen');
like($table->{out}, qr/^A call of [\d.]+ \S+ takes [\d.]+ \S+ with its entry traced by eBPF, [^;]*; by\sptrace [^;]*\.$/m, 'and what becomes of 20 microseconds');

# Other tools: what is not there is told; what ends at once is told with its last words.
sub fake { my ($name, $text) = @_; chmod 0755, spew("$Live::work/fake/$name", "#!/bin/sh\n$text\n"); return }
make_dir("$Live::work/fake");
fake('gdb', "echo 'no luck' >&2; exit 1");
my @few   = qw(--peers --rounds 1 --calls 50 --workload leaf);
my $peers = run_command(["$bin/gotrace", 'bench', @few], prefix => ['env', "PATH=$Live::work/fake"], timeout => 120);
is($peers->{status}, 0, 'with peers');
like($peers->{err}, qr/^gotrace: Not installed, so not measured: dlv, bpftrace, perf$/m, 'it says which are not there');
like($peers->{out}, qr/^Not installed, so not measured: dlv, bpftrace, perf$/m, 'under the table too');
like($peers->{out}, qr/^gdb +failed *$/m, 'one that failed has a row');
like($peers->{out}, qr/^leaf, gdb: no luck$/m, 'and it is said why');

# Whenever it is interrupted, nothing stays behind: not the program, not its tracer.
fake('gdb', 'exec /bin/sleep 1000');
for my $what ('bench-target', 'sleep', 'gotrace-ptrace') {
	my @command = ("$bin/gotrace", 'bench', '-q', @few, '--rounds', $what eq 'sleep' ? 1 : 100);
	open my $out, '>', "$Live::work/interrupted" or die $!;
	my $pid = Live::spawn(['env', "PATH=$Live::work/fake", @command], 1 => $out, 2 => $out);
	my $is_there = sub { return grep { (slurp("/proc/$_/comm") // '') eq "$what\n" } children($pid) };
	ok(until_true(60, $is_there), "interrupted while there is $what");
	my @all = children($pid);
	kill 'INT', $pid;
	my $status = Live::reap($pid, 60);
	ok(defined $status, 'it ends');
	ok(until_true(60, sub { !grep { (slurp("/proc/$_/stat") // ') Z ') !~ /\) Z / } @all }), 'with all that it had started');
}

my $values = program('values', newest(), 'optimized');
my $own = bench(qw(--rounds 2 --format json main.main --), $values);
is($own->{status}, 0, 'a program of one\'s own') or diag $own->{err};
my ($whole) = eval { json_lines($own->{out}) };
is_deeply([map { field($_, 'name') } @{ field($whole, 'bench') // [] }],
	['untraced', 'ebpf entry', 'ebpf entry+return', 'ebpf depth 2', 'ptrace entry', 'ptrace entry+return'], 'its rows') or diag $own->{out};
for (@{ field($whole, 'bench') // [] }) {
	my $name = field($_, 'name');
	is(field($_, 'kept'), $name eq 'untraced' ? 0 : 2, "$name: its one call in each round");
	my ($low, $high) = map { $$_ } @{ field($_, 'spread') };
	my $ns = field($_, 'ns_per_call');
	my $digits = 0.001 * abs $ns; # it is printed in four
	ok($low <= $ns + $digits && $ns - $digits <= $high, "$name: within its spread");
}

for (['--rounds', 0], ['--workload', 'none'], ['--format', 'xml'], ['main.*'], ['--', '/bin/true']) {
	is(bench(@$_)->{status}, 2, "bench @$_: a usage error");
}
for (['main.f', '/nowhere/none', qr/no such program/], ['main.f', '/bin/true', qr/not a Go executable/],
	['main.mian', $values, qr/main\.mian.*main\.main/]) {
	my ($pattern, $path, $error) = @$_;
	my $refused = bench($pattern, '--', $path);
	is($refused->{status}, 1, "bench $pattern -- $path is refused");
	like($refused->{err}, qr/\Agotrace: [^\n]*$error[^\n]*\n\z/, 'in one line');
	is($refused->{out}, '', 'before anything is run');
}

# A program that reads its standard input; one that ends by itself with another status than 0.
my $input = spew("$Live::work/input", "work 3\nwork 2\n");
open my $in, '<', $input or die $!;
my $reads = run_command(["$bin/gotrace", 'bench', '-q', '--rounds', 2, 'main.work', '--', $path], in => $in, timeout => 120);
is(scalar(() = $reads->{out} =~ /^(?:ebpf|ptrace) .* +10 +0 +\d+%/mg), 5, 'each run reads the whole file') or diag $reads->{out}, $reads->{err};
my $idle = bench(qw(--rounds 1 main.work --), $path);
like($idle->{out}, qr/^It called none of the functions: .*< FILE/m, 'without input no calls, and advice');
my $fails = bench(qw(--rounds 1 main.main --), $values, '-no-such-flag');
like($fails->{out}, qr/^The program ends with status 2, untraced too\./m, 'a program that fails') or diag $fails->{out};
unlike($fails->{out}, qr/killed the program/, 'is not held to be killed by the tracer');
is(scalar(() = $fails->{err} =~ /flag provided but not defined/g), 1, 'what it says is shown once');

done_testing;
