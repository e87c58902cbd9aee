#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# types, whatis, info FUNC, disassemble and complete, held to what the program says of itself by reflection and package
# unsafe, and to each other.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Live;
use Test::More;

live_plan();

# What the program prints: descriptions of types, then what the compiler is sure of.
sub said {
	my ($target) = @_;
	my (@types, $sure);
	until ($sure) {
		my $line = $target->line // last;
		my $object = JSON::PP->new->utf8->decode($line);
		if (exists $object->{Type}) { push @types, $object } else { $sure = $object }
	}
	return (\@types, $sure);
}

# whatis as a hash: kind, size, align, len, and the fields of the outermost level.
sub whatis {
	my ($of, $name) = @_;
	my $result = run_gotrace('whatis', $of, $name);
	my %is = (out => $result->{out} . $result->{err}, status => $result->{status}, fields => []);
	@is{qw(kind size align)} = ($1, $2, $3) if $result->{out} =~ /\A\Q$name\E  (\S+), (\d+) bytes, aligned to (\d+)$/m;
	$is{len} = $1 if $result->{out} =~ /^len +(\d+)$/m;
	for (split /\n/, $result->{out}) {
		push @{ $is{fields} }, { offset => $1, size => $2, words => $3, tag => $4 } if /^ +(\d+) +(\d+)  (\S.*?)(?:  `(.*)`)?$/;
	}
	return \%is;
}

sub field_name {
	my ($field, $said) = @_;
	return $said->{Embedded} ? ($field->{words} =~ /(\w+)$/)[0] : ($field->{words} =~ /^(\S+) /)[0];
}

sub check_type {
	my ($path, $said) = @_;
	my $is = whatis($path, $said->{Type});
	is($is->{kind}, $said->{Kind}, "$said->{Type}: its kind") or return diag $is->{out};
	is($is->{size}, $said->{Size}, 'its size');
	is($is->{align}, $said->{Align}, 'its alignment');
	is($is->{len}, $said->{Len}, 'its length') if $said->{Kind} eq 'array';
	my @fields = @{ $said->{Fields} // [] };
	my @seen   = map { { %$_, name => field_name($_, shift @fields) } } @{ $is->{fields} };
	is_deeply(
		[map { [@$_{qw(name offset size tag)}] } @seen],
		[map { [@$_{qw(Name Offset Size)}, $_->{Tag} eq '' ? undef : do { my $tag = $_->{Tag}; utf8::encode($tag); $tag }] } @{ $said->{Fields} // [] }],
		'its fields') or diag $is->{out};
	return;
}

# Addresses and kinds of probes as info tells them; as disassemble marks them.
sub info_sites { return map { /^  (entry|return|tail jump) +(0x[0-9a-f]+)/ ? "$2 $1" : () } split /\n/, $_[0] }

sub code_sites {
	my @sites;
	for (split /\n/, $_[0]) {
		next unless /^> (0x[0-9a-f]+) .*; <- (.*)$/;
		my ($addr, $kinds) = ($1, $2);
		push @sites, map { "$addr $_" } split /, /, $kinds;
	}
	return @sites;
}

sub check_code {
	my ($path, $name) = @_;
	my $info = run_gotrace('info', $path, $name);
	my $code = run_gotrace('disassemble', $path, $name);
	my ($list) = grep { /^\Q$name\E  / } split /\n/, run_gotrace('list', $path, $name)->{out};
	is("$info->{status} $code->{status}", '0 0', "$name") or diag "$info->{err}$code->{err}";
	my @sites = info_sites($info->{out});
	cmp_ok(scalar @sites, '>', 1, 'info tells its probes');
	is_deeply([sort(code_sites($code->{out}))], [sort @sites], 'disassemble marks the same');
	my ($returns) = ($list // '') =~ /, (\d+) returns?\b/;
	is(scalar(grep { / return$/ } @sites), $returns, 'as many returns as list counts');
	my @rets = map { /^. (0x[0-9a-f]+) \S+ +ret(?:  ; <- .*)?$/ ? "$1 return" : () } split /\n/, $code->{out};
	is_deeply([sort grep { / return$/ } @sites], [sort @rets], 'each return is on a ret, each ret is one');
	like($code->{out}, qr{^\S+/inspect/main\.go:\d+$|^\S*main\.go:\d+$}m, 'lines stand between instructions');
	my %labels = map { $_ => 1 } $code->{out} =~ /^(L\d+):$/mg;
	my @used = $code->{out} =~ /; (L\d+)\b/mg;
	is_deeply([sort keys %labels], [do { my %seen; sort grep { !$seen{$_}++ } @used }], 'each label is used, each used label is there');
	return $code->{out};
}

for my $version (versions()) {
	for my $build (builds_of($version, 'optimized', 'unoptimized', 'stripped')) {
		my $path = program('inspect', $version, $build) or next;
		subtest "Go $version, $build" => sub {
			my $typed  = $build ne 'stripped';
			my $target = start_target($path, []) or return fail('it starts');
			my ($types, $sure) = said($target);
			cmp_ok(scalar @$types, '>', 15, 'the program tells of its types');
			my $step = tries_all($version, $build) ? 1 : 4;
			check_type($path, $types->[$_]) for grep { $_ % $step == 0 } 0 .. $#$types;
			for (sort keys %$sure) {
				my ($type, $field) = /^(main\.\w+)(?:\.(\w+))?$/;
				my $is = whatis($path, $type);
				my ($found) = grep { defined $field && $_->{words} =~ /^$field / } @{ $is->{fields} };
				is(defined $field ? $found->{offset} : $is->{size}, $sure->{$_}, "$_, as the compiler has it");
			}

			my %listed = map { /^(main\.\S+) +(\S+) +(\d+)$/ ? ($1 => "$2 $3") : () } split /\n/, run_gotrace('types', $path, 'main.*')->{out};
			# DWARF has no type that no function's variables lead to.
			for (grep { $_->{Type} =~ /^main\./ && ($_->{Type} ne 'main.tCall' || !$typed) } @$types) { is($listed{ $_->{Type} }, "$_->{Kind} $_->{Size}", "types lists $_->{Type}") }
			is(scalar(grep { !/^main\./ } split /\n/, run_gotrace('types', $path, 'main.*')->{out}), 0, 'and no others');
			like(run_gotrace('types', $path, '/^main\.(tTable|tNone)$/')->{out}, qr/\Amain\.tTable +map +8\n\z/, 'regexps choose too');
			like(whatis($path, 'main.tInner')->{out}, qr/^main\.tInner\.Show  .*\n?(.*\n)*main\.\(\*tInner\)\.Add  /m, 'methods');
			unlike(whatis($path, 'main.tInner')->{out}, qr/^main\.tNumber/m, 'of no other type');
			is(whatis($path, 'main.tNone')->{status}, 1, 'what is no type is said so');

			my $code = check_code($path, 'main.fLoop');
			like($code, qr/call 0x[0-9a-f]+  ; runtime\.mapiterinit|call 0x[0-9a-f]+  ; \S*[mM]ap/, 'calls are named');
			like($code, qr/lea \S+, \[rip [+-] 0x[0-9a-f]+\]  ; type main\.tTable$/m, 'so are types');
			like(run_gotrace('disassemble', $path, 'main.main')->{out}, qr/\[rip [+-] 0x[0-9a-f]+\].*  ; os\.Stdout\b/, 'and variables') if $typed;
			check_code($path, 'main.(*tInner).Add');
			my ($inlined) = run_gotrace('info', $path, 'main.fSmall')->{out} =~ /^calls inlined, which no probe sees:\n((?:  .*\n)+)/m;
			is($inlined, $build eq 'unoptimized' ? undef : "  in main.fHost\n", 'calls that were inlined');
			my $nothing = run_gotrace('attach', $target->{pid}, 'main.fNever', '--duration', '1ms')->{err};
			my ($why) = $nothing =~ /^gotrace: (main\.fNever: .*)$/m;
			is($why, $build eq 'unoptimized' ? undef : 'main.fNever: no probe sees its calls that were inlined, in main.fHost', 'why nothing is shown') or diag $nothing;
			my $info = run_gotrace('info', $path, 'main.fPlace')->{out};
			if ($typed) {
				my @places = map { /^  (?:argument|result) +(\S+) +(\S+) +(\S.*)$/ ? "$1 $2 $3" : () } split /\n/, $info;
				is_deeply([grep { /^[a-e] / } @places], $version eq '1.15'
					? ['a int SP+8', 'b string SP+16 (16 bytes)', 'c float64 SP+32', 'd *main.tInner SP+40', 'e bool SP+48']
					: ['a int RAX', 'b string RBX, RCX', 'c float64 X0', 'd *main.tInner RDI', 'e bool RSI'], 'where arguments stand') or diag $info;
				is(run_gotrace('whatis', $path, 'main.fPlace')->{out}, $info, 'whatis tells the same of a function');
			}
			else {
				like($info, qr/^main\.fPlace  func\(\?\)$/m, 'nothing is made up');
			}

			is(run_gotrace('complete', '--', 'list', $path, 'main.fL')->{out}, "main.fLoop\n", 'a name is completed');
			is(run_gotrace('complete', '--', 'attach', $path, 'main.(*tInner).A')->{out}, "main.(*tInner).Add\n", 'a method too');
			is(run_gotrace('complete', '--', 'whatis', $path, 'main.tEmb')->{out}, "main.tEmbeds\n", 'and a type');
			my $shell = run_gotrace('shell', $target->{pid}, '-q', '-e', 'whatis main.tEmbeds', '-e', 'disassemble main.fLoop', '-e', 'info main.fPlace');
			is($shell->{out}, run_gotrace('whatis', $path, 'main.tEmbeds')->{out} . $code . $info, 'the shell tells the same') or diag $shell->{err};
			is($target->stop, 0, 'the target ends well');
		};
	}
}

subtest 'usage' => sub {
	my $path = program('inspect', newest(), 'optimized');
	is(run_gotrace('disassemble', $path)->{status}, 2, 'disassemble wants a function');
	is(run_gotrace('whatis', $path)->{status}, 2, 'whatis a name');
	my $none = run_gotrace('disassemble', $path, 'main.fLop');
	is($none->{status}, 1, 'one that is not there is refused');
	like($none->{err}, qr/main\.fLoop/, 'with the nearest name');
	is(run_gotrace('info', $path, 'main.t*')->{status}, 1, 'so is a pattern that chooses several');
};

subtest 'bash completes names' => sub {
	my $path   = program('inspect', newest(), 'optimized');
	my $script = <<"BASH";
complete() { :; }; compopt() { :; }
. '$root/completions/gotrace.bash'
try() { COMP_WORDS=("\$@") COMP_CWORD=\$((\$# - 1)); _gotrace; printf '%s\\n' "\${COMPREPLY[@]}"; }
try '$gotrace' list '$path' 'main.fP'
try '$gotrace' attach '$path' "'main.(*tInner).A"
try '$gotrace' info '$path' 'main.\\(\\*tInner\\).A'
try '$gotrace' whatis '$path' main.tEmb
try '$gotrace' list '$path' '!main.fP'
BASH
	my $result = run_command(['bash', '-c', $script]);
	is($result->{out}, "main.fPlace\nmain.(*tInner).Add\nmain.\\(\\*tInner\\).Add\nmain.tEmbeds\n\\!main.fPlace\n", 'functions, methods, types') or diag $result->{err};
};

done_testing();
