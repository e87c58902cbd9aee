#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Files that gotrace writes and reads: who may read them, whose links are followed, a disk that is full, a container's own
# files; and completion in bash, zsh and fish, which executes nothing of a name.
use strict;
use warnings;
use lib do { __FILE__ =~ m{(.*)/} ? "$1/lib" : 'lib' };
use Live;
use POSIX ();
use Terminal;
use Test::More;

live_plan();

my $path = program('evil', newest(), 'plain') or BAIL_OUT('no program');
my $func = 'main.' . 'N' x 40;
my $in = spew("$work/end", "end\n");

sub run_traced {
	my (@options) = @_;
	open my $stdin, '<', $in or die $!;
	return run_gotrace('run', @options, '--', $path, { in => $stdin });
}

sub mode { return sprintf '%04o', (stat $_[0])[2] & 07777 }

subtest 'what is written is its owner\'s alone' => sub {
	my $old = umask 022;
	my ($out, $save) = map { "$work/$_" } 'trace', 'records';
	is(run_traced($func, '-o', $out, '--save', $save)->{status}, 0, 'a trace and its records');
	is(mode($out), '0600', 'the trace');
	is(mode($save), '0600', 'the records');
	like(slurp($out), qr/N{40}/, 'the trace is there');
	is(run_gotrace('replay', $save, '-o', "$work/again")->{status}, 0, 'the records can be read');
	is(mode("$work/again"), '0600', 'the trace of a replay');
	run_gotrace('shell', '-e', "output $work/o", '-e', "save $work/s");
	is(mode("$work/$_"), '0600', "what the shell writes: $_") for 'o', 's';
	umask $old;

	my $before = slurp($save);
	spew($out, 'precious' x 1000);
	isnt(run_traced('main.nothing', '-o', $out, '--save', $save)->{status}, 0, 'a pattern that selects nothing');
	is(slurp($out), 'precious' x 1000, 'leaves the trace that was there');
	is(slurp($save), $before, 'and the records');
	is(run_traced($func, '-o', $out)->{status}, 0, 'a trace over a longer file');
	unlike(slurp($out), qr/precious/, 'leaves nothing of it');
	my $both = run_traced($func, '-o', $out, '--save', $out);
	is($both->{status}, 1, 'one file for both is refused');
	like($both->{err}, qr/two files/, 'in words');
	like(slurp($out), qr/N{40}/, 'and untouched');
};

subtest 'another user\'s links and files in a shared folder' => sub {
	my $shared = make_dir("$work/shared");
	chmod 01777, $shared;
	my $victim = spew("$work/victim", 'precious');
	symlink $victim, "$shared/link";
	spew("$shared/theirs", 'x');
	chown 65534, 65534, "$shared/theirs";
	for my $planted ('link', 'theirs') {
		for my $option ('-o', '--save') {
			my $result = run_traced($func, $option, "$shared/$planted");
			is($result->{status}, 1, "$option $planted is refused");
			like($result->{err}, qr/everybody may write/, 'in words');
		}
		isnt(run_gotrace('shell', '-e', "save $shared/$planted")->{status}, 0, "save $planted in the shell");
	}
	is(slurp($victim), 'precious', 'the file that the link leads to');
	is(run_traced($func, '-o', "$shared/own")->{status}, 0, 'a new file there');
	symlink "$work/elsewhere", "$work/own";
	is(run_traced($func, '-o', "$work/own")->{status}, 0, 'a link in a folder of one\'s own is followed');
	ok(-s "$work/elsewhere", 'to where it leads');
};

subtest 'a full disk' => sub {
	my %commands = (
		list => ['list', $path], types => ['types', $path], info => ['info', $path], 'info FUNC' => ['info', $path, $func],
		whatis => ['whatis', $path, $func], disassemble => ['disassemble', $path, $func], doctor => ['doctor', $path],
		complete => ['complete', '--', 'list', $path, 'main.'], shell => ['shell', '-e', 'help'], help => ['--help'], 'list --help' => ['list', '--help'],
		version => ['--version'],
	);
	for my $name (sort keys %commands) {
		open my $full, '>', '/dev/full' or die $!;
		my $result = run_gotrace(@{ $commands{$name} }, { out => $full });
		is($result->{status}, 1, $name);
		like($result->{err}, qr/No space left|standard output/, "$name: why");
	}
	my $target = start_target($path, []) or return fail('dry-run');
	open my $full, '>', '/dev/full' or die $!;
	is(run_gotrace('attach', $target->{pid}, $func, '--dry-run', { out => $full })->{status}, 1, 'dry-run');
	$target->stop;
	my $closed = run_command(['sh', '-c', "'$gotrace' list '$path' >&- 2>'$work/closed'"]);
	is($closed->{status}, 1, 'a closed standard output');
	is(run_command(['sh', '-c', "'$gotrace' list '$path' main.main <&- 2>&- | wc -l"])->{out}, "1\n", 'closed standard input and error');
	is(run_command(['sh', '-c', "'$gotrace' types '$path' | head -n 1 >/dev/null"])->{err}, '', 'a reader that goes away');
};

subtest 'a script without an end' => sub {
	my $result = run_command(['prlimit', '--as=1000000000', $gotrace, 'shell', '-x', '/dev/zero']);
	is($result->{status}, 2, 'is refused');
	like($result->{err}, qr{/dev/zero:1: a line of more than}, 'in words');
};

subtest 'debug files of a container' => sub {
	my ($inside, $host) = map { make_dir("$work/$_") } 'root', 'host';
	my $id = run_gotrace('info', $path)->{out} =~ /^build id +(\w\w)(\w+)/m ? "$1/$2" : return fail('no build id');
	my $stripped = "$inside/evil";
	is(run_command(['objcopy', '--strip-debug', $path, $stripped])->{status}, 0, 'stripped');
	make_dir("$inside/usr/lib");
	for my $dir ("$host/.build-id", "$inside/own/.build-id") {
		make_dir("$dir/" . substr $id, 0, 2);
		spew("$dir/$id.debug", slurp($path));
	}
	my $target = start_target('/evil', [], prefix => ['chroot', $inside]) // return fail('no target');
	my $dwarf = sub { run_gotrace('info', $target->{pid})->{out} =~ /^dwarf +(.*)/m ? $1 : '' };
	like($dwarf->(), qr/^none/, 'there is none');
	symlink $host, "$inside/usr/lib/debug";
	like($dwarf->(), qr/^none/, 'an absolute link does not lead to the host\'s files');
	unlink "$inside/usr/lib/debug";
	symlink '../../../../../../../../..' . $host, "$inside/usr/lib/debug";
	like($dwarf->(), qr/^none/, 'nor does one with ..');
	unlink "$inside/usr/lib/debug";
	symlink '/own', "$inside/usr/lib/debug";
	like($dwarf->(), qr/\Q$id\E/, 'it leads to the container\'s own');
	unlink "$inside/own/.build-id/$id.debug";
	POSIX::mkfifo("$inside/own/.build-id/$id.debug", 0600);
	like($dwarf->(), qr/^none/, 'what is no file is not opened');
	$target->stop;
};

my @names = ('Get$(touch $PWN)', 'Get`touch $PWN`', 'Get";touch $PWN;"', q{Get';touch $PWN;'}, 'Get&touch $PWN;#!\\x', 'Get(touch $PWN)');
my $pwn = "$work/pwned";
$ENV{PWN} = $pwn;

# renamed(NAME): an executable with a function that is named so, and the function's name.
sub renamed {
	my ($name) = @_;
	my $full = $name . '_' x (40 - length $name);
	my $program = spew("$work/named", slurp($path) =~ s/N{40}/$full/gr);
	chmod 0755, $program;
	return ($program, "main.$full");
}

subtest 'completion in bash' => sub {
	for my $name (@names) {
		my ($program, $full) = renamed($name);
		for my $begun ('main.G', '"main.G', "'main.G", 'ma"in.G', q{'ma'in.G}) {
			my ($quote) = $begun =~ /^[^"']*(["'])[^"']*$/ ? $1 : '';
			my $result = run_command(['bash', '-c', <<'BASH', 'bash', $root, $gotrace, $program, $begun]);
complete() { :; }; compopt() { :; }
. "$1/completions/gotrace.bash"
COMP_WORDS=("$2" list "$3" "$4") COMP_CWORD=3
_gotrace
printf '%s\n' "${COMPREPLY[@]}"
BASH
			ok(!-e $pwn, "$begun Tab: $name");
			my ($reply) = split /\n/, $result->{out};
			next unless defined $reply && length $reply;
			my $line = ($quote ? $begun =~ s/(.*)$quote.*/$1$quote/r : '') . $reply . $quote;
			my $said = run_command(['bash', '-c', "printf '%s' $line"]);
			ok(!-e $pwn, "$line Enter") or unlink $pwn;
			is($said->{out}, $full, 'it is the name');
		}
	}
	my $complete = sub {
		my (@words) = @_;
		return run_command(['bash', '-c', <<'BASH', 'bash', $root, $gotrace, @words])->{out};
complete() { :; }; compopt() { :; }
. "$1/completions/gotrace.bash"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_gotrace
printf '%s\n' "${COMPREPLY[@]}"
BASH
	};
	is($complete->('count', $path, 'main.m'), "main.main\n", 'a function');
	is($complete->('count', '--duration', '5s', $path, 'main.m'), "main.main\n", 'behind --duration X');
	is($complete->('attach', '--goroutine', '1', $path, 'main.m'), "main.main\n", 'behind --goroutine X');
	is($complete->('attach', $path, $func, $_, 'main.m'), "main.main\n", "$_ FUNC") for '--within', '--caller';
};

# The other shells quote by themselves: they are used as a person does. A gotrace in their path notes its last argument.
my $said = "$work/said";
my $bin = make_dir("$work/bin");
spew("$bin/gotrace", "#!/bin/sh\n" . <<"SH");
if [ "\$1" = complete ] || [ "\$2" = --help ]; then exec '$gotrace' "\$@"; fi
for word; do :; done
printf '%s' "\$word" >'$said.new' && mv '$said.new' '$said'
SH
chmod 0755, "$bin/gotrace";
my $home = make_dir("$work/home");
make_dir("$home/functions");
symlink "$root/completions/gotrace.zsh", "$home/functions/_gotrace";
spew("$home/.zshrc", "PS1='ready> '; fpath=(~/functions \$fpath); autoload -U compinit; compinit -u -D; unsetopt beep\n");
make_dir("$home/fish");
spew("$home/fish/config.fish", "function fish_prompt; echo 'ready> '; end; function fish_greeting; end; source $root/completions/gotrace.fish\n");

for my $shell ('zsh', 'fish') {
	subtest "completion in $shell" => sub {
		my $terminal = start_terminal('env', "HOME=$home", "ZDOTDIR=$home", "XDG_CONFIG_HOME=$home", "PATH=$bin:$ENV{PATH}", $shell);
		$terminal->shows(qr/^ready>/m, 'a prompt') or return $terminal->stop('KILL');
		my $complete = sub {
			unlink $said;
			$terminal->type("gotrace @_");
			$terminal->key('Tab');
			$terminal->key('Enter');
			return until_true(60, sub { -e $said }) ? slurp($said) : $terminal->key('C-c') // 'nothing';
		};
		for my $name (@names) {
			my ($program, $full) = renamed($name);
			is($complete->("list $program $_"), $full, "$_ Tab: $name") for 'main.G', '"main.G', q{'main.G};
			ok(!-e $pwn, 'nothing of it was executed') or unlink $pwn;
		}
		my ($program) = renamed('Get');
		is($complete->("count $program main.mai"), 'main.main', 'a function');
		is($complete->("count --duration 5s $program main.mai"), 'main.main', 'after --duration X');
		is($complete->("list $program main.main '!main.mai"), '!main.main', 'a function that is left out');
		is($complete->("attach $program main.main $_ main.mai"), 'main.main', "$_ FUNC") for '--within', '--caller';
		is($complete->("attach $program --max-"), '--max-overhead', 'an option');
		is($complete->("attach $program --format gr"), 'graph', 'an option\'s value');
		is($complete->("whatis $program runtime.mLockP"), 'runtime.mLockProfile', 'a type');
		is($complete->('doct'), 'doctor', 'a command');
		$terminal->stop('KILL');
	};
}

done_testing();
