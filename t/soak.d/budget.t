#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Budgets from 0.50 to 5.00 over seeded jobs (300): never above.
#
# 8 lanes in 2 processes, many jobs at a time, starts and runs that fail,
# workers that are killed; the simulator's ledger is the witness.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../worker/lib";
use Test::More;
use Igjobs::Soak;
use Igjobs::Spending;

my @seeds = seeds(300);
my $spending = Igjobs::Spending->new(workers => 2);

$spending->kill_at_random(\@seeds, seconds => 900);
$spending->wait_settled(120);
$spending->check('budgets');

$spending->finish;
done_testing;
