# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A receiver of webhooks that keeps what it was sent and answers as a test says,
# each request in a process of its own, so that one that hangs holds up none.
#
#   my $receiver = Igjobs::Receiver->new;
#   $receiver->answers('/path', 500, 'hang', 200);    # in turn, the last stays
#   $receiver->url('/path');
#   $receiver->events('/path');    # [{path, headers, body, event, at}, ...]
#   Igjobs::Receiver::signed_with($event, @secrets);  # those that fit
#   $receiver->stop;
#
# An answer: a status, [status, {headers}, body], 'hang' (until the client has
# gone), 'close' or 'half' (the head only, then silence). Without any: 204.

package Igjobs::Receiver;

use strict;
use warnings;
use Digest::SHA 'hmac_sha256';
use Fcntl ':flock';
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64);
use POSIX ();
use Time::HiRes 'time';
use Igjobs::Env;
use Igjobs::Json;
use Igjobs::Wait;

my $json = JSON::PP->new->utf8->canonical;

sub new {
    my ($class) = @_;
    my $self = bless { dir => Igjobs::Env::new_dir('receiver'), owner => $$ },
        $class;

    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64,
                                       ReuseAddr => 1) or die "receiver: $@";
    $self->{port} = $listen->sockport;
    $self->{pid} = fork // die "fork: $!";
    if ($self->{pid} == 0) {
        setpgrp;
        local $SIG{PIPE} = 'IGNORE';
        local $SIG{CHLD} = 'IGNORE';
        while (my $socket = $listen->accept) {
            next if fork;
            $self->serve($socket);
            POSIX::_exit(0);
        }
        POSIX::_exit(0);
    }
    return $self;
}

sub url { return "http://127.0.0.1:$_[0]{port}$_[1]" }

sub answers {
    my ($self, $path, @answers) = @_;
    my $file = $self->plan_file($path);

    open my $out, '>', "$file.new" or die "$file: $!";
    print $out $json->encode(\@answers);
    close $out;
    rename "$file.new", $file or die "$file: $!";
    return;
}

sub plan_file { return "$_[0]{dir}/plan" . $_[1] =~ s{/}{_}gr }

# what has come, at a path or at all, in order
sub events {
    my ($self, $path) = @_;

    open my $in, '<', "$self->{dir}/events" or return;
    return grep { !defined $path || $_->{path} eq $path }
        map { Igjobs::Json::decode($_) } <$in>;
}

# how many have come
sub count {
    my ($self, $path) = @_;

    return -s $self->plan_file($path) . '.count' // 0;
}

# wait_events($path, $count): until so many have come, all of them
sub wait_events {
    my ($self, $path, $count, $seconds) = @_;

    wait_for { $self->count($path) >= $count } $seconds // 30,
        "$count events at $path";
    return $self->events($path);
}

sub types {
    my ($self, $path) = @_;

    return join ' ', map { $_->{event}{type} } $self->events($path);
}

sub stop {
    my ($self) = @_;

    return if !$self->{pid} || $self->{owner} != $$;
    kill 'KILL', -$self->{pid}, $self->{pid};
    waitpid delete $self->{pid}, 0;
    return;
}

sub DESTROY { my ($self) = @_; local ($?, $@, $!); $self->stop; return }

# which of the secrets have signed it
sub signed_with {
    my ($request, @secrets) = @_;
    my %header = %{ $request->{headers} };
    my $text = join '.', @header{qw(webhook-id webhook-timestamp)},
        $request->{body};
    my %given = map { $_ => 1 } split / /, $header{'webhook-signature'};

    return grep {
        my $key = decode_base64(s/^whsec_//r);
        $given{'v1,' . encode_base64(hmac_sha256($text, $key), '')};
    } @secrets;
}

sub serve {
    my ($self, $socket) = @_;
    my $request = read_request($socket) // return;
    my $answer = $self->note($request) // 204;

    if ($answer eq 'hang') {
        1 while sysread $socket, my $rest, 4096;
        return;
    }
    return if $answer eq 'close';
    my ($status, $headers, $body) = ref $answer ? @$answer
        : $answer eq 'half' ? (200, { 'Content-Length' => 10 }) : $answer;
    $body //= '';
    $headers = { 'Content-Length' => length $body, %{ $headers // {} } };
    syswrite $socket, "HTTP/1.1 $status Such\r\n"
        . join('', map { "$_: $headers->{$_}\r\n" } sort keys %$headers)
        . "\r\n$body";
    1 while sysread $socket, my $rest, 4096;
    return;
}

# notes the request; its answer is that of its number at the path
sub note {
    my ($self, $request) = @_;

    open my $out, '>>', "$self->{dir}/events" or die "$self->{dir}: $!";
    flock $out, LOCK_EX;
    syswrite $out, $json->encode($request) . "\n";
    open my $count, '>>', $self->plan_file($request->{path}) . '.count';
    my $n = -s $count;
    syswrite $count, '.';
    close $out;

    open my $in, '<', $self->plan_file($request->{path}) or return;
    my $answers = $json->decode(do { local $/; <$in> });
    return $answers->[$n < @$answers ? $n : -1];
}

sub read_request {
    my ($socket) = @_;
    my ($path) = (<$socket> // '') =~ m{^POST (\S+) HTTP} or return;
    my (%headers, $body);

    while (defined(my $line = <$socket>)) {
        last if $line !~ /^([^:]+):\s*(.*?)\r?$/;
        $headers{lc $1} = $2;
    }
    read $socket, $body, $headers{'content-length'} // 0;
    return { path => $path, headers => \%headers, body => $body,
             at => time(), event => Igjobs::Json::decode($body) };
}

1;
