# SPDX-License-Identifier: GPL-2.0-or-later
# Reads the trace of the program storm, which is long, by patterns; and knows what each of its
# functions has to give back for its arguments.
package Storm;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT = qw(storm_read storm_said @storm_patterns $unreadable);

our @storm_patterns = ('/^main\.s[A-Z]/', '/^main\.\(\*s[A-Z]/', '!/\.func[0-9]/');

# storm_said(LINE): {wrong, functions => {name => {entries, return, panicked, goexit}}}
sub storm_said {
	my ($line) = @_;
	my ($wrong) = $line =~ /"wrong":(\d+)/ or return undef;
	my %functions;
	while ($line =~ /"(main[^"]+)":\{([^}]*)\}/g) {
		my ($name, $counts) = ($1, $2);
		$functions{$name} = { $counts =~ /"(\w+)":(\d+)/g };
	}
	return { wrong => $wrong, functions => \%functions };
}

# Arguments on pages that were not there yet.
our $unreadable = 0;

# What a call must have given back, or undef where any of several will do.
my %result = (
	'main.sLeaf' => sub { 3 * $_[0] + 1 },
	'main.sRecurse' => sub { $_[0] + $_[1] },
	'main.sCatch' => sub { 2 * $_[0] + 5 },
	'main.sLeave' => sub { $_[0] },
	'main.sYield' => sub { -$_[0] },
	'main.sWide' => sub { join ',', reverse @_ },
);

# storm_read(PATH): {events, functions => {...as above}, wrong => [...], lost, summary, threads}.
sub storm_read {
	my ($path) = @_;
	my %trace = (functions => {}, wrong => [], lost => 0, events => 0, moved => 0);
	my (%open, %stack);
	my $wrong = sub { push @{ $trace{wrong} }, $_[0] if @{ $trace{wrong} } < 100 };
	open my $file, '<', $path or die "$path: $!";
	while (my $line = <$file>) {
		if ($line =~ /^\{"event":"lost","count":(\d+)/) { $trace{lost} += $1; next }
		if ($line =~ /^\{"event":"summary"/) { $trace{summary} = { $line =~ /"(\w+)":([\d.]+)/g }; next }
		my ($event, $tid, $goid, $name, $depth, $call, $rest) =
			$line =~ /^\{"event":"(entry|return)",.*?(?:"tid":(\d+),)?"goid":(\d+),"func":"([^"]+)","addr":"0x[0-9a-f]+","depth":(\d+),"call":(\d+),(.*)\}$/
			or do { $wrong->("what is $line"); next };
		$trace{events}++;
		my $count = $trace{functions}{$name} //= { entries => 0, return => 0, panicked => 0, goexit => 0, detached => 0 };
		my $stack = $stack{$goid} //= [];
		if ($event eq 'entry') {
			$count->{entries}++;
			$wrong->("call $call twice") if $open{$call};
			push @$stack, $call;
			$wrong->("$name #$call: depth $depth with " . @$stack . ' open') if $depth != @$stack;
			$open{$call} = [$name, $goid, $tid, [values_of($rest)], $rest];
			next;
		}
		my $begun = delete $open{$call} or do { $wrong->("return without entry: $line"); next };
		my ($how) = $rest =~ /"how":"(\w+)"/;
		$count->{$how}++;
		$trace{moved}++ if $tid && $tid != $begun->[2];
		$wrong->("$name #$call: begun by $begun->[0] on $begun->[1]") if $begun->[0] ne $name || $begun->[1] != $goid;
		@$stack && $stack->[-1] == $call ? pop @$stack : $wrong->("$name #$call: ends out of order");
		next if $how ne 'return';
		my @results = values_of($rest);
		check($wrong, $name, $call, $begun, \@results, $rest);
	}
	$wrong->("call $_ of $open{$_}[0] never ends") for keys %open;
	return \%trace;
}

# The plain numbers and strings among the arguments or results.
sub values_of { return $_[0] =~ /"type":"(?:int|string)","value":("[^"]*"|-?\d+)/g }

sub check {
	my ($wrong, $name, $call, $begun, $results, $rest) = @_;
	my @args = @{ $begun->[3] };
	my ($got, $want) = (join(',', @$results), undef);
	if ($result{$name}) {
		$want = $result{$name}->(@args);
	} elsif ($name eq 'main.sText') {
		(my $s = $args[0]) =~ tr/"//d;
		$want = "\"R:$s/$s\"";
		$wrong->("$name: $rest") unless $rest =~ /"type":"error","value":null/;
	} elsif ($name eq 'main.(*sTree).sSum') {
		# A page that the kernel moves just then, or that nobody has touched yet, cannot be read.
		if ($begun->[4] =~ /"unavailable":"unreadable 0x/) {
			$unreadable++;
			return;
		}
		my ($id) = $begun->[4] =~ /"id":(\d+)/;
		my %possible = map { $_ => 1 } $args[0] ? 7 * $id + 1 : ($id, 3 * $id);
		$want = $possible{$got} ? $got : join ' or ', keys %possible;
	} else {
		return;
	}
	$wrong->("$name #$call: ($begun->[4]) = $got, not $want") if $got ne $want;
	return;
}

1;
