# SPDX-License-Identifier: GPL-2.0-or-later
# What the live tests share: toolchains, test programs, targets and tracers.
#
# GOTRACE, GODIR and PROGRAMS say where gotrace, the toolchains and the built programs are (all below
# build/ by default). LIVE_VERSIONS="1.15 1.27" and LIVE_BUILDS="optimized pie" narrow the matrix; LIVE_MATRIX=whole
# (make test-slow) tries everything with every release.
package Live;
use strict;
use warnings;
use Cwd 'abs_path';
use Digest::SHA;
use Errno ();
use Exporter 'import';
use Fcntl qw(LOCK_EX);
use File::Basename 'dirname';
use File::Find ();
use File::Path 'make_path';
use File::Temp 'tempdir';
use IO::Select;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
our @EXPORT = qw(
	$root $gotrace $work live_plan versions newest tries_all builds_of rounds program slurp spew until_true
	start_target start_trace run_gotrace run_command children threads tracers text_differs skip_part make_dir
);

our $root    = abs_path(dirname(__FILE__) . '/../../..');
our $gotrace = $ENV{GOTRACE} // "$root/build/gotrace";
my $godir    = $ENV{GODIR}    // "$root/build/go";
my $programs = $ENV{PROGRAMS} // "$root/build/programs";
our $work = tempdir('gotrace-live-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $work;
$_ = abs_path($_) for grep { -e } $gotrace, $godir;
make_path($programs);
$programs = abs_path($programs);
my $own = $$;
my %alive;
$SIG{PIPE} = 'IGNORE';
binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output, Test::More->builder->todo_output;

END {
	if ($$ == $own) {
		local $?;
		kill 'KILL', keys %alive if %alive;
	}
}

# live_plan(): skips the file where nothing can be traced; fails instead where CI expects it to run.
sub live_plan {
	my $why =
		  $> != 0         ? 'tracing needs root'
		: !-x $gotrace    ? "there is no $gotrace"
		: !versions()     ? "there are no Go toolchains in $godir"
		:                   undef;
	return unless $why;
	BAIL_OUT($why) if ($ENV{CI} // '') eq 'true' && $> == 0;
	plan skip_all => $why;
}

# skip_part(WHY, N): within a SKIP block; a failure where CI expects everything to run.
sub skip_part {
	my ($why, $n) = @_;
	if (($ENV{CI} // '') eq 'true' && $> == 0) {
		fail("skipped: $why");
		no warnings 'exiting';
		last SKIP;
	}
	skip $why, $n // 1;
}

sub slurp {
	my ($path) = @_;
	open my $file, '<:raw', $path or return undef;
	local $/;
	return <$file> // '';
}

sub spew {
	my ($path, $bytes) = @_;
	open my $file, '>:raw', $path or die "$path: $!";
	print $file $bytes;
	close $file or die "$path: $!";
	return $path;
}

sub make_dir { make_path($_[0]); return $_[0] }

# until_true(SECONDS, CODE): CODE's first true value, or undef when the time is over.
sub until_true {
	my ($seconds, $code) = @_;
	my $end = time + $seconds;
	while (1) {
		my $value = $code->();
		return $value if $value;
		return undef if time > $end;
		sleep 0.01;
	}
}

# ---- toolchains and programs

sub by_version { my ($x) = $a =~ /\.(\d+)/; my ($y) = $b =~ /\.(\d+)/; return $x <=> $y }

sub versions {
	my @all = sort by_version map { m{([^/]+)/bin/go$} } grep { -x } glob "$godir/1.*/bin/go";
	return @all unless $ENV{LIVE_VERSIONS};
	my %wanted = map { $_ => 1 } split ' ', $ENV{LIVE_VERSIONS};
	return grep { $wanted{$_} } @all;
}

sub newest { return (versions())[-1] }

sub minor { my ($minor) = $_[0] =~ /\.(\d+)/; return $minor }

my @builds = (
	[optimized => [], 0],
	[unoptimized => ['-gcflags=-N -l'], 0],
	[pie => ['-buildmode=pie'], 0],
	[cgo => ['-tags=withcgo'], 1],
	['cgo-pie' => ['-tags=withcgo', '-buildmode=pie'], 1],
	[external => ['-ldflags=-linkmode=external'], 1],
	[plain => ['-ldflags=-compressdwarf=false'], 0],
	[nodwarf => ['-ldflags=-w'], 0],
	[stripped => ['-ldflags=-s -w'], 0],
);

# Not among the ways to build what is traced: what a program loads.
my @parts = ([plugin => ['-tags=withcgo', '-buildmode=plugin'], 1]);

sub is_whole_matrix { return ($ENV{LIVE_MATRIX} // '') eq 'whole' }

# tries_all(VERSION, BUILD): whether everything is tried with programs that this release has built so: with optimized
# ones (the default) of the oldest release and the newest; with all if LIVE_MATRIX is "whole".
sub tries_all {
	my ($version, $build) = @_;
	return 1 if is_whole_matrix();
	return ($build // 'optimized') eq 'optimized' && ($version eq newest() || $version eq (versions())[0]);
}

# rounds(FEW, MANY): how often something is repeated: MANY times if LIVE_MATRIX is "whole".
sub rounds { my ($few, $many) = @_; return $ENV{LIVE_ROUNDS} // (is_whole_matrix() ? $many : $few) }

# builds_of(VERSION, WAY...): those of these ways (or of all) in which a program is built to be traced with that release:
# each one if everything is tried with it, else the first, and one of all in turn.
sub builds_of {
	my ($version, @ways) = @_;
	@ways = map { $_->[0] } @builds unless @ways;
	if ($ENV{LIVE_BUILDS}) {
		my %wanted = map { $_ => 1 } split ' ', $ENV{LIVE_BUILDS};
		return grep { $wanted{$_} } @ways;
	}
	return @ways if tries_all($version);
	my ($number) = grep { (versions())[$_] eq $version } 0 .. versions() - 1;
	return $number % @ways ? @ways[0, $number % @ways] : $ways[0];
}

my $sources;

sub source_files {
	return @$sources if $sources;
	my @found;
	File::Find::find({ no_chdir => 1, wanted => sub { push @found, $_ if /\.(go|go\.in|s|mod)$/ } }, "$root/tests/programs");
	$sources = [sort @found];
	return @$sources;
}

# A .go.in file: each of its functions that has NNN in its name stands there once for 000 to 199.
sub copies_made {
	my ($text) = @_;
	return join "\n\n", map { my $part = $_; /\w+NNN/ ? map { my $number = sprintf '%03d', $_; $part =~ s/NNN/$number/gr } 0 .. 199 : $part } split /\n\n/, $text;
}

# program(NAME, VERSION, BUILD): the path of a built test program, or undef where that toolchain
# cannot (a diagnostic says why). Built once for each source, toolchain and way, whichever test comes first.
sub program {
	my ($name, $version, $build) = @_;
	my ($how) = grep { $_->[0] eq $build } @builds, @parts;
	my $digest = Digest::SHA->new(1);
	for (source_files()) {
		next unless m{/(?:$name|oracle)/};
		$digest->add($_);
		$digest->addfile($_);
	}
	$digest->add($version, $build, @{ $how->[1] });
	my $key  = $digest->hexdigest;
	my $dir  = make_dir("$programs/$version/$build");
	my $path = "$dir/$name";
	my $is_built = sub { return -x $path && (slurp("$path.key") // '') eq $key };
	return $path if $is_built->();
	open my $lock, '>', "$programs/$version/lock" or die "lock: $!";
	flock $lock, LOCK_EX or die "lock: $!";
	return $path if $is_built->();

	my $tree = "$programs/$version/src";
	for my $source (source_files()) {
		my $copy = $tree . substr($source, length "$root/tests/programs");
		make_dir(dirname($copy));
		my $text = slurp($source);
		$text = copies_made($text) if $copy =~ s/\.in$//;
		$text =~ s/^go 1\.15$/'go ' . (minor($version) < 18 ? '1.15' : '1.18')/me if $source =~ /go\.mod$/;
		spew($copy, $text) if (slurp($copy) // '') ne $text;
	}
	my %env = (CGO_ENABLED => $how->[2], GOFLAGS => '-mod=mod', GOPROXY => 'off', GO111MODULE => 'on');
	$env{GOPATH} = "$programs/gopath";
	my $result = run_command(
		[map({ "$_=$env{$_}" } sort keys %env), "$godir/$version/bin/go", 'build', '-trimpath', @{ $how->[1] }, '-o', $path, "./$name"],
		prefix => ['env'], cd => $tree, timeout => 300);
	if ($result->{status} != 0) {
		diag "$name, $version, $build is not built: $result->{err}";
		unlink $path, "$path.key";
		return undef;
	}
	chmod 0755, $path;
	spew("$path.key", $key);
	return $path;
}

# ---- processes

sub spawn {
	my ($command, %io) = @_;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		chdir $io{cd} if $io{cd};
		setpgrp if $io{own_group};
		$SIG{$_} = 'DEFAULT' for qw(INT PIPE TERM HUP);
		for my $fd (0 .. 2) {
			my $handle = $io{$fd} or next;
			POSIX::dup2(fileno $handle, $fd) == -1 and POSIX::_exit(126);
		}
		{ no warnings 'exec'; exec { $command->[0] } @$command; }
		print STDERR "$command->[0]: $!\n";
		POSIX::_exit(127);
	}
	$alive{$pid} = 1;
	return $pid;
}

# reap(PID, SECONDS): its wait status, or undef if it is still there.
sub reap {
	my ($pid, $seconds) = @_;
	my $status = until_true($seconds, sub { POSIX::waitpid($pid, POSIX::WNOHANG()) == $pid ? [$?] : undef });
	return undef unless $status;
	delete $alive{$pid};
	return $status->[0];
}

sub as_exit { my ($status) = @_; return $status & 127 ? 128 + ($status & 127) : $status >> 8 }

# run_command(LIST, options): runs to its end; {status, out, err, seconds}, status 128+N for a signal.
sub run_command {
	my ($command, %options) = @_;
	my ($out, $err) = map { "$work/command.$_" } qw(out err);
	open my $out_file, '>', $out or die "$out: $!";
	open my $err_file, '>', $err or die "$err: $!";
	open my $null, '<', '/dev/null' or die $!;
	my $start = time;
	my $pid   = spawn([@{ $options{prefix} // [] }, @$command], 0 => $options{in} // $null, 1 => $options{out} // $out_file, 2 => $err_file,
		cd => $options{cd});
	my $status = reap($pid, $options{timeout} // 120);
	my $killed;
	unless (defined $status) {
		kill 'KILL', $pid;
		reap($pid, 5);
		$killed = 1;
	}
	return { status => $killed ? 'timeout' : as_exit($status), out => slurp($out), err => slurp($err), seconds => time - $start };
}

# The words of a gotrace command. attach leaves out calls that cost too much, but tests count on every call: only what
# asks for the brake has it.
sub with_all { my @args = @_; return @args && $args[0] eq 'attach' && !grep({ /^--max-overhead/ } @args) ? ('attach', '--all', @args[1 .. $#args]) : @args }

sub run_gotrace {
	my @args = @_;
	my %options = ref $args[-1] eq 'HASH' ? %{ pop @args } : ();
	return run_command([$gotrace, with_all(@args)], %options);
}

# children(PID): the processes below it, itself first.
sub children {
	my ($pid) = @_;
	my %below;
	for (glob '/proc/[0-9]*/stat') {
		my $stat = slurp($_) // next;
		push @{ $below{$2} }, $1 if $stat =~ /^(\d+) \(.*\) \S (\d+)/s;
	}
	my @all = ($pid);
	for (my $i = 0; $i < @all; $i++) { push @all, @{ $below{ $all[$i] } // [] } }
	return @all;
}

# threads(PID): the folders below /proc of its threads. tracers(PID): the processes that trace any of them by ptrace.
sub threads { my ($pid) = @_; return glob "/proc/$pid/task/[0-9]*" }

sub tracers {
	my ($pid) = @_;
	my %tracers = map { (slurp("$_/status") // '') =~ /^TracerPid:\s+([1-9]\d*)/m ? ($1 => 1) : () } threads($pid);
	return keys %tracers;
}

# start_target(PATH, ARGS, options): a program that says READY. prefix: a command to start it with. own_group: in a process
# group whose parent is in the same session, so that SIGTSTP stops it wherever the test runs.
sub start_target {
	my ($path, $args, %options) = @_;
	pipe my $in_read, my $in or die $!;
	pipe my $out, my $out_write or die $!;
	my $err = "$work/target.$$." . int(rand 1e9) . '.err';
	open my $err_file, '>', $err or die $!;
	my $pid = spawn([@{ $options{prefix} // [] }, $path, @$args], 0 => $in_read, 1 => $out_write, 2 => $err_file, cd => $options{cd},
		own_group => $options{own_group});
	close $_ for $in_read, $out_write;
	$in->autoflush(1);
	my $target = bless { child => $pid, pid => $pid, in => $in, out => $out, err => $err, buffer => '' }, 'Live::Target';
	my $line = $target->line // '';
	if ($line !~ /^READY (\d+)/) {
		diag "$path did not start: $line" . slurp($err);
		return undef;
	}
	my ($inner) = $line =~ /(\d+)/;
	if ($inner != $pid) {
		# Another process than the one started, or another number than the one seen from here.
		my $name = (split m{/}, $path)[-1];
		($target->{pid}) = grep { (slurp("/proc/$_/status") // '') =~ /^NSpid:.*\b$inner$/m } children($pid);
	}
	$target->{inner} = $inner;
	return $target;
}

# start_trace(ARGS, options): gotrace, its output in a file (out: a handle instead); brake: attach as users have it.
sub start_trace {
	my ($args, %options) = @_;
	my $name = "$work/trace.$$." . int(rand 1e9);
	open my $out_file, '>', "$name.out" or die $!;
	open my $err_file, '>', "$name.err" or die $!;
	open my $null, '<', '/dev/null' or die $!;
	my @words = $options{brake} ? @$args : with_all(@$args);
	my $pid = spawn([@{ $options{prefix} // [] }, $gotrace, @words], 0 => $null, 1 => $options{out} // $out_file, 2 => $err_file);
	return bless { pid => $pid, path => "$name.out", err_path => "$name.err" }, 'Live::Trace';
}

# text_differs(PID): '' when each byte of the program's code in memory is as in its file, or what is not.
sub text_differs {
	my ($pid) = @_;
	my $inode = (stat "/proc/$pid/exe")[1] or return "no process $pid";
	open my $mem, '<:raw', "/proc/$pid/mem" or return "mem: $!";
	open my $file, '<:raw', "/proc/$pid/exe" or return "exe: $!";
	my $seen = 0;
	for (split /\n/, slurp("/proc/$pid/maps")) {
		my ($from, $to, $offset, $mapped) = /^([0-9a-f]+)-([0-9a-f]+) r-xp ([0-9a-f]+) \S+ (\d+) / or next;
		next unless $mapped == $inode;
		my $length = hex($to) - hex($from);
		seek $mem, hex $from, 0 or return "seek: $!";
		read($mem, my ($now), $length) == $length or return "short read at $from";
		seek $file, hex $offset, 0;
		my $had = read($file, my ($then), $length);
		$seen += $had;
		my $mask = substr($now, 0, $had) ^ $then;
		return sprintf 'differs at 0x%x', hex($from) + $-[0] if $mask =~ /[^\0]/;
	}
	return $seen ? '' : 'no code found';
}

package Live::Target;
use strict;
use warnings;
use Time::HiRes qw(sleep time);

sub say { my ($self, $text) = @_; print { $self->{in} } $text; return }

# line(SECONDS): the next line, without its end, or undef. Times here are bounds that a busy machine keeps to.
sub line {
	my ($self, $seconds) = @_;
	my $end = time + ($seconds // 60);
	while (1) {
		return $1 if $self->{buffer} =~ s/^(.*)\n//;
		my $left = $end - time;
		return undef if $left <= 0 || !IO::Select->new($self->{out})->can_read($left);
		sysread($self->{out}, $self->{buffer}, 1 << 16, length $self->{buffer}) or return undef;
	}
}

# ask(COMMAND): has it done, and the lines that it said until OK.
sub ask {
	my ($self, $command, $seconds) = @_;
	$self->say("$command\n");
	my @lines;
	while (defined(my $line = $self->line($seconds // 120))) {
		return @lines if $line eq 'OK';
		push @lines, $line;
	}
	return (@lines, 'NO ANSWER');
}

sub is_alive { my ($self) = @_; return kill(0, $self->{child}) && (Live::slurp("/proc/$self->{pid}/stat") // ' Z ') !~ /\) Z / }

# stop(): ends it by closing its input; its exit status, 'timeout' when it had to be killed.
sub stop {
	my ($self) = @_;
	close $self->{in};
	my $status = Live::reap($self->{child}, 60);
	close $self->{out};
	return Live::as_exit($status) if defined $status;
	kill 'KILL', $self->{pid}, $self->{child};
	Live::reap($self->{child}, 5);
	return 'timeout';
}

sub errors { my ($self) = @_; return Live::slurp($self->{err}) }

package Live::Trace;
use strict;
use warnings;

# armed(SECONDS): true once it says that it traces; '' when it ended or does not.
sub armed {
	my ($self, $seconds) = @_;
	return Live::until_true($seconds // 60, sub {
		return 1 if $self->errors =~ /\btracing \d+ function/;
		$self->{status} //= Live::reap($self->{pid}, 0);
		return defined $self->{status} ? -1 : 0;
	}) // 0;
}

sub errors { my ($self) = @_; return Live::slurp($self->{err_path}) // '' }
sub output { my ($self) = @_; return Live::slurp($self->{path}) }

sub wait_end {
	my ($self, $seconds) = @_;
	$self->{status} //= Live::reap($self->{pid}, $seconds // 60);
	return defined $self->{status} ? Live::as_exit($self->{status}) : 'running';
}

# stop(SIGNAL): its exit status, 'timeout' when it had to be killed.
sub stop {
	my ($self, $signal) = @_;
	kill $signal // 'INT', $self->{pid} unless defined $self->{status};
	my $status = $self->wait_end;
	return $status unless $status eq 'running';
	kill 'KILL', $self->{pid};
	Live::reap($self->{pid}, 5);
	return 'timeout';
}

1;
