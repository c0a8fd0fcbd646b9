#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Jobs that are canceled while their pages are stored: no deadlock, nothing is
# stored after the end, every run is ended and booked. t/soak does more of it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib",
    "$FindBin::Bin/../sql/lib";
use Test::More;
use Igjobs::CancelRace;
use Igjobs::Soak;

my $race = Igjobs::CancelRace->new;

$race->run(seeds(60));
$race->check('canceled');

$race->finish;
done_testing;
