#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Provider runs: intents and their repeats, what a successor finds, splits,
# runs that nobody will collect and how they are booked.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;

sub held { return Igjobs::Engine::held($_[0]) }

sub intent {
    my ($c, $accounts, $call_ms) = @_;
    return $e->call(run_intent => held($c), 'apify', 'a~b', $accounts,
                    $call_ms // 1000);
}

sub split_run {
    my ($c, $run, $parts, %option) = @_;
    return $e->call(split_run => held($c), $run, $option{state} // 'failed',
        $option{cost}, $parts, $option{outcomes}, $option{failed} // 0);
}

sub states {
    my ($job, $batch) = @_;
    return join ', ', map { "$_->{run_no} $_->{state}" }
        $e->runs($job, $batch // 0);
}

sub sweep_and_claim {
    my ($job) = @_;
    $e->run_out($job);
    $e->call(sweep_job => 'default', $job);
    return $e->claim($job);
}

# intent, id, and their repeats

my $job = $e->submit(100);
my $c = $e->claim($job);
my $i = intent($c);
is_deeply [@$i{qw(answer run_no)}], ['ok', 0], 'an intent';
like $i->{token}, qr/^[0-9a-f-]{36}$/, 'with a token';
is_deeply intent($c), $i, 'a repeat answers the same token';
is intent($c, undef, 10_000_000)->{answer}, 'short',
    'short when the lease does not outlast the call';

my @started = (run_started => held($c), 0, 'R1', 'D1');
is $e->value(@started), 'ok', 'the ids are stored';
is $e->value(@started), 'ok', 'a repeat is the same';
is $e->value(run_started => held($c), 0, 'R2', 'D2'), 'lost',
    'another id for the same run is refused';
is $e->error(run_intent => held($c), 'apify', 'a~b', undef, 1000), '55000',
    'a run that is started is not started again';
is $e->value(run_refused => held($c), 0), 'lost', 'nor refused any more';

# the successor finds it

my $next = sweep_and_claim($job);
is $next->{attempt}, 2, 'a successor';
is_deeply [map { [@$_{qw(run_no token provider actor run_id dataset_id cursor
                         state accounts)}] } grep { $_->{state} ne 'stray' } @{ $next->{runs} }],
    [[0, $i->{token}, 'apify', 'a~b', 'R1', 'D1', 0, 'started', undef]],
    'finds the run';
cmp_ok $next->{runs}[0]{intent_age_ms}, '>=', 0, 'and how old it is';

# an intent without an id

my $other = $e->claim($job);
is $other->{batch_no}, 1, 'another batch';
my $first = intent($other);
my $heir = sweep_and_claim($job);
$heir = $e->claim($job) if $heir->{batch_no} != 1;
is_deeply [map { "$_->{state} $_->{token}" } @{ $heir->{runs} }],
    ["intent $first->{token}"], 'the successor finds the token';
is $e->value(run_refused => held($heir), 0), 'ok', 'nothing was started';
is $e->value(run_refused => held($heir), 0), 'ok', 'a repeat is the same';
is states($job, 1), '0 planned', 'the work is planned again';
my $second = intent($heir);
is $second->{run_no}, 0, 'on the same row';
isnt $second->{token}, $first->{token}, 'with a new token';

# no new runs under a stopping job

$e->call(stop_job => 'default', $job, 'cancel');
is intent($heir)->{answer}, 'stop', 'no run is started for a stopping job';
is $e->value(run_started => held($heir), 0, 'R9', 'D9'), 'ok',
    'but the id of one that was is stored';

# a split

$job = $e->submit(50);
$c = $e->claim($job);
my $run = $e->start_run($c);
my @parts = ("account_1\naccount_2", 'account_3');
my $split = split_run($c, $run, \@parts, cost => 0.25, failed => 47,
    outcomes => { map { ("account_$_" => 'not_found') } 4 .. 50 });
is_deeply $split, { answer => 'split', run_nos => [1, 2] }, 'two parts';
is_deeply split_run($c, $run, \@parts, failed => 47),
    { answer => 'repeated', run_nos => [1, 2] }, 'a repeat finds them';
is $e->row($job)->{accounts_failed}, 47, 'failed accounts count once';
is states($job), '0 failed, 1 planned, 2 planned', 'the first run is closed';
is(($e->runs($job, 0))[0]{cost_usd}, 0.25, 'and booked');
is $e->row($job)->{total_batches}, 1, 'total_batches stays';
is $e->batch($job, 0)->{reruns}, 0, 'a split is no rerun';

is intent($c, $parts[1])->{run_no}, 2, 'an intent takes its planned run';
$e->value(run_started => held($c), 2, 'R', 'D');
my $s = $e->store($c, 2, ids => ['1'], close => 1,
                  outcomes => { account_3 => 'ok' });
is_deeply [@$s{qw(answer batch_closed)}], ['stored', JSON::PP::false],
    'a planned run keeps the batch open';
$c = sweep_and_claim($job);
is scalar keys %{ $c->{outcomes} }, 48, 'the successor knows the outcomes';
is intent($c, $parts[0])->{run_no}, 1, 'and does the other part';
$e->value(run_started => held($c), 1, 'R', 'D');
$s = $e->store($c, 1, ids => ['2'], close => 1,
               outcomes => { account_1 => 'ok', account_2 => 'ok' });
is_deeply [@$s{qw(answer batch_closed state)}],
    ['stored', JSON::PP::true, 'failed'], 'the last open run closes the batch';
is $e->doc($job)->{error_message}, '47 of 50 accounts could not be scraped',
    'the job says what failed';
is $e->sql("select count(*) from igjobs.batch_accounts a,"
    . " jsonb_object_keys(outcomes) where job_id = '$job'"), 50,
    'every account has an outcome';

# a run of one part counts as the same work once more

$job = $e->submit(50);
$c = $e->claim($job);
split_run($c, $e->start_run($c), [$c->{accounts}]);
is $e->batch($job, 0)->{reruns}, 1, 'a rerun is counted';

# runs that nobody will collect

sub orphans {
    return join ', ', map { "$_->{batch_no}/$_->{run_no} "
        . ($_->{run_id} // 'no id') } sort { $a->{batch_no} <=> $b->{batch_no} }
        grep { $_->{job_id} eq $job } $e->all(orphan_runs => 100);
}

$job = $e->submit(150, parallelism => 3);
my @c = map { $e->claim($job) } 1 .. 3;
$e->start_run($c[0], run_id => 'A');
my $token = intent($c[1])->{token};
is orphans(), '', 'a running job has none';
$e->run_out($job);
$e->call(sweep_job => 'default', $job);
is orphans(), '', 'not even without a lease: a successor resumes';
$e->call(stop_job => 'default', $job, 'pause');
is orphans(), '', 'nor paused';
$e->call(stop_job => 'default', $job, 'cancel');
is orphans(), '0/0 A, 1/0 no id', 'canceled: one with its id, one without';
my ($unknown) = grep { !defined $_->{run_id} } $e->all(orphan_runs => 100);
is $unknown->{token}, $token, 'which its token finds';
cmp_ok $unknown->{intent_age_ms}, '>=', 0, 'once it can have been listed';

sub book {
    my ($batch, @rest) = @_;
    return $e->value(book_run => 'default', $job, $batch, @rest);
}
is book(0, 0, 'aborted', 0.5, 'A'), 'booked', 'aborted and booked';
is book(0, 0, 'aborted', 0.5, 'A'), 'repeated', 'once';
is book(1, 0, 'absent', undef, undef), 'booked', 'the provider never had it';
is book(1, 0, 'absent', undef, undef), 'repeated', 'once';
is book(1, 7, 'absent', undef, undef), 'unknown', 'an unknown run';
is orphans(), '', 'none is left';
is states($job, 0), '0 aborted', 'what it had brought is read some day';
is states($job, 1), '0 absent, 1 planned', 'what was never started is planned';
is $e->sql("select sum(cost_usd) from igjobs.runs where job_id = '$job'"),
    '0.500000', 'the cost is known';

# the run of a dead batch is nobody's either, though the job goes on

$job = $e->submit(100);
$c = $e->claim($job);
$e->start_run($c, run_id => 'B');
$e->fail($c, 'dead', 'poison');
is orphans(), '0/0 B', 'an open run of a dead batch';
is book(0, 0, 'aborted', 1, 'B'), 'booked', 'is booked';
is states($job, 0), '0 aborted', 'and not planned again';

# a zombie books the run that it started while a successor started another
# (what was taken for absent is looked for again later, see below)

$e->sql("update igjobs.settings set value = '0' where name = 'absent_look_ms'");

$job = $e->submit(50);
$c = $e->claim($job);
intent($c);
$heir = sweep_and_claim($job);
intent($heir);
is $e->value(run_started => held($c), 0, 'Z', 'D'), 'lost', $_
    for 'too late', 'also when it is told twice';
is states($job), '0 intent, 1 absent, 2 stray', 'its run has its own row';
is orphans(), '0/2 Z', 'and is the reaper\'s, whoever has the batch';
is book(0, 2, 'aborted', 0.1, 'Z'), 'booked', 'who books it';
is orphans(), '', 'once';
is states($job), '0 intent, 1 absent, 2 aborted', 'on that row';
$e->sql("update igjobs.settings set value = '600000'"
    . " where name = 'absent_look_ms'");
is $e->value(run_started => held($heir), 0, 'H', 'D'), 'ok',
    'the successor\'s run is untouched';
is book(0, 0, 'aborted', 0.1, 'Z'), 'repeated', 'booked once';
is book(0, 0, 'aborted', 0.1, 'H'), 'held', 'a held run is its holder\'s';
is $e->store($heir, 0, ids => ['1'], close => 1, cost => 0.2)->{batch_closed},
    JSON::PP::true, 'and closes the batch';
is book(0, 0, 'aborted', 0.3, 'Y'), 'booked', 'a very late one likewise';
is $e->sql("select sum(cost_usd) from igjobs.runs where job_id = '$job'"),
    '0.600000', 'all that was spent is known';

# a lost intent that nobody has taken over: its id is kept for the successor

$job = $e->submit(50);
$c = $e->claim($job);
intent($c);
$e->run_out($job);
$e->call(sweep_job => 'default', $job);
is $e->value(run_started => held($c), 0, 'K', 'D'), 'adopted', $_
    for 'the id is kept', 'also when it is told twice';
$heir = $e->claim($job);
is_deeply [map { "$_->{state} $_->{run_id}" } @{ $heir->{runs} }],
    ['started K'], 'the successor goes on with the run';
is $e->value(run_started => held($c), 0, 'L', 'D'), 'lost',
    'another run is not adopted';
$e->store($heir, 0, close => 1);
is $e->value(run_started => held($c), 0, 'K', 'D'), 'adopted',
    'one that is closed has been collected and booked';
is states($job), '0 succeeded, 1 stray', 'and closed the batch beside a stray';
is book(0, 1, 'aborted', undef, 'L'), 'booked', 'that is booked later';

# a start that was delivered twice: the second run is nobody's

$job = $e->submit(50);
$c = $e->claim($job);
intent($c);
is $e->value(run_stray => 'default', $job, 0, 0, 'twin'), 'ok', $_
    for 'a second run', 'also when it is told twice';
is $e->value(run_started => held($c), 0, 'first', 'D'), 'ok',
    'the first one is the batch\'s';
is orphans(), '0/1 twin', 'the second one the reaper\'s';
is $e->store($c, 0, ids => ['1'], close => 1)->{batch_closed},
    JSON::PP::true, 'a stray does not keep the batch open';
is orphans(), '0/1 twin', 'nor is it forgotten with the job\'s end';

# no run in the provider's list: when that proves that there is none

sub absent {
    my ($token, $grace_ms) = @_;
    return $e->value(run_absent => 'default', $job, 0, 0, $token, $grace_ms);
}

sub minutes_later {
    my ($minutes) = @_;
    return $e->sql("update igjobs.runs set"
        . " intent_at = intent_at - interval '$minutes minutes',"
        . " absent_at = absent_at - interval '$minutes minutes'"
        . " where job_id = '$job'");
}

$job = $e->submit(50);
$token = intent($e->claim($job))->{token};
cmp_ok absent($token, 18000), '>', 17000, 'right after the intent: no proof';
is absent('other', 18000), undef, 'nor for another intent';
minutes_later(1);
is absent($token, 18000), 0, 'once the list can have caught up: proof';
$c = sweep_and_claim($job);
isnt intent($c)->{token}, $token, 'the successor intends anew';
is absent($token, 18000), undef, 'the old intent is gone';

# but it is looked for again, less and less often, and booked if it turns up

sub looks {
    return $e->sql("select round(extract(epoch from look_at - intent_at) / 60)"
        . " from igjobs.runs where job_id = '$job' and look_at is not null");
}

$e->sql("update igjobs.runs set look_at = null where job_id <> '$job'");
is looks(), 2, 'a minute old: looked for when it is two';
is orphans(), '', 'not yet';
minutes_later(1);
$e->sql("update igjobs.runs set look_at = now() where look_at is not null");
is orphans(), '0/1 no id', 'then it is the reaper\'s';
is absent($token, 18000), undef, 'still absent';
is looks(), 4, 'next when it is four';
is book(0, 1, 'aborted', 0.3, 'late', $token), 'booked',
    'found: booked, though the batch is leased';
is states($job), '0 intent, 1 absent, 2 aborted', 'on a further row';
is looks(), '', 'and not looked for any more';
$e->sql("update igjobs.runs set look_at = now() where job_id = '$job'"
    . ' and run_no = 1');
is book(0, 1, 'aborted', 0.3, 'late', $token), 'repeated', 'once';

# a late first look

minutes_later(1);
$token = ($e->runs($job, 0))[0]{token};
my $left = absent($token, 18000);
ok $left > 3000 && $left <= 5000,
    'a first look that comes late does not prove it alone';
minutes_later(1);
is absent($token, 18000), 0, 'a second one does';

done_testing;
