#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# What is left out on purpose: one call in so many, so many calls a second. Held to what the program says it did.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Json;
use Live;
use POSIX 'ceil';
use Test::More;

live_plan();

# traced(PATH, COMMANDS, ARGS): {events, summary, err, said} of a trace while the target obeys.
sub traced {
	my ($path, $commands, @args) = @_;
	my $target = start_target($path, []) or return undef;
	my $trace = start_trace(['attach', $target->{pid}, @args, '--format', 'json']);
	diag "@args: " . $trace->errors if $trace->armed != 1;
	my @said = map { $target->ask($_) } @$commands;
	my $status = $trace->stop;
	my $ended = $target->stop;
	is("$status $ended", '0 0', "@args: both end well") or diag $trace->errors, $target->errors;
	my @events = json_lines($trace->output);
	return { events => \@events, summary => $events[-1], err => $trace->errors, said => "@said" };
}

sub value { my ($event, $key) = @_; return field(field($event, $key)->[0], 'value') }

# wrong(EVENTS): what is wrong with how entries and returns go together.
sub wrong {
	my ($events) = @_;
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
			my @args = map { field($_, 'value') } @{ field($entry, 'args') };
			my $how = field($_, 'how');
			if ($func eq 'main.bRisky') {
				push @wrong, json_text($_) if $how ne ($args[0] % 7 == 3 ? 'panicked' : 'return');
			} elsif ($func eq 'main.bDeep') {
				push @wrong, json_text($_) if $how ne 'return' || value($_, 'results') != $args[0] * 10 + $args[1];
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

subtest 'a million calls' => sub {
	my $result = traced($path, ['loop 1000003'], 'main.bLoop', '--sample', '1/1000', '--no-return');
	my @entries = entries($result, 'main.bLoop');
	my $num = @entries;
	ok($num == 1000 || $num == 1001, "one in a thousand is $num");
	is(field($result->{summary}, 'skipped') + $num, 1000003, 'all others were counted');
	my %rounds = map { int(value($_, 'args') / 1000) => 1 } @entries;
	is(scalar keys %rounds, $num, 'one of each thousand');
	my %places = map { value($_, 'args') % 1000 => 1 } @entries;
	cmp_ok(scalar keys %places, '>', 500, 'at places that follow no pattern');
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

subtest 'what cannot be understood' => sub {
	for (['--sample', '10'], ['--sample', '1/0'], ['--sample', '2/3'], ['--rate', '100'], ['--rate', '0/s'], ['--rate', 'x/s'], ['--rate', '5/sx']) {
		my $result = run_gotrace('attach', '1', 'main.x', @$_);
		is($result->{status}, 2, "@$_ is refused");
		like($result->{err}, qr/\Q$_->[0]\E \Q$_->[1]\E: give it as/, 'with a word how');
	}
};

done_testing();
