#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# kill -9: 30 times between "accepted" and "id stored", then at random (300).
#
# Jobs by seeds run together on one stack; workers are killed and restarted
# until all have ended. Nothing is paid twice, no row is lost or doubled, each
# job ends once; the simulator's ledger is the witness.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../worker/lib";
use Test::More;
use Igjobs::PaidOnce;
use Igjobs::Soak;

my @seeds = seeds(300);
my $last = $#seeds < 29 ? $#seeds : 29;
my $paid = Igjobs::PaidOnce->new(workers => 1);
$paid->kill_when_accepted(@seeds[0 .. $last])->wait_ended(120);
$paid->check('accepted, not stored');
$paid->finish;

$paid = Igjobs::PaidOnce->new(workers => 4);
$paid->kill_at_random(\@seeds, seconds => 900);
$paid->check('at random');
$paid->finish;
done_testing;
