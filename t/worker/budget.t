#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# run: early
#
# Budgets from 0.50 to 5.00 at 0.01 an item: 8 lanes in 2 processes, many jobs
# at a time, starts and runs that fail, workers that are killed; no job is ever
# billed more. Then a tenant's limit a day: its jobs wait when it is spent, and
# go on when it is raised. t/soak does more of it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Soak;
use Igjobs::Spending;

my @seeds = seeds(20);
my $spending = Igjobs::Spending->new(workers => 2);

$spending->kill_at_random(\@seeds, seconds => 90);
$spending->wait_settled;
$spending->check('budgets');

my @later = map { 1000 + $_ } @seeds[0 .. 5];
$spending->set_day_limit(rich => 6);
$spending->submit($_, tenant => 'rich', budget => 0) for @later;
$spending->wait_broke('rich');
cmp_ok $spending->billed_of('rich'), '<=', 6, 'a day is not overspent';
cmp_ok $spending->billed_of('rich'), '>', 5, 'but spent';
is $spending->sql("select string_agg(distinct state, ' ' order by state)"
    . " from public.scrape_jobs where tenant = 'rich' and completed_at is null")
    =~ /\A(?:queued|running|queued running)\z/, 1, 'jobs wait';
$spending->set_day_limit(rich => 1000);
$spending->wait_ended(60)->wait_settled;
$spending->check('a day');

$spending->finish;
done_testing;
