# SPDX-License-Identifier: GPL-2.0-or-later
# What the benchmarks share: a target that answers on its standard output, and gotrace beside it.
package Bench;
use strict;
use warnings;
use IPC::Open2;
use Time::HiRes qw(time);

our $gotrace = $ENV{GOTRACE} // 'build/gotrace';

# Starts a program that says READY and its pid; (pid, its output, its input).
sub start {
	my (@command) = @_;
	open2(my $from, my $to, @command);
	while (<$from>) {
		return ($1, $from, $to) if /READY (\d+)/;
	}
	die "@command: not ready\n";
}

# Attaches gotrace and waits until it says that it traces; a hash to give to detach.
sub attach {
	my ($pid, @arguments) = @_;
	my $start  = time;
	my $tracer = open my $err, '-|', "exec $gotrace attach $pid @arguments 2>&1 >/dev/null";
	my $said   = '';
	while (<$err>) { $said .= $_; last if /tracing \d+ function/ }
	return {pid => $tracer, err => $err, armed => time - $start, said => $said};
}

# Ends the trace; adds how long that took, the events lost and calls seen, and gotrace's CPU seconds.
sub detach {
	my ($trace) = @_;
	my @stat = split ' ', read_file("/proc/$trace->{pid}/stat") =~ s/^.*\) //sr;
	$trace->{cpu}  = ($stat[11] + $stat[12]) / 100;
	$trace->{peak} = peak_mib($trace->{pid});
	my $start = time;
	kill INT => $trace->{pid};
	my $err = $trace->{err};
	$trace->{said} .= $_ while <$err>;
	close $err;
	$trace->{detached} = time - $start;
	($trace->{lost})  = $trace->{said} =~ /(\d+) lost/;
	($trace->{calls}) = $trace->{said} =~ /(\d+) calls?/;
	return $trace;
}

sub read_file {
	my ($path) = @_;
	open my $in, '<', $path or return '';
	local $/;
	return scalar <$in>;
}

sub peak_mib {
	my ($pid) = @_;
	return read_file("/proc/$pid/status") =~ /VmHWM:\s+(\d+)/ ? $1 / 1024 : 0;
}

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[@sorted / 2] }

1;
