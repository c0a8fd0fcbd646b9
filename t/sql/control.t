#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Cancel, pause and resume in every state of a job, again and again, and beside
# each other; what a job that a limit has ended needs to go on.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my $json = JSON::PP->new->canonical;

# api($action, $job, member => value...): the whole answer
sub api {
    my ($action, $job, %body) = @_;

    return $e->call("api_$action", '{"tenant":"default"}',
        $json->encode({ job => $job, body => \%body }));
}

# said(...): status and state, or the detail of a problem; turns
sub said {
    my $a = api(@_);
    my $body = $json->decode($a->{body});

    return join ' ', $a->{status}, $body->{state} // $body->{detail}
        // $body->{problem}, $a->{turns} // ();
}

sub state_of { return $e->doc($_[0])->{state} }

sub audit {
    my ($job) = @_;

    return $e->sql("select string_agg(action, ' ' order by audit_id)"
        . " from igjobs.audit_log where job_id = '$job'");
}

# ready($state): a job of 3 batches in that state, and a batch that is leased
my %ready = (
    queued => sub { return },
    running => sub { $e->claim($_[0]) },
    paused => sub { api(pause => $_[0]); return },
    'stopping pause' => sub { my $c = $e->claim($_[0]);
        api(pause => $_[0]); return $c },
    'stopping cancel' => sub { my $c = $e->claim($_[0]);
        api(cancel => $_[0]); return $c },
    'stopping target' => sub { my $c = $e->claim($_[0]);
        $e->call(stop_job => 'default', $_[0], 'target'); return $c },
    canceled => sub { api(cancel => $_[0]); return },
    completed => sub { while ((my $c = $e->claim($_[0]))->{answer} eq 'batch')
        { $e->store_all($c, ids => [$c->{batch_no}]) } return },
);

my %answers = (
    queued => ['200 canceled 0', '200 paused 0', '200 queued'],
    running => ['202 stopping 0', '202 stopping 0', '200 running'],
    paused => ['200 canceled 0', '200 paused', '200 queued 3'],
    'stopping pause' => ['202 stopping 0', '202 stopping', '200 running 2'],
    'stopping cancel' => ['202 stopping', '409 The job is stopping (cancel).',
        '409 The job is stopping (cancel).'],
    'stopping target' => ['202 stopping 0',
        '409 The job is stopping (target).',
        '409 The job is stopping (target).'],
    canceled => ['200 canceled', '409 The job is canceled (canceled).',
        '409 The job is canceled (canceled).'],
    completed => [('409 The job is completed (all_done).') x 3],
);

for my $state (sort keys %ready) {
    for my $n (0 .. 2) {
        my $action = (qw(cancel pause resume))[$n];
        my $job = $e->submit(150);
        my $held = $ready{$state}->($job);
        is said($action => $job), $answers{$state}[$n], "$state, $action";

        next if !$held;
        $e->call(give_back => Igjobs::Engine::held($held));
        my $final = { 0 => 'canceled', 1 => 'paused', 2 => 'running' }->{$n};
        $final = 'canceled' if $state eq 'stopping cancel';
        $final = 'completed' if $state eq 'stopping target' && $n > 0;
        is state_of($job), $final, '... and when the batch is given back';
    }
}

# the same again changes nothing and notes nothing

for my $action (qw(cancel pause)) {
    my $job = $e->submit(50);
    my $first = api($action => $job);
    my $again = api($action => $job);
    is_deeply [@$again{qw(status body doc)}], [200, $first->{body}, undef],
        "$action again";
    is audit($job), $action, 'is noted once';
}

# unknown, another tenant's, no id

is said(cancel => '0199e1f5-7c1a-7b3e-9c55-000000000000'), '404 job-not-found',
    'an unknown job';
is said(pause => 'x'), '404 job-not-found', 'no id';
my $foreign = $e->call(api_cancel => '{"tenant":"other"}',
    $json->encode({ job => $e->submit(50), body => {} }));
is $foreign->{status}, 404, 'of another tenant';

# the reason and other members

my $job = $e->submit(50);
is api(pause => $job, reason => 'x' x 1001)->{status}, 400, 'a long reason';
is api(pause => $job, reason => \1)->{status}, 400, 'true as a reason';
api(pause => $job, reason => 'it is late');
is $e->sql("select reason from igjobs.audit_log where job_id = '$job'"),
    'it is late', 'a reason is kept';

my @bad = ([max_seconds => 0], [max_seconds => 1.5], [max_seconds => '10'],
    [max_seconds => 2592001], [max_cost_usd => 0], [max_cost_usd => -1],
    [max_cost_usd => 0.0000001], [max_cost_usd => [1]], [target_count => 0],
    [target_count => 1.5], [stop_when => 1], [stop_when => { half_width => 1 }]);
for my $bad (@bad) {
    my $a = api(resume => $job, @$bad);
    my $body = $json->decode($a->{body});
    is "$a->{status} $body->{pointer}", "400 #/$bad->[0]",
        "$bad->[0] " . $json->allow_nonref->encode($bad->[1]);
}
is state_of($job), 'paused', 'none of them resumed';

# limits

$job = $e->submit(150, max_seconds => 1000, max_cost_usd => 1);
api(pause => $job);
$e->sql("update public.scrape_jobs set deadline = now() - interval '1 s'"
    . " where job_id = '$job'");
is said(resume => $job), '409 The deadline has passed: send max_seconds, from'
    . ' now on.', 'paused beyond the deadline';
is said(resume => $job, max_seconds => 60, max_cost_usd => 2.5),
    '200 queued 3', 'with higher limits';
is $e->sql("select max_cost_usd || ' ' || (deadline > now() + interval '50 s')"
    . " from public.scrape_jobs where job_id = '$job'"), '2.500000 true',
    'which count';
is said(resume => $job, max_seconds => undef), '200 queued 3',
    'a limit of a running job';
is $e->sql("select deadline is null from public.scrape_jobs"
    . " where job_id = '$job'"), 't', 'is no more';
is audit($job), 'pause resume resume', 'all is noted';

for my $limit (['budget', 'cost_usd = 1, max_cost_usd = 1',
                'The budget is spent: send a higher max_cost_usd.',
                max_cost_usd => 3],
               ['deadline', "deadline = now() - interval '1 s'",
                'The deadline has passed: send max_seconds, from now on.',
                max_seconds => 30],
               ['target', 'target_count = 1, profiles_scraped = 1',
                'The target is reached: send a higher target_count.',
                target_count => 10]) {
    my ($reason, $set, $detail, @higher) = @$limit;
    $job = $e->submit(150);
    $e->store_all($e->claim($job), ids => [1]);
    $e->sql("update public.scrape_jobs set $set where job_id = '$job'");
    $e->call(stop_job => 'default', $job, $reason);
    is said(resume => $job), "409 $detail", "ended by $reason";
    is said(resume => $job, @higher), '200 running 2', 'goes on with more';
    is said(resume => $job), '200 running', 'once';
    is_deeply [@{ $e->doc($job) }{qw(completion_reason completed_at)}],
        [undef, undef], 'it has not ended';
    while ((my $c = $e->claim($job))->{answer} eq 'batch') {
        $e->store_all($c, ids => [2 + $c->{batch_no}]);
    }
    is state_of($job), 'completed', 'and ends';
}

# a run that had succeeded when it was to be aborted is read by a redrive

$job = $e->submit(50);
my $c = $e->claim($job);
my $run = $e->start_run($c);
$e->store($c, $run, ids => [1 .. 5], to => 5);
api(cancel => $job);
$e->call(give_back => Igjobs::Engine::held($c));
my $run_id = $e->sql("select run_id from igjobs.runs where job_id = '$job'");
my @book = (book_run => 'default', $job, 0, $run);
is $e->value(@book, 'succeeded', 0.25, $run_id, undef), $_, "its cost: $_"
    for qw(booked repeated);
is $e->sql("select cost_usd::real from"
    . " public.scrape_jobs where job_id = '$job'"), 0.25, 'is booked once';
is $e->sql("select count(*) from igjobs.orphan_runs(10)"
    . " where job_id = '$job'"), 0, 'and nobody ends it again';
is $e->call(reopen_job => 'default', $job, 'redrive', undef, undef,
    undef)->{answer}, 'reopened', 'redriven';
$c = $e->claim($job);
my $runs = $c->{runs};
is_deeply [map { [@$_{qw(state cursor run_id)}] } @$runs],
    [['started', 5, $run_id]], 'it goes on where it was';
$e->store($c, $run, ids => [6 .. 10], from => 5, to => 10, close => 1,
    cost => 0.25);
is join(' ', state_of($job), $e->sql("select cost_usd::real from"
    . " public.scrape_jobs where job_id = '$job'")), 'completed 0.25',
    'and is paid once';

# two at once: one is first, both are true

for my $pair (['pause', 'cancel'], ['cancel', 'pause'], ['cancel', 'cancel'],
              ['pause', 'resume'], ['resume', 'cancel']) {
    $job = $e->submit(50);
    api(pause => $job) if $pair->[0] eq 'resume';
    my @calls = map { ["api_$_", '{"tenant":"default"}',
        $json->encode({ job => $job, body => {} })] } @$pair;
    my $first = $e->session;
    my $second = $e->beside;
    $first->run('begin');
    $first->run(Igjobs::Engine::statement(@{ $calls[0] }));
    $second->send(@{ $calls[1] });
    $second->{session}->wait_blocked;
    $first->run('commit');
    my $answer = $second->answer;
    my %end = ('pause cancel' => '200 canceled', 'cancel pause' =>
        '409 canceled', 'cancel cancel' => '200 canceled', 'pause resume' =>
        '200 queued', 'resume cancel' => '200 canceled');
    is "$answer->{status} " . state_of($job), $end{"@$pair"},
        "$pair->[0] and $pair->[1] at once";
}

done_testing;
