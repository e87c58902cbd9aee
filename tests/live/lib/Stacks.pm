# SPDX-License-Identifier: GPL-2.0-or-later
# What program stacks said of its calls' stacks, against what a trace of it tells.
package Stacks;
use strict;
use warnings;
use Exporter 'import';
use Json;
use Live;
use Test::More;
our @EXPORT = qw(run_stacks compare);

# run_stacks(PATH, ARGS): what the program said, by call, and the trace's entries of sHere, by call.
sub run_stacks {
	my ($path, @args) = @_;
	my $target = start_target($path, []);
	my $trace = start_trace(['attach', $target->{pid}, 'main.sHere', '--format', 'json', @args]);
	diag $trace->errors if $trace->armed(120) != 1;
	$target->say("\n");
	my %said;
	while (defined(my $line = $target->line(120))) {
		last if $line eq 'DONE';
		my ($id, @words) = split / /, $line;
		$said{$id} = \@words;
	}
	my $status = $trace->stop;
	my $ended = $target->stop;
	is("$status $ended", '0 0', 'both end well') or diag $trace->errors, $target->errors;
	my @events = json_lines($trace->output);
	is(field($events[-1], 'lost'), 0, 'nothing is lost');
	my %seen = map { field(field($_, 'args')->[0], 'value') => $_ } grep { field($_, 'event') eq 'entry' } @events;
	delete @said{1, 2}; # from before the trace
	return (\%said, \%seen);
}

sub place {
	my ($where) = @_;
	return sprintf '%s@%s:%s', map { field($where, $_) // '' } qw(func file line);
}

sub frames {
	my ($entry) = @_;
	return map { place($_) . (field($_, 'inlined') ? '+' : '') } @{ field($entry, 'stack') // [] };
}

sub creator {
	my ($entry) = @_;
	my $creator = field($entry, 'creator') or return '-';
	return place($creator) . '#' . (field($creator, 'goid') // '');
}

# compare(WHAT, SAID, SEEN): holds them against one another; the reasons for which stacks ended, and in which calls.
sub compare {
	my ($what, $said, $seen) = @_;
	is(join(' ', sort keys %$seen), join(' ', sort keys %$said), "$what: each call was seen");
	my ($whole, @wrong, %ends) = (0);
	for my $id (sort { $a <=> $b } keys %$seen) {
		my @got = (creator($seen->{$id}), frames($seen->{$id}));
		my @wanted = @{ $said->{$id} // [] };
		my $end = field($seen->{$id}, 'stack_end');
		if ($end) {
			push @{ $ends{$end} }, "@wanted";
			$#wanted = $#got if @wanted > @got;
		} else {
			$whole++;
		}
		push @wrong, "$id\n got  @got" . ($end ? " ($end)" : '') . "\n want @wanted" if "@got" ne "@wanted";
	}
	is(scalar @wrong, 0, "$what: the stacks are runtime.Callers' own, $whole of them whole, and so are the creators")
		or diag join "\n", @wrong[0 .. ($#wrong < 5 ? $#wrong : 5)];
	return \%ends;
}

1;
