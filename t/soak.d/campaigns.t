#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A whole day's campaign: 14,400 profiles over 80 tables, whose worker is
# killed in the middle; t/e2e/campaigns.t has a tenth of it.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../e2e/lib";
use Igjobs::Campaign;

my $c = Igjobs::Campaign->new(tables => 80);
my $id = $c->killed(14_400, 80);
my $ledger = $c->sim->airtable_ledger;

$c->whole($id, 14_400);
is $c->assigned('count(distinct (va_table_number, position)) ||'
    . " '|' || count(distinct id)", "campaign_id = '$id'"), '14400|14400',
    'each place and each profile once';
is_deeply [@$ledger{qw(records duplicates refused)}], [14_400, 0, 0],
    'the ledger says so, too';
$c->finish;
done_testing;
