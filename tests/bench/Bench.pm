# SPDX-License-Identifier: GPL-2.0-or-later
# What the benchmarks share: programs of many functions, a target that answers on its standard output, gotrace
# beside it, and tables that tell how a figure grows.
package Bench;
use strict;
use warnings;
use Cwd qw(abs_path);
use IPC::Open2;
use Time::HiRes qw(sleep time);

our $gotrace = $ENV{GOTRACE} // 'build/gotrace';
our $rounds = $ENV{ROUNDS} // 5;
my $dir = 'build/tests/bench';
my %tracers;
$SIG{__DIE__} = sub { kill INT => keys %tracers }; # closing what they write to waits for them
my %sizes = (small => [2, 50], middle => [33, 500], large => [150, 500]); # packages, functions of each

# The newest Go toolchain that is there, or GO.
sub go {
	my ($newest) = sort { ($b =~ /1\.(\d+)/)[0] <=> ($a =~ /1\.(\d+)/)[0] } glob 'build/go/1.*/bin/go';
	return abs_path($ENV{GO} // $newest // die "a Go toolchain is needed: make go, or GO=/path/to/go\n");
}

# The path of a generated program, built once: "small" has 2 MB, "middle" 20, "large" over 80.
sub generated {
	my ($name) = @_;
	my ($packages, $functions) = @{ $sizes{$name} };
	my $stem = "$dir/$name-$packages-$functions";
	return $stem if -x $stem;
	print STDERR "building a program of ", $packages * $functions, " functions (once)\n";
	system('mkdir', '-p', $dir);
	system('tests/bench/generate', "$stem.src", $packages, $functions) == 0 or die "generate failed\n";
	my $go = go();
	system("cd $stem.src && GOFLAGS= $go build -o ../$name.new .") == 0 or die "go build failed\n";
	system('rm', '-r', "$stem.src");
	rename "$dir/$name.new", $stem or die "$stem: $!\n";
	return $stem;
}

# Starts a program that says READY and its pid; (pid, its output, its input). It ends when its input is closed.
sub start {
	my (@command) = @_;
	open2(my $from, my $to, @command);
	while (defined(my $line = <$from>)) {
		return ($1, $from, $to) if $line =~ /READY (\d+)/;
	}
	die "@command: not ready\n";
}

# Attaches gotrace to trace every call, and waits until it says that it traces; a hash to give to detach.
sub attach {
	my ($pid, @arguments) = @_;
	my $start  = time;
	my $tracer = open my $err, '-|', "exec $gotrace attach $pid --all @arguments 2>&1 >/dev/null";
	my $said   = '';
	$tracers{$tracer} = 1;
	while (defined(my $line = <$err>)) { $said .= $line; last if $line =~ /tracing \d+ function/ }
	my $trace = {pid => $tracer, err => $err, armed => time - $start, said => $said};
	die "gotrace attach @arguments: $said" unless $said =~ /tracing \d+ function/;
	$trace->{ready_cpu} = cpu_seconds($tracer);
	return $trace;
}

# Ends the trace; adds how long that took, the events lost and calls seen, gotrace's CPU seconds since it was ready,
# and its peak of memory in MiB.
sub detach {
	my ($trace) = @_;
	my $cpu = cpu_seconds($trace->{pid});
	for (1 .. 200) { # until it has caught up
		sleep 0.01;
		my $before = $cpu;
		$cpu = cpu_seconds($trace->{pid});
		last if $cpu - $before < 0.0002;
	}
	$trace->{cpu}  = $cpu - $trace->{ready_cpu};
	$trace->{peak} = peak_mib($trace->{pid});
	my $start = time;
	kill INT => $trace->{pid};
	my $err = $trace->{err};
	while (defined(my $line = <$err>)) { $trace->{said} .= $line }
	close $err;
	delete $tracers{$trace->{pid}};
	$trace->{detached} = time - $start;
	($trace->{lost})  = $trace->{said} =~ /(\d+) lost/;
	($trace->{calls}, $trace->{returns}) = $trace->{said} =~ /functions?, (\d+) calls?, (\d+) returns?/;
	return $trace;
}

sub read_file {
	my ($path) = @_;
	open my $in, '<', $path or return '';
	local $/;
	return scalar <$in> // '';
}

sub cpu_seconds {
	my ($pid) = @_;
	my $sum = 0;
	$sum += (split ' ', read_file($_))[0] // 0 for glob "/proc/$pid/task/*/schedstat";
	return $sum / 1e9;
}

sub peak_mib {
	my ($pid) = @_;
	return read_file("/proc/$pid/status") =~ /VmHWM:\s+(\d+)/ ? $1 / 1024 : 0;
}

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[@sorted / 2] }

# A table: the head is a list of [name, width, format]; the rows are lists of values. Behind the columns in %grows
# (by number) stands how they grow with the first: the exponent from the row before, so 1.0 for a time that
# doubles where the first column doubles, 0.0 for one that stays.
sub table {
	my ($head, $rows, %grows) = @_;
	my $line = sub {
		my (@cells) = @_;
		printf "%s\n", join ' ', map { sprintf "%*s", $head->[$_][1], $cells[$_] . ($grows{$_} ? pop @{ $grows{$_} } : '') } 0 .. $#cells;
	};
	my $previous;
	my $growth = sub {
		my ($row, $column) = @_;
		return '        ' unless $previous && $previous->[$column] > 0 && $row->[$column] > 0 && $row->[0] > $previous->[0];
		my $exponent = log($row->[$column] / $previous->[$column]) / log($row->[0] / $previous->[0]);
		return sprintf '  n^%-4s', sprintf('%.1f', $exponent) =~ s/^-(0\.0)$/$1/r;
	};
	push @{ $grows{$_} = [] }, '  growth' for keys %grows;
	$line->(map { $_->[0] } @$head);
	for my $row (@$rows) {
		push @{ $grows{$_} }, $growth->($row, $_) for keys %grows;
		$line->(map { sprintf $head->[$_][2], $row->[$_] } 0 .. $#$row);
		$previous = $row;
	}
	return;
}

1;
