#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# run: early
#
# Redis holds hints only: emptied, restarted or away in the middle of a job,
# the job completes all the same, with each batch paid once.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Queue;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(
    # few people, so that pages share profiles
    sim => { args => ['--run-ms', 50, '--shared-people', 2048] },
    worker => { args => ['--sweep=300ms', '--lanes=4'] });
$stack->start(qw(postgres redis sim worker));
my $queue = Igjobs::Queue->new($stack);
my $paid = 0;

# a 200-batch job, disturbed when a quarter of it is done
sub disturbed {
    my ($name, $disturb) = @_;
    my $job = $queue->submit(accounts => [names(1 .. 10_000)], max_count => 2);

    wait_for { $queue->document($job)->{current_batch} >= 50 } 60,
        'a quarter of the job';
    $disturb->("igjobs:seen:default:$job");
    my $doc = $queue->wait_end($job, 90);
    is $doc->{state}, 'completed', "$name: completed";
    is $doc->{profiles_scraped}, scalar $queue->profile_ids($job),
        "$name: no row lost or doubled";
    my $runs = $stack->sim->ledger->{runs_started};
    is $runs - $paid, 200, "$name: each batch paid once";
    $paid = $runs;
    return $job;
}

sub exists_in_redis { return $stack->redis->command('EXISTS', $_[0]) }

my $job = disturbed('nothing', sub {
    my ($seen) = @_;

    is exists_in_redis($seen), 1, 'Redis knows which profiles were seen';
});
wait_for { !exists_in_redis("igjobs:seen:default:$job") } 10,
    'the end of the job to take that away';
pass 'and forgets them at the end of the job';

disturbed('FLUSHALL', sub { $stack->redis->command('FLUSHALL') });
disturbed('restart', sub { $stack->redis->kill9; $stack->redis->start });
disturbed('scripts forgotten',
          sub { $stack->redis->command('SCRIPT', 'FLUSH') });
disturbed('away for the rest', sub { $stack->redis->stop });

# a worker that starts while Redis is away works, and finds Redis later
$stack->worker->restart;
disturbed('away from the start', sub { });
$stack->redis->start;
disturbed('back again', sub { });
wait_for { $stack->redis->command('KEYS', 'igjobs:worker:*')->[0] } 20,
    'a heartbeat in the new Redis';
pass 'the worker beats in the new Redis';

$stack->finish;
done_testing;
