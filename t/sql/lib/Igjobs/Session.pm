# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A psql session that stays open, so that a test can hold a transaction in one
# while it works in another, and have several statements under way at once.
#
#   my $s = Igjobs::Session->new($postgres, user => 'igjobs_worker');
#   $s->send('begin; ...');  ...  my $text = $s->wait;    # in the background
#   $s->run('commit');                                    # both at once
#   $s->wait_blocked;        # until the statement under way waits for a lock

package Igjobs::Session;

use strict;
use warnings;
use Carp;
use IO::Handle;
use IO::Select;
use POSIX ();
use Time::HiRes 'time';
use Igjobs::Wait;

my $counter = 0;

# new($postgres, user => 'postgres', dbname => 'igjobs')
sub new {
    my ($class, $postgres, %option) = @_;
    my $self = bless { postgres => $postgres, owner => $$, buffer => '' },
        $class;

    pipe my $in, my $to or die "pipe: $!";
    pipe my $from, my $out or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        close $_ for $to, $from;
        open STDIN, '<&', $in;
        open STDOUT, '>&', $out;
        open STDERR, '>&', $out;
        delete @ENV{grep { /^PG/ } keys %ENV};
        $ENV{PGOPTIONS} = '-c client_min_messages=warning';
        exec 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d',
            $postgres->dsn(user => 'postgres', %option)
                . ' application_name=session'
            or POSIX::_exit(127);
    }
    close $_ for $in, $out;
    $to->autoflush(1);
    @$self{qw(pid to from)} = ($pid, $to, $from);
    $self->{backend} = $self->run('select pg_backend_pid()');
    return $self;
}

# the process id of the server's side
sub backend { return $_[0]{backend} }

# send($sql): starts it and returns at once; COPY data ends with a line \.
sub send {
    my ($self, $sql) = @_;

    croak 'a statement is under way' if $self->{marker};
    $self->{marker} = 'end of statement ' . ++$counter;
    $sql .= ";\n" if $sql !~ /^\\\.\n\z/m;
    print { $self->{to} } "$sql\\warn $self->{marker}\n";
    return $self;
}

# wait($seconds): what the statement under way answered, errors included
sub wait {
    my ($self, $seconds) = @_;
    my $marker = delete $self->{marker} // croak 'nothing is under way';
    my $deadline = time() + patience($seconds // 60);

    while (index($self->{buffer}, "$marker\n") < 0) {
        my $left = $deadline - time();
        croak "no answer: $self->{buffer}"
            if $left <= 0 || !IO::Select->new($self->{from})->can_read($left);
        sysread $self->{from}, $self->{buffer}, 65536,
            length $self->{buffer} or croak "psql ended: $self->{buffer}";
    }
    $self->{buffer} =~ s/\A(.*?)\n?\Q$marker\E\n//s;
    return $1;
}

# try($sql): the answer or the error text; run($sql): dies of an error
sub try { my ($self, $sql) = @_; return $self->send($sql)->wait }

sub run {
    my ($self, $sql) = @_;
    my $text = $self->try($sql);

    croak "$sql: $text" if $text =~ /^(?:psql:.*)?ERROR: /m;
    return $text;
}

# waits until the statement under way waits for another session's lock
sub wait_blocked {
    my ($self) = @_;

    wait_for {
        $self->{postgres}->psql('select cardinality(pg_blocking_pids('
            . "$self->{backend}))") > 0
    } 30, 'the statement to wait for a lock';
    return $self;
}

sub close {
    my ($self) = @_;

    return if !$self->{pid} || $self->{owner} != $$;
    CORE::close $self->{to};
    CORE::close $self->{from};
    waitpid delete $self->{pid}, 0;
    return;
}

sub DESTROY {
    my ($self) = @_;

    local ($?, $@, $!);
    $self->close;
    return;
}

1;
