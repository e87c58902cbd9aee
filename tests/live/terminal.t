#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing that comes from outside reaches a terminal as it is: every command over a hostile program, every byte looked at.
use strict;
use warnings;
use lib do { __FILE__ =~ m{(.*)/} ? "$1/lib" : 'lib' };
use Encode ();
use IO::Handle;
use JSON::PP;
use Live;
use POSIX ();
use Test::More;

live_plan();

# What stands in the names: a terminal's title, a line of its own, C1, a bidirectional control, what is no UTF-8.
my $attack = "\e]0;X\a\nFAKE\x9b\xc2\x9b1m\xe2\x80\xae\x7f\t\r";

# hostile(): the program with the attack in the names of its function, argument, type and field, file, package and build.
sub hostile {
	my $path = program('evil', newest(), 'plain') or return undef;
	my $bytes = slurp($path);
	for my $letter (qw(N T F A)) {
		my $name = $attack =~ s/X/$letter/r;
		$name .= '_' x (40 - length $name);
		$bytes =~ s/\Q${\($letter x 40)}\E/$name/g or die "no $letter in $path";
	}
	$bytes =~ s{evil/main\.go}{\e]\nl/main.go}g or die 'no file name';
	$bytes =~ s{path\t\K\w(?=\S*evil\n)}{\e} or die 'no package';
	$bytes =~ s{\0Go\0\0\K[-\w]{3}(?=[-\w]+/)}{\e]\x9b} or die 'no build id';
	my $dir = make_dir("$work/in \e[31m");
	chmod 0755, $dir;
	my $copy = spew("$dir/evil\e]0;\a\nFAKE\xe2\x80\xae\x9b", $bytes);
	chmod 0755, $copy;
	return $copy;
}

# wrong(BYTES): '' where a terminal may get them, else what is there and where.
sub wrong {
	my ($bytes) = @_;
	return '' unless defined $bytes && length $bytes;
	my $text = eval { Encode::decode('UTF-8', $bytes, Encode::FB_CROAK | Encode::LEAVE_SRC) } // return "no UTF-8: $bytes" =~ s/[^ -~]/./gr;
	return sprintf 'U+%04X behind "%s"', ord $1, substr($text, 0, $-[1]) =~ s/.*(?=.{60})//sr =~ s/[^ -~]/./gr
		if $text =~ /([^\n\P{C}]|[\x{2028}\x{2029}])/;
	return 'a line that a name began' if $text =~ /^\W?FAKE/m;
	return '';
}

sub clean {
	my ($result, $name, $says) = @_;
	is(wrong($result->{out}), '', "$name: standard output");
	is(wrong($result->{err}), '', "$name: standard error");
	like($result->{out} . $result->{err}, $says, "$name: it says what it is about") if $says;
	if ($name =~ /json/) {
		ok(!(grep { !eval { decode_json($_); 1 } } split /\n/, $result->{out}), "$name: it is JSON");
	}
	return $result;
}

my $path = hostile();
BAIL_OUT('no hostile program') unless $path;
my ($func, $type);

subtest 'commands that look' => sub {
	my ($line) = grep { /\bN\b/ } split /\n/, clean(run_gotrace('list', $path, '--format', 'json', 'main.*'), 'list json', qr/FAKE/)->{out};
	$func = Encode::encode('UTF-8', decode_json($line)->{func});
	like($func, qr/^main\.\\x1b\]0;N\\a\\nFAKE\\x9b\\u009b1m\\u202e\\x7f\\t\\r_/, 'the name is spelled as Go spells it');
	($type) = clean(run_gotrace('types', $path, 'main.*'), 'types', qr/FAKE/)->{out} =~ /^(main\.\S*0;T\S+)/m;
	clean(run_gotrace('list', $path), 'list');
	clean(run_gotrace('list', '-v', $path, $func), 'list -v', qr/FAKE/);
	clean(run_gotrace('info', $path), 'info');
	clean(run_gotrace('info', '--format', 'json', $path), 'info json', qr/build_id/);
	is(clean(run_gotrace('info', $path, $func), 'info FUNC', qr/FAKE/)->{status}, 0, 'the name that is shown is the one to give');
	clean(run_gotrace('whatis', $path, $func), 'whatis FUNC', qr/FAKE/);
	is(clean(run_gotrace('whatis', $path, $type), 'whatis TYPE', qr/FAKE/)->{status}, 0, 'a type likewise');
	clean(run_gotrace('disassemble', $path, $func), 'disassemble', qr{l/main\.go});
	clean(run_gotrace('disassemble', $path, 'main.main'), 'disassemble its caller', qr/FAKE/);
	is(clean(run_gotrace('complete', '--', 'list', $path, 'main.'), 'complete', qr/FAKE/)->{out} =~ tr/\n//, 2, 'complete: a line a name');
	clean(run_gotrace('complete', '--', 'types', $path, 'main.'), 'complete types', qr/FAKE/);
	clean(run_gotrace('doctor', $path), 'doctor');
	clean(run_gotrace('doctor', '--format', 'json', $path), 'doctor json');
};

subtest 'messages' => sub {
	my $bad = spew("$path.bad", 'none');
	clean(run_gotrace('list', "$path.gone"), 'no file', qr/No such file/);
	clean(run_gotrace('info', $bad), 'no executable', qr/ELF/);
	clean(run_gotrace('doctor', $bad), 'doctor of no executable', qr/ELF/);
	clean(run_gotrace('list', $path, "main.N$attack"), 'no function', qr/no function/);
	clean(run_gotrace('run', 'main.*', '--', $bad), 'no program', qr/executable/);
	clean(run_gotrace('replay', $path), 'no recording');
	clean(run_gotrace('attach', $path, 'main.*'), 'no PID', qr/PID/);
	clean(run_gotrace("ev$attack"), 'no command');
	clean(run_gotrace('list', "--$attack", $path), 'no option', qr/no option/);
	clean(run_gotrace('attach', '--format', $attack, 1, 'main.*'), 'no format', qr/--format/);
	clean(run_gotrace('shell', '-x', $path), 'no script');
};

subtest 'traces' => sub {
	for my $backend ('ebpf', 'ptrace') {
		for my $format ('graph', 'lines', 'json') {
			my $name = "$backend $format";
			my $target = start_target($path, []) or return fail($name);
			my $trace = start_trace(['attach', $target->{pid}, 'main.*', '--backend', $backend, '--format', $format, '--stack', '--count', 3]);
			ok($trace->armed, "$name: armed") or diag $trace->errors;
			$target->ask('go');
			$trace->wait_end == 0 or $trace->stop;
			clean({ out => $trace->output, err => $trace->errors }, $name, qr/FAKE line/);
			is($target->stop, 0, "$name: the target ends");
		}
	}
	my $target = start_target($path, []) or return fail('dry-run');
	clean(run_gotrace('attach', $target->{pid}, $func, '--dry-run'), 'dry-run', qr/FAKE/);
	clean(run_gotrace('attach', $target->{pid}, 'main.nothing'), 'no function of a process', qr/nothing/);
	$target->stop;
};

subtest 'run, recordings, counts, the shell' => sub {
	my $in = spew("$work/end", "end\n");
	my $stdin = sub { open my $file, '<', $in or die $!; return { in => $file } };
	my $ran = run_gotrace('run', $func, '--save', "$work/evil.rec", '-o', "$work/evil.out", '--', $path, $stdin->());
	clean({ out => slurp("$work/evil.out"), err => $ran->{err} }, 'run', qr/FAKE line/);
	clean(run_gotrace('replay', "$work/evil.rec", '--format', $_), "replay $_", qr/FAKE line/) for 'graph', 'json';
	for my $form ('text', 'json') {
		for my $command ('count', 'hist', 'top') {
			my @by = $command eq 'top' ? () : ('--by', 'caller');
			my $result = run_gotrace($command, $func, @by, '--format', $form, '-o', "$work/count.out", '--', $path, $stdin->());
			clean({ out => slurp("$work/count.out"), err => $result->{err} }, "$command $form", qr/FAKE/);
		}
	}
	my $target = start_target($path, []) or return fail('shell');
	my @lines = ('watch 0.2', 'traces', 'stats', 'goroutines', "info '$func'", "hist '$func'", 'funcs main.*', 'types main.*', 'info');
	POSIX::mkfifo("$work/script", 0600);
	my $shell = start_trace(['shell', $target->{pid}, '-x', "$work/script"]);
	open my $script, '>', "$work/script" or die $!;
	$script->autoflush(1);
	print $script "trace '$func'\n";
	ok(until_true(60, sub { $shell->errors =~ /trace 1/ }), 'the shell traces');
	$target->ask('go');
	print $script map { "$_\n" } @lines;
	close $script;
	clean(run_gotrace('shell', $target->{pid}, '-e', "trace main.main '--\e]0;x\a\xc2\x9b'"), 'no option in the shell', qr/trace/);
	is($shell->wait_end, 0, 'the shell') or diag $shell->errors;
	clean({ out => $shell->output, err => $shell->errors }, 'shell', qr/FAKE line/);
	$target->stop;
};

done_testing();
