#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Cancels raced against commits (1,000): no deadlock, nothing stored afterwards.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../worker/lib",
    "$FindBin::Bin/../sql/lib";
use Test::More;
use Igjobs::CancelRace;
use Igjobs::Soak;

my $race = Igjobs::CancelRace->new;

$race->run(seeds(1000));
$race->check('canceled');

$race->finish;
done_testing;
