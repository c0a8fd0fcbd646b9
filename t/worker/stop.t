#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Jobs that are canceled or paused: lanes leave their batches, runs that nobody
# will collect are aborted and booked, and nothing is stored after the end.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Queue;
use Igjobs::Stack;
use Igjobs::Wait;

my @quick = ('--lanes=4', '--sweep=200ms', '--beat=100ms', '--lease=2s',
             '--start-timeout=1s', '--page-size=50');
my $stack = Igjobs::Stack->new(
    sim => { args => ['--run-ms', 600_000] }, worker => { args => \@quick });
$stack->start(qw(postgres redis sim worker));
my $queue = Igjobs::Queue->new($stack);

sub open_runs {
    my ($job) = @_;
    return $queue->count('runs', "job_id = '$job' and closed_at is null"
                         . ' and run_id is not null');
}

sub stop_job {
    my ($job, $reason) = @_;
    return $stack->psql("select answer from igjobs.stop_job('default',"
                        . " '$job', '$reason')");
}

# cancel
my $job = $queue->submit(accounts => [names(1 .. 1000)], max_count => 100);
wait_for { open_runs($job) == 4 } 30, 'four runs at work';
is stop_job($job, 'cancel'), 'stopped', 'canceled';
my $doc = $queue->wait_end($job, 30);
is $doc->{state}, 'canceled', 'the job ends';
wait_for { open_runs($job) == 0 } 30, 'the runs to be booked';
is $queue->count('runs', "job_id = '$job' and state = 'aborted'"), 4,
    'aborted and booked';
is $stack->sim->ledger->{runs_aborted}, 4, 'at the provider too';
is $stack->psql("select count(*) from igjobs.runs where job_id = '$job'"
                . ' and cost_usd is null and run_id is not null'), 0,
    'with what they cost';
is $doc->{profiles_scraped}, scalar $queue->profile_ids($job),
    'nothing was stored after the end';
is $stack->sim->ledger->{runs_active}, 0, 'nothing runs any more';

# pause: the runs go on
my $aborted = $stack->sim->ledger->{runs_aborted};
$job = $queue->submit(accounts => [names(1 .. 200)], max_count => 100);
wait_for { open_runs($job) == 4 } 30, 'four runs at work';
is stop_job($job, 'pause'), 'stopped', 'paused';
wait_for { $queue->state($job) eq 'paused' } 30, 'the job to be paused';
is $queue->count('batches', "job_id = '$job' and state = 'leased'"), 0,
    'no batch is in work';
is open_runs($job), 4, 'its runs stay open';
is $queue->count('batches', "job_id = '$job' and failures + losses > 0"), 0,
    'nothing was counted';

# a paused job that is canceled ends at once, its runs a little later
is stop_job($job, 'cancel'), 'stopped', 'then canceled';
is $queue->wait_end($job)->{state}, 'canceled', 'ends';
wait_for { open_runs($job) == 0 } 30, 'its runs to be booked';
pass 'its runs are booked';

$stack->finish;
done_testing;
