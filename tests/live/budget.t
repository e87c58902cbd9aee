#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# What is left out on purpose: one call in so many, so many calls a second, what a budget leaves no room for. Held
# to what the program says it did.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Json;
use Live;
use POSIX 'ceil';
use Test::More;
use Time::HiRes 'sleep';

live_plan();

# traced(PATH, COMMANDS, ARGS): {events, summary, err, said} of a trace while the target obeys.
sub traced {
	my ($path, $commands, @args) = @_;
	my %options = ref $args[-1] eq 'HASH' ? %{ pop @args } : ();
	my $target = start_target($path, []) or return undef;
	my $trace = start_trace(['attach', $target->{pid}, @args, '--format', 'json'], %options);
	diag "@args: " . $trace->errors if $trace->armed != 1;
	my @said = map { $target->ask($_) } @$commands;
	my $status = $trace->stop;
	my $ended = $target->stop;
	is("$status $ended", '0 0', "@args: both end well") or diag $trace->errors, $target->errors;
	my @events = json_lines($trace->output);
	return { events => \@events, summary => $events[-1], err => $trace->errors, said => "@said" };
}

sub value { my ($event, $key) = @_; return field(field($event, $key)->[0], 'value') }

# wrong(EVENTS, DETACHED): what is wrong with how entries and returns go together; some may end as detached.
sub wrong {
	my ($events, $detached) = @_;
	my (%open, @wrong);
	for (@$events) {
		my $what = field($_, 'event');
		next if $what eq 'summary';
		my ($func, $call) = (field($_, 'func'), field($_, 'call'));
		if ($what eq 'lost' || !$call) {
			push @wrong, json_text($_);
		} elsif ($what eq 'entry') {
			$open{$call} = $_;
		} elsif (my $entry = delete $open{$call}) {
			my @args = map { field($_, 'value') } @{ field($entry, 'args') // next };
			my $how = field($_, 'how');
			next if $how eq 'detached' && $detached;
			if ($func eq 'main.bRisky') {
				push @wrong, json_text($_) if $how ne ($args[0] % 7 == 3 ? 'panicked' : 'return');
			} elsif ($func eq 'main.bDeep') {
				push @wrong, json_text($_) if $how ne 'return' || field($_, 'results') && value($_, 'results') != $args[0] * 10 + $args[1];
			}
		} else {
			push @wrong, 'no entry: ' . json_text($_);
		}
	}
	return (@wrong, map { 'no end: ' . json_text($_) } values %open);
}

sub entries { my ($result, $func) = @_; return grep { field($_, 'event') eq 'entry' && field($_, 'func') eq $func } @{ $result->{events} } }

for my $backend ('ebpf', 'ptrace') {
	my @versions = $backend eq 'ebpf' ? versions() : newest();
	for my $version (@versions) {
		my $path = program('budget', $version, 'optimized') // next;
		my $calls = $backend eq 'ebpf' ? 3000 : 300;
		subtest "$backend, Go $version: sampled calls are whole" => sub {
			my $result = traced($path, ["many 8 $calls"], 'main.bDeep', 'main.bRisky', '--sample', '1/10', '--backend', $backend);
			my ($deep, $risky) = $result->{said} =~ /bDeep (\d+) bRisky (\d+)/;
			my ($num_deep, $num_risky) = map { scalar entries($result, "main.$_") } qw(bDeep bRisky);
			is($num_deep, $deep / 10, 'one in ten of one function');
			is($num_risky, $risky / 10, 'and of the other');
			my @wrong = wrong($result->{events});
			is(scalar @wrong, 0, 'each with its own end') or diag join "\n", @wrong[0 .. ($#wrong < 9 ? $#wrong : 9)];
			is(field($result->{summary}, 'skipped'), ($deep + $risky) * 9 / 10, 'the summary says how many were left out');
			is(field($result->{summary}, 'lost'), 0, 'and none lost');
		};
	}
}

my $path = program('budget', newest(), 'optimized') // BAIL_OUT('the program budget cannot be built');

subtest 'very many calls' => sub {
	my $result = traced($path, ['loop 200003'], 'main.bLoop', '--sample', '1/1000', '--no-return');
	my @entries = entries($result, 'main.bLoop');
	my $num = @entries;
	ok($num == 200 || $num == 201, "one in a thousand is $num");
	is(field($result->{summary}, 'skipped') + $num, 200003, 'all others were counted');
	my %rounds = map { int(value($_, 'args') / 1000) => 1 } @entries;
	is(scalar keys %rounds, $num, 'one of each thousand');
	my %places = map { value($_, 'args') % 1000 => 1 } @entries;
	cmp_ok(scalar keys %places, '>', 100, 'at places that follow no pattern');
};

subtest 'calls in turns' => sub {
	my $result = traced($path, ['pair 20000'], 'main.bLoop', 'main.bOther', '--sample', '1/4');
	for my $func ('main.bLoop', 'main.bOther') {
		my @entries = entries($result, $func);
		is(scalar @entries, 10000, "a quarter of $func");
		my $odd = grep { value($_, 'args') % 2 } @entries;
		cmp_ok(abs($odd - 5000), '<', 400, "of both kinds: $odd are odd"); # eight standard deviations
	}
};

subtest 'a rate' => sub {
	my $result = traced($path, ['loop 50000', 'loop 50000'], 'main.bLoop', '--rate', '100/s');
	my @entries = entries($result, 'main.bLoop');
	my $seconds = field($result->{summary}, 'seconds');
	cmp_ok(scalar @entries, '>=', 100, 'a second of it at once');
	cmp_ok(scalar @entries, '<=', 101 + 100 * $seconds, 'no more than that');
	is(@entries + field($result->{summary}, 'skipped'), 100000, 'all others were counted');
	is(scalar wrong($result->{events}), 0, 'each has its end');
};

subtest 'the text says it too, and a saved trace' => sub {
	my $target = start_target($path, []);
	my $file = "$work/sampled.gotrace";
	my $trace = start_trace(['attach', $target->{pid}, 'main.bLoop', '--sample', '1/100', '--save', $file]);
	is($trace->armed, 1, 'attached');
	$target->ask('loop 5000');
	is($trace->stop, 0, 'ended');
	$target->stop;
	like($trace->errors, qr/50 calls, 50 returns, 0 lost, 4950 skipped/, 'in the summary');
	my $again = run_gotrace('replay', $file);
	like($again->{err}, qr/50 calls, 50 returns, 0 lost, 4950 skipped/, 'and replayed') or diag $again->{err};
	is($again->{out}, $trace->output, 'the same calls');
};

# calls(TARGET, WHAT, MS): calls a second that the program makes meanwhile.
sub calls {
	my ($target, $what, $ms) = @_;
	my ($calls, $ns) = split ' ', ($target->ask("$what $ms"))[0];
	return $calls / $ns * 1e9;
}

# Without a budget the program would be slowed down to a thousandth, or far less.
for my $backend ('ebpf', 'ptrace') {
	subtest "$backend: a budget" => sub {
		my $target = start_target($path, []);
		my $untraced = calls($target, 'for', 500);
		my $trace = start_trace(['attach', $target->{pid}, 'main.bLoop', 'main.bBusy', '--max-overhead', '10', '-v', '--format', 'json', '--backend', $backend]);
		is($trace->armed, 1, 'attached');
		calls($target, 'calm', 500);
		is($trace->errors =~ tr/>//, 0, 'some calls are within it') or diag $trace->errors;
		my $is_off = qr/main\.bLoop: \w+ -> off: \d+ calls\/s cost \d+\.\d% of the target's time/;
		ok(until_true(10, sub { calls($target, 'for', 200); $trace->errors =~ $is_off }), 'a hot loop is not') or diag $trace->errors;
		unlike($trace->errors, qr/main\.bBusy: \w+ ->/, 'the other function is left alone');
		my $later = calls($target, 'for', 1000);
		cmp_ok($later, '>', $untraced / 10, sprintf 'and is not slowed down by that (%.0f%%)', 100 * $later / $untraced);
		ok(until_true(60, sub { $target->ask('loop 3'); sleep 0.2; $trace->errors =~ /main\.bLoop: \w+ -> all/ }), 'once that is over it is traced again') or diag $trace->errors;
		my $before = () = $trace->output =~ /"entry".*"main\.bLoop"/g;
		$target->ask('loop 10');
		is($trace->stop, 0, 'the trace ends well');
		is($target->stop, 0, 'and so does the target');
		my $result = { events => [json_lines($trace->output)] };
		is(scalar entries($result, 'main.bLoop') - $before >= 10 || 0, 1, 'which is seen');
		is(scalar wrong($result->{events}, 1), 0, 'all calls have their ends') or diag join "\n", (wrong($result->{events}, 1))[0 .. 3];
	};
}

subtest 'few words about a budget' => sub {
	my $result = traced($path, ['many 8 2000', 'loop 300000', 'many 8 2000', 'loop 300000'], 'main.bDeep', 'main.bRisky', 'main.bLoop', 'main.bGrow', '--max-overhead', '3');
	my @lines = $result->{err} =~ /^(gotrace: .*\(brake 3%; --all shows all\))$/mg;
	cmp_ok(scalar @lines, '<=', 1 + field($result->{summary}, 'seconds') / 5, 'one line each few seconds') or diag $result->{err};
	like($lines[0], qr/main\.b\w+: \d[\d ]* calls\/s, (?:1 in \d+ shown|not shown and not counted|all shown without values).*; \d more (?:is|are) not shown in full/, 'which names the costliest, and says how many');
	like($result->{err}, qr/main\.b\w+: \d[\d ]* of \d[\d ]* calls shown.*; at the end .*; \d[\d ]* calls\/s would cost \d/, 'the end names each');
	unlike($result->{err}, qr/->/, 'no line for each change');
};

subtest 'many functions are armed a few at a time' => sub {
	my $target = start_target($path, []);
	my $trace = start_trace(['attach', $target->{pid}, '*', '--max-overhead', '20', '-v', '--format', 'json', '--no-args']);
	is($trace->armed, 1, 'attached');
	my ($num) = $trace->errors =~ /tracing (\d+) functions/;
	cmp_ok($num, '>', 256, "$num of them");
	ok(until_true(30, sub { $trace->errors =~ /all functions are armed/ }), 'all are, after a while') or diag $trace->errors;
	ok(until_true(20, sub { $trace->errors =~ /\d{3} functions changed/ }), 'those that were not called are traced whole') or diag $trace->errors;
	$target->ask('loop 3');
	ok(until_true(5, sub { $trace->output =~ /"entry".*"main\.bLoop"/ }), 'which shows when they are') or diag $trace->errors;
	$target->ask('many 8 2000');
	sleep 0.2;
	is($trace->stop, 0, 'the trace ends well');
	is($target->stop, 0, 'and so does the target');
	my $armed = () = $trace->errors =~ /armed \d+ probes/g;
	cmp_ok($armed, '>', 2, 'not all at once');
	my ($summary) = grep { field($_, 'event') eq 'summary' } json_lines($trace->output);
	my $overhead = field($summary, 'overhead') // 0;
	ok($overhead > 0 && $overhead < 1, "and the summary what it took: $overhead");
};

# What a user has who says nothing of costs: a function that takes more than its share is sampled or counted, each call that
# is left out is counted, and what is cheap is whole.
subtest 'the brake' => sub {
	my $target = start_target($path, []);
	my $untraced = calls($target, 'for', 500);
	my $trace = start_trace(['attach', $target->{pid}, 'main.b*', '--format', 'json'], brake => 1);
	is($trace->armed, 1, 'attached');
	my $first = calls($target, 'for', 1000);
	my $later = calls($target, 'for', 3000);
	cmp_ok($later, '>', $untraced / 3, sprintf 'a hot loop keeps going (%.0f%% in the first second, then %.0f%%)', 100 * $first / $untraced, 100 * $later / $untraced);
	$target->ask('calm 200');
	is($trace->stop, 0, 'the trace ends well');
	is($target->stop, 0, 'and so does the target');
	like($trace->errors, qr/main\.b\w+: \d[\d ]* calls\/s, .* \(brake 25%; --all shows all\)/, 'a line says what it did') or diag $trace->errors;
	like($trace->errors, qr/main\.bLoop: \d[\d ]* of \d[\d ]* calls shown/, 'and so does the end');
	my @events = json_lines($trace->output);
	my ($skipped) = map { field($_, 'skipped') } grep { field($_, 'func') eq 'main.bLoop' } @{ field($events[-1], 'skipped_of') // [] };
	cmp_ok($skipped // 0, '>', 0, 'what was skipped is counted by function');
	is(scalar wrong(\@events, 1), 0, 'each call that is shown has its end, or no return to see') or diag join "\n", (wrong(\@events, 1))[0 .. 3];
	my $named = traced($path, ['calm 500'], 'main.bBusy', { brake => 1 });
	is(field($named->{summary}, 'skipped') // 0, 0, 'a function that is named, and fits, is whole');
};

subtest 'no limit' => sub {
	for my $words (['--all'], ['--max-overhead', 'none']) {
		my $result = traced($path, ['loop 30000'], 'main.bLoop', '--max-overhead', '1%', @$words);
		is(scalar entries($result, 'main.bLoop'), 30000, "@$words: each call");
	}
};

subtest 'calls go with their returns while levels change' => sub {
	my $result = traced($path, ['many 8 2000', 'loop 300000', 'many 8 2000', 'loop 300000', 'many 4 1000'], 'main.bDeep', 'main.bRisky', 'main.bLoop', 'main.bGrow',
		'--max-overhead', '3', '-v', '--save', "$work/levels.gotrace");
	cmp_ok($result->{err} =~ tr/>//, '>=', 3, 'they do') or diag $result->{err};
	my @wrong = wrong($result->{events}, 1);
	is(scalar @wrong, 0, 'each call with its own') or diag join "\n", @wrong[0 .. ($#wrong < 9 ? $#wrong : 9)];
	is(field($result->{summary}, 'lost'), 0, 'and nothing is lost');
	my @again = json_lines(run_gotrace('replay', "$work/levels.gotrace", '--format', 'json')->{out});
	is(scalar @again, scalar @{ $result->{events} }, 'as many when shown again');
	is(scalar(grep { json_text($again[$_]) ne json_text($result->{events}[$_]) } 0 .. $#again - 1), 0, 'and the same');
};

subtest 'what cannot be understood' => sub {
	for (['--sample', '10'], ['--sample', '1/0'], ['--sample', '2/3'], ['--rate', '100'], ['--rate', '0/s'], ['--rate', 'x/s'], ['--rate', '5/sx'], ['--max-overhead', 'x'], ['--max-overhead', '0x10'], ['--max-overhead', '100'], ['--max-overhead', '0'], ['--max-overhead', 'no']) {
		my $result = run_gotrace('attach', '1', 'main.x', @$_);
		is($result->{status}, 2, "@$_ is refused");
		like($result->{err}, qr/\Q$_->[0]\E \Q$_->[1]\E: give it (?:as|in)/, 'with a word how');
	}
};

done_testing();
