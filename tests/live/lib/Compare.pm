# SPDX-License-Identifier: GPL-2.0-or-later
# Holds a JSON trace to what the program said it called, call by call and value by value.
package Compare;
use strict;
use warnings;
use Exporter 'import';
use Json;
use POSIX ();
our @EXPORT = qw(compare_trace);

# A report: checked, wrong (list), unavailable (reason -> count), xmm, functions.
sub new_report { return { checked => 0, wrong => [], unavailable => {}, where => {}, xmm => 0, short => 0, nameless => 0 } }

sub wrong { my ($report, $path, $text) = @_; push @{ $report->{wrong} }, "$path: $text"; return }

# compare_trace(SAID, EVENTS, options): SAID are the program's lines, EVENTS the trace's, both read.
# untyped: the executable has no types, so calls are compared but not their values.
sub compare_trace {
	my ($said, $events, %options) = @_;
	my $report = new_report();
	my (%calls, %by_number);
	for my $event (@$events) {
		my $kind = field($event, 'event') // '?';
		if ($kind eq 'summary') { $report->{summary} = $event; next }
		if ($kind eq 'lost') { $report->{lost} += field($event, 'count'); next }
		my $number = field($event, 'call');
		if (!defined $number) { wrong($report, 'trace', 'no call number: ' . json_text($event)); next }
		if ($kind eq 'entry') {
			wrong($report, 'trace', "call $number began twice") if $by_number{$number};
			$by_number{$number} = { entry => $event };
			push @{ $calls{ common_name(field($event, 'func')) } }, $by_number{$number};
		} elsif ($kind eq 'return' && $by_number{$number} && !$by_number{$number}{return}) {
			$by_number{$number}{return} = $event;
		} else {
			wrong($report, 'trace', 'what is ' . json_text($event));
		}
	}
	my (%said, %functions);
	push @{ $said{ common_name(field($_, 'func')) } }, $_ for @$said;
	for my $name (sort keys %said) {
		my @want = @{ $said{$name} };
		my @got = @{ $calls{$name} // [] };
		$functions{$name} = 1;
		wrong($report, $name, sprintf '%d calls of %d', scalar @got, scalar @want) if @got != @want;
		for my $i (0 .. ($#got < $#want ? $#got : $#want)) {
			compare_call($report, "$name #$i", $want[$i], $got[$i], %options);
		}
	}
	$report->{functions} = keys %functions;
	$report->{calls} = @$said;
	return $report;
}

# Instances of a generic function have their brackets' content from the compiler.
sub common_name { my ($name) = @_; $name =~ s/\[.*\]/[...]/; return $name }

sub compare_call {
	my ($report, $path, $want, $call, %options) = @_;
	my ($entry, $return) = @$call{qw(entry return)};
	check_shape($report, $path, $entry, $return);
	equal($report, "$path goid", field($entry, 'goid'), field($want, 'goid'));
	if (!$return) { wrong($report, $path, 'no return'); return }
	equal($report, "$path goid at return", field($return, 'goid'), field($want, 'goid'));
	my $how = field($return, 'how') // '';
	equal($report, "$path how", $how, field($want, 'how'));
	return compare_words($report, $path, field($entry, 'args'), field($want, 'words')) if $options{untyped};
	compare_list($report, "$path args", field($entry, 'args'), field($want, 'args'), %options);
	compare_list($report, "$path results", field($return, 'results'), field($want, 'results'), %options) if $how eq 'return';
	return;
}

sub equal {
	my ($report, $path, $got, $want) = @_;
	if (defined $got && $got eq $want) { $report->{checked}++; return }
	wrong($report, $path, (defined $got ? $got : 'nothing') . " is not $want");
	return;
}

my %order = (
	entry => [qw(event time mono_ns pid tid goid func addr depth call args)],
	return => [qw(event time mono_ns pid tid goid func addr depth call duration_ns results how)],
);

# check_shape(): keys in their order and values that can be.
sub check_shape {
	my ($report, $path, $entry, $return) = @_;
	for my $event (grep { defined } $entry, $return) {
		my @keys = map { $_->[0] } @$event;
		my %seen = map { $_ => 1 } @keys;
		my @expected = grep { $seen{$_} } @{ $order{ field($event, 'event') } };
		wrong($report, $path, "keys are @keys") if "@keys" ne "@expected";
		wrong($report, $path, 'time is ' . (field($event, 'time') // 'missing'))
			unless (field($event, 'time') // '') =~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/;
		# A call that did not return has no event of its own that could tell the thread.
		for my $key (qw(mono_ns pid depth call), (field($event, 'how') // 'return') eq 'return' ? 'tid' : ()) {
			wrong($report, $path, "no $key") unless (field($event, $key) // '') =~ /^[1-9]\d*$/;
		}
		wrong($report, $path, 'addr') unless (field($event, 'addr') // '') =~ /^0x[0-9a-f]+$/;
	}
	return unless $return;
	for my $key (qw(pid func addr depth)) {
		wrong($report, $path, "$key changed") if field($entry, $key) ne field($return, $key);
	}
	my $took = field($return, 'mono_ns') - field($entry, 'mono_ns');
	my $duration = field($return, 'duration_ns') // -1;
	wrong($report, $path, "duration $duration, but $took between its events") if $took < 0 || $duration != $took;
	return;
}

sub compare_list {
	my ($report, $path, $got, $want, %options) = @_;
	# Some releases do not describe the wrappers of method values: raw words at best, then.
	return if $path =~ /-fm #/ && !defined $got;
	if (ref $got ne 'ARRAY') { wrong($report, $path, 'is no list') ; return }
	my ($described, $expected) = map { join ' ', map { (field($_, 'name') // '-') . ':' . field($_, 'type') } @$_ } $got, $want;
	return if $path =~ /-fm #\d+ args/ && $described ne $expected || $path =~ /-fm #\d+ results/ && !@$got;
	$got = zero_sized_in_place($got, $want) if @$got == @$want;
	($got, $want) = named_only($got, $want) if @$got != @$want && grep { field($_, 'type') eq '?' } @$got;
	if (@$got != @$want) { wrong($report, $path, sprintf '%d of %d: %s', scalar @$got, scalar @$want, json_text($got)); return }
	for my $i (0 .. $#$want) {
		my ($g, $w) = ($got->[$i], $want->[$i]);
		my $name = field($w, 'name');
		my $here = "$path " . ($name =~ /^\w+$/ ? $name : $i);
		if (!is_object($g)) { wrong($report, $here, 'is ' . json_text($g)); next }
		wrong($report, $here, 'is named ' . (field($g, 'name') // 'nothing')) if $name !~ /^[-_]$/ && (field($g, 'name') // '') ne $name;
		# Old releases' DWARF leaves parameters out that have no name.
		if ($name =~ /^[-_]$/ && field($g, 'type') eq '?' && defined unavailable(value_of($g))) {
			$report->{nameless}++;
			next;
		}
		same_type($report, $here, field($g, 'type'), field($w, 'type'));
		compare($report, $here, value_of($g), value_of($w));
	}
	return;
}

# Go 1.15's DWARF puts parameters that have no size in another place of the list.
sub zero_sized_in_place {
	my ($got, $want) = @_;
	return $got unless grep { (field($_, 'type') // '') =~ /^\[0\]|tEmpty$/ } @$want;
	my %by_name = map { (field($_, 'name') // '') => $_ } @$got;
	my @ordered = map { $by_name{ field($_, 'name') } } @$want;
	return (grep { !defined } @ordered) ? $got : \@ordered;
}

# Without types there are the words that registers hold.
sub compare_words {
	my ($report, $path, $got, $want) = @_;
	return unless ref $want eq 'ARRAY' && ref $got eq 'ARRAY';
	wrong($report, $path, 'more words than there are: ' . json_text($got)) if @$got > @$want;
	for my $i (0 .. ($#$got < $#$want ? $#$got : $#$want)) {
		compare($report, "$path word $i", value_of($got->[$i]), $want->[$i]);
	}
	return;
}

# Where DWARF leaves parameters without a name out, not even their number may be known.
sub named_only {
	my @lists = @_;
	return map { [grep { (field($_, 'name') // '') =~ /^\w*[a-zA-Z]\w*$/ } @$_] } @lists;
}

sub value_of { my ($object) = @_; for (@$object) { return $_->[1] if $_->[0] eq 'value' } return 'NO VALUE' }

sub same_type {
	my ($report, $path, $got, $want) = @_;
	$got //= 'nothing';
	my ($g, $w) = map { (my $t = $_) =~ s{[\w.\-]+/}{}g; $t =~ s/interface \{\}|\bany\b/interface{}/g; $t } $got, $want;
	# A parameter of a shared instance has the type of its shape, not its own.
	return if $g eq $w || $got =~ /go\.shape\./;
	wrong($report, $path, "type is $got, not $want");
	return;
}

sub special { my ($want) = @_; return is_object($want) && @$want && $want->[0][0] =~ /^\$/ ? $want->[0][0] : '' }

my %compare = (
	'$any' => sub { return },
	'$either' => sub {
		my ($report, $path, $got, $want) = @_;
		my $best;
		for my $choice (@{ $want->[0][1] }) {
			my $try = new_report();
			compare($try, $path, $got, $choice);
			$best = $try if !$best || @{ $try->{wrong} } < @{ $best->{wrong} };
		}
		merge($report, $best);
	},
	'$xmm' => sub {
		my ($report, $path, $got, $want) = @_;
		my $inner = $want->[0][1];
		if (ref $inner eq 'ARRAY' && ref $got eq 'ARRAY' && @$inner == @$got) {
			compare($report, "$path\[$_]", $got->[$_], bless [['$xmm', $inner->[$_]]], 'Json::Object') for 0 .. $#$inner;
		} elsif ((unavailable($got) // '') =~ /XMM/) {
			$report->{xmm}++;
		} else {
			compare($report, $path, $got, $inner);
		}
	},
	'$f' => sub {
		my ($report, $path, $got, $want) = @_;
		my ($bits, $v) = (field($want, '$f'), field($want, 'v'));
		if ($v =~ /^(NaN|[-+]Inf)$/) {
			return !ref $got && ($got // '') eq $v ? $report->{checked}++ : wrong($report, $path, json_text($got) . " is not \"$v\"");
		}
		my $same = is_number($got) && ($bits == 32 ? pack('f', $$got) eq pack('f', $v) : pack('d', $$got) eq pack('d', $v));
		$same ? $report->{checked}++ : wrong($report, $path, json_text($got) . " is not $v");
	},
	'$func' => sub {
		my ($report, $path, $got, $want) = @_;
		my $name = common_name(field($want, '$func'));
		!ref $got && defined $got && common_name($got) eq $name ? $report->{checked}++
			: wrong($report, $path, json_text($got) . " is not $name");
	},
	'$time' => sub {
		my ($report, $path, $got, $want) = @_;
		my $instant = ref $got || !defined $got ? undef : instant($got);
		defined $instant && $instant eq field($want, '$time') ? $report->{checked}++
			: wrong($report, $path, json_text($got) . ' is not ' . field($want, '$time') . (defined $instant ? " but $instant" : ''));
	},
	'$iface' => \&compare_iface,
	'$map' => \&compare_map,
);

sub compare {
	my ($report, $path, $got, $want) = @_;
	if (my $special = special($want)) {
		my $why = unavailable($got);
		return missing($report, $path, $why) if defined $why && $special ne '$xmm' && $special ne '$any' && $special ne '$either';
		return $compare{$special}->($report, $path, $got, $want);
	}
	my $why = unavailable($got);
	return missing($report, $path, $why) if defined $why;
	if (is_cut($got) || is_cut($want)) { return compare_cut($report, $path, $got, $want) }
	if (!defined $want) {
		return defined $got ? wrong($report, $path, json_text($got) . ' is not null') : $report->{checked}++;
	}
	if (ref $want eq 'ARRAY') {
		return wrong($report, $path, json_text($got) . ' is not ' . json_text($want)) unless ref $got eq 'ARRAY' && @$got == @$want;
		compare($report, "$path\[$_]", $got->[$_], $want->[$_]) for 0 .. $#$want;
		$report->{checked}++ unless @$want;
		return;
	}
	if (is_object($want)) {
		# Blank fields are not in DWARF, and need not be shown.
		$want = bless [grep { $_->[0] ne '_' } @$want], 'Json::Object' unless grep { $_->[0] eq '_' } is_object($got) ? @$got : ();
		my $same = is_object($got) && join(',', map { $_->[0] } @$got) eq join(',', map { $_->[0] } @$want);
		return wrong($report, $path, json_text($got) . ' is not ' . json_text($want)) unless $same;
		compare($report, "$path.$want->[$_][0]", $got->[$_][1], $want->[$_][1]) for 0 .. $#$want;
		$report->{checked}++ unless @$want;
		return;
	}
	my $same = ref $got eq ref $want && defined $got && (ref $want ? $$got eq $$want : $got eq $want);
	$same ? $report->{checked}++ : wrong($report, $path, json_text($got) . ' is not ' . json_text($want));
	return;
}

sub unavailable {
	my ($got) = @_;
	return is_object($got) && @$got == 1 && $got->[0][0] eq 'unavailable' ? $got->[0][1] : undef;
}

sub missing {
	my ($report, $path, $why) = @_;
	# Old releases' DWARF leaves parameters without a name out; what comes after them may then stand anywhere.
	if ($why =~ /blank|does not list all parameters/) {
		$report->{nameless}++;
		return;
	}
	$report->{unavailable}{$why}++;
	$report->{where}{$why} //= $path;
	return;
}

sub is_cut { my ($value) = @_; return is_object($value) && @$value >= 2 && $value->[0][0] eq 'len' && $value->[1][0] eq 'cut' }

sub compare_cut {
	my ($report, $path, $got, $want) = @_;
	return wrong($report, $path, json_text($got) . ' is not ' . json_text($want)) unless is_cut($got);
	my ($part, $all) = ($got->[1][1], is_cut($want) ? $want->[1][1] : $want);
	my $length = is_cut($want) ? field($want, 'len') : ref $all eq 'ARRAY' ? @$all : undef;
	wrong($report, $path, 'length ' . field($got, 'len') . " is not $length") if defined $length && field($got, 'len') != $length;
	if (ref $all eq 'ARRAY' && ref $part eq 'ARRAY') {
		return wrong($report, $path, 'more than was asked for: ' . json_text($got)) if @$part > @$all;
		$report->{short}++ if @$part < @$all;
		compare($report, "$path\[$_]", $part->[$_], $all->[$_]) for 0 .. $#$part;
		return;
	}
	return wrong($report, $path, json_text($got) . ' is not ' . json_text($want)) if ref $all || ref $part;
	# Half a rune at the end may be shown or not.
	s/\x{fffd}+\z// for my ($p, $a) = ($part, $all);
	return wrong($report, $path, json_text($got) . ' is not ' . json_text($want)) if $p ne substr $a, 0, length $p;
	$report->{short}++ if length $p < length $a;
	$report->{checked}++;
	return;
}

# instant(RFC 3339): seconds since 1970 and nanoseconds, as the program says them.
sub instant {
	my ($text) = @_;
	my ($year, $month, $day, $h, $m, $s, $fraction, $zone) =
		$text =~ /^(-?\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[-+]\d\d:\d\d)$/ or return undef;
	my ($y, $mo) = $month > 2 ? ($year, $month - 3) : ($year - 1, $month + 9);
	my $era = POSIX::floor($y / 400);
	my $of_era = $y - 400 * $era;
	my $days = 146097 * $era + 365 * $of_era + int($of_era / 4) - int($of_era / 100) + int((153 * $mo + 2) / 5) + $day - 1 - 719468;
	my $seconds = $days * 86400 + $h * 3600 + $m * 60 + $s;
	$seconds -= ($1 eq '-' ? -1 : 1) * ($2 * 3600 + $3 * 60) if $zone =~ /^([-+])(\d\d):(\d\d)$/;
	return sprintf '%d.%s', $seconds, substr(($fraction // '') . '0' x 9, 0, 9);
}

sub compare_iface {
	my ($report, $path, $got, $want) = @_;
	my $inner = $want->[0][1];
	return wrong($report, $path, json_text($got) . ' is not ' . json_text($inner)) unless is_object($got) && defined field($got, 'type');
	same_type($report, $path, field($got, 'type'), field($inner, 'type'));
	my @keys = map { $_->[0] } @$got;
	wrong($report, $path, "keys @keys") unless "@keys" =~ /^type( value)?( error| text)?$/;
	my $has_value = grep { $_ eq 'value' } @keys;
	if ($has_value || special(value_of($inner)) ne '$any') { compare($report, "$path.(" . field($inner, 'type') . ')', value_of($got), value_of($inner)) }
	my ($message, $expected) = (field($got, 'error'), field($want, 'error'));
	if (is_cut($message) && defined $expected) {
		my $part = field($message, 'cut');
		wrong($report, $path, 'error ' . json_text($message)) unless substr($expected, 0, length $part) eq $part;
	} elsif (defined $message) {
		defined $expected && $message eq $expected ? $report->{checked}++
			: wrong($report, $path, 'error ' . json_text($message) . ' is not ' . json_text($expected));
	} elsif ((field($want, 'certain') // '') eq 'true') {
		missing($report, "$path error", 'no error message');
	}
	return;
}

sub compare_map {
	my ($report, $path, $got, $want) = @_;
	my ($entries, $length, $items) = ($want->[0][1], field($want, 'len'), field($want, 'items'));
	my $part = $got;
	if (is_cut($got)) {
		$part = $got->[1][1];
		wrong($report, $path, 'length ' . field($got, 'len') . " is not $length") if field($got, 'len') != $length;
	}
	return wrong($report, $path, json_text($got) . ' is no map') unless ref $part eq 'ARRAY';
	my $expected = $length < $items ? $length : $items;
	return wrong($report, $path, scalar(@$part) . " entries of $length: " . json_text($got)) if @$part > $expected || !is_cut($got) && @$part != $length;
	if (@$part < $expected) {
		$report->{short}++;
		push @{ $report->{cut} }, sprintf '%s: %d of %d', $path, scalar @$part, $length;
	}
	my @left = @$entries;
	for my $entry (@$part) {
		my $found;
		for my $i (0 .. $#left) {
			my $try = new_report();
			compare($try, "$path\{" . json_text($entry->[0]) . '}', $entry, $left[$i]);
			if (!@{ $try->{wrong} }) {
				merge($report, $try);
				splice @left, $i, 1;
				$found = 1;
				last;
			}
		}
		wrong($report, $path, 'no entry ' . json_text($entry)) unless $found;
	}
	$report->{checked}++ unless @$part;
	return;
}

sub merge {
	my ($report, $other) = @_;
	$report->{$_} += $other->{$_} for qw(checked xmm short nameless);
	push @{ $report->{wrong} }, @{ $other->{wrong} };
	$report->{unavailable}{$_} += $other->{unavailable}{$_} for keys %{ $other->{unavailable} };
	$report->{where}{$_} //= $other->{where}{$_} for keys %{ $other->{where} };
	return;
}

1;
