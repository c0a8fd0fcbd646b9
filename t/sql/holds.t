#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Holds: while the provider of a kind refuses, nothing of the kind is claimed,
# and its parked turns come back a few at a time.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my $kind = 'kind:scrape_followers';
my ($job, $other) = ($e->submit(400), $e->submit(400, tenant => 'other'));
my $working = $e->claim($job);

sub answer { return $e->claim($job)->{answer} }

cmp_ok $e->value(free_slots => $kind), '>', 1000, 'no hold: no limit';

# full: the batch is parked, the kind is held

$e->fail($e->claim($job), 'full', 'no room', 60_000);
my $b = $e->batch($job, 1);
is_deeply [@$b{qw(state failures)}], ['queued', 0], 'parked, not counted';
my $c = $e->claim($job);
is_deeply [@$c{qw(answer scope)}], ['capped', $kind], 'the kind is held';
is $e->claim($other, tenant => 'other')->{answer}, 'capped',
    'for every tenant';
is $e->value(free_slots => $kind), 0, 'no turn comes back';
is $e->batch($job, 2)->{attempt}, 0, 'no other batch was touched';

# a batch that ends well makes room

$e->store_all($working, ids => ['1']);
is $e->value(free_slots => $kind), 8, 'then a few turns at a time';
$working = $e->claim($job);
is $working->{answer}, 'batch', 'and batches are claimed';

# refused: counted, and held as well

$c = $e->claim($job);
$e->fail($c, 'refused', 'no money', 60_000);
is $e->batch($job, $c->{batch_no})->{failures}, 1, 'refused: counted';
is answer(), 'capped', 'and held';
$e->fail($working, 'dead', 'broken');
is answer(), 'capped', 'a batch that is given up makes no room';

# time passes

$e->sql("update igjobs.holds set until = now() - interval '1 s'");
is answer(), 'batch', 'a hold ends by itself';
is $e->value(free_slots => $kind), 8, 'a few at a time';
$e->sql("update igjobs.holds set until = now() - interval '2 minutes'");
cmp_ok $e->value(free_slots => $kind), '>', 1000,
    'all of them a minute later';

$e->fail($e->claim($job), 'park', 'this one only', 60_000);
is answer(), 'batch', 'park holds nothing';

done_testing;
