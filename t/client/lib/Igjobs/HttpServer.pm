# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A server that answers what a test says, one connection for each request, and
# keeps what it was asked.
#
#   my $server = Igjobs::HttpServer->new(sub { my ($request, $n) = @_; ... });
#   $server->url;
#   $server->requests;               # [{method, path, headers, body}, ...]
#   $server->stop;
#
# The handler gives the bytes of an answer (see answer()), or a list of pieces
# that are sent one by one; the connection is closed behind them. 'hold' as a
# piece waits until the client has gone. $n counts requests from 0.

package Igjobs::HttpServer;

use strict;
use warnings;
use Exporter 'import';
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Igjobs::Env;

our @EXPORT_OK = qw(answer problem stream);

my $json = JSON::PP->new->utf8->canonical;

sub new {
    my ($class, $handler) = @_;
    my $self = bless { file => Igjobs::Env::new_dir('http') . '/requests',
                       owner => $$ }, $class;

    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16,
                                       ReuseAddr => 1) or die "http server: $@";
    $self->{port} = $listen->sockport;
    $self->{pid} = fork // die "fork: $!";
    if ($self->{pid} == 0) {
        local $SIG{PIPE} = 'IGNORE';
        $self->serve($listen, $handler);
        POSIX::_exit(0);
    }
    return $self;
}

sub url { return "http://127.0.0.1:$_[0]{port}" }

sub requests {
    my ($self) = @_;

    open my $in, '<', $self->{file} or return [];
    return [map { $json->decode($_) } <$in>];
}

sub stop {
    my ($self) = @_;

    return if !$self->{pid} || $self->{owner} != $$;
    kill 'KILL', $self->{pid};
    waitpid delete $self->{pid}, 0;
    return;
}

sub DESTROY { my ($self) = @_; local ($?, $@, $!); $self->stop; return }

# answer($status, $body, name => value, ...): of JSON, unless the headers or
# the body say otherwise
sub answer {
    my ($status, $body, %header) = @_;

    $body = $json->encode($body) if ref $body;
    $body //= '';
    $header{'Content-Type'} //= 'application/json';
    $header{'Content-Length'} //= length $body;
    return "HTTP/1.1 $status Such\r\nConnection: close\r\n"
        . join('', map { "$_: $header{$_}\r\n" } sort keys %header)
        . "\r\n$body";
}

# what a problem of the API looks like
sub problem {
    my ($status, $code, $error, %header) = @_;

    return answer($status, { success => JSON::PP::false(), code => $code,
        error => $error, detail => "What to do about $code." }, %header);
}

# stream(@pieces): server-sent events
sub stream {
    my (@pieces) = @_;

    return ("HTTP/1.1 200 Such\r\nConnection: close\r\n"
            . "Content-Type: text/event-stream\r\n\r\n", @pieces);
}

sub serve {
    my ($self, $listen, $handler) = @_;

    for (my $n = 0; my $socket = $listen->accept; $n++) {
        my $request = read_request($socket) // next;
        open my $out, '>>', $self->{file} or POSIX::_exit(1);
        print $out $json->encode($request), "\n";
        close $out;
        for my $piece ($handler->($request, $n)) {
            if ($piece eq 'hold') {
                sysread $socket, my $rest, 1;
            } else {
                syswrite $socket, $piece;
            }
        }
        shutdown $socket, 1;
        1 while sysread $socket, my $rest, 65536;
        close $socket;
    }
    return;
}

sub read_request {
    my ($socket) = @_;
    my ($method, $path) = (<$socket> // '') =~ m{^(\S+) (\S+) HTTP} or return;
    my (%headers, $body);

    while (defined(my $line = <$socket>)) {
        last if $line !~ /^([^:]+):\s*(.*?)\r?$/;
        $headers{lc $1} = $2;
    }
    read $socket, $body, $headers{'content-length'} // 0;
    return { method => $method, path => $path, headers => \%headers,
             body => $body };
}

1;
