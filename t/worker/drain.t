#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# SIGTERM: what is in work ends or goes back within the drain time, and the
# next worker goes on with the same runs. A second SIGTERM ends at once.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Queue;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(sim => { args => ['--run-ms', 200] });
$stack->start(qw(postgres redis sim));
my $queue = Igjobs::Queue->new($stack);

# short runs: SIGTERM lets them end
my $worker = $stack->add_worker(args => ['--lanes=3', '--sweep=200ms']);
my $job = $queue->submit(accounts => [names(1 .. 1000)], max_count => 3);
wait_for { $queue->document($job)->{current_batch} > 2 } 30, 'some batches';
ok $worker->stop, 'drained, exit status 0';
is $queue->count('batches', "job_id = '$job' and state = 'leased'"), 0,
    'no lease is left';
is $queue->count('runs', "job_id = '$job' and closed_at is null"), 0,
    'the batches in work were finished';
is $stack->redis->command('ZCARD',
                          'igjobs:{q}:turns:scrape_followers:bulk'), 8,
    'all turns of the job are back';

# long runs: they are given back, without a failure or a loss
$stack->sim->restart;
$stack->sim->faults([{ match => { op => 'start' },
                       action => { stay_running => { ms => 600_000 } } }]);
$worker = $stack->add_worker(args => ['--lanes=3', '--sweep=200ms',
                                      '--drain=2100ms']);
wait_for { $queue->count('runs',
               "job_id = '$job' and state = 'started'") == 3 } 30,
    'three runs at work';
ok $worker->stop, 'runs without an end: drained all the same';
is $queue->count('batches', "job_id = '$job' and state = 'leased'"), 0,
    'no lease is left';
is $queue->count('batches', "job_id = '$job' and failures + losses > 0"), 0,
    'nothing was counted';
is $queue->count('runs', "job_id = '$job' and state = 'started'"), 3,
    'the runs go on without a worker';

# the next worker takes the same runs up; told twice it ends at once
$worker = $stack->add_worker(args => ['--lanes=3', '--sweep=200ms',
                                      '--drain=60s'],
                             name => 'hasty');
wait_for { $queue->count('batches', "job_id = '$job' and state = 'leased'
               and worker <> ''") == 3 } 30, 'three batches in work';
is $stack->sim->ledger->{runs_started}, 3, 'with the runs that were there';
$worker->signal('TERM');
wait_for { $worker->log_text =~ /draining/ } 10, 'the drain';
$worker->signal('TERM');
is $worker->wait_end(10) >> 8, 4, 'a second SIGTERM: status 4 at once';

$stack->finish;
done_testing;
