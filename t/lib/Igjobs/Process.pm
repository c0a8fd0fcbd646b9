# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# One server process of a test: started in its own directory with its output in
# a log file, signalled and ended by pid, never left behind.

package Igjobs::Process;

use strict;
use warnings;
use Carp;
use POSIX ();
use IO::Socket::INET;
use Igjobs::Env;
use Igjobs::Wait;

# new(name => ..., dir => ..., command => [...], env => {...}, ...)
#   death_signal   what the process gets if the test is killed (KILL)
#   stop_signal    what stop() sends (TERM)
#   stop_status    exit status that counts as a clean stop (0)
sub new {
    my ($class, %field) = @_;

    my $self = bless {
        death_signal => 'KILL',
        stop_signal  => 'TERM',
        stop_status  => 0,
        env          => {},
        %field,
    }, $class;
    $self->{log} //= "$self->{dir}/$self->{name}.log";
    return $self;
}

sub pid { return $_[0]{pid} }
sub name { return $_[0]{name} }
sub log_file { return $_[0]{log} }

sub log_text {
    my ($self) = @_;

    open my $in, '<', $self->{log} or return '';
    local $/;
    return scalar <$in> // '';
}

# starts the command and returns at once
sub spawn {
    my ($self) = @_;

    croak "$self->{name} runs already" if $self->{pid};
    delete $self->{status};

    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        chdir $self->{dir} or POSIX::_exit(126);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $self->{log} or POSIX::_exit(126);
        open STDERR, '>&', \*STDOUT;
        Igjobs::Env::give($self->{log});
        delete @ENV{grep { /^(PG|IGJOBS_|PERL5LIB|HARNESS_)/ } keys %ENV};
        $ENV{$_} = $self->{env}{$_} for keys %{ $self->{env} };
        my $preload = delete $ENV{LD_PRELOAD};
        my @env = $preload ? ('env', "LD_PRELOAD=$preload") : ();
        exec { 'setpriv' } Igjobs::Env::as_account($self->{death_signal}),
            @env, @{ $self->{command} } or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    $self->{owner} = $$;
    return $self;
}

# spawns and waits for $self->ready, at most $seconds
sub start {
    my ($self, $seconds) = @_;

    $self->spawn;
    my $ready = eval {
        wait_for { $self->must_run; $self->ready } $seconds // 30,
            "$self->{name} to be ready";
    };
    if (!$ready) {
        my $error = $@;
        $self->show_log;
        croak $error;
    }
    return $self;
}

sub ready { return 1 }

sub must_run {
    my ($self) = @_;

    die "$self->{name} ended: " . $self->status_text . "\n"
        if !$self->running;
    return;
}

sub running {
    my ($self) = @_;

    return 0 if !$self->{pid};
    return 1 if waitpid($self->{pid}, POSIX::WNOHANG) == 0;
    $self->{status} = $?;
    delete $self->{pid};
    return 0;
}

# wait status of the last end, see waitpid
sub status { return $_[0]{status} }

sub status_text {
    my ($self) = @_;
    my $status = $self->{status} // return 'unknown';

    return $status & 127 ? 'signal ' . ($status & 127)
                         : 'exit status ' . ($status >> 8);
}

sub signal {
    my ($self, $signal) = @_;

    croak "$self->{name} does not run" if !$self->{pid};
    kill $signal, $self->{pid} or croak "kill $self->{name}: $!";
    return $self;
}

sub pause { return $_[0]->signal('STOP') }
sub resume { return $_[0]->signal('CONT') }

# waits for the end; returns the wait status
sub wait_end {
    my ($self, $seconds) = @_;

    wait_for { !$self->running } $seconds // 30, "$self->{name} to end";
    return $self->{status};
}

# stop([$signal]): asks for an orderly end, kills at the deadline.
# Returns true if it ended in time and with the expected status.
sub stop {
    my ($self, $signal) = @_;

    return 1 if !$self->running;
    $self->signal('CONT');
    $self->signal($signal // $self->{stop_signal});
    my $ended = eval { $self->wait_end; 1 };
    if (!$ended) {
        warn "# $self->{name} did not end, killed\n";
        $self->kill9;
        return 0;
    }
    return 1 if $self->{status} == $self->{stop_status} << 8;
    warn "# $self->{name} ended with " . $self->status_text . "\n";
    return 0;
}

# a crash: no handler of the process runs
sub kill9 {
    my ($self) = @_;

    return if !$self->running;
    $self->signal('KILL');
    $self->wait_end;
    return $self;
}

sub restart {
    my ($self, $signal) = @_;

    $self->stop($signal);
    return $self->start;
}

# does somebody listen on the loopback port?
sub listens {
    my ($port) = @_;

    return !!IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                   PeerPort => $port, Timeout => 1);
}

sub show_log {
    my ($self, $lines) = @_;
    my @log = split /\n/, $self->log_text;

    $lines //= 40;
    splice @log, 0, @log - $lines if @log > $lines;
    print STDERR "# ---- $self->{name} ($self->{log})\n";
    print STDERR "# $_\n" for @log;
    return;
}

sub DESTROY {
    my ($self) = @_;

    return if !$self->{pid} || $self->{owner} != $$;
    local ($?, $@, $!);
    kill 'CONT', $self->{pid};
    kill $self->{death_signal}, $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

1;
