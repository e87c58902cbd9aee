#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The shell: as a script, and on a real terminal (tmux's), held to what the programs themselves say.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode 'decode_utf8';
use Json;
use Live;
use Storm;
use Terminal;
use Test::More;
use Time::HiRes qw(sleep time);

live_plan();

my $version = newest();
my $path = program('target', $version, 'optimized') // BAIL_OUT('the program target cannot be built');
my $storm = program('storm', $version, 'optimized') // BAIL_OUT('the program storm cannot be built');
$ENV{XDG_STATE_HOME} = "$work/state";
delete @ENV{qw(PAGER LESS NO_COLOR)};

# script(PID, LINES...): {status, out, err} of a script.
sub script {
	my ($pid, @lines) = @_;
	my $file = spew("$work/script", join '', map { "$_\n" } @lines);
	return run_gotrace('shell', $pid, '-x', $file, { timeout => 120 });
}

# begun(TRACE, REGEXP): whether it says so on standard error.
sub begun { my ($trace, $what) = @_; return until_true(60, sub { $trace->errors =~ $what }) }

# table(TEXT, HEAD): the rows below the line that begins so, by their last column's first word.
sub table {
	my ($text, $head) = @_;
	my ($names, @rows);
	for (split /\n/, decode_utf8($text)) {
		if (/^\s*\Q$head\E\b/) { $names = [split]; next }
		next unless $names;
		last unless /^\s*\d/;
		my @words = split;
		my %row = map { $names->[$_] => $words[$_] } 0 .. $#$names;
		push @rows, \%row;
	}
	return @rows;
}

sub by_function { return map { $_->{FUNCTION} => $_ } table($_[0], 'CALLS') }

# ns(WORDS): a duration as it is printed, in ns.
sub ns {
	my ($text) = @_;
	my %unit = (ns => 1, "\x{b5}s" => 1e3, ms => 1e6, s => 1e9);
	return $text =~ /^~?([\d.]+)(ns|\x{b5}s|ms|s)$/ ? $1 * $unit{$2} : -1;
}

# What do_calls has done: 134 calls of hWork, 14 of which return an error; 34 of hOuter; 20 of Get.
subtest 'a script' => sub {
	my $target = start_target($path, []);
	my $file = spew("$work/script", <<"END");
# what it does
trace main.hWork main.hOuter
trace 'main.(*hStore).Get' --no-return
output $work/events
format json
watch 60
traces
stats
stats main.hOuter
hist main.hWork
goroutines
END
	my $shell = start_trace(['shell', $target->{pid}, '-x', $file]);
	ok(begun($shell, qr/trace 2: 1 function/), 'traces') or diag $shell->errors;
	$target->ask('calls 100');
	$target->stop;
	is($shell->wait_end, 0, 'ends well') or diag $shell->errors;
	my $out = $shell->output;
	my %stats = by_function($out);
	is(join(' ', map { "$_ $stats{$_}{CALLS} $stats{$_}{ERRORS} $stats{$_}{LOST}" } sort keys %stats),
		'main.(*hStore).Get 20 - 0 main.hOuter 34 - 0 main.hWork 134 14 0', 'counts calls and errors') or diag $out;
	my $work_row = $stats{'main.hWork'};
	my @order = map { ns($work_row->{$_}) } qw(MIN P50 P99 MAX);
	is("@order", join(' ', sort { $a <=> $b } @order), 'durations in their order');
	cmp_ok($order[0], '>', 0, 'and known');
	is($stats{'main.(*hStore).Get'}{AVG}, '-', 'not known without returns');
	my @traces = table($out, 'ID');
	is(join(', ', map { "$_->{ID} $_->{STATE} $_->{FUNCTIONS} $_->{CALLS} $_->{LOST}" } @traces), '1 ended 2 168 0, 2 ended 1 20 0', 'and by trace');
	my ($hist) = $out =~ /^(main\.hWork, .*\n(?:\[.*\n)+)/m;
	my $sum = 0;
	$sum += $1 while ($hist // '') =~ /^\[\S+(?: \S+)?\s+(\d+) \|/mg;
	is($sum, 134, 'the histogram has every call') or diag $out;
	like($out, qr/^ +1 +- +188  main\.\S+$/m, 'the first goroutine made them, and none began it');
	my @events = json_lines(slurp("$work/events"));
	is(scalar(grep { field($_, 'event') eq 'entry' } @events), 188, 'the file has every entry');
	is(scalar(grep { field($_, 'event') eq 'return' } @events), 168, 'and return');
	like($shell->errors, qr/has ended; its statistics are kept/, 'the end is told');
};

subtest 'on, off, untrace, and traces that share functions' => sub {
	my $target = start_target($path, []);
	my $shell = start_shell($target->{pid});
	my $calls = sub { $target->ask('calls 10'); return };
	my $row = sub {
		my ($id) = @_;
		my ($found) = grep { $_->{ID} eq $id } table($shell->do('traces'), 'ID');
		return $found ? "$found->{STATE} $found->{FUNCTIONS} $found->{CALLS}" : 'none';
	};
	$shell->do('output /dev/null');
	$shell->do("trace 'main.h*' '!main.hOuter'");
	$shell->do('trace main.hWork main.hOuter');
	$calls->();
	is($row->(1) . ', ' . $row->(2), 'on 8 14, on 2 4', 'a function of two traces is armed once, and counted by the first');
	$shell->do('off 1');
	$calls->();
	is($row->(1) . ', ' . $row->(2), 'off 8 14, on 2 8', 'off: its calls are not counted');
	$shell->do('on 1');
	$calls->();
	is($row->(1), 'on 8 28', 'on again');
	$shell->do('untrace 1');
	$calls->();
	is($row->(1) . ', ' . $row->(2), 'none, on 2 30', 'untraced: what it shared is the other trace\'s');
	$shell->do('untrace main.hOuter');
	$calls->();
	is($row->(2), 'on 1 44', 'one function less');
	$shell->do('trace main.hOuter main.hTick');
	$calls->();
	is($row->(3), 'on 2 4', 'traced anew');
	$shell->do('stats reset');
	$calls->();
	my %stats = by_function($shell->do('stats'));
	is("$stats{'main.hWork'}{CALLS} $stats{'main.hOuter'}{CALLS}", '14 4', 'statistics begin anew');
	is($shell->do('trace main.hDeferred --count 0'), '', 'an error prints nothing');
	like($shell->errors, qr/standard input:\d+: trace: --count 0: /, 'but its message');
	is($shell->stop, 2, 'and is the status');
	is($target->stop, 0, 'the target ends well');
};

subtest 'set goroutine' => sub {
	for my $backend (qw(ebpf ptrace)) {
		my $target = start_target($path, []);
		my $shell = start_shell($target->{pid});
		my $calls = sub {
			$target->ask('tick 4');
			$target->ask('calls 10');
			$shell->do('watch 0.3');
			my %stats = by_function($shell->do('stats'));
			$shell->do('stats reset');
			return join ' ', map { $stats{"main.$_"}{CALLS} // 0 } qw(hTick hWork);
		};
		$shell->do("set backend $backend");
		$shell->do('output /dev/null');
		$shell->do('trace main.hTick main.hWork');
		is($calls->(), '10 14', "$backend: of all goroutines");
		$shell->do('set goroutine 1');
		is($calls->(), '0 14', "$backend: of the first alone");
		$shell->do('set goroutine all');
		is($calls->(), '10 14', "$backend: of all again");
		is($shell->stop . $target->stop, '00', "$backend: both end well");
	}
};

subtest 'options of a trace' => sub {
	my $target = start_target($path, []);
	my $shell = start_shell($target->{pid});
	$shell->do('format json');
	$shell->do('trace main.hTick --goroutine 1');
	$shell->do('trace main.hWork --count 3 --no-args');
	$target->ask('tick 4');
	$target->ask('calls 10');
	$shell->do('watch 0.3');
	my @events = json_lines($shell->events);
	is(scalar(grep { field($_, 'func') eq 'main.hTick' } @events), 0, 'only one goroutine\'s');
	my @entries = grep { field($_, 'event') eq 'entry' } @events;
	is(scalar @entries, 3, 'so many calls');
	is(scalar(grep { defined field($_, 'args') } @entries), 0, 'without arguments');
	is(scalar(grep { field($_, 'event') eq 'return' } @events), 3, 'with their returns');
	unlike($shell->do('traces'), qr/main\.hWork/, 'and then that trace is gone');
	$shell->do('set depth 0');
	$shell->do("trace 'main.(*hStore).Get'");
	$target->ask('calls 1');
	$shell->do('watch 0.3');
	my ($get) = grep { field($_, 'event') eq 'entry' && field($_, 'func') eq 'main.(*hStore).Get' } json_lines($shell->events);
	like(field(field($get, 'args')->[0], 'value') // '', qr/^0x/, 'set depth 0: pointers are not followed') or diag json_text($get);
	$shell->do('set depth 2');
	$target->ask('calls 1');
	$shell->do('watch 0.3');
	($get) = reverse grep { field($_, 'event') eq 'entry' && field($_, 'func') eq 'main.(*hStore).Get' } json_lines($shell->events);
	ok(is_object(field(field($get, 'args')->[0], 'value')), 'set depth 2 while it is traced: they are') or diag json_text($get);
	is($shell->stop, 0, 'ends well') or diag $shell->errors;
	is($target->stop, 0, 'and so does the target');
};

subtest 'conditions without quotes' => sub {
	my $target = start_target($path, []);
	my $shell = start_shell($target->{pid});
	$shell->do('output /dev/null');
	$shell->do('trace main.hWork if n == 9 || s == "none of these"');
	$target->ask('calls 10');
	like($shell->do('traces'), qr/^ +1 on +1 +2 +0 .* main\.hWork if n == 9 \|\| s == "none of these"$/m, 'after a pattern');
	$shell->do('untrace 1');
	$shell->do('trace --if n >= 5 && s == "text" main.hWork --no-args');
	$target->ask('calls 10');
	like($shell->do('traces'), qr/^ +2 on +1 +[1-9]\d* +0 .* main\.hWork$/m, 'after --if');
	$shell->do('untrace 2');
	$shell->do('trace main.hWork if err != nil');
	$target->ask('calls 10');
	like($shell->do('traces'), qr/^ +3 on +1 +2 +0 .* main\.hWork if err != nil$/m, 'an error without a name');
	is($shell->errors =~ /no function|not a/ ? $shell->errors : '', '', 'and no word is taken for a pattern');
	is($shell->stop . $target->stop, '00', 'both end well');
};

subtest 'errors' => sub {
	my $target = start_target($path, []);
	my $result = script($target->{pid}, '', 'traces', 'untrace 7', 'traces');
	is($result->{status}, 2, 'the first error ends a script');
	like($result->{err}, qr{\Q$work\E/script:3: .*no trace 7}, 'with its place');
	is(() = $result->{out} =~ /no traces/g, 1, 'what follows is not executed');
	$result = run_gotrace('shell', $target->{pid}, '--keep-going', '-e', 'nonsense', '-e', 'traces');
	is($result->{status}, 2, '--keep-going: the status still tells');
	like($result->{out}, qr/no traces/, 'but the next command is executed');
	like($result->{err}, qr/-e:1: .*no command 'nonsense'/, 'and it is said');
	$result = run_gotrace('shell', $target->{pid}, '--keep-going', '-e', 'traces', '-e', '', '-e', 'untrace 7', '-e', "traces\nnonsense");
	like($result->{err}, qr/-e:3: .*no trace 7.*-e:5: .*no command 'nonsense'/s, 'and which one it was');
	$result = run_gotrace('shell', '-e', 'trace main.main');
	like($result->{err}, qr/no target/, 'without a target');
	$result = run_gotrace('shell', $target->{pid}, '-e', 's');
	like($result->{err}, qr/'s' is /, 'a beginning of several commands');
	$result = run_gotrace('shell', $target->{pid}, '-e', 'trace main.nosuch');
	like($result->{err}, qr/main\.nosuch/, 'a function that is not there');
	$result = run_gotrace('shell', $target->{pid}, '--keep-going', '-e', 'trace main.hWork', '-e', 'trace main.nosuch --depth 4', '-e', 'set depth', '-e', 'traces');
	like($result->{out}, qr/^2\n.*main\.hWork/ms, 'whose --depth changes no other trace');
	unlike($result->{err}, qr/holds for all/, 'nor is said to');
	$result = run_gotrace('shell', $target->{pid}, '-e', 'trace main.hWork --frobnicate');
	like($result->{err}, qr/frobnicate/, 'an option that is not there');
	is($target->stop, 0, 'the target ends well');
};

subtest 'a target that cannot be had takes the place of none' => sub {
	my $target = start_target($path, []);
	my $shell = start_shell($target->{pid});
	$shell->do('output /dev/null');
	$shell->do('trace main.hWork --duration 60s');
	my $number = 0;
	for (['attach 999999999', qr/no process 999999999|no such process/], ["attach $$", qr/not a Go program|Go/],
		["attach $target->{pid}", qr/is the target already/], ['run main.nosuch -- /bin/true', qr/Go/],
		["run main.nosuch -- $path exit 0", qr/main\.nosuch/], ['run main.main -- /nowhere', qr{/nowhere}]) {
		my ($command, $why) = @$_;
		$shell->do($command);
		like((split /^/, $shell->errors)[-1], $why, "$command is refused");
		$target->ask('calls 10');
		$number += 14;
		like($shell->do('traces'), qr/^ +1 on +1 +$number +0 .* main\.hWork$/m, 'and the trace goes on');
	}
	my $other = start_target($path, []);
	$shell->do("attach $other->{pid}");
	like($shell->errors, qr/attached to $other->{pid}/, 'one that can be had does');
	is($shell->do('traces'), "no traces\n", 'with traces of its own');
	is(text_differs($target->{pid}), '', 'and the first has no probes any more');
	is($shell->stop, 2, 'the errors are the status');
	is($target->stop . $other->stop, '00', 'all end well');
};

subtest 'save and source, run and kill' => sub {
	my $target = start_target($path, []);
	my $result = script($target->{pid}, 'set strlen 8', 'format lines', "trace 'main.h*' '!main.hOuter' --no-return", "save $work/saved");
	is($result->{status}, 0, 'save') or diag $result->{err};
	$result = script($target->{pid}, "source $work/saved", 'set strlen', 'traces');
	is($result->{status}, 0, 'source') or diag $result->{err};
	like($result->{out}, qr/^8$/m, 'settings come back');
	like($result->{out}, qr/^ +1 on +8 .* main\.h\* !main\.hOuter/m, 'and traces') or diag $result->{out};
	$target->stop;

	$result = run_gotrace('shell', '-e', "run main.hInit main.hWork -- $path calls 5 exit 0", '-e', 'watch 20', '-e', 'stats');
	is($result->{status}, 0, 'run') or diag $result->{err};
	my %stats = by_function($result->{out});
	is("$stats{'main.hInit'}{CALLS} $stats{'main.hWork'}{CALLS}", '2 7', 'from its first instruction') or diag $result->{out};
	$target = start_target($path, []);
	$result = script($target->{pid}, 'trace main.hWork', 'kill', 'stats', 'trace main.hOuter');
	ok(!$target->is_alive, 'kill ends the target');
	like($result->{err}, qr/script:4: .*has ended/, 'the shell stays, and says so');
	$target->stop;
};

subtest 'statistics of a storm' => sub {
	my $target = start_target($storm, []);
	my $file = spew("$work/script", join "\n", 'output /dev/null', 'trace ' . join(' ', map { "'$_'" } @storm_patterns), 'watch 120', 'traces', 'stats', '');
	my $shell = start_trace(['shell', $target->{pid}, '-x', $file]);
	ok(begun($shell, qr/trace 1: \d+ functions/), 'traces') or diag $shell->errors;
	$target->say("\n");
	my $said = storm_said($target->line(120) // '');
	$target->stop;
	is($shell->wait_end, 0, 'ends well') or diag $shell->errors;
	my %stats = by_function($shell->output);
	my ($wrong, $lost) = (0, 0);
	for my $name (sort keys %{ $said->{functions} }) {
		my $want = $said->{functions}{$name};
		my $got = $stats{$name} // { CALLS => 0, LOST => 0 };
		$lost += $got->{LOST};
		next if $got->{CALLS} == ($want->{entries} // 0);
		diag "$name: counted $got->{CALLS}, said $want->{entries}";
		$wrong++;
	}
	is($wrong, 0, 'calls are as many as the program counted');
	is($lost, 0, 'none is lost');
	my ($row) = table($shell->output, 'ID');
	my $all = 0;
	$all += $_->{entries} // 0 for values %{ $said->{functions} };
	is("$row->{CALLS} $row->{LOST}", "$all 0", 'and so says the trace');
};

# The target works all the time; what the shell holds may not grow from cycle to cycle.
subtest 'many cycles of 500 functions' => sub {
	my $more = rounds(30, 80);
	my $target = start_target($path, []);
	my $shell = start_shell($target->{pid});
	my @patterns = (q('/^(fmt|strconv|reflect|os|io|sort|sync|unicode|syscall|time|strings|bufio|errors|internal)/'), q('main.h*'));
	$shell->do('output /dev/null');
	my ($functions, $calls, $lost) = (0, 0, 0);
	my $cycle = sub {
		$shell->do("trace @patterns --sample 1/50");
		$shell->do('watch 0.02');
		my ($row) = table($shell->do('traces'), 'ID');
		$functions = $row->{FUNCTIONS};
		$calls += $row->{CALLS};
		$lost += $row->{LOST};
		$shell->do("untrace $row->{ID}");
		return;
	};
	$target->ask('busy 4');
	$cycle->() for 1 .. 20;
	my $before = $shell->holds;
	$cycle->() for 1 .. $more;
	my $after = $shell->holds;
	cmp_ok($functions, '>=', 500, 'functions');
	cmp_ok($calls, '>', 100, 'that were called');
	is($lost, 0, 'and nothing was lost');
	is($after->{fds}, $before->{fds}, "as many descriptors after $more more cycles");
	is($after->{maps}, $before->{maps}, 'as many of them kernel maps');
	cmp_ok($after->{rss}, '<', $before->{rss} + 4096, 'as much memory, within 4 MB');
	diag "$functions functions, $calls calls; $before->{rss} KB, then $after->{rss} KB; $after->{fds} descriptors, $after->{maps} maps";
	my ($said) = $target->ask('rest');
	like($said, qr/^busy \d+ 0$/, 'the program\'s own results are right');
	is($shell->stop, 0, 'the shell ends well') or diag $shell->errors;
	is(text_differs($target->{pid}), '', 'the program\'s code is as it was');
	is($target->stop, 0, 'and it ends well');
};

subtest 'on a terminal' => sub {
	my $target = start_target($path, []);
	my $terminal = start_terminal($gotrace, 'shell');
	$terminal->shows(qr/^\(gotrace\) $/m, 'a prompt');
	$terminal->enter("attach $target->{pid}");
	$terminal->shows(qr/attached to $target->{pid} \(target\)/, 'attach');
	$terminal->type('trace main.(*h');
	$terminal->key('Tab');
	$terminal->shows(qr/^\(gotrace\) trace main\.\(\*hStore\)\.Get *$/m, 'Tab completes a method');
	$terminal->enter(" 'main.hWork'");
	$terminal->shows(qr/trace 1: 2 functions/, 'trace');
	$terminal->type('stats main.hW');
	$target->ask('calls 1');
	$terminal->shows(qr/main\.hWork\(n=0, s="text"\) = \(0, nil\).*\n(?:.*\n)*.*main\.\(\*hStore\)\.Get\(.*\n(?:.*\n)*\(gotrace\) stats main\.hW$/,
		'events print above a line that is half typed, which stands below them');
	$terminal->enter('ork');
	$terminal->shows(qr/^ +2 +0 .* 0  main\.hWork$/m, 'and which goes on');
	$terminal->enter('off 1');
	$terminal->enter('!echo paused');
	$terminal->shows(qr/^paused$/m, 'a command of the system');
	$target->ask('calls 1');
	$terminal->enter('stats');
	$terminal->shows(qr/(?:^ +2 +0 .* main\.hWork\n.*){2}/ms, 'off: it counts no more');
	$terminal->enter('on 1');
	$terminal->enter('hist main.hWork');
	$terminal->shows(qr/^\[\S+, \S+\) +\d+ \|@+ *\|$/m, 'hist');
	$terminal->type('this is given up');
	$terminal->key('C-c');
	$terminal->shows(qr/this is given up\^C\n\(gotrace\) $/, 'Ctrl-C clears the line');
	$terminal->enter('watch');
	$target->ask('calls 10');
	$terminal->shows(qr/n=9, s="text"\) = \(0, error\(.*"nine"\)/, 'watch follows');
	$terminal->key('C-c');
	$terminal->shows(qr/\(gotrace\) $/, 'and Ctrl-C stops it');
	$terminal->enter("output $work/flood");
	$terminal->enter('output -');
	$target->ask('calls 5000');
	$terminal->shows(qr/\.\.\. \d{3,} more lines/, 'a flood is cut short, and said to be');
	$terminal->enter('stats main.hWork');
	$terminal->shows(qr/^ +6683 +\d+ .* 0  main\.hWork$/m, 'but counted');
	is($target->stop, 0, 'the target ends well');
	$terminal->shows(qr/has ended; its statistics are kept\n(?:.*\n)*\(gotrace\) $/, 'its end is said at once');
	$terminal->enter('stats main.hWork');
	$terminal->shows(qr/(?:^ +6683 .* main\.hWork\n.*){2}/ms, 'and its statistics are kept');
	$terminal->key('C-d');
	is($terminal->status, 0, 'Ctrl-D leaves');
	$terminal->stop;

	$terminal = start_terminal($gotrace, 'shell');
	$terminal->shows(qr/\(gotrace\) $/, 'a second session');
	$terminal->key('Up');
	$terminal->shows(qr/^\(gotrace\) stats main\.hWork$/m, 'remembers the first one\'s lines');
	$terminal->key('C-c');
	$terminal->enter('history');
	$terminal->shows(qr/^ +\d+  attach $target->{pid}$/m, 'and lists them');
	$terminal->enter('quit');
	is($terminal->status, 0, 'quit leaves');
	$terminal->stop;
};

subtest 'a terminal that does not know its size' => sub {
	my $target = start_target($path, []);
	my $begin = spew("$work/sizeless", "stty rows 0 cols 0\nPAGER='echo PAGED; grep -E \"Cap(Eff|Prm)\" /proc/self/status; head -3' exec $gotrace shell $target->{pid}\n");
	my $terminal = start_terminal('sh', $begin);
	$terminal->shows(qr/attached to/, 'attached');
	$terminal->enter('funcs main.hW*');
	$terminal->shows(qr/^main\.hWork  func/m, 'a short answer is shown');
	unlike($terminal->screen, qr/PAGED/, 'without a pager');
	$terminal->enter('funcs');
	$terminal->shows(qr/^PAGED\nCapPrm:\s+0{16}\nCapEff:\s+0{16}\n/m, 'a long one by the pager, which has no capabilities');
	$terminal->enter('exit');
	is($terminal->status, 0, 'exit leaves');
	$terminal->stop;
	is($target->stop, 0, 'the target ends well');
};

subtest 'Tab in conditions' => sub {
	my $target = start_target($path, []);
	my $terminal = start_terminal($gotrace, 'shell', $target->{pid});
	$terminal->shows(qr/attached to.*\n\(gotrace\) $/, 'attached');
	$terminal->type('trace main.(*hStore).Get --if s.');
	$terminal->key('Tab');
	$terminal->key('Tab');
	$terminal->shows(qr/^s\.Items +s\.Name +s\.Next$/m, 'fields');
	$terminal->key('C-c');
	for (['trace main.(*hStore).Get --if s.Nam', 'trace main.(*hStore).Get --if s.Name'], ['trace main.(*hStore).Get --if len(s.Next.It', 'trace main.(*hStore).Get --if len(s.Next.Items'],
		['trace main.hWork if n > 3 && e', 'trace main.hWork if n > 3 && err'],
		["trace main.hWork --if 'hasP", "trace main.hWork --if 'hasPrefix("], ['trace main.hWork --if=dur', 'trace main.hWork --if=duration']) {
		my ($typed, $shown) = @$_;
		$terminal->type($typed);
		$terminal->key('Tab');
		$terminal->shows(qr/^\(gotrace\) \Q$shown\E/m, $typed);
		$terminal->key('C-c');
		$terminal->shows(qr/\^C\n\(gotrace\) $/, 'cleared');
	}
	$terminal->stop;
	is($target->stop, 0, 'the target ends well');
};

subtest 'lines that are pasted' => sub {
	my $target = start_target($path, []);
	my $terminal = start_terminal($gotrace, 'shell', $target->{pid});
	$terminal->shows(qr/attached to.*\n\(gotrace\) $/, 'attached');
	$terminal->paste("trace main.hWork\ntrace main.hOuter\n\n# as a script\nset strlen 7\nset strlen\n");
	$terminal->key('Enter');
	$terminal->shows(qr/^trace 1: 1 function\ntrace 2: 1 function\n7$/m, 'each is a command');
	$terminal->paste("set strlen 8\nuntrace 9\nkill");
	$terminal->key('Enter');
	$terminal->shows(qr/no trace 9.*\nnot executed: kill\n\(gotrace\) $/, 'an error ends them');
	ok($target->is_alive, 'the rest is not executed');
	$terminal->key('Up');
	$terminal->shows(qr/^\(gotrace\) untrace 9$/m, 'the history has them one by one');
	$terminal->key('C-c');
	$terminal->enter('quit');
	is($terminal->status, 0, 'quit leaves');
	$terminal->stop;
	is($target->stop, 0, 'the target ends well');
};

subtest 'what happens to the target meanwhile' => sub {
	my $target = start_target($path, []);
	my $terminal = start_terminal($gotrace, 'shell', $target->{pid});
	$terminal->shows(qr/attached to/, 'attached');
	$terminal->enter('trace main.hWork');
	$terminal->shows(qr/trace 1/, 'traced');
	$target->ask('calls 2');
	$terminal->shows(qr/n=1, s="text"/, 'its calls are shown');
	$terminal->type('half a ');
	kill 'KILL', $target->{pid};
	$terminal->shows(qr/has ended.*\n(?:.*\n)*\(gotrace\) half a ?$/, 'killed: the shell says so above the line, and stays');
	$terminal->key('C-c');
	$terminal->enter('traces');
	$terminal->shows(qr/^ +1 ended +1 +3 /m, 'with its counts');
	$target->stop;
	my $other = start_target($path, []);
	$terminal->enter("attach $other->{pid}");
	$terminal->shows(qr/attached to $other->{pid}/, 'attaches to another');
	$terminal->enter('trace main.hWork');
	$terminal->shows(qr/(?:trace 1: 1 function.*){2}/s, 'and traces it');
	$other->say("exec $path\n");
	$terminal->shows(qr/executed another program/, 'exec is noticed');
	$terminal->stop('KILL');
	like($other->line, qr/^READY/, 'the program that it became runs');
	is($other->stop, 0, 'and ends well');

	my $third = start_target($path, []);
	$terminal = start_terminal($gotrace, 'shell', $third->{pid});
	$terminal->enter("trace 'main.h*'");
	$terminal->shows(qr/trace 1/, 'a third is traced');
	$terminal->stop('KILL');
	$third->ask('calls 100');
	until_true(60, sub { text_differs($third->{pid}) eq '' });
	is(text_differs($third->{pid}), '', 'SIGKILL of the shell leaves its target clean');
	is($third->stop, 0, 'and running');
};

done_testing();
