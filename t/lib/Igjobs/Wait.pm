# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Waiting for an event: a condition is polled until a deadline. Nothing in the
# tests sleeps for a fixed time.

package Igjobs::Wait;

use strict;
use warnings;
use Exporter 'import';
use Carp;
use Time::HiRes qw(time sleep);

our @EXPORT = qw(wait_for patience);

# patience($seconds): a deadline in seconds, stretched for slow builds
sub patience {
    my ($seconds) = @_;

    return $seconds * ($ENV{IGJOBS_PATIENCE} || 1);
}

# wait_for { condition } $seconds, $what
# Returns the first true value of the block; dies with $what at the deadline.
sub wait_for (&;$$) {
    my ($condition, $seconds, $what) = @_;
    my $deadline = time() + patience($seconds // 20);

    for (;;) {
        my $value = $condition->();
        return $value if $value;
        last if time() > $deadline;
        sleep 0.02;
    }

    croak 'timed out waiting for ' . ($what // 'a condition');
}

1;
