#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Workers that are killed where money is at stake: nothing is paid twice, no row
# is lost or doubled, each job ends once. t/soak does more of it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::PaidOnce;
use Igjobs::Soak;

my @seeds = seeds(20);
my $paid = Igjobs::PaidOnce->new(workers => 2);

# kill -9 between "accepted by the provider" and "id stored"
$paid->kill_when_accepted(@seeds[0 .. 4]);

# kill -9 at any time, among answers that are lost
$paid->kill_at_random([@seeds[5 .. $#seeds]], seconds => 50);
$paid->check('killed');

$paid->finish;
done_testing;
