#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Webhooks of many jobs while workers are killed and the receiver fails at
# random: every event of every job arrives, under one id, in order, and none
# that did not happen.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use List::Util qw(uniq);
use Test::More;
use Igjobs::Queue;
use Igjobs::Receiver;
use Igjobs::Stack;
use Igjobs::Wait;

use constant JOBS => 20;

my $seed = $ENV{IGJOBS_SEED} // time;
srand $seed;
note "IGJOBS_SEED=$seed";

my @quick = ('--webhook-poll=20ms', '--webhook-timeout=2s', '--sweep=200ms',
             '--lease=1s', '--beat=200ms', '--start-timeout=500ms',
             '--lanes=4', '--webhook-allow-private');
my $stack = Igjobs::Stack->new(sim => { args => ['--run-ms', 20] },
                               worker => { args => \@quick });
$stack->start(qw(postgres redis sim));
my $queue = Igjobs::Queue->new($stack);
my $receiver = Igjobs::Receiver->new;
$stack->psql("update igjobs.settings set value = '"
    . join(',', (0.1) x 30) . "' where name = 'webhook_retry_s'");
$receiver->answers('/hook', (map { (200, 200, 204, 500, 'close', 503)[rand 6] }
                             1 .. 150), 200);

my @workers = map { $stack->add_worker(args => \@quick, name => "worker$_") }
    1, 2;
my @jobs = map { $queue->submit(accounts => [names($_)], max_count => 2,
    options => { callback_url => $receiver->url('/hook') }) } 1 .. JOBS;

for my $kill (1 .. 5) {
    my $seen = $receiver->count('/hook');
    eval { wait_for { $receiver->count('/hook') > $seen + rand 8 } 5 };
    my $worker = $workers[rand @workers];
    $worker->kill9;
    $worker->start;
}
$queue->wait_all(60, @jobs);
wait_for { $stack->psql('select count(*) from igjobs.deliveries'
    . " where state in ('waiting', 'sending')") == 0 } 60, 'all deliveries';

my %events;
push @{ $events{ $_->{event}{data}{job_id} } }, $_ for $receiver->events;
is join(' ', sort keys %events), join(' ', sort @jobs), 'all jobs are told';

# an event that has failed three times may be overtaken
my %failed = map { $_ => 1 } split /\n/, $stack->psql('select distinct job_id'
    . ' from igjobs.deliveries where jsonb_array_length(tries) > 3');
my (@types, @ids, @orders);
for my $job (@jobs) {
    my @come = @{ $events{$job} // [] };
    my %id_of;

    $id_of{ $_->{event}{type} }{ $_->{headers}{'webhook-id'} } = 1 for @come;
    push @types, join ' ', sort keys %id_of;
    push @ids, map { scalar keys %$_ } values %id_of;
    push @orders, join ' ', uniq map { $_->{event}{type} } @come
        if !$failed{$job};
}
is_deeply [uniq @types], ['job.completed job.started'], 'of both events';
is_deeply [uniq @ids], [1], 'each under one id';
is_deeply [uniq @orders], ['job.started job.completed'], 'in order';
is $stack->psql("select string_agg(distinct state, ' ')"
    . ' from igjobs.deliveries'), 'delivered', 'and all are delivered';
unlike $stack->postgres->log_text, qr/deadlock/, 'nobody waited in a circle';
note scalar($receiver->events) . ' requests for ' . 2 * JOBS . ' events, '
    . $stack->psql("select count(*) from igjobs.deliveries, "
        . "jsonb_array_elements(tries) t where t ->> 'error' like '%lost%'")
    . ' lost workers';

$receiver->stop;
$stack->finish;
done_testing;
