# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# How long a test of t/soak.d goes on; t/soak's options reach it as variables.
# A test of t/run that shares its scenario with one of t/soak.d calls it with
# its own, smaller numbers.
#
#   for my $seed (seeds(300)) { ... }
#   my $until = time + seconds(90);

package Igjobs::Soak;

use strict;
use warnings;
use Exporter 'import';
use Test::More ();

our @EXPORT = qw(seeds seconds random);

# seeds($default): the seeds to go through, so many unless t/soak says else
sub seeds {
    my ($default) = @_;
    my $first = $ENV{IGJOBS_FIRST_SEED} // 1;
    my $last = $first + ($ENV{IGJOBS_SEEDS} // $default) - 1;

    Test::More::note("seeds $first to $last");
    return $first .. $last;
}

# seconds($default): how long a test of a set time lasts
sub seconds { my ($default) = @_; return $ENV{IGJOBS_SECONDS} // $default }

# random($seed): a function that gives numbers from 0 to below its argument,
# the same ones for the same seed, whatever else uses chance
sub random {
    my ($state) = @_;

    my $next = sub {
        my ($below) = @_;
        $state = ($state * 1103515245 + 12345) % 2**31;
        return $below * $state / 2**31;
    };
    $next->(1) for 1 .. 5;   # neighbours' first numbers are alike
    return $next;
}

1;
