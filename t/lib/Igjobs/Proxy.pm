# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A proxy in front of Postgres that loses connections at a chosen point of the
# protocol, or keeps answers back.
#
#   my $proxy = Igjobs::Proxy->new($postgres)->start;
#   ... igjobs_postgres "host=127.0.0.1 port=${\$proxy->port} ..." ...
#   $proxy->rule(point => 'commit', action => 'lose', times => 1);
#   ... a submission ...
#   $proxy->fired                        how often rules have been acted upon
#   $proxy->overlaps                     statements sent before the one in front
#                                        of them was answered
#
# Points, all of them messages of the client:
#   submit     the Sync behind a small submission
#   begin, commit, copy (its data), copied (its end)    of a large one
#   rows       the Sync behind a range of result rows
#   call       the Sync behind the call of an api function, a small ingestion
#
# Actions:
#   before     the message is not forwarded, the connection is cut
#   middle     half of it is forwarded, the connection is cut
#   forward    it is forwarded, the connection is cut at once
#   lose       it is forwarded, the connection is cut when it was answered
#   hold       it is forwarded, answers are kept back until release() or drop()

package Igjobs::Proxy;

use strict;
use warnings;
use Carp;
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC SOL_SOCKET SO_LINGER);
use Igjobs::Port 'free_port';
use Igjobs::Wait;

use constant MOST_WAITING => 256 * 1024;    # bytes for a slow reader

sub new {
    my ($class, $postgres) = @_;

    return bless { port => free_port(), postgres => $postgres,
                   server => $postgres->socket_dir . '/.s.PGSQL.'
                             . $postgres->port }, $class;
}

sub port { return $_[0]{port} }

# dsn(user => ...): like Igjobs::Postgres, through the proxy
sub dsn {
    my ($self, %option) = @_;
    my $dsn = $self->{postgres}->dsn(%option, tcp => 1);

    $dsn =~ s/\bport=\d+/port=$self->{port}/;
    return "$dsn sslmode=disable";
}

sub start {
    my ($self) = @_;

    $self->{listen} = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $self->{port}, Listen => 128,
        ReuseAddr => 1) or croak "listen on $self->{port}: $@";
    socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC
        or croak "socketpair: $!";
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        close $ours;
        $SIG{PIPE} = 'IGNORE';
        eval { $self->serve($theirs) };
        print STDERR "# proxy: $@" if $@;
        POSIX::_exit($@ ? 1 : 0);
    }
    close $theirs;
    close delete $self->{listen};
    $ours->autoflush(1);
    @$self{qw(pid control owner)} = ($pid, $ours, $$);
    return $self;
}

sub stop {
    my ($self) = @_;

    return if !$self->{pid} || $self->{owner} != $$;
    close delete $self->{control};
    kill 'KILL', $self->{pid};
    waitpid delete $self->{pid}, 0;
    return;
}

sub DESTROY { local ($?, $@, $!); $_[0]->stop; return }

# rule(point =>, action =>, skip => 0, times => 1, reset => 0): replaces the
# rule there was; skip lets that many messages pass first
sub rule {
    my ($self, %rule) = @_;

    $self->ask(join ' ', 'rule', %rule);
    return $self;
}

sub fired { return $_[0]->ask('fired') }
sub overlaps { return $_[0]->ask('overlaps') }

# connections whose answer is kept back
sub held { return $_[0]->ask('held') }
sub wait_held {
    my ($self, $count) = @_;

    return wait_for { $self->held >= ($count // 1) } 20, 'an answer to hold';
}

# hands the answers on; cuts the connections instead
sub release { return $_[0]->ask('release') }
sub drop { return $_[0]->ask('drop') }

sub ask {
    my ($self, $words) = @_;

    print { $self->{control} } "$words\n";
    my $answer = readline($self->{control}) // croak 'the proxy has ended';
    chomp $answer;
    return $answer;
}


# ---- in the proxy's process

sub serve {
    my ($self, $control) = @_;

    @$self{qw(pairs fired overlaps rule)} = ([], 0, 0, undef);
    for (;;) {
        my @pairs = @{ $self->{pairs} };
        my $read = IO::Select->new($control, $self->{listen});
        my $write = IO::Select->new;
        for my $pair (@pairs) {
            for my $side (qw(client server)) {
                my $peer = $side eq 'client' ? 'server' : 'client';
                $read->add($pair->{$side})
                    if length $pair->{"to_$peer"} < MOST_WAITING;
                $write->add($pair->{$side}) if length $pair->{"to_$side"};
            }
        }
        my ($readable, $writable) = IO::Select->select($read, $write);
        my %ready = map { fileno $_ => 1 } @{ $readable // [] };
        my %room = map { fileno $_ => 1 } @{ $writable // [] };

        $_->{client} && $self->turn($_, \%ready, \%room) for @pairs;
        $self->accept_client if $ready{ fileno $self->{listen} };
        $self->command($control) or return if $ready{ fileno $control };
        $self->{pairs} = [grep { $_->{client} } @{ $self->{pairs} }];
    }
}

sub command {
    my ($self, $control) = @_;
    my $line = readline($control) // return 0;
    my ($word, %rule) = split ' ', $line;
    my @held = grep { $_->{client} && $_->{held} && length $_->{kept} }
               @{ $self->{pairs} };
    my $answer = 'ok';

    if ($word eq 'rule') {
        $self->{rule} = { skip => 0, times => 1, reset => 0, %rule };
    } elsif ($word eq 'fired') {
        $answer = $self->{fired};
    } elsif ($word eq 'overlaps') {
        $answer = $self->{overlaps};
    } elsif ($word eq 'held') {
        $answer = @held;
    } elsif ($word eq 'drop') {
        cut($_) for @held;
    } elsif ($word eq 'release') {
        for my $pair (@held) {
            $pair->{to_client} .= $pair->{kept};
            @$pair{qw(kept held)} = ('', 0);
        }
    }
    syswrite $control, "$answer\n";
    return 1;
}

sub accept_client {
    my ($self) = @_;
    my $client = $self->{listen}->accept or return;
    my $server = IO::Socket::UNIX->new(Peer => $self->{server});

    return if !$server;    # Postgres is away: so is the proxy
    $_->blocking(0) for $client, $server;
    push @{ $self->{pairs} }, {
        client => $client, server => $server, to_client => '',
        to_server => '', input => '', started => 0, kept => '', held => 0,
        statement => '', asked => 0, end => '',
    };
    return;
}

sub turn {
    my ($self, $pair, $ready, $room) = @_;
    my ($client, $server) = map { fileno $_ } @$pair{qw(client server)};

    if ($ready->{$client}) {
        receive($pair, 'client', \$pair->{input}) or return cut($pair);
        $self->messages($pair);
        return if !$pair->{client};
    }
    if ($ready->{$server}) {
        my $into = $pair->{held} ? \$pair->{kept} : \$pair->{to_client};
        my $at = length $$into;
        receive($pair, 'server', $into) or return cut($pair);
        return cut($pair) if $pair->{losing} && length $$into > $at;
        answered($pair, substr $$into, $at);
    }
    transmit($pair, 'client') or return cut($pair) if $room->{$client};
    transmit($pair, 'server') or return cut($pair) if $room->{$server};
    return;
}

# notes whether all that was asked has been answered: ReadyForQuery is the end
sub answered {
    my ($pair, $bytes) = @_;

    $pair->{end} = substr "......$pair->{end}$bytes", -6;
    $pair->{asked} = 0 if $pair->{end} =~ /Z\0{3}\x05[ITE]\z/;
    return;
}

sub receive {
    my ($pair, $side, $into) = @_;
    my $n = sysread $pair->{$side}, $$into, 65536, length $$into;

    return $n if $n;
    return !defined $n && $!{EAGAIN};
}

sub transmit {
    my ($pair, $side) = @_;
    my $n = syswrite $pair->{$side}, $pair->{"to_$side"};

    return !!$!{EAGAIN} if !defined $n;
    substr $pair->{"to_$side"}, 0, $n, '';
    return 1;
}

sub cut {
    my ($pair, $reset) = @_;

    setsockopt $pair->{client}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)
        if $reset;
    close delete $pair->{$_} for qw(client server);
    return;
}

# takes whole messages from what the client has sent
sub messages {
    my ($self, $pair) = @_;

    while ($pair->{client}) {
        my $at = $pair->{started} ? 1 : 0;
        last if length $pair->{input} < $at + 4;
        my $size = $at + unpack 'N', substr $pair->{input}, $at, 4;
        last if length $pair->{input} < $size;
        my $message = substr $pair->{input}, 0, $size, '';

        if ($pair->{started}) {
            $self->message($pair, $message);
        } else {
            $pair->{started} = 1;
            $pair->{to_server} .= $message;
        }
    }
    return;
}

sub message {
    my ($self, $pair, $message) = @_;
    my $type = substr $message, 0, 1;
    my $point = point($pair, $message);
    my $rule = $self->{rule};

    $self->{overlaps}++ if $pair->{asked} && $type =~ /[PBQ]/;
    $pair->{asked} = 1 if $type =~ /[SQ]/;

    if (!$rule || $rule->{times} <= 0 || $rule->{point} ne $point
        || $rule->{skip}-- > 0)
    {
        $pair->{to_server} .= $message;
        return;
    }

    $rule->{skip} = 0;
    $rule->{times}--;
    $self->{fired}++;
    my $action = $rule->{action};

    return cut($pair, $rule->{reset}) if $action eq 'before';

    $pair->{to_server} .= $action eq 'middle'
        ? substr $message, 0, length($message) / 2 : $message;
    if ($action eq 'middle' || $action eq 'forward') {
        $pair->{server}->blocking(1);
        transmit($pair, 'server');
        return cut($pair, $rule->{reset});
    }
    $pair->{held} = 1;
    $pair->{losing} = $action eq 'lose';
    return;
}

# the name of the point that a message is, or ''
sub point {
    my ($pair, $message) = @_;
    my $type = substr $message, 0, 1;

    if ($type eq 'B') {
        my (undef, $statement) = unpack 'x5 Z* Z*', $message;
        $pair->{statement} = $statement;
    } elsif ($type eq 'S') {
        return $pair->{statement} =~ /submit/ ? 'submit'
             : $pair->{statement} =~ /rows/ ? 'rows'
             : $pair->{statement} =~ /_api_|ingest/ ? 'call' : '';
    } elsif ($type eq 'Q') {
        return $1 if $message =~ /(begin|commit)/i;
    }
    return $type eq 'd' ? 'copy' : $type eq 'c' ? 'copied' : '';
}

1;
