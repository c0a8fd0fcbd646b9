# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A small HTTP/1.1 client on a raw socket that shows what is on the wire:
# keep-alive, chunked and slow uploads, requests cut in the middle.
#
#   my $http = Igjobs::Http->new($port);
#   my $r = $http->get('/livez');                 $r->{status}, $r->{body}
#   my $r = $http->post_json('/api/...', {...});  $r->json, $r->header('ETag')
#
# With openapi => 1 each answer is held to docs/openapi.json, unless the test
# wrote to the connection by itself (send) or read the answer by itself.

package Igjobs::Http;

use strict;
use warnings;
use Carp;
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF);
use Time::HiRes 'time';
use Igjobs::Openapi;
use Igjobs::Json;
use Igjobs::Wait 'patience';

# new($port, timeout => seconds for one read, headers => [name, value, ...],
#     openapi => 0)
sub new {
    my ($class, $port, %option) = @_;

    return bless { port => $port, timeout => 30, headers => [],
                   asked => [], %option }, $class;
}

sub get { my ($self, @rest) = @_; return $self->request('GET', @rest) }
sub head { my ($self, @rest) = @_; return $self->request('HEAD', @rest) }

# post_json($path, $data or JSON text, headers => [...], chunked => bytes)
sub post_json {
    my ($self, $path, $data, %option) = @_;
    my @headers = ('Content-Type', 'application/json',
                   @{ delete $option{headers} // [] });
    my $body = ref $data ? JSON::PP->new->utf8->canonical->encode($data)
                         : $data;

    return $self->request('POST', $path, body => $body, %option,
                          headers => \@headers);
}

# request($method, $path, headers => [...], body => $text, chunked => bytes,
#         openapi => 0 for an answer that is not as described on purpose)
# The connection is kept and used again; it is opened anew when the server has
# closed it since the last answer.
sub request {
    my ($self, $method, $path, %option) = @_;

    $self->connect if !$self->usable;
    $self->{asked} = [];
    $self->send_request($method, $path, %option);
    return $self->read_response($method);
}

sub connect {
    my ($self) = @_;

    $self->{socket} = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 10)
        or croak "connect to port $self->{port}: $@";
    $self->{buffer} = '';
    $self->{asked} = [];
    return $self;
}

# slow($port): a client whose kernel takes little
sub slow {
    my ($class, $port) = @_;
    my $client = $class->new($port);

    socket my $socket, Socket::PF_INET, Socket::SOCK_STREAM, 0
        or die "socket: $!";
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 16_384;
    CORE::connect $socket, Socket::pack_sockaddr_in($port, Socket::INADDR_LOOPBACK)
        or die "connect: $!";
    $client->{socket} = $socket;
    $client->{buffer} = '';
    return $client;
}

# chunked($count): about so many bytes of a chunked body; sets {ended} after
# the last
sub chunked {
    my ($client, $count) = @_;
    my $text = '';

    while (length $text < $count && !$client->{ended}) {
        if (!$client->{chunk}) {
            $client->{chunk} = hex $client->line;
            if ($client->{chunk} == 0) {
                $client->line;
                $client->{ended} = 1;
                last;
            }
        }
        my $n = $client->{chunk} < 8192 ? $client->{chunk} : 8192;
        $text .= $client->bytes($n);
        $client->{chunk} -= $n;
        $client->line if !$client->{chunk};
    }
    return $text;
}

# is the kept connection open and quiet?
sub usable {
    my ($self) = @_;

    return $self->{socket} && !IO::Select->new($self->{socket})->can_read(0);
}

# the request's head as text
sub head_text {
    my ($self, $method, $path, @headers) = @_;
    my $text = "$method $path HTTP/1.1\r\n";

    unshift @headers, @{ $self->{headers} };
    unshift @headers, Host => "127.0.0.1:$self->{port}"
        if !grep { lc eq 'host' } @headers;
    while (my ($name, $value) = splice @headers, 0, 2) {
        $text .= "$name: $value\r\n";
    }
    return "$text\r\n";
}

sub send_request {
    my ($self, $method, $path, %option) = @_;
    my @headers = @{ $option{headers} // [] };
    my $body = $option{body};

    $self->connect if !$self->{socket};
    push @{ $self->{asked} },
        ($option{openapi} // 1) ? [$method, $path] : undef if $self->{asked};

    if (!defined $body) {
        return $self->write($self->head_text($method, $path, @headers));
    }
    if (!$option{chunked}) {
        push @headers, 'Content-Length', length $body;
        return $self->write(
            $self->head_text($method, $path, @headers) . $body);
    }

    push @headers, 'Transfer-Encoding', 'chunked';
    $self->write($self->head_text($method, $path, @headers));
    for (my $at = 0; $at < length $body; $at += $option{chunked}) {
        $self->write(chunk(substr $body, $at, $option{chunked}));
    }
    return $self->write("0\r\n\r\n");
}

sub chunk {
    my ($text) = @_;

    return sprintf("%x\r\n", length $text) . "$text\r\n";
}

# send($bytes): of the test's own making; which answer belongs to which request
# is not known here from then on
sub send {
    my ($self, $bytes) = @_;

    $self->connect if !$self->{socket};
    delete $self->{asked};
    return $self->write($bytes);
}

# write($bytes): all of them. A server that stops reading because it has
# answered already ends the sending early; its answer can still be read.
sub write {
    my ($self, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';

    my $at = 0;
    while ($at < length $bytes) {
        my $n = syswrite $self->{socket}, $bytes, 65536, $at;
        last if !defined $n;
        $at += $n;
    }
    return $at;
}

# cut(): closes the connection, with a reset when told so
sub cut {
    my ($self, %option) = @_;

    return if !$self->{socket};
    setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)
        if $option{reset};
    close $self->{socket};
    delete $self->{socket};
    return;
}

# more bytes into the buffer; false at the end of the stream
sub fill {
    my ($self) = @_;
    my $timeout = patience($self->{timeout});

    IO::Select->new($self->{socket})->can_read($timeout)
        or croak "no answer within $timeout s";
    my $n = sysread $self->{socket}, $self->{buffer}, 65536,
        length $self->{buffer};
    return $n;
}

# the next line without its end
sub line {
    my ($self) = @_;
    my $end;

    while (($end = index $self->{buffer}, "\n") < 0) {
        $self->fill or croak 'connection closed in the middle of an answer';
    }
    my $line = substr $self->{buffer}, 0, $end + 1, '';
    $line =~ s/\r?\n\z//;
    return $line;
}

sub bytes {
    my ($self, $count) = @_;

    while (length $self->{buffer} < $count) {
        $self->fill or croak 'connection closed in the middle of a body';
    }
    return substr $self->{buffer}, 0, $count, '';
}

# read_response($method): dies when the server closes without an answer
sub read_response {
    my ($self, $method) = @_;
    my $response = $self->read_head;

    $response = $self->read_head while $response->{status} == 100;
    $response->{body} = $self->read_body($response, $method // 'GET');
    $self->hold($response);
    if (lc($response->header('Connection') // '') eq 'close') {
        delete $self->{socket};
    }
    return $response;
}

# holds the answer to docs/openapi.json, as that to the oldest request
sub hold {
    my ($self, $response) = @_;
    my $asked = shift @{ $self->{asked} // [] };

    Igjobs::Openapi::hold(@$asked, $response) if $asked && $self->{openapi};
    return;
}

sub read_head {
    my ($self) = @_;
    my ($status, $reason) = $self->line =~ m{^HTTP/1\.\d (\d+) ?(.*)}
        or croak 'not an HTTP answer';
    my $response = bless { status => $status, reason => $reason,
                           headers => {}, time => time() },
                   'Igjobs::Http::Response';

    while ((my $line = $self->line) ne '') {
        my ($name, $value) = $line =~ /^([^:\s]+):\s*(.*?)\s*$/
            or croak "bad header line: $line";
        push @{ $response->{headers}{lc $name} }, $value;
    }
    return $response;
}

sub read_body {
    my ($self, $response, $method) = @_;
    my $length = $response->header('Content-Length');

    return '' if $method eq 'HEAD' || $response->{status} =~ /^(?:204|304)$/;
    if (($response->header('Transfer-Encoding') // '') eq 'chunked') {
        my $body = '';
        while (my $size = hex $self->line) {
            $body .= $self->bytes($size);
            $self->line;
        }
        $self->line;
        return $body;
    }
    return $self->bytes($length) if defined $length;

    1 while $self->fill;
    delete $self->{socket};
    return delete $self->{buffer};
}


package Igjobs::Http::Response;

# header($name): the first value, header_all($name): all of them
sub header { return ($_[0]{headers}{lc $_[1]} // [])->[0] }
sub header_all { return @{ $_[0]{headers}{lc $_[1]} // [] } }

# the body as data, the caller's own; dies if it is not JSON
sub json {
    my ($self) = @_;

    return delete $self->{kept} // Igjobs::Json::decode($self->{body});
}

# the same, not to be changed: the next json() hands it out
sub json_kept {
    my ($self) = @_;

    return $self->{kept} //= Igjobs::Json::decode($self->{body});
}

1;
