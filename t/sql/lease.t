#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Leases: renewal, run-out, zombies with an old attempt, failures, losses,
# give-backs; the election of the housekeeper.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;
use Igjobs::Wait;

my $e = Igjobs::Engine->new;

sub renew {
    my (@claims) = @_;
    my @rows = $e->all(renew => map({ my $field = $_;
        [map { $_->{$field} } @claims] } qw(job_id batch_no attempt)), 60000);
    return join ', ', map { "$_->{batch_no} $_->{verdict} $_->{state}" }
        sort { $a->{batch_no} <=> $b->{batch_no} } @rows;
}

sub sweep {
    my ($job) = @_;
    return $e->call(sweep_job => 'default', $job);
}

# renewal

my $job = $e->submit(250);
my @c = map { $e->claim($job, lease_ms => 1000) } 1 .. 4;
is renew(@c), join(', ', map { "$_ ok running" } 0 .. 3), 'leases are renewed';
cmp_ok $e->sql("select min(lease_until - now()) > '50 s' from igjobs.batches"
    . " where job_id = '$job' and state = 'leased'"), 'eq', 't', 'for 60 s';

my $commit = $e->session;
$commit->run('begin');
$commit->run("select igjobs.lock_batch('default', '$job', 0)");
$e->call(give_back => Igjobs::Engine::held($c[1]));
$e->call(give_back => Igjobs::Engine::held($c[2]));
is $e->claim($job)->{attempt}, 2, 'a claim raises the attempt';
is renew(@c), '0 busy running, 1 lost running, 2 lost running, 3 ok running',
    'a commit under way is busy, other attempts and states are lost';
$commit->run('rollback');
is renew($c[0]), '0 ok running', 'busy is over with the commit';
$e->call(stop_job => 'default', $job, 'cancel');
is renew($c[0]), '0 ok stopping', 'the job\'s state is told';

$e->sql("select igjobs.set_cap('tenant:default', 5)");
my $capped = $e->claim($e->submit(1), lease_ms => 1000);
renew($capped);
is $e->sql("select until - now() > '50 s' from igjobs.slots"
    . " where job_id = '$capped->{job_id}'"), 't', 'slots are renewed too';
$e->sql("select igjobs.set_cap('tenant:default', null)");

# renewals stay HOT, for a whole fleet beating for a minute

my $hot = $e->submit(4000, parallelism => 80);
my @fleet = map { $e->claim($hot) } 1 .. 64;
my $stat = 'select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables'
    . " where relname = 'batches'";
$e->sql('select pg_stat_force_next_flush()');
my @before = split /\|/, $e->sql($stat);
renew(@fleet) for 1 .. 60;
$e->sql('select pg_stat_force_next_flush()');
my @after = split /\|/, $e->sql($stat);
is $after[0] - $before[0], 64 * 60, 'every renewal is an update';
cmp_ok $after[1] - $before[1], '>=', 0.99 * 64 * 60,
    'at least 99 % of them are HOT (' . ($after[1] - $before[1]) . ')';

# run out

$job = $e->submit(100, parallelism => 1);
my $old = $e->claim($job);
is_deeply [map { $_->{job_id} } $e->all(expired_jobs => 10)], [],
    'no lease has run out';
is sweep($job)->{requeued}, 0, 'a sweep takes nothing that is held';
my $run = $e->start_run($old);
$e->run_out($job);
is_deeply [map { "$_->{tenant} $_->{job_id}" } $e->all(expired_jobs => 10)],
    ["default $job"], 'a job with a run-out lease';
is $e->store($old, $run, ids => ['1'])->{answer}, 'stored',
    'what has not been taken back yet may still commit';
my $swept = sweep($job);
is_deeply [@$swept{qw(requeued dead version state)}], [1, 0, undef, 'running'],
    'the sweep queues the batch again, the document stays';
is $e->claim($job)->{losses}, 1, 'it counts as a loss';

# the zombie

my $new = { %$old, attempt => 2 };
is $e->store($old, $run, from => 1, ids => ['2'])->{answer}, 'lost',
    'an old attempt stores nothing';
is $e->store($old, $run, ids => ['1'])->{answer}, 'lost', 'not even again';
is $e->value(run_started => Igjobs::Engine::held($old), $run, 'x', 'y'),
    'lost', 'starts nothing';
is $e->call(run_intent => Igjobs::Engine::held($old), 'p', 'a', undef,
            1)->{answer}, 'lost', 'intends nothing';
is $e->value(run_refused => Igjobs::Engine::held($old), $run), 'lost',
    'refuses nothing';
is $e->call(split_run => Igjobs::Engine::held($old), $run, 'failed', undef,
            ['a', 'b'], undef, 0)->{answer}, 'lost', 'splits nothing';
is $e->fail($old, 'retry')->{answer}, 'lost', 'fails nothing';
is $e->call(give_back => Igjobs::Engine::held($old))->{answer}, 'lost',
    'gives nothing back';
is renew($old), '0 lost running', 'renews nothing';
is_deeply [@{ $e->batch($job, 0) }{qw(state attempt)}], ['leased', 2],
    'the new holder has noticed nothing of it';
is $e->row($job)->{profiles_scraped}, 1, 'one row';
is_deeply [map { @$_{qw(run_no cursor state)} } @{ $e->claim($job, lease_ms =>
    1)->{runs} // [] }], [], 'no other batch has runs';

# losses: set back by a page, dead at the fifth

is $e->store($new, $run, from => 1, ids => ['2'])->{answer}, 'stored',
    'the successor goes on at the cursor';
is $e->batch($job, 0)->{losses}, 0, 'a page forgives losses';
for my $losses (1 .. 4) {
    $e->run_out($job);
    is sweep($job)->{requeued}, 1, "loss $losses";
    $e->claim($job);
}
$e->run_out($job);
$swept = sweep($job);
is_deeply [@$swept{qw(requeued dead)}], [0, 1], 'the fifth is the last';
like $swept->{doc}, qr/"accounts":\{"total":100,"failed":50\}/,
    'its accounts have failed';
like $e->batch($job, 0)->{error}, qr/lease ran out 5 times/, 'it says why';

# failures: three retries, delays grow, a page forgives

$job = $e->submit(50);
my $retry = sub { $e->fail($e->claim($job), 'retry', 'http 503', $_[0]) };
my @waits;
for (1 .. 3) {
    my $f = $retry->(undef);
    is $f->{answer}, 'queued', "retry $_";
    push @waits, $f->{wait_ms};
    is $e->claim($job)->{answer}, 'later', 'not before its time';
    $e->sql("update igjobs.batches set not_before = now()"
        . " where job_id = '$job'");
}
cmp_ok $waits[0], '>=', 1000, 'the first after at least 1 s';
cmp_ok $waits[0], '<=', 2000, 'and at most 2 s';
cmp_ok $waits[2], '>=', 4000, 'the third after at least 4 s';
cmp_ok $waits[2], '<=', 8000, 'and at most 8 s';

my $last = $e->claim($job);
is $last->{failures}, 3, 'failures are counted';
$run = $e->start_run($last);
$e->store($last, $run, ids => ['1']);
is $e->batch($job, 0)->{failures}, 0, 'a page sets them back';
$e->call(give_back => Igjobs::Engine::held($last));
$retry->(0) for 1 .. 3;
my $dead = $retry->(0);
is_deeply [@$dead{qw(answer final state)}], ['dead', JSON::PP::true, 'failed'],
    'the fourth is the end of the batch, and of its job';
is $e->fail($e->claim($e->submit(1)), 'retry', 'x' x 5000, 0)->{answer},
    'queued', 'a long error is cut';

# those that cost a new run are not forgiven

$job = $e->submit(50);
$last = $e->claim($job);
$run = $e->start_run($last);
my $again = $e->call(split_run => Igjobs::Engine::held($last), $run, 'failed',
    0.5, [$last->{accounts}], undef, 0);
$e->fail($last, 'retry', 'run failed', 0);
$last = $e->claim($job);
$run = $e->start_run($last, accounts => $last->{accounts});
is $run, $again->{run_nos}[0], 'the planned run is taken';
$e->store($last, $run, ids => ['1']);
is $e->batch($job, 0)->{failures}, 1, 'a failure that cost a run stays';

# park, drain: counted nowhere

for my $way (sub { $e->fail($_[0], 'park', 'quota', 0) },
             sub { $e->call(give_back => Igjobs::Engine::held($_[0])) }) {
    my $id = $e->submit(50);
    is $way->($e->claim($id))->{answer}, 'queued', 'queued again' for 1 .. 9;
    is_deeply [@{ $e->batch($id, 0) }{qw(failures losses attempt)}],
        [0, 0, 9], 'nine times, and nothing is counted';
}
cmp_ok $e->fail($e->claim($e->submit(1)), 'park')->{wait_ms}, '==', 60000,
    'parked for the setting\'s time';
is $e->error(fail_batch => Igjobs::Engine::held($last), 'shrug', '', 0),
    '22023', 'an unknown class of errors is refused';

# the housekeeper: one leader, the fence rises with every change

sub lead { my $l = $e->call(lead => 'sweep', @_); return
    ($l->{leader} ? 'leads' : 'waits') . " $l->{fence}" }
is lead('a', 60000), 'leads 1', 'the first leads';
is lead('b', 60000), 'waits 1', 'the second waits';
is lead('a', 60000), 'leads 1', 'the leader stays';
$e->sql("update igjobs.leaders set until = now() - interval '1 s'");
is lead('b', 60000), 'leads 2', 'a lease that ran out is taken over';
is lead('a', 60000), 'waits 2', 'the first one learns the fence';

done_testing;
