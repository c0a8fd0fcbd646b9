# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# One server of a peer: an Igjobs::Process that is ready when it says so.

package Igjobs::Bench::Peer::Server;

use strict;
use warnings;
use parent 'Igjobs::Process';

# new(..., when => sub { is the server ready? }): called with the server
sub new {
    my ($class, %option) = @_;

    return $class->SUPER::new(death_signal => 'TERM', %option);
}

sub ready {
    my ($self) = @_;

    return $self->{when}->($self);
}

1;
