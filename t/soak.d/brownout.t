#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# 90 s of 429, 402, 5xx and a full outage: caps kept, few requests, back in 30 s.
#
# The same as t/worker/brownout.t, with the settings that an installation has.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../worker/lib";
use Test::More;
use Time::HiRes 'time';
use Igjobs::BrownOut;
use Igjobs::Soak;

my $seconds = seconds(90);

for my $seed (seeds(1)) {
    my $b = Igjobs::BrownOut->new(seed => $seed, run_ms => 600);
    my @phases = ($b->troubles, 'outage');

    $b->submit(40);
    for my $phase (@phases) {
        my $until = time + $seconds / @phases;
        if ($phase eq 'outage') {
            $b->lift;
            $b->outage(sub { time > $until });
        } else {
            $b->trouble($phase, sub { time > $until });
        }
    }
    cmp_ok $b->recover, '<=', 30, 'work goes on within 30 s';
    $b->check;
}
done_testing;
