#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# run: early
#
# The provider is full, throttles, fails, is away: caps are kept, hardly anybody
# asks, nobody gives up, and the work goes on. t/soak does it for longer.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::BrownOut;

my $b = Igjobs::BrownOut->new(seed => 7, run_ms => 150, settings => {
    breaker_open_ms => 200, breaker_open_max_ms => 1000,
    breaker_probe_ms => 2000, breaker_full_ms => 1000 });

$b->submit(12);
for my $trouble ($b->troubles) {
    my ($faults, $done) = ($b->ledger->{faults}, $b->done);
    $b->trouble($trouble, sub {
        $b->ledger->{faults} >= $faults + 3 && $b->done >= $done + 3 });
}
$b->lift;
$b->outage(sub { $b->breaker('opened') >= 2 });
$b->recover;
$b->check;
done_testing;
