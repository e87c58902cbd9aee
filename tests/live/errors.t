#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# What cannot be traced is refused in one clear line, with the status that the manual gives.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Live;
use POSIX ();
use Test::More;

live_plan();

my $path = program('target', newest(), 'optimized') // BAIL_OUT('the program target cannot be built');

# refused(WHAT, STATUS, LIKE, ARGS): status, and one line on stderr that says why.
sub refused {
	my ($what, $status, $like, @args) = @_;
	my $result = run_gotrace(@args);
	is($result->{status}, $status, "$what: status $status") or diag "$result->{out}$result->{err}";
	my @lines = split /\n/, $result->{err};
	is(scalar @lines, 1, "$what: one line") or diag $result->{err} if $status == 1;
	like($result->{err}, $like, "$what: says why");
	is($result->{out}, '', "$what: nothing else");
	return;
}

# ---- processes

my $gone = fork // die;
POSIX::_exit(0) if $gone == 0;
waitpid $gone, 0;
refused('a PID that is not there', 1, qr/\b$gone\b.*no such process/i, 'attach', $gone, 'main.*');
refused('PID 0', 1, qr/./, 'attach', 0, 'main.*');
my $sleep = fork // die;
exec 'sleep', 60 if $sleep == 0;
until_true(60, sub { (readlink "/proc/$sleep/exe") =~ /sleep|busybox/ });
refused('a process that is not Go', 1, qr/not .*Go|no Go/i, 'attach', $sleep, 'main.*');
for my $most (4 .. 6) {
	my $few = run_command(['/bin/sh', '-c', "ulimit -n $most; exec $gotrace attach $sleep 'main.*'"]);
	like($few->{err}, qr/Too many open files/, "$most descriptors: the message says so");
	unlike($few->{err}, qr/root|CAP_|no such process/, 'and nothing that is not so');
}
kill 'KILL', $sleep;
my $zombie_target = start_target($path, []);
kill 'KILL', $zombie_target->{pid};
until_true(60, sub { (slurp("/proc/$zombie_target->{pid}/stat") // '') =~ /\) Z/ });
refused('a zombie', 1, qr/./, 'attach', $zombie_target->{pid}, 'main.*');
$zombie_target->stop;
refused('a kernel thread', 1, qr/./, 'attach', 2, 'main.*') if (readlink '/proc/2/exe' // '') eq '';

# ---- executables

my $bytes = slurp($path);

sub patched { my ($name, $at, $new) = @_; my $copy = $bytes; substr($copy, $at, length $new) = $new; return spew("$work/$name", $copy) }

for my $command ('list', 'info') {
	refused("$command, no such file", 1, qr/none.*No such file/, $command, "$work/none");
	refused("$command, a folder", 1, qr/./, $command, $work);
	refused("$command, an empty file", 1, qr/empty/, $command, spew("$work/empty", ''));
	refused("$command, a text", 1, qr/not an? .*(ELF|executable)/i, $command, spew("$work/text", "#!/bin/sh\nexit 0\n" x 100));
	refused("$command, a 32-bit ELF", 1, qr/32.bit/i, $command, patched('elf32', 4, "\x01"));
	refused("$command, another machine's", 1, qr/machine|arm|architecture|x86|amd64/i, $command, patched('arm', 18, pack 'v', 183));
	refused("$command, a big-endian ELF", 1, qr/./, $command, patched('big', 5, "\x02"));
	refused("$command, cut after its header", 1, qr/./, $command, spew("$work/cut64", substr $bytes, 0, 64));
	refused("$command, a C program", 1, qr/not .*Go|no Go/i, $command, '/bin/sleep');
	refused("$command, /dev/zero", 1, qr/./, $command, '/dev/zero');
	for my $share (0.1, 0.3, 0.5, 0.7, 0.9, 0.99) {
		my $cut = spew("$work/cut", substr $bytes, 0, int(length($bytes) * $share));
		my $result = run_gotrace($command, $cut, $command eq 'list' ? 'main.h*' : ());
		like($result->{status}, qr/^[01]$/, "$command, cut at $share: status 0 or 1") or diag $result->{err};
		like($result->{err}, qr/\A(gotrace: [^\n]+\n){1,2}\z/, "$command, cut at $share: says so") if $result->{status} ne '0';
	}
	# Bytes thrown about: no crash, no hang.
	srand 7;
	my $bad = 0;
	for my $round (1 .. 40) {
		my $copy = $bytes;
		my $where = $round % 2 ? 4096 : length $copy;
		substr($copy, int rand $where, 1) = chr int rand 256 for 1 .. ($round % 2 ? 8 : 400);
		my $result = run_gotrace($command, spew("$work/thrown", $copy), $command eq 'list' ? 'main.*' : (), { timeout => 120 });
		next if $result->{status} =~ /^[01]$/;
		$bad++;
		diag "$command, round $round: $result->{status} $result->{err}";
	}
	is($bad, 0, "$command takes damaged executables with status 0 or 1");
}

# ---- programs to run

sub program_file { my ($name, $text, $mode) = @_; my $file = spew("$work/$name", $text); chmod $mode, $file; return $file }

my $script = program_file('script', "#!/bin/sh -e\nexit 0\n", 0755);
{
	local $ENV{PATH} = "$work:$ENV{PATH}";
	for my $how ([], ['--dry-run']) {
		refused("run, a script @$how", 1, qr{script: a script \(for /bin/sh\), not a Go program: .*attach}, 'run', 'main.*', @$how, '--', $script);
		refused("run, a script in PATH @$how", 1, qr{$work/script: a script}, 'run', 'main.*', @$how, '--', 'script');
		refused("run, a text @$how", 1, qr/not an ELF/, 'run', 'main.*', @$how, '--', program_file('run-text', "exit 0\n", 0755));
		refused("run, an empty file @$how", 1, qr/an empty file/, 'run', 'main.*', @$how, '--', program_file('run-empty', '', 0755));
		refused("run, not executable @$how", 1, qr/not executable.*chmod/, 'run', 'main.*', @$how, '--', program_file('run-off', $bytes, 0644));
		refused("run, a directory @$how", 1, qr/a directory/, 'run', 'main.*', @$how, '--', $work);
		refused("run, no file @$how", 1, qr/not a file/, 'run', 'main.*', @$how, '--', '/dev/null');
		refused("run, not there @$how", 1, qr{none: No such file}, 'run', 'main.*', @$how, '--', "$work/none");
		refused("run, not in PATH @$how", 1, qr/no-such-program: not found in PATH\n/, 'run', 'main.*', @$how, '--', 'no-such-program');
		refused("run, no Go program @$how", 1, qr/not a Go executable/, 'run', 'main.*', @$how, '--', 'sleep', 60);
	}
	symlink $path, "$work/found-in-path" or die;
	is(run_gotrace('run', 'main.h*', '--dry-run', '--', 'found-in-path')->{status}, 0, 'a program is found in PATH');
}

# ---- patterns

my $target = start_target($path, []);
my $pid = $target->{pid};
refused('a pattern that chooses nothing', 1, qr/main\.hWrok.*main\.hWork/, 'attach', $pid, 'main.hWrok');
refused('another, in list', 1, qr/main\.hWrok.*main\.hWork/, 'list', $path, 'main.hWrok');
refused('a function without code of its own', 1, qr/main\.small.*inlined/, 'attach', $pid, 'main.small');
refused('a glob of such functions', 1, qr/main\.sm\*.*main\.small.*inlined/, 'attach', $pid, 'main.sm*');
refused('a glob that chooses nothing', 1, qr/nothing\*/, 'attach', $pid, 'nothing*');
refused('all taken away again', 1, qr/./, 'attach', $pid, 'main.h*', '!main.*');
for my $bad ('/main.(/', '/[/') {
	my $result = run_gotrace('attach', $pid, $bad);
	like($result->{status}, qr/^[12]$/, "$bad: refused");
	like($result->{err}, qr/\Agotrace: [^\n]+\n\z/, "$bad: one line");
}

# ---- options

for my $case (
	['no command'], ['an unknown command', 'atach'], ['attach alone', 'attach'], ['attach without a pattern', 'attach', $pid],
	['a PID that is no number', 'attach', 'server', 'main.*'], ['an unknown option', 'attach', $pid, 'main.*', '--frmat', 'json'],
	['an unknown format', 'attach', $pid, 'main.*', '--format', 'xml'], ['an unknown back end', 'attach', $pid, 'main.*', '--backend', 'dtrace'],
	['a bad time', 'attach', $pid, 'main.*', '--duration', '5'], ['a bad number', 'attach', $pid, 'main.*', '--depth', 'x'],
	['a negative number', 'attach', $pid, 'main.*', '--items', '-1'], ['count 0', 'attach', $pid, 'main.*', '--count', '0'],
	['an unknown kind of timestamps', 'attach', $pid, 'main.*', '--timestamps', 'soon'], ['an option without its value', 'attach', $pid, 'main.*', '--strlen'],
	['a bad size', 'attach', $pid, 'main.*', '--buffer', '5Q'], ['goroutine 0', 'attach', $pid, 'main.*', '--goroutine', '0'],
	['a number past 2^64', 'attach', $pid, 'main.*', '--count', '99999999999999999999'],
	['run without a program', 'run', 'main.*'], ['run with nothing behind --', 'run', 'main.*', '--'], ['run without a pattern', 'run', '--', $path],
	['list alone', 'list'], ['info alone', 'info'],
) {
	my ($what, @args) = @$case;
	my $result = run_gotrace(@args);
	is($result->{status}, 2, "$what: status 2") or diag $result->{err};
	isnt($result->{err}, '', "$what: says what is wrong");
	is($result->{out}, '', "$what: not on standard output");
}
for my $command (qw(attach run list info doctor)) {
	my $help = run_gotrace($command, '--help');
	is($help->{status}, 0, "$command --help");
	like($help->{out}, qr/Usage:.*$command.*Example/s, "$command --help shows usage and an example");
}

# ---- privileges

my @nobody = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all');
SKIP: {
	skip_part('gotrace cannot be read by others', 4) if run_command([@nobody, $gotrace, '--version'])->{status} ne '0';
	my $result = run_gotrace('attach', $pid, 'main.*', { prefix => \@nobody });
	is($result->{status}, 1, 'another user\'s process without privileges: status 1') or diag $result->{err};
	like($result->{err}, qr/\Agotrace: [^\n]*(permi|privileg|root|sudo|CAP_)[^\n]*\n\z/i, 'one line says what is missing');
	# Its own process: BPF is refused, and the line says what to do.
	my $own = start_target($path, [], prefix => \@nobody);
	$result = run_gotrace('attach', $own->{pid}, 'main.*', { prefix => \@nobody });
	is($result->{status}, 1, 'its own process: status 1');
	like($result->{err}, qr/\Agotrace: [^\n]*(root|sudo|CAP_|doctor)[^\n]*\n\z/i, 'one line says what to do');
	ok($own->is_alive, 'the process lives');
	is($own->stop, 0, 'and ends well');
}
refused('an output file that cannot be made', 1, qr{none/out.*No such file}, 'attach', $pid, 'main.h*', '-o', "$work/none/out");
is(text_differs($pid), '', 'nothing was left in the target');
is($target->stop, 0, 'the target ends well');

done_testing();
