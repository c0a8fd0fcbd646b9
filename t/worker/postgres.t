#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Postgres restarted, crashed, or cutting its connections in the middle of a
# 200-batch job: the job completes, nothing is lost, doubled or paid twice.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Queue;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(
    postgres => { settings => { fsync => 'on' } },
    sim => { args => ['--run-ms', 50] },
    worker => { args => ['--sweep=300ms', '--lanes=4'] });
$stack->start(qw(postgres redis sim worker));
my $queue = Igjobs::Queue->new($stack);
my $paid = 0;

sub disturbed {
    my ($name, $disturb) = @_;
    my $job = $queue->submit(accounts => [names(1 .. 10_000)], max_count => 2);

    wait_for { $queue->document($job)->{current_batch} >= 50 } 60,
        'a quarter of the job';
    $disturb->($job);
    my $doc = $queue->wait_end($job, 90);
    is $doc->{state}, 'completed', "$name: completed";
    is $doc->{profiles_scraped}, scalar $queue->profile_ids($job),
        "$name: no row lost or doubled";
    is $doc->{current_batch}, 200, "$name: all batches";
    my $runs = $stack->sim->ledger->{runs_started};
    is $runs - $paid, 200, "$name: each batch paid once";
    $paid = $runs;
    return;
}

disturbed('fast restart', sub { $stack->postgres->restart('INT') });
disturbed('immediate restart', sub {
    $stack->postgres->signal('QUIT');
    $stack->postgres->wait_end;
    $stack->postgres->start;
});
disturbed('sessions cut, again and again', sub {
    my ($job) = @_;
    for (1 .. 20) {
        my $version = $queue->document($job)->{version};
        $stack->postgres->cut_sessions;
        wait_for {
            my $doc = $queue->document($job);
            $doc->{version} > $version || $doc->{state} eq 'completed'
        } 30, 'the worker to go on';
    }
});

$stack->finish;
done_testing;
