#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The shortest way through everything: one job, submitted to nginx, run by a
# worker against the simulator, read back from nginx.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Igjobs::Env;
use Igjobs::Stack;

my $officials = Igjobs::Env::staged(
    Igjobs::Env::root() . '/data/public-officials.jsonl');
my $stack = Igjobs::Stack->new(sim => { args => ['--officials', $officials] });
$stack->start;

my $jobs = $stack->jobs;
my $id = $jobs->submit(accounts => ['public_officials', 'someone.else'],
                       targetGender => 'any', totalScrapeCount => 1000);
my $status = $jobs->wait_done($id);

is $status->{status}, 'completed', 'the job completed';
is $status->{progress}, 100, 'all of it';
is $status->{total_scraped}, 407 + 500, 'every follower was found';

my @profiles = $jobs->results($id, limit => 200);
is scalar @profiles, $status->{total_filtered}, 'every row can be read';
my %seen = map { $_->{id} => $_->{username} } @profiles;
is scalar keys %seen, scalar @profiles, 'each profile once';
is $seen{26367713}, 'boblatta', 'one of the public officials is there';

$stack->finish;
done_testing;
