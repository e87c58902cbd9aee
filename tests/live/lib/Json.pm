# SPDX-License-Identifier: GPL-2.0-or-later
# A strict JSON reader that keeps what Perl's own would lose: the order of keys (and keys that come
# twice), 64-bit numbers, and whether something was a number or a string. An object becomes
# Json::Object (a list of [key, value]), a number Json::Number (its text), true and false
# Json::Boolean; strings, arrays and undef are themselves.
package Json;
use strict;
use warnings;
use Encode ();
use Exporter 'import';
our @EXPORT = qw(json_read json_lines json_text field is_object is_number);

my %escape = (b => "\b", f => "\f", n => "\n", r => "\r", t => "\t", '"' => '"', '\\' => '\\', '/' => '/');

# json_read(BYTES): the value, or dies saying what is wrong and where.
sub json_read {
	my $text = eval { Encode::decode('UTF-8', $_[0], Encode::FB_CROAK | Encode::LEAVE_SRC) };
	die "not UTF-8: $_[0]\n" unless defined $text;
	pos($text) = 0;
	my $value = value(\$text);
	$text =~ /\G\s*\z/gc or fail(\$text, 'text after the end');
	return $value;
}

sub fail {
	my ($text, $what) = @_;
	my $at = pos($$text) // 0;
	die "JSON: $what at $at: " . substr($$text, $at > 20 ? $at - 20 : 0, 60) . "\n";
}

sub value {
	my ($text) = @_;
	$$text =~ /\G\s+/gc;
	return string($text) if $$text =~ /\G"/gc;
	return bless \(my $number = $1), 'Json::Number'
		if $$text =~ /\G(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/gc;
	return object($text) if $$text =~ /\G\{\s*/gc;
	return array($text) if $$text =~ /\G\[\s*/gc;
	return bless \(my $word = $1), 'Json::Boolean' if $$text =~ /\G(true|false)\b/gc;
	return undef if $$text =~ /\Gnull\b/gc;
	fail($text, 'no value');
}

sub string {
	my ($text) = @_;
	my $string = '';
	while (1) {
		$string .= $1 if $$text =~ /\G([^"\\\x00-\x1f]+)/gc;
		return $string if $$text =~ /\G"/gc;
		if ($$text =~ /\G\\([bfnrt"\\\/])/gc) {
			$string .= $escape{$1};
		} elsif ($$text =~ /\G\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/gc) {
			$string .= chr(0x10000 + ((hex($1) & 0x3ff) << 10) + (hex($2) & 0x3ff));
		} elsif ($$text =~ /\G\\u([0-9a-fA-F]{4})/gc) {
			$string .= chr(hex $1);
		} else {
			fail($text, 'bad string');
		}
	}
}

sub array {
	my ($text) = @_;
	my @array;
	return \@array if $$text =~ /\G\]/gc;
	while (1) {
		push @array, value($text);
		next if $$text =~ /\G\s*,/gc;
		return \@array if $$text =~ /\G\s*\]/gc;
		fail($text, 'bad array');
	}
}

sub object {
	my ($text) = @_;
	my @pairs;
	return bless \@pairs, 'Json::Object' if $$text =~ /\G\}/gc;
	while (1) {
		$$text =~ /\G\s*"/gc or fail($text, 'no key');
		my $key = string($text);
		$$text =~ /\G\s*:/gc or fail($text, 'no colon');
		push @pairs, [$key, value($text)];
		next if $$text =~ /\G\s*,/gc;
		return bless \@pairs, 'Json::Object' if $$text =~ /\G\s*\}/gc;
		fail($text, 'bad object');
	}
}

# json_lines(BYTES): the values of JSON lines; dies at the first that is none.
sub json_lines { return map { json_read($_) } grep { /\S/ } split /\n/, $_[0] }

sub is_object { return ref $_[0] eq 'Json::Object' }
sub is_number { return ref $_[0] eq 'Json::Number' }

# field(OBJECT, KEY): the value of a key; numbers as plain scalars; undef where there is none.
sub field {
	my ($object, $key) = @_;
	return undef unless is_object($object);
	for (@$object) {
		next unless $_->[0] eq $key;
		return ref $_->[1] eq 'Json::Number' || ref $_->[1] eq 'Json::Boolean' ? ${$_->[1]} : $_->[1];
	}
	return undef;
}

# json_text(VALUE): for messages.
sub json_text {
	my ($value) = @_;
	return 'null' unless defined $value;
	return $$value if ref $value eq 'Json::Number' || ref $value eq 'Json::Boolean';
	return '[' . join(',', map { json_text($_) } @$value) . ']' if ref $value eq 'ARRAY';
	return '{' . join(',', map { "\"$_->[0]\":" . json_text($_->[1]) } @$value) . '}' if is_object($value);
	my $string = $value;
	$string =~ s/([^ -~])/sprintf '\\x{%x}', ord $1/ge;
	return "\"$string\"";
}

1;
