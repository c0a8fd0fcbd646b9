# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Sums over measured values.

package Igjobs::Bench::Stats;

use strict;
use warnings;
use Exporter 'import';
use POSIX 'ceil';

our @EXPORT_OK = qw(median percentile spread);

# the middle one; of an even number the mean of the two in the middle
sub median {
    my @sorted = sort { $a <=> $b } @_;
    my $half = int(@sorted / 2);

    return if !@sorted;
    return $sorted[$half] if @sorted % 2;
    return ($sorted[$half - 1] + $sorted[$half]) / 2;
}

# percentile($percent, @values): the smallest value that so many reach
sub percentile {
    my ($percent, @values) = @_;
    my @sorted = sort { $a <=> $b } @values;
    my $rank = ceil($percent / 100 * @sorted);

    return if !@sorted;
    return $sorted[$rank < 1 ? 0 : $rank - 1];
}

# spread(@values): { median, min, max }, or nothing of nothing
sub spread {
    my @sorted = sort { $a <=> $b } @_;

    return if !@sorted;
    return { median => median(@sorted), min => $sorted[0],
             max => $sorted[-1] };
}

1;
