#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Budgets of a job and of a tenant's day: what is reserved when, how it moves
# on and comes back exactly once, and what jobs do that have no money.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my @first = (providers => ['apify'], actors => ['a~b']);

# a start costs 0.1, an item 0.01
$e->sql("select igjobs.set_price('apify', 'a/b', 0.1, 10)");

sub held { return Igjobs::Engine::held($_[0]) }

sub submit {
    my ($accounts, $budget, %option) = @_;
    my $job = $e->submit($accounts, %option);

    $e->sql("update public.scrape_jobs set max_cost_usd = $budget"
        . " where job_id = '$job'") if defined $budget;
    return $job;
}

sub claim { my ($job, %o) = @_; return $e->claim($job, @first, %o) }

sub started {
    my ($c, $run, $id) = @_;
    return $e->value(run_started => held($c), $run, $id, 'set');
}

sub intent {
    my ($c, $accounts) = @_;
    return $e->call(run_intent => held($c), 'apify', 'a~b', $accounts, 1000);
}

# "spent+reserved" of the job
sub money {
    my ($job) = @_;
    return $e->sql("select trim_scale(cost_usd) || '+'"
        . " || trim_scale(reserved_usd) from public.scrape_jobs"
        . " where job_id = '$job'");
}

sub day {
    my ($tenant) = @_;
    return $e->sql("select trim_scale(cost_usd) || '+'"
        . ' || trim_scale(reserved_usd) from igjobs.spending'
        . " where tenant = '$tenant'");
}

sub settle {
    my ($job, $batch, $run, $cost, $lost) = @_;
    return $e->call(settle_run => 'default', $job, $batch, $run, $cost,
                    $lost ? 't' : 'f')->{answer};
}

sub turns {
    my ($job) = @_;
    my ($row) = grep { $_->{job_id} eq $job }
        $e->all(runnable => '', '00000000-0000-0000-0000-000000000000', 1000);
    return $row ? $row->{turns} : undef;
}

# without a budget nothing is reserved, and costs are added up

my $job = submit(50);
my $c = claim($job);
is $c->{allowance}, undef, 'no budget, no allowance';
started($c, 0, 'F');
$e->store($c, 0, ids => ['1'], close => 1, cost => 0.3);
is money($job), '0.3+0', 'the cost is booked at the close';
is_deeply $e->doc($job)->{cost},
    { usd => 0.3, reserved_usd => 0, max_usd => undef }, 'and shown';

# reserved with the claim, kept after the close, settled once

$job = submit(50, 10);
$c = claim($job);
is_deeply $c->{allowance}, { max_items => 250, max_usd => 2.6 },
    'a run may cost its price';
is money($job), '0+2.6', 'which is reserved with the claim';
is_deeply $e->doc($job)->{cost},
    { usd => 0, reserved_usd => 2.6, max_usd => 10 }, 'and shown';
is_deeply intent($c)->{allowance}, $c->{allowance}, 'a repeat has the same';
is money($job), '0+2.6', 'and reserves nothing more';
started($c, 0, 'A');
is settle($job, 0, 0, 1), 'repeated', 'an open run is not settled';
$e->store($c, 0, ids => ['1'], close => 1, cost => 2);
is $e->row($job)->{state}, 'completed', 'the job ends';
is money($job), '0+2.6', 'its last run is not settled: the figure may change';
is scalar $e->all(unsettled_runs => 100), 0, 'nor read again before time';
$e->sql('update igjobs.runs set settle_at = now() where settle_at is not null');
my ($unsettled) = $e->all(unsettled_runs => 100);
is_deeply [@$unsettled{qw(job_id run_id kind)}],
    [$job, 'A', 'scrape_followers'], 'then it is';
is scalar $e->all(unsettled_runs => 100), 0, 'by one';
is settle($job, 0, 0, undef), 'later', 'no figure yet';
is settle($job, 0, 0, 2.25), 'settled', 'the figure';
is settle($job, 0, 0, 2.25), 'repeated', 'once';
is money($job), '2.25+0', 'the rest is given back';
is_deeply $e->doc($job)->{cost},
    { usd => 2.25, reserved_usd => 0, max_usd => 10 }, 'and shown';

# a run that the provider has forgotten, or says nothing of

for my $how ('forgotten', 'silent') {
    $job = submit(50, 10);
    $c = claim($job);
    started($c, 0, $how);
    $e->store($c, 0, ids => ['1'], close => 1);
    $e->sql('update igjobs.runs set closed_at = now() - interval \'25 h\''
        . " where job_id = '$job'") if $how eq 'silent';
    is settle($job, 0, 0, undef, $how eq 'forgotten'), 'settled',
        "a run that is $how";
    is money($job), '2.6+0', 'is booked with all it may have cost';
}

# no more than is there; fewer items rather than none; none below a tenth

$job = submit(150, 4, parallelism => 3);
my @c = map { claim($job) } 1 .. 3;
is_deeply [map { $_->{allowance} } @c[0, 1]],
    [{ max_items => 250, max_usd => 2.6 },
     { max_items => 100, max_usd => 1.1 }],
    'what is left buys two items of each account';
is $c[2]{answer}, 'later', 'then nothing';
is money($job), '0+3.7', 'below the budget';
is turns($job), 0, 'no turns are issued for a job without money';
is $e->batch($job, 2)->{state}, 'queued', 'its batch waits';
is claim($job)->{answer}, 'later', 'and is not claimed';

# ... which is what a later job may read again, and no more

my $short = submit(50, 1.6);
$c = claim($short);
is $c->{allowance}{max_items}, 150, 'three items of each account';
started($c, 0, 'short');
$e->store($c, 0, ids => ['1'], close => 1,
          outcomes => { map { ("account_$_" => 'full') } 1 .. 50 });
$e->sql('update public.scrape_jobs set completed_at = completed_at'
    . " - interval '2 s' where completed_at is not null");
$e->value(note_purchases => 1000);
is $e->sql("select string_agg(distinct max_count::text, ' ')"
    . " from igjobs.purchases where job_id = '$short'"), 3,
    'are noted as what was bought';

# ... but a batch whose run is paid for goes on

started($c[0], 0, 'P');
$e->run_out($job);
$e->call(sweep_job => 'default', $job);
is turns($job), 2, 'turns for the two runs that are paid';
my @heirs = map { claim($job) } 1, 2;
is_deeply [map { "$_->{batch_no} $_->{runs}[0]{max_items}" } @heirs],
    ['0 250', '1 100'], 'their batches are claimed, and what they may bring';
is claim($job)->{answer}, 'later', 'the third is not';
is intent($heirs[1])->{allowance}{max_usd}, 1.1,
    'an intent that came to nothing is replaced';
is money($job), '0+3.7', 'and its reservation with it';

# money that comes back goes on; when none will come back the job stops

started($heirs[1], 0, 'Q');
$e->store($heirs[0], 0, ids => ['1'], close => 1);
settle($job, 0, 0, 2);
is money($job), '2+1.1', 'some comes back';
is turns($job), 1, 'and there is a turn';
$c = claim($job);
is $c->{allowance}{max_usd}, 0.6, 'what is left buys one item of each';
is money($job), '2+1.7', 'reserved';
started($c, 0, 'R');
$e->store($c, 0, ids => ['2'], close => 1, cost => 0.5);
settle($job, 2, 0, 0.6);
$e->store($heirs[1], 0, ids => ['3'], close => 1);
is $e->row($job)->{state}, 'completed', 'all batches done';
is $e->doc($job)->{completion_reason}, 'all_done', 'within the budget';

$job = submit(150, 3, parallelism => 3);
$c = claim($job);
is claim($job)->{answer}, 'later', 'a second one must wait';
started($c, 0, 'S');
$e->store($c, 0, ids => ['1'], close => 1);
is claim($job)->{answer}, 'later', 'until the first is settled';
settle($job, 0, 0, 2.6);
is turns($job), 2, 'then there are turns';
my $stop = claim($job);
is $stop->{answer}, 'stopped', 'and the first ends the job';
is $e->row($job)->{state}, 'completed', 'which is completed';
is $e->doc($job)->{completion_reason}, 'budget_exhausted', 'by its budget';
is $stop->{doc}, $e->sql("select doc from public.scrape_jobs where job_id = '$job'"),
    'the claim brings the document';

$job = submit(50, 0.55);
is claim($job)->{answer}, 'stopped', 'a budget below the smallest run';
is $e->doc($job)->{completion_reason}, 'budget_exhausted', 'ends the job';

# claim_any: the stop is kept

$job = submit(50, 0.55);
is $e->call(claim_any => Igjobs::Engine::KINDS, 'w', 60000, ['apify'],
            ['a~b'])->{answer}, 'stopped', 'without Redis likewise';
is $e->row($job)->{state}, 'completed', 'it has ended';

my @two = map { submit(100, 3) } 1, 2;
is_deeply [map { $e->call(claim_any => Igjobs::Engine::KINDS, 'w', 60000,
                          ['apify'], ['a~b'])->{answer} } 1 .. 5],
    [qw(batch batch later later none)],
    'jobs without money are told once, and then left alone';

# refused, split, absent: given back; each once

$job = submit(50, 2.6);
$c = claim($job);
is $e->value(run_refused => held($c), 0), 'ok', 'nothing was started';
is money($job), '0+0', 'the reservation ends';
is $e->value(run_refused => held($c), 0), 'ok', 'a repeat';
is money($job), '0+0', 'gives nothing back';
my $i = intent($c);
is_deeply $i->{allowance}, { max_items => 250, max_usd => 2.6 },
    'the next intent reserves again';
is_deeply $e->call(split_run => held($c), 0, 'refused', undef,
                   ["account_1\naccount_2", 'account_3'], undef, 0)->{run_nos},
    [1, 2], 'a refused start is split';
is money($job), '0+0', 'and gives back';
is intent($c, "account_1\naccount_2")->{allowance}{max_items}, 10,
    'a part reserves for its accounts';
is money($job), '0+0.2', 'and no more';
started($c, 1, 'T');
$e->call(split_run => held($c), 1, 'failed', 0.15, ['account_2'], undef, 0);
is money($job), '0+0.2', 'a failed run keeps its reservation';
is settle($job, 0, 1, 0.17), 'settled', 'until its cost is final';
is money($job), '0.17+0', 'which counts';

# a further run that does not fit: the lane leaves, the job waits or stops

$job = submit(50, 3);
$c = claim($job);
started($c, 0, 'U');
$e->call(split_run => held($c), 0, 'failed', 1, [$c->{accounts}], undef, 0);
is intent($c, $c->{accounts})->{answer}, 'stop', 'no money for a rerun yet';
is $e->row($job)->{state}, 'running', 'the job goes on';
$e->call(give_back => held($c));
is claim($job)->{answer}, 'later', 'later';
settle($job, 0, 0, 2.9);
$c = claim($job);
is $c->{answer}, 'batch', 'when it is settled the batch is taken';
is intent($c, $c->{accounts})->{answer}, 'stop', 'too little is left';
is $e->row($job)->{state}, 'stopping', 'the job stops';
is $e->call(give_back => held($c))->{state}, 'completed', 'and ends';
is $e->doc($job)->{completion_reason}, 'budget_exhausted', 'by its budget';

# runs that nobody collects

$job = submit(100, 10, parallelism => 2);
@c = map { claim($job) } 1, 2;
started($c[0], 0, 'V');
$e->call(stop_job => 'default', $job, 'cancel');
$e->run_out($job);
$e->call(sweep_job => 'default', $job);
is money($job), '0+5.2', 'canceled with two runs open';
is $e->value(book_run => 'default', $job, 1, 0, 'absent', undef, undef),
    'booked', 'one was never started';
is money($job), '0+2.6', 'its reservation ends';
is $e->value(book_run => 'default', $job, 0, 0, 'aborted', 0.4, 'V'),
    'booked', $_ for 'one was aborted';
is money($job), '0+2.6', 'and is settled later';
is settle($job, 0, 0, 0.45), 'settled', 'with what it did cost';
is money($job), '0.45+0', 'all is known';
is $e->value(book_run => 'default', $job, 0, 0, 'aborted', 0.4, 'V'),
    'repeated', 'a repeat';
is money($job), '0.45+0', 'books nothing';

# a zombie's run is owed beside its intent

$job = submit(50, 3);
$c = claim($job);
$e->run_out($job);
$e->call(sweep_job => 'default', $job);
my $heir = claim($job);
intent($heir);
is $e->value(run_started => held($c), 0, 'Z', 'D'), 'lost', 'too late';
is money($job), '0+5.2', 'which may cost as much as its intent allowed';
is $e->value(book_run => 'default', $job, 0, 2, 'aborted', 0.1, 'Z'),
    'booked', 'the reaper books its run';
is money($job), '0+5.2', 'and settles it later';
is settle($job, 0, 2, 0.12), 'settled', 'until that is known';
is money($job), '0.12+2.6', 'and the successor\'s reservation stands';

# memory by the hour: bounded by memory and time-out, which the provider gets

$e->sql("select igjobs.set_price('apify', 'm~h', 0, 0, 0.5, 2048, 1800)");
$job = submit(50, 10);
$c = $e->claim($job, providers => ['apify'], actors => ['m~h']);
is_deeply $c->{allowance}, { max_items => 250, max_usd => 0.5,
                             memory_mb => 2048, timeout_s => 1800 },
    'half an hour of 2 GB';

# a tenant's day

$e->sql("select igjobs.set_day_limit('rich', 5)");
my @jobs = map { submit(50, undef, tenant => 'rich') } 1 .. 3;
@c = map { claim($_, tenant => 'rich') } @jobs;
is_deeply [map { $_->{answer} } @c], ['batch', 'batch', 'later'],
    'two runs fit into the day';
is $c[1]{allowance}{max_usd}, 2.1, 'the second a shorter one';
is day('rich'), '0+4.7', 'reserved';
is turns($jobs[2]), 0, 'the third job waits';
is $e->row($jobs[2])->{state}, 'queued', 'and is not stopped';
is $e->call(claim_any => Igjobs::Engine::KINDS, 'w', 60000, ['apify'],
            ['a~b'])->{answer}, 'none', 'without Redis likewise';
my $poor = submit(50, undef, tenant => 'other');
is claim($poor, tenant => 'other')->{answer}, 'batch',
    'other tenants go on';
started($c[0], 0, 'W');
$e->store($c[0], 0, ids => ['1'], close => 1);
is $e->call(settle_run => 'rich', $jobs[0], 0, 0, 1, 'f')->{answer},
    'settled', 'one is settled';
is day('rich'), '1+2.1', 'in the day, too';
is turns($jobs[2]), 1, 'then the third may try';
$e->sql("update igjobs.spending set day = day - 1 where tenant = 'rich'");
$e->sql("update igjobs.runs set reserved_day = reserved_day - 1"
    . " where tenant = 'rich'");
$c = claim($jobs[2], tenant => 'rich');
is $c->{allowance}{max_usd}, 2.6, 'a new day has its own money';
$e->value(run_refused => held($c), 0);
is $e->sql("select string_agg(trim_scale(cost_usd + reserved_usd)::text, ' '"
    . " order by day) from igjobs.spending where tenant = 'rich'"), '3.1 0',
    'a reservation ends in the day in which it was made';
$e->sql("select igjobs.set_day_limit('rich', 0.2)");
is intent($c)->{answer}, 'stop', 'a lower limit holds at once';
is $e->row($jobs[2])->{state}, 'running', 'and stops no job';
$e->sql("select igjobs.set_day_limit('rich', null)");
is intent($c)->{answer}, 'ok', 'nor does it hold when it is gone';

# a limit that comes later counts what the day has cost

$e->store_all($c = $e->claim(submit(50, undef, tenant => 'late'),
                             tenant => 'late'), ids => ['1'], cost => 0.7);
$e->sql("select igjobs.set_day_limit('late', 5)");
is day('late'), '0.7+0', 'what was spent before the limit counts';

# all that is reserved is reserved by runs

is $e->sql(q{select count(*) from public.scrape_jobs j
    where reserved_usd <> (select coalesce(sum(r.reserved_usd), 0)
                           from igjobs.runs r where r.job_id = j.job_id)
        or cost_usd <> (select coalesce(sum(r.cost_usd), 0)
                        from igjobs.runs r where r.job_id = j.job_id
                            and r.reserved_usd is null)}), 0,
    'the sums of every job are those of its runs';

done_testing;
