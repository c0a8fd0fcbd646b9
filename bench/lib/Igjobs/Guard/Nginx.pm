# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# nginx as one process under callgrind, and the instructions that a number of
# requests take in it.
#
# What makes the counts repeat: requests come in rounds of one on each of some
# connections. The process is stopped while a round is sent, so that its event
# loop finds all of it at once, and a round begins when the last one has been
# answered. The counters are read where nginx itself is: callgrind writes a
# dump and begins anew whenever the handler of a path is entered that nothing
# else asks for.

package Igjobs::Guard::Nginx;

use strict;
use warnings;
use parent 'Igjobs::Nginx';
use Igjobs::Guard::Callgrind;
use Igjobs::Wait;

use constant MARK_PATH => '/api/problems/mark';
use constant MARK_FUNCTION => 'ngx_http_igjobs_problems';
use constant WARM_ROUNDS => 20;

# new(connections => 8, options of Igjobs::Nginx)
sub new {
    my ($class, %option) = @_;
    my $connections = delete $option{connections} // 8;
    my $self = $class->SUPER::new(
        log_level => 'warn', server => 'access_log off;', %option,
        main => "master_process off;\n" . ($option{main} // ''));

    $self->{env} = { %{ $self->{env} },
                     Igjobs::Guard::Callgrind::environment() };
    $self->{command} = [
        Igjobs::Guard::Callgrind::command($self->{dir},
            '--dump-before=' . MARK_FUNCTION),
        @{ $self->{command} }];
    $self->{connections} = $connections;
    return $self;
}

sub start {
    my ($self, @rest) = @_;

    $self->SUPER::start(@rest);
    $self->{marker} = $self->client;
    $self->{clients} = [map { $self->client->connect }
                        1 .. $self->{connections}];
    return $self;
}

# measure($rounds, $request, $status, connections => fewer, warm => rounds
# before): instructions of $rounds rounds, the number of requests, and the dump
# that holds them. $request->() gives the text of the next request; every
# answer must have the status.
sub measure {
    my ($self, $rounds, $request, $status, %option) = @_;
    my $connections = $option{connections} // $self->{connections};
    my @clients = @{ $self->{clients} }[0 .. $connections - 1];
    my $warm = $option{warm} // WARM_ROUNDS;

    $self->round($request, $status, @clients) for 1 .. $warm;
    $self->mark;
    $self->round($request, $status, @clients) for 1 .. $rounds;
    my $dump = $self->mark;
    my $own = $self->mark;

    return {
        instructions => Igjobs::Guard::Callgrind::instructions($dump)
                        - Igjobs::Guard::Callgrind::instructions($own),
        requests => $rounds * $connections,
        dump => $dump,
    };
}

# the dump that this writes
sub mark {
    my ($self) = @_;

    $self->{marker}->get(MARK_PATH);
    return Igjobs::Guard::Callgrind::last_dump($self->{dir});
}

sub round {
    my ($self, $request, $status, @clients) = @_;

    $self->hold;
    $_->send($request->()) for @clients;
    $self->resume;
    for my $client (@clients) {
        my $answer = $client->read_response('GET');
        die "$self->{name}: $answer->{status} $answer->{body}\n"
            if $answer->{status} != $status;
    }
    return;
}

# A signal that comes when nginx is about to wait is heeded at its next event:
# new connections are some.
sub wait_end {
    my ($self, $seconds) = @_;

    delete @$self{qw(marker clients)};
    wait_for {
        return 1 if !$self->running;
        Igjobs::Process::listens($self->{port});
        return 0;
    } $seconds // 30, "$self->{name} to end";
    return $self->status;
}

# stopped when this returns, always where it waits for events
sub hold {
    my ($self) = @_;

    $self->until_state(qr/S/);
    $self->pause;
    $self->until_state(qr/[Tt]/);
    return;
}

sub until_state {
    my ($self, $state) = @_;
    my $deadline = time() + patience(60);

    while (time() < $deadline) {
        open my $in, '<', "/proc/$self->{pid}/stat" or die "nginx ended\n";
        return if <$in> =~ /\) $state /;
    }
    die "nginx does not come to rest\n";
}

1;
