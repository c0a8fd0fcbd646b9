#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A tenant with 50 jobs of 200 batches: another's job takes twice its time alone.
#
# In the median over the seeds, which decide when a job is submitted, at most:
# a job of one batch beside 50 jobs of 200 batches, another of them in the same
# class of large jobs, and a large job beside small ones.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../worker/lib";
use Test::More;
use Time::HiRes 'usleep';
use Igjobs::Crowd;
use Igjobs::Soak;

my $crowd = Igjobs::Crowd->new(lanes => 8, run_ms => 300);
my @seeds = seeds(9);
my @small = (accounts => 1);
# share of a class that one of four turns goes to: two of eight lanes
my @large = (accounts => 401, parallelism => 2);

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[@_ / 2] }

# median seconds of a job, submitted at times that the seeds decide
sub measure {
    my ($what, @job) = @_;
    my @seconds = map {
        usleep random($_)->(500_000);
        $crowd->job(@job)->{seconds};
    } @seeds;

    diag sprintf '%s: median %.2f s of %s', $what, median(@seconds),
        join ' ', map { sprintf '%.2f', $_ } @seconds;
    return median(@seconds);
}

my %alone = (small => measure('one batch alone', @small),
             large => measure('nine batches alone, two at a time', @large));

$crowd->fill(tenant => 'crowd', jobs => 50, batches => 200);
cmp_ok measure('one batch beside 50 jobs of 200 batches', @small), '<=',
    2 * $alone{small}, 'a small job beside large ones';
cmp_ok measure('nine batches beside them', @large), '<=', 2 * $alone{large},
    'a large job beside large ones';
$crowd->clear;

$crowd->fill(tenant => 'crowd', jobs => 1250, batches => 8);
cmp_ok measure('nine batches beside 1,250 jobs of 8', @large), '<=',
    2 * $alone{large}, 'a large job beside small ones';
cmp_ok measure('one batch beside them', @small), '<=', 2 * $alone{small},
    'a small job beside small ones';
$crowd->clear;

$crowd->finish;
done_testing;
