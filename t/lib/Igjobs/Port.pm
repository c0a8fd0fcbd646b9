# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Free loopback ports, safe against every other process on the machine.
#
# The port stays bound, without listening, for as long as the test runs. The
# kernel gives it to nobody else, neither for bind(0) nor for connect(), while
# a server that sets SO_REUSEADDR (all of ours do) can still bind and listen.

package Igjobs::Port;

use strict;
use warnings;
use Exporter 'import';
use Socket;

our @EXPORT_OK = qw(free_port);

my @held;

sub free_port {
    socket(my $holder, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
    bind($holder, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
    # only now: set before bind(0), two holders could be given the same port
    setsockopt($holder, SOL_SOCKET, SO_REUSEADDR, 1) or die "setsockopt: $!";

    push @held, $holder;
    return (unpack_sockaddr_in(getsockname $holder))[0];
}

1;
