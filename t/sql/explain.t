#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# What holds a job: each cause is brought about and must be named; and how the
# time that is left is reckoned.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my @first_run = (providers => ['apify'], actors => ['a/b']);

sub explained {
    my ($job, %option) = @_;
    my $a = $e->call(api_explain => { tenant => $option{tenant} // 'default' },
                     { job => $job });

    return JSON::PP->new->utf8->decode($a->{body});
}

# held($job, $cause, $explanation): what is said of it
sub held {
    my ($job, $cause, $explanation, %option) = @_;
    my $x = explained($job, %option);

    is $x->{cause}, $cause, $cause;
    like $x->{explanation}, $explanation, "$cause: $x->{explanation}";
    like $x->{since}, qr/^\d{4}-.*\+00:00$/, "$cause: since when";
    return $x;
}

# a worker with so many lanes, of which so many work
sub worker {
    my ($lanes, $working, %option) = @_;
    $e->call(worker_beat => $option{name} // 'w', $lanes, $working // 0,
             ['scrape_followers'], ['apify'], ['a/b'], $option{ms} // 60000);
    return;
}

sub claim { my ($job) = @_; return $e->claim($job, @first_run) }

sub audit {
    my ($job, $action, $reason) = @_;
    $e->sql('insert into igjobs.audit_log (job_id, tenant, action, reason)'
        . " values ('$job', 'default', '$action', '$reason')");
    return;
}

# nobody there

my $job = $e->submit(100);
my $x = held($job, 'no_worker', qr/^No worker .*scrape_followers is alive\.$/);
is_deeply $x->{workers}, { alive => 0, lanes => 0, working => 0 }, 'none';
is $x->{eta}, undef, 'nobody knows when it will end';
worker(4);
held($job, 'nothing', qr/take the job up at once/);
worker(4, 0, ms => 0);
held($job, 'no_worker', qr/the last was heard of at \d{4}-/);
worker(4);
worker(4, 4, name => 'of another kind');
$e->sql("update igjobs.workers set kinds = '{other}' where worker <> 'w'");
is explained($job)->{workers}{alive}, 1, 'workers of other kinds do not count';

# states

my $c = claim($job);
held($job, 'nothing', qr/^The job runs: 1 batch in work\.$/);
$e->call(stop_job => 'default', $job, 'pause');
held($job, 'stopping', qr/being stopped \(pause\): 1 batch in work/);
$e->call(give_back => Igjobs::Engine::held($c));
audit($job, 'pause', 'lunch');
$x = held($job, 'paused', qr/was paused at .* UTC: lunch\.$/);
is $x->{detail}{reason}, 'lunch', 'why';
$e->call(stop_job => 'default', $job, 'cancel');
held($job, 'ended', qr/has ended: Job was canceled\.$/);
$job = $e->submit(1);
$e->store_all(claim($job), ids => [1]);
held($job, 'ended', qr/has ended: all done\.$/);

# waits for its next try

$job = $e->submit(100);
for (1, 2) {
    $e->call(fail_batch => Igjobs::Engine::held(claim($job)), 'retry',
             "HTTP 50$_", 60000 * $_, 'unavailable');
}
$x = held($job, 'retry', qr/^2 batches wait .* the first at .*: HTTP 501\.$/);
is_deeply [@{ $x->{detail} }{qw(batches error_class)}], [2, 'unavailable'],
    'what failed';
is $e->sql("select '$x->{until}'::timestamptz = min(not_before) from"
    . " igjobs.batches where job_id = '$job'"), 't', 'until then';

# its own parallelism, other jobs, the tail

$job = $e->submit(200, parallelism => 2);
my @c = map { claim($job) } 1, 2;
$x = held($job, 'parallelism', qr/asked for, 2; 2 more batches could be/);
is_deeply $x->{batches}, { running => 2, due => 2, waiting => 0, done => 0,
                           failed => 0, total => 4 }, 'the batches';

worker(2, 2);
my $other = $e->submit(50);
my $later = $e->submit(50, tenant => 'another');
$e->claim($other);
my $third = $e->submit(50);
$x = held($later, 'queue', qr/^All 2 lanes .* number 1 of those/,
          tenant => 'another');
is $x->{detail}{position}, 1, 'the tenant with nothing in work is first';
$x = held($third, 'queue', qr/number 2 of those/);
$e->sql("delete from public.scrape_jobs where job_id in ('$later', '$third')");
worker(4, 3);

$e->store_all($_, ids => []) for @c;
my $run;
for (1, 2) {
    my $c = claim($job);
    next if $_ == 1 && $e->store_all($c, ids => []);
    $run = $e->start_run($c);
    $e->store($c, $run, ids => [1 .. 4],
        outcomes => { map { ("account_$_" => 'ok') } 151 .. 190 });
}
$x = held($job, 'tail', qr/^Only the last batch is in work, with 10 accounts/);
is_deeply $x->{detail}{first_accounts}, [map { "account_$_" } 191 .. 200],
    'they are named';

# caps

$job = $e->submit(100);
for (['tenant:default', 'tenant_cap', qr/tenant has as many batches.*: 0\.$/],
     ['kind:scrape_followers', 'fleet_cap', qr/batches of this kind.*: 0\.$/],
     ['actor:apify/a~b', 'fleet_cap', qr/as many runs of apify\/a~b .*: 0\.$/],
     ['memory:apify', 'fleet_cap', qr/memory of apify as they may: 128 MB/])
{
    my ($scope, $cause, $text) = @$_;
    $e->call(set_cap => $scope, $scope =~ /^memory/ ? 128 : 0);
    is claim($job)->{answer}, 'capped', "$scope is full";
    $x = held($job, $cause, $text);
    is $x->{detail}{scope}, $scope, 'which';
    $e->call(set_cap => $scope, undef);
}

# the provider

sub broken {
    my ($cause, $retry_ms, $reason) = @_;
    $e->value(breaker_failed => 'actor:apify/a~b', $cause, $retry_ms, $reason);
    return;
}

broken('full', 60000, 'HTTP 402');
is claim($job)->{answer}, 'capped', 'nothing is claimed';
$x = held($job, 'provider_throttled', qr/no room .*asked again at \d{4}/);
is_deeply [@{ $x->{detail} }{qw(state last_error)}], ['open', 'HTTP 402'],
    'what it said';
is $e->sql("select '$x->{until}'::timestamptz > now() + interval '50 s'"), 't',
    'until when';
$e->sql("update igjobs.breakers set until = now()");
held($job, 'provider_throttled', qr/no room .*; a few batches try it now/);
$e->value(close_breaker => 'actor:apify/a~b');
broken('full', undef, 'HTTP 402');
is claim($job)->{answer}, 'capped', 'more runs than it had room for';
held($job, 'provider_throttled', qr/no room for more than \d+ runs? now/);
$e->value(close_breaker => 'actor:apify/a~b');
broken('refused', undef, 'HTTP 401');
held($job, 'circuit_open', qr/refuses our account .*asked again/);
$e->value(close_breaker => 'actor:apify/a~b');
broken('away', 60000, 'HTTP 503');
held($job, 'circuit_open', qr/does not answer; it is asked again/);
$e->value(close_breaker => 'actor:apify/a~b');
held($job, 'nothing', qr/at once/);

# money

sub paid_job {
    my (%options) = @_;
    my @call = $e->submission(100, tenant => $options{tenant});
    $call[4] = { %{ $call[4] }, %options };
    delete $call[4]{tenant};
    $e->call(submit => @call);
    return $call[2];
}

$e->call(set_price => 'apify', '*', 0.01, 1);
$job = paid_job(max_cost_usd => 0.27);
is claim($job)->{answer}, 'batch', 'enough for one run';
is claim($job)->{answer}, 'later', 'not for two';
$x = held($job, 'budget', qr/^The budget of 0\.27 USD .*: 0 USD are spent and/);
is $x->{detail}{reserved_usd}, 0.26, 'which is set aside';

$e->sql("insert into igjobs.tenants (tenant, max_cost_usd_per_day)"
    . " values ('poor', 0.27)");
$job = paid_job(tenant => 'poor');
is $e->claim($job, tenant => 'poor', @first_run)->{answer}, $_, 'a claim'
    for qw(batch later);
$x = held($job, 'tenant_budget', qr/may spend a day, 0\.27 USD/,
          tenant => 'poor');
like $x->{until}, qr/T00:00:00\.0+\+00:00$/, 'until midnight';

# Airtable

$job = $e->submit(100);
$e->sql("update public.scrape_jobs set kind = 'operation'"
    . " where job_id = '$job'");
$e->sql("update igjobs.batches set payload = '{\"airtable_base\": \"appOne\"}'"
    . " where job_id = '$job'");
$e->call(worker_beat => 'o', 4, 0, ['operation'], ['none'], ['none'], 60000);
$e->sql("select igjobs.airtable_freeze('appTwo', 30000)");
held($job, 'nothing', qr/at once/);
$e->sql("select igjobs.airtable_freeze('appOne', 30000)");
$x = held($job, 'airtable_pace', qr/no request for base appOne before .*often/);
is $e->sql("select '$x->{until}'::timestamptz = frozen_until from"
    . " igjobs.airtable_pace where base = 'appOne'"), 't', 'until then';
$e->sql("update igjobs.airtable_pace set frozen_until = null,"
    . " next_at = clock_timestamp() + interval '9 s'");
$x = held($job, 'airtable_pace', qr/appOne wait for their turn, .* 4 go out a/);
is_deeply $x->{detail}, { airtable_base => 'appOne', silent => JSON::PP::false },
    'nobody wants silence';

# when it will end: 8 of 20 batches took 10 s each, 4 are in work

$job = $e->submit(1000, parallelism => 4);
is explained($job)->{eta}, undef, 'nothing has been measured';
$e->store_all(claim($job)) for 1 .. 8;
claim($job) for 1 .. 4;
$e->sql('update igjobs.runs set intent_at = closed_at - interval \'10 s\''
    . " where job_id = '$job' and closed_at is not null");
my $eta = explained($job)->{eta};
is_deeply [$eta->{p50}{seconds}, $eta->{p90}{seconds}, $eta->{method},
           $eta->{measured_batches}], [30, 30, 'batch_durations', 8],
    '12 batches, 4 at a time, 10 s each';
$e->sql('update igjobs.runs set intent_at = closed_at'
    . ' - (5 + batch_no % 2 * 10) * interval \'1 s\''
    . " where job_id = '$job' and closed_at is not null");
$eta = explained($job)->{eta};
is $eta->{p50}{seconds}, 30, 'the same on the average';
cmp_ok $eta->{p90}{seconds}, '>=', 35, 'with a spread that counts';
cmp_ok $eta->{p90}{seconds}, '<=', 50, 'and no more';
$e->call(stop_job => 'default', $job, 'pause');
is explained($job)->{eta}, undef, 'none while it is held for nobody knows how'
    . ' long';

# who may ask

is $e->call(api_explain => { tenant => 'another' }, { job => $job })->{status},
    404, 'not another tenant';
is $e->call(api_explain => { tenant => 'default' }, { job => 'none' })
    ->{status}, 404, 'not for no job';

# dead workers are forgotten after a day

$e->sql("update igjobs.workers set until = now() - interval '2 days'"
    . " where worker <> 'w'");
worker(4);
is $e->sql('select string_agg(worker, \' \') from igjobs.workers'), 'w',
    'dead workers are forgotten';

done_testing;
