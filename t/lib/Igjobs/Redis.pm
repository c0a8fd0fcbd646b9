# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A private Redis on a Unix socket and a loopback port, without persistence,
# and a small client for it: $redis->command('SET', 'a', 1).

package Igjobs::Redis;

use strict;
use warnings;
use parent 'Igjobs::Process';
use Carp;
use IO::Socket::UNIX;
use Igjobs::Env;
use Igjobs::Port 'free_port';

# new(dir => ..., settings => { name => value })
sub new {
    my ($class, %option) = @_;
    my $dir = $option{dir} // Igjobs::Env::new_dir('redis');
    my $port = free_port();
    my %settings = (
        bind => '127.0.0.1',
        port => $port,
        unixsocket => "$dir/redis.sock",
        unixsocketperm => '700',
        dir => $dir,
        save => '',
        appendonly => 'no',
        %{ $option{settings} // {} },
    );

    my $self = $class->SUPER::new(
        name => 'redis', dir => $dir, port => $port, death_signal => 'TERM',
        socket => "$dir/redis.sock",
        command => ['redis-server',
                    map { ("--$_", $settings{$_}) } sort keys %settings],
    );
    return $self;
}

sub port { return $_[0]{port} }
sub socket_path { return $_[0]{socket} }

sub ready {
    my ($self) = @_;

    return -S $self->{socket} && eval { $self->command('PING') eq 'PONG' };
}

# command(@words): the reply as a scalar, an array reference or undef.
# An error reply dies with its text. One connection is kept.
sub command {
    my ($self, @words) = @_;
    my $text = '*' . @words . "\r\n";

    for my $word (@words) {
        utf8::encode($word) if utf8::is_utf8($word);
        $text .= '$' . length($word) . "\r\n$word\r\n";
    }

    my $fresh = !$self->{connection};
    $self->{connection} //= IO::Socket::UNIX->new(Peer => $self->{socket})
        or croak "redis: $!";
    my $reply = eval {
        local $SIG{PIPE} = 'IGNORE';
        syswrite $self->{connection}, $text or die "redis: $!\n";
        [read_reply($self->{connection})];
    };
    return $reply->[0] if $reply;

    my $error = $@;
    if ($error !~ /^redis error/) {
        delete $self->{connection};
        return $self->command(@words) if !$fresh;
    }
    croak $error;
}

sub read_reply {
    my ($socket) = @_;
    my $line = readline($socket) // die "redis: connection closed\n";

    $line =~ s/\r\n\z//;
    my ($type, $rest) = $line =~ /^(.)(.*)$/s;
    return $rest if $type eq '+' || $type eq ':';
    die "redis error: $rest\n" if $type eq '-';
    return if $rest == -1;

    if ($type eq '$') {
        read($socket, my $text, $rest + 2) == $rest + 2
            or die "redis: connection closed\n";
        return substr $text, 0, $rest;
    }
    return [map { scalar read_reply($socket) } 1 .. $rest];
}

# clients other than the one of the test
sub clients {
    my ($self) = @_;
    my $own = $self->command('CLIENT', 'ID');

    return grep { !/^id=$own / } split /\n/, $self->command('CLIENT', 'LIST');
}

sub stop {
    my ($self, @rest) = @_;

    delete $self->{connection};
    return $self->SUPER::stop(@rest);
}

1;
