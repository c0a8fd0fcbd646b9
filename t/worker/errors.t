#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# run: early
#
# What goes wrong at the provider, class by class: found again, retried, split,
# parked, given up; and what the job says about its accounts in the end.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Queue;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(worker => {
    env => { APIFY_ACTOR_ID => 'igjobs~followers-with-source' },
    args => ['--lanes=2', '--sweep=200ms', '--start-timeout=500ms',
             '--lease=2s', '--beat=200ms', '--blocked-retry=100ms',
             '--page-size=200'] });
$stack->start(qw(postgres redis sim worker));
my $queue = Igjobs::Queue->new($stack);
my ($sim, $runs) = ($stack->sim, 0);

# retries of a test need not be patient
$stack->psql("update igjobs.settings set value = '50'"
    . " where name = 'retry_base_ms'");

# a job under these rules: its document, outcomes, runs started for it
sub job {
    my ($rules, %option) = @_;

    $sim->faults($rules) if @$rules;
    my $job = $queue->submit(max_count => 10, %option);
    my $doc = $queue->wait_end($job, 60);
    $sim->call('DELETE', '/_sim/faults');
    my $started = $sim->ledger->{runs_started};
    my $own = $started - $runs;
    $runs = $started;
    my %outcome = $queue->outcomes($job);
    my %count;
    $count{$_}++ for values %outcome;
    return ($doc, \%count, $own, $job);
}

sub rule {
    my ($match, %action) = @_;
    return [{ match => $match, action => \%action }];
}

my ($doc, $outcomes, $started, $job);
my @fifty = (accounts => [names(1 .. 50)]);

# the start's answer is lost: the run is found by its token
($doc, $outcomes, $started) =
    job(rule({ op => 'start', times => 1 }, drop_after => \1), @fifty);
is $doc->{state}, 'completed', 'lost answer of a start: completed';
is $started, 1, 'with the run that was made';

# the start is delivered twice: one of the runs is the batch's, the other one is
# aborted and booked
($doc, $outcomes, $started, $job) =
    job(rule({ op => 'start', times => 1 }, drop_after => \1, twice => \1,
             stay_running => { ms => 1500 }), @fifty);
is $doc->{state}, 'completed', 'start delivered twice: completed';
is $started, 2, 'with one of two runs';
wait_for { $queue->count('runs', "job_id = '$job' and state = 'stray'") == 0 }
    30, 'the other one to be booked';
is $sim->ledger->{runs_aborted}, 1, 'the other one is aborted';
is $queue->count('runs', "job_id = '$job' and state = 'aborted'"), 1,
    'and recorded';

# nothing was made: "absent" is believed late, then another one is started
($doc, $outcomes, $started) =
    job(rule({ op => 'start', times => 1 }, drop_before => \1), @fifty);
is $doc->{state}, 'completed', 'lost start: completed';
is $started, 1, 'with one run';

# 402: the provider is full, the batch is parked and nothing is counted
($doc, $outcomes, $started, $job) =
    job(rule({ op => 'start', times => 1 },
             status => { code => 402, type => 'concurrent-runs-limit-exceeded' },
             headers => { 'Retry-After' => '0' }), @fifty);
is $doc->{state}, 'completed', 'full provider: completed';
is $queue->count('batches', "job_id = '$job' and failures > 0"), 0,
    'without a failure';

# 500 for a while: the calls themselves try again
($doc, $outcomes, $started) =
    job(rule({ op => 'items', times => 3 }, status => { code => 500 }), @fifty);
is $doc->{state}, 'completed', 'errors of reads: completed';
is $started, 1, 'one run';

# a run fails half way: what it brought is kept, the rest gets another run
($doc, $outcomes, $started) =
    job(rule({ op => 'start', times => 1 },
             fail_run => { status => 'FAILED', after_accounts => 30 }), @fifty);
is $doc->{state}, 'completed', 'run fails half way: completed';
is $outcomes->{ok}, 50, 'all accounts are there';
is $started, 2, 'two runs';
is $doc->{accounts}{failed}, 0, 'nothing failed';

# a run fails at once, then goes well
($doc, $outcomes, $started) =
    job(rule({ op => 'start', times => 1 },
             fail_run => { status => 'FAILED', after_items => 0 }), @fifty);
is $doc->{state}, 'completed', 'run fails at once: completed';
is $outcomes->{ok}, 50, 'all accounts are there';
is $started, 2, 'two runs';

# runs with one account among fifty fail: it is isolated and reported
($doc, $outcomes, $started) =
    job(rule({ op => 'start', account => 'source_000033' },
             fail_run => { status => 'FAILED', after_items => 0 }), @fifty);
is $doc->{state}, 'completed', 'a bad account: completed';
is $outcomes->{ok}, 49, 'the others are there';
is $outcomes->{failed}, 1, 'it is reported';
is $doc->{accounts}{failed}, 1, 'and counted';
is $doc->{error_message}, '1 of 50 accounts could not be scraped',
    'and said';
cmp_ok $started, '<=', 2 + 2 * 6, 'by halving';

# the start refuses the input because of one account
($doc, $outcomes, $started) =
    job(rule({ op => 'start', account => 'source_000002' },
             status => { code => 400, type => 'invalid-input' }),
        accounts => [names(1 .. 8)]);
is $doc->{state}, 'failed', 'one of eight is more than the tolerance';
is $outcomes->{ok}, 7, 'but the others are there';
is $doc->{accounts}{failed}, 1, 'it is counted';

# private, missing, empty accounts are answers, not failures
($doc, $outcomes, $started) =
    job([], accounts => [names(1 .. 6), 'private_a', 'missing_a', 'empty_a']);
is $doc->{state}, 'completed', 'private and missing accounts: completed';
is_deeply $outcomes, { ok => 6, not_found => 1, empty => 2 },
    'each has its word: the provider calls private accounts empty';
is $doc->{accounts}{failed}, 0, 'none failed';

# only blocked accounts: once more later, then it is believed
($doc, $outcomes, $started) =
    job([], accounts => ['blocked_a', 'blocked_b']);
is $doc->{state}, 'failed', 'all blocked: failed';
is $outcomes->{blocked}, 2, 'both are reported';
is $started, 2, 'after a second try';

# an actor whose items do not say where they come from
$stack->worker->stop;
$stack->worker->{env}{APIFY_ACTOR_ID} = 'igjobs~followers';
$stack->worker->start;
($doc, $outcomes, $started) =
    job(rule({ op => 'start', times => 1 },
             fail_run => { status => 'FAILED', after_accounts => 30 }), @fifty);
is $doc->{state}, 'completed', 'silent items, run fails: completed';
is $outcomes->{ok}, 50, 'all accounts are there';
is $started, 2, 'after the whole run once more';
is $doc->{profiles_scraped}, 500, 'and no profile twice';
($doc, $outcomes, $started) =
    job([], accounts => ['blocked_a', 'blocked_b']);
is $outcomes->{blocked}, 2, 'silent items, all blocked: reported';
is $started, 2, 'after a second try';
($doc, $outcomes, $started) =
    job(rule({ op => 'start', account => 'source_000033' },
             fail_run => { status => 'FAILED', after_items => 0 }), @fifty);
is_deeply $outcomes, { ok => 49, failed => 1 }, 'the bad account is found';

# the provider refuses the key: tried again a few times, then given up
$stack->psql("update igjobs.settings set value = '0'"
    . " where name = 'max_failures'");
($doc, $outcomes, $started, $job) =
    job(rule({ op => 'start' },
             status => { code => 401, type => 'user-or-token-not-found' },
             headers => { 'Retry-After' => '0' }), @fifty);
is $doc->{state}, 'failed', 'the last batch given up: the job ends';
is $doc->{batches}{failed}, 1, 'one dead batch';
is $doc->{accounts}{failed}, 50, 'with all its accounts';
is $queue->count('batches', "job_id = '$job' and error like '%start:%'"), 1,
    'which says why';
unlike $stack->worker->log_text, qr/apify_api_test/, 'no key in the log';

$stack->finish;
done_testing;
