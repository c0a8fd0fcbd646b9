#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# 90 s of 429, 402 and 5xx, then a full outage: caps kept, few requests, back
# in 30 s.
#
# The same as t/worker/brownout.t, with the settings that an installation has:
# a call goes on for 4 to 7 s, and slots are held by starts that nobody answered,
# so that it can take half a minute until five batches have failed and the
# breaker opens.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../worker/lib";
use Test::More;
use Time::HiRes 'time';
use Igjobs::BrownOut;
use Igjobs::Soak;

use constant OUTAGE => 45;

my $seconds = seconds(90);

for my $seed (seeds(1)) {
    my $b = Igjobs::BrownOut->new(seed => $seed, run_ms => 600);
    my @troubles = $b->troubles;

    $b->submit(40);
    for my $trouble (@troubles) {
        my $until = time + $seconds / @troubles;
        $b->trouble($trouble, sub { time > $until });
    }
    $b->lift;
    my $until = time + OUTAGE;
    $b->outage(sub { time > $until });
    cmp_ok $b->recover, '<=', 30, 'work goes on within 30 s';
    $b->check;
}
done_testing;
