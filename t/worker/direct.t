#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The worker without Redis: a job from end to end.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Queue;
use Igjobs::Stack;

my $stack = Igjobs::Stack->new(worker => { args => ['--direct'] });
$stack->start(qw(postgres sim worker));
my $queue = Igjobs::Queue->new($stack);

my $job = $queue->submit(accounts => [names(1 .. 120)], max_count => 10);
my $doc = $queue->wait_end($job);

is $doc->{state}, 'completed', 'the job is completed';
is $doc->{progress}, 100, 'at 100 %';
is $doc->{total_batches}, 3, 'three batches';
is $doc->{current_batch}, 3, 'all ended';
is $doc->{accounts}{failed}, 0, 'no account failed';

my @ids = $queue->profile_ids($job);
is scalar @ids, $doc->{profiles_scraped}, 'the rows are what the counter says';
is $doc->{total_scraped},
    $doc->{genders}{female} + $doc->{genders}{male} + $doc->{genders}{unknown},
    'every distinct profile has been classified';
cmp_ok scalar @ids, '>', 1000, 'most of 1,200 followers are distinct';

my $ledger = $stack->sim->ledger;
is $ledger->{runs_started} // $ledger->{runs}, 3, 'three runs were started';
my %outcomes = $queue->outcomes($job);
is scalar(grep { $_ eq 'ok' } values %outcomes), 120, 'every account is ok';

$stack->finish;
done_testing;
