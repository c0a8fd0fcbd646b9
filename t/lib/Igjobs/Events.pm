# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A client of server-sent events on a raw socket.
#
#   my $stream = Igjobs::Events->open($port, "/api/jobs/$job/events");
#   $stream->{response}{status};
#   my $event = $stream->next;      # {id, event, data, retry}
#                                   # or {comment}; undef at a clean end

package Igjobs::Events;

use strict;
use warnings;
use parent 'Igjobs::Http';
use Carp;

# open($port, $path, headers => [...]): sends the request and reads the head
sub open {
    my ($class, $port, $path, %option) = @_;
    return $class->start($port, $path, %option)->answered;
}

# reads the head of the answer
sub answered {
    my ($self) = @_;

    $self->{response} = $self->read_head;
    $self->{chunked} = lc($self->{response}->header('Transfer-Encoding') // '')
                       eq 'chunked';
    return $self;
}

# start: without waiting for the answer
sub start {
    my ($class, $port, $path, %option) = @_;
    my $self = $class->SUPER::new($port)->connect;

    $self->{text} = '';
    $self->send_request('GET', $path, %option);
    return $self;
}

# the next event or comment; undef when the answer has ended
sub next {
    my ($self) = @_;
    my $end;

    while (($end = index $self->{text}, "\n\n") < 0) {
        $self->more or return;
    }
    return parse(substr $self->{text}, 0, $end + 2, '');
}

# the next event, comments and bare retry lines skipped
sub event {
    my ($self) = @_;

    while (my $event = $self->next) {
        return $event if defined $event->{event};
        $self->{retry} = $event->{retry} if defined $event->{retry};
    }
    return;
}

# the next chunk; false at the end
sub more {
    my ($self) = @_;

    return 0 if $self->{ended};
    croak 'not chunked' if !$self->{chunked};
    my $size = hex $self->line;
    $self->{text} .= $self->bytes($size) if $size;
    $self->line;
    $self->{ended} = 1 if !$size;
    return $size;
}

sub parse {
    my ($text) = @_;
    my %event;

    for my $line (split /\n/, $text) {
        my ($name, $value) = $line =~ /^(\w*):\s?(.*)$/
            or croak "bad line in an event: $line";
        $event{$name eq '' ? 'comment' : $name} = $value;
    }
    return \%event;
}

1;
