# SPDX-License-Identifier: GPL-2.0-or-later
# gotrace's shell, driven: on a terminal of tmux, whose screen says what a person sees; or a command at a time
# through pipes.
package Terminal;
use strict;
use warnings;
use Exporter 'import';
use Live;
use Test::More;
use Time::HiRes qw(sleep time);
our @EXPORT = qw(start_terminal start_shell);

my $number = 0;

# start_terminal(COMMAND..., options): runs on a terminal of 160 columns and 50 rows.
sub start_terminal {
	my @command = @_;
	my %options = ref $command[-1] eq 'HASH' ? %{ pop @command } : ();
	my $self = bless { socket => "$work/tmux" . ++$number }, 'Terminal';
	my $script = spew("$self->{socket}.sh", join ' ', "trap : INT\n", map({ s/'/'\\''/gr } @command), ";\necho ENDED \$?; exec sleep 600\n");
	$self->tmux('-f', '/dev/null', 'new-session', '-d', '-x', $options{columns} // 160, '-y', $options{rows} // 50, "sh $script");
	$self->tmux('set-option', '-g', 'history-limit', 20000);
	return $self;
}

sub tmux {
	my ($self, @args) = @_;
	my $result = run_command(['tmux', '-S', $self->{socket}, @args]);
	diag "tmux @args: $result->{err}" if $result->{status};
	return $result->{out};
}

# screen(): all that was shown and has not been taken away, without empty lines below and without spaces behind
# lines, but for the one behind the prompt.
sub screen {
	my ($self) = @_;
	my $text = $self->tmux('capture-pane', '-p', '-J', '-S', '-');
	utf8::decode($text);
	$text =~ s/\s+\z//;
	$text =~ s/ +$//mg;
	$text =~ s/^\(gotrace\)$/(gotrace) /mg;
	return $text;
}

# shows(REGEXP, NAME): a test that the screen comes to match.
sub shows {
	my ($self, $what, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $screen;
	my $is_shown = until_true(60, sub { sleep 0.05; ($screen = $self->screen) =~ $what });
	return ok($is_shown, $name) || diag "$what\nis not on the screen:\n$screen";
}

sub type { my ($self, $text) = @_; $self->tmux('send-keys', '-l', '--', $text); return }
sub paste { my ($self, $text) = @_; $self->tmux('set-buffer', '--', $text); $self->tmux('paste-buffer', '-p'); return }
sub key { my ($self, $key) = @_; $self->tmux('send-keys', $key); return }
sub enter { my ($self, $text) = @_; $self->type($text); $self->key('Enter'); return }

# status(): the command's exit status, once it has ended.
sub status {
	my ($self) = @_;
	my $status;
	until_true(60, sub { sleep 0.05; ($status) = $self->screen =~ /^ENDED (\d+)$/m });
	return $status // 'runs on';
}

# stop(SIGNAL): ends what still runs.
sub stop {
	my ($self, $signal) = @_;
	my ($pid) = $self->tmux('list-panes', '-F', '#{pane_pid}') =~ /(\d+)/;
	kill $signal // 'TERM', grep { $_ != $pid } children($pid) if $pid;
	$self->tmux('kill-server');
	return;
}

# start_shell(PID): one that reads commands from a pipe.
sub start_shell {
	my ($pid) = @_;
	my $name = "$work/shell" . ++$number;
	pipe my $in_read, my $in or die $!;
	open my $out, '>', "$name.out" or die $!;
	open my $err, '>', "$name.err" or die $!;
	my $child = Live::spawn([$gotrace, 'shell', $pid, '--keep-going'], 0 => $in_read, 1 => $out, 2 => $err);
	$in->autoflush(1);
	return bless { pid => $child, in => $in, name => $name, read => 0, asked => 0 }, 'Terminal::Pipe';
}

package Terminal::Pipe;
use strict;
use warnings;

sub errors { my ($self) = @_; return Live::slurp("$self->{name}.err") }

# events(): the JSON lines that it has printed. do(COMMAND): what it prints for that command.
sub events { my ($self) = @_; return join '', Live::slurp("$self->{name}.out") =~ /^\{.*\n/mg }

sub do {
	my ($self, $command) = @_;
	my $mark = 'DONE ' . ++$self->{asked};
	print { $self->{in} } "$command\n!echo $mark\n";
	my $out;
	my $done = Live::until_true(60, sub { ($out = substr Live::slurp("$self->{name}.out"), $self->{read}) =~ s/^$mark\n//m });
	main::diag("no answer to $command: " . $self->errors) unless $done;
	$self->{read} = -s "$self->{name}.out";
	return $out;
}

# holds(): what it holds now: descriptors, those of kernel maps, memory in KB.
sub holds {
	my ($self) = @_;
	my @fds = glob "/proc/$self->{pid}/fd/*";
	my ($rss) = (Live::slurp("/proc/$self->{pid}/status") // '') =~ /^VmRSS:\s+(\d+)/m;
	return { fds => scalar @fds, maps => scalar(grep { (readlink($_) // '') =~ /bpf-map/ } @fds), rss => $rss };
}

# stop(): ends its input; its exit status.
sub stop {
	my ($self) = @_;
	close $self->{in};
	my $status = Live::reap($self->{pid}, 60);
	return Live::as_exit($status) if defined $status;
	kill 'KILL', $self->{pid};
	Live::reap($self->{pid}, 5);
	return 'timeout';
}

1;
