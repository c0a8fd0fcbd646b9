#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# run-daily through nginx, workers and the simulator's Airtable: both shapes of
# its answer, a worker that is killed in each of its steps, a token that comes
# later, a schedule; and the upkeep of what campaigns leave behind.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Igjobs::Campaign;
use Igjobs::Wait;

my ($true, $false) = (JSON::PP::true, JSON::PP::false);
my $c = Igjobs::Campaign->new(tables => 4);
my $http = $c->stack->client;
my ($people, $records) = (0, 0);

# Steps stop at a gate while it is shut: at the insert of a campaign, at the
# first place that is given, before old rows are dropped.
$c->sql(<<'SQL');
create table public.gate (step text primary key, shut boolean not null);
insert into public.gate values
    ('campaigns', false), ('daily_assignments', false),
    ('raw_scraped_profiles', false);

create function public.pass() returns trigger language plpgsql
    security definer as $$
begin
    while (select g.shut from public.gate g where g.step = tg_table_name) loop
        perform pg_sleep(0.02);
    end loop;
    return null;
end $$;

create trigger gate before insert on public.campaigns
    for each statement execute function public.pass();
create trigger gate before update of va_table_number
    on public.daily_assignments
    for each statement execute function public.pass();
create trigger gate before delete on public.raw_scraped_profiles
    for each statement execute function public.pass();
SQL

sub gate {
    my ($step, $shut) = @_;

    $c->sql("update public.gate set shut = $shut where step = '$step'");
    return;
}

sub pool {
    my ($n) = @_;
    my $first = $people + 1;

    $people += $n;
    $c->sql('insert into public.global_usernames (id, username, full_name)'
        . " select 'p' || n, 'user_' || n, 'Name ' || n from"
        . " generate_series($first, $people) n");
    return;
}

sub used {
    return $c->sql('select count(*) from public.global_usernames where used');
}

sub ended {
    my ($id) = @_;
    my $r;

    wait_for { $r = $http->get("/api/operations/$id"); $r->{status} != 202 }
        30, "run-daily $id to end";
    return ($r->{status}, $r->json);
}

subtest 'a client that waits' => sub {
    $c->sql('insert into public.raw_scraped_profiles (scraped_at, base_id, id,'
        . " username) select now() - interval '8 days', 'appOther', n, n"
        . ' from generate_series(1, 10) n');
    $c->worker;
    wait_for { !$c->sql('select count(*) from public.raw_scraped_profiles') }
        10, 'the upkeep to drop what is old';

    pool(8);
    my ($status, $answer) = $c->post('/api/run-daily',
        '{"profiles_per_table":2}', Prefer => 'igjobs-sync');
    my $seconds = delete $answer->{execution_time};
    my $id = $answer->{campaign_id};
    is $status, 200, 'has the answer of the original';
    cmp_ok $seconds, '>', 0, 'with its time';
    is_deeply $answer, {
        success => $true, campaign_id => $id, selected => 8,
        distributed => $true, airtable_synced => $true,
        airtable_skipped => $false, tables_synced => 4, records_synced => 8,
        campaign_status => $true, cleanup_done => $true, errors => [],
    }, 'all of it is done';
    $c->whole($id, $records += 8);

    ($status, $answer) = $c->post('/api/run-daily', '{}', Prefer => 'wait=20');
    is_deeply [$status, @$answer{qw(error step_failed code)}],
        [400, 'No unused profiles available in global_usernames',
         'daily_selection', 'IGJ1104'], 'or is told that nobody is left';
    is $c->sql('select count(*) from public.campaigns'), 1,
        'without a campaign';
};

subtest 'as cron calls it' => sub {
    pool(3);
    my $r = $http->request('POST', '/api/run-daily');
    my $answer = $r->json;
    is $r->{status}, 202, 'no body, no content type';
    is $answer->{message},
        'Daily pipeline queued successfully. Check logs for progress.',
        'the message of the contract';
    is $answer->{task_id}, $answer->{operation_id}, 'its task is the operation';
    like $r->header('Retry-After'), qr/^\d+$/, 'when to ask';
    my ($status, $done) = ended($answer->{task_id});
    is "$status $done->{selected}", '200 3', 'which tells the end';
    is $http->get($answer->{status_url})->json->{status}, 'completed',
        'a job like others';
    $c->whole($done->{campaign_id}, $records += 3);
};

my %phase = (campaigns => 'daily_selection',
             daily_assignments => 'distribution',
             raw_scraped_profiles => 'cleanup');

for my $step (sort keys %phase) {
    subtest "killed at $step" => sub {
        my $before = used();
        pool(12);
        gate($step => 'true');
        my ($status, $answer) = $c->post('/api/run-daily',
                                         '{"profiles_per_table":2}');
        is $status, 202, 'a day begins';
        wait_for { $c->sql("select count(*) from pg_stat_activity,
            igjobs.batches b where wait_event = 'PgSleep'
            and b.job_id = '$answer->{task_id}' and b.state = 'leased'
            and b.phase = '$phase{$step}'") } 20, 'the step';
        $c->kill;
        gate($step => 'false');
        $c->worker;

        ($status, my $done) = ended($answer->{task_id});
        is_deeply [$status, @$done{qw(campaign_id selected airtable_synced
                                      records_synced cleanup_done errors)}],
            [200, $answer->{task_id}, 8, $true, 8, $true, []],
            'another worker ends it';
        is used(), $before + 8, 'nobody more is used';
        $c->whole($done->{campaign_id}, $records += 8);
        $c->sql('update public.global_usernames set used = true');
    };
}

subtest 'killed while it sends' => sub {
    pool(400);
    my (undef, $answer) = $c->post('/api/run-daily',
                                   '{"profiles_per_table":100}');
    wait_for { $c->sim->airtable_ledger->{records} >= $records + 100 } 30,
        'a part of it';
    $c->kill;
    is +($c->post("/api/airtable-sync/$answer->{task_id}", undef,
                  Prefer => 'respond-async'))[1]{operation_id},
        $answer->{task_id}, 'an impatient call of airtable-sync joins it';
    $c->worker;
    my ($status, $done) = ended($answer->{task_id});
    is_deeply [$status, @$done{qw(airtable_synced records_synced)}],
        [200, $true, 400], 'another worker sends the rest';
    $c->whole($done->{campaign_id}, $records += 400);
    is $c->sim->airtable_ledger->{duplicates}, 0, 'nothing twice';
};

subtest 'a token that comes later' => sub {
    $c->stop_worker;
    $c->worker(AIRTABLE_ACCESS_TOKEN => undef);
    pool(4);
    my $before = used();
    my ($status, $answer) = $c->post('/api/run-daily', undef,
                                     Prefer => 'igjobs-sync');
    my $id = $answer->{campaign_id};
    is_deeply [$status, @$answer{qw(airtable_synced cleanup_done)}],
        [200, $false, $true], 'the day counts';
    is_deeply $answer->{errors}, ['Failed to sync Daily_Outreach_Table_01: '
        . 'AIRTABLE_ACCESS_TOKEN environment variable is required.'],
        'and says what is missing';
    is $http->get("/api/job-status/$id")->json->{status}, 'failed',
        'the job has failed';

    $c->stop_worker;
    $c->worker;
    is +($c->post("/api/jobs/$id/redrive", '{}'))[0], 200, 'redriven';
    ($status, $answer) = ended($id);
    is_deeply [@$answer{qw(selected airtable_synced errors)}],
        [4, $true, []], 'it sends what was selected';
    is used(), $before + 4, 'nobody more is used';
    $c->whole($id, $records += 4);
};

subtest 'a schedule' => sub {
    pool(2);
    my ($status, $s) = $c->post('/api/schedules',
        '{"name":"daily","cron":"0 1 * * *","time_zone":"Europe/Berlin",'
        . '"run_daily":{"profiles_per_table":1}}');
    is $status, 201, 'is made';
    $c->sql('update igjobs.schedules set next_at = now()');
    my $job;
    wait_for { $job = $http->get($s->{schedule_url})->json->{last_job_id} } 20,
        'its tick';
    ($status, my $done) = ended($job);
    is "$status $done->{selected}", '200 2', 'runs the day';
    $c->whole($job, $records += 2);
    is_deeply [map { $_->{run_daily} }
               @{ $http->get('/api/schedules')->json->{schedules} }],
        [{ profiles_per_table => 1 }], 'it is listed';
};

$c->finish;
done_testing;
