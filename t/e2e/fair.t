#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Shares: a tenant that fills the queue keeps nobody waiting, in either class,
# and a weight counts; told by the order in which the provider was asked.
# t/soak.d/fair.t measures the times.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../worker/lib";
use Test::More;
use Igjobs::Crowd;
use Igjobs::Wait;

use constant LANES => 4;

my $crowd = Igjobs::Crowd->new(lanes => LANES, run_ms => 100);

# jobs of the same tenant as the large ones count as any other's
$crowd->fill(tenant => 'crowd', jobs => 20, batches => 100);
for my $accounts (1, 60) {
    my $job = $crowd->job(accounts => $accounts);
    cmp_ok $job->{before}, '<=', 2 * LANES,
        "a small job beside large ones: $job->{before} starts before it";
}
my $job = $crowd->job(accounts => 401);
cmp_ok $job->{before}, '<=', 3 * LANES,
    "a large job beside another tenant's: $job->{before} starts before it";
cmp_ok $job->{between}, '<=', 9 + 2 * LANES,
    "and $job->{between} between its nine: tenants alternate";
$crowd->clear;

# many small jobs: the class of the large ones has its share
$crowd->fill(tenant => 'crowd', jobs => 200, batches => 8);
$job = $crowd->job(accounts => 401);
cmp_ok $job->{before}, '<=', 3 * LANES,
    "a large job beside small ones: $job->{before} starts before it";
cmp_ok $job->{between}, '<=', 4 * 9 + 2 * LANES,
    "and $job->{between} between its nine: one of four turns";
$crowd->clear;

# a weight
$crowd->sql("select igjobs.set_weight('heavy', 3)");
$crowd->fill(tenant => $_, jobs => 10, batches => 100) for qw(light heavy);
my %count;
wait_for {
    my $seq = $crowd->last_seq;
    wait_for { $crowd->starts($seq) >= 80 } 60, '80 starts';
    %count = (heavy => 0, light => 0);
    $count{$_}++ for $crowd->starts($seq);
    $count{heavy} > 2 * $count{light} && $count{heavy} < 4 * $count{light}
} 120, 'three starts of a tenant of weight three to one';
pass "weights: $count{heavy} to $count{light}";
$crowd->clear;

$crowd->finish;
done_testing;
