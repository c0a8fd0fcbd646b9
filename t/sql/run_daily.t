#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# run-daily: its phases, what is left of a step that was repeated, given up or
# redriven, what it answers, and schedules that run it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my $json = JSON::PP->new->utf8->canonical;
my $none = 'No unused profiles available in global_usernames';

$e->sql("update igjobs.settings set value = '3' where name = 'num_va_tables'");

sub pool {
    my ($n, $base) = @_;

    $e->sql('insert into public.global_usernames (base_id, id, username)'
        . " select '" . ($base // 'default_instagram') . "',"
        . " gen_random_uuid(), gen_random_uuid() from generate_series(1, $n)");
    return;
}

sub used { return $e->sql('select count(*) from public.global_usernames'
                          . ' where used') }

# run(profiles_per_table => 2, ...): the job's id
sub run {
    my (%body) = @_;
    my $id = Igjobs::Engine::job_id();
    my $answer = $e->call(api_run_daily =>
        { tenant => 'default', call => $id }, { body => \%body });

    is $answer->{status}, 202, 'accepted';
    return $id;
}

sub api {
    my ($name, @call) = @_;
    my $answer = $e->call("api_$name" => @call);

    return ($answer->{status}, $json->decode($answer->{body}));
}

# what the operation answers: status and body
sub answer {
    my ($id) = @_;

    return api(operation => { tenant => 'default' }, { operation => $id });
}

sub claim { return $e->claim($_[0], kinds => ['operation']) }

# the step of a unit, and the unit's end
sub step {
    my ($c) = @_;
    my $payload = $json->decode($e->sql(
        "select payload from igjobs.batches where job_id = '$c->{job_id}'"
        . " and batch_no = $c->{batch_no}"));

    return $e->call(unit_step => Igjobs::Engine::held($c), $payload->{step},
                    $payload)->{result};
}

sub end {
    my ($c, $result) = @_;

    return $e->call(end_unit => Igjobs::Engine::held($c), $result)->{answer};
}

sub give_up {
    my ($c, $error) = @_;

    $e->call(fail_batch => Igjobs::Engine::held($c), 'dead', $error, 0);
    return;
}

# does units until the job has ended or one of this phase comes up
sub work {
    my ($id, $until) = @_;

    while ((my $c = claim($id))->{answer} eq 'batch') {
        my $phase = $e->sql('select phase from igjobs.batches where job_id ='
            . " '$id' and batch_no = $c->{batch_no}");
        return $c if $phase eq ($until // '');
        end($c, $phase eq 'airtable_sync' ? sent($c) : step($c));
    }
    return;
}

# what the handler of an Airtable unit leaves behind
sub sent {
    my ($c) = @_;

    $e->sql('update public.daily_assignments set synced_status = status,'
        . ' airtable_record_id = \'rec\' || assignment_id'
        . " where campaign_id = '$c->{job_id}' and va_table_number ="
        . ' (select (payload ->> \'table\')::integer from igjobs.batches'
        . " where job_id = '$c->{job_id}' and batch_no = $c->{batch_no})");
    return {};
}

subtest 'a day without Airtable' => sub {
    pool(10);
    my $id = Igjobs::Engine::job_id();
    my ($status, $body) = api(run_daily => { tenant => 'default', call => $id },
                              { body => { profiles_per_table => '2' } });
    is_deeply [$status, @$body{qw(success task_id message)}],
        [202, JSON::PP::true, $id,
         'Daily pipeline queued successfully. Check logs for progress.'],
        'the 202 of the contract';
    is +(answer($id))[0], 202, 'it runs';
    work($id);

    ($status, $body) = answer($id);
    is $status, 200, 'it ends';
    my $seconds = delete $body->{execution_time};
    like $seconds, qr/^\d+(\.\d\d?)?$/, 'seconds, two decimals';
    is_deeply $body, {
        success => JSON::PP::true, campaign_id => $id, selected => 6,
        distributed => JSON::PP::true, airtable_synced => JSON::PP::false,
        airtable_skipped => JSON::PP::true, tables_synced => 0,
        records_synced => 0, campaign_status => JSON::PP::false,
        cleanup_done => JSON::PP::true, errors => [],
    }, 'all steps but Airtable';
    is $e->sql('select string_agg(va_table_number || \'/\' || position, \' \''
        . ' order by va_table_number, position) from public.daily_assignments where campaign_id ='
        . " '$id'"), '1/1 1/2 2/1 2/2 3/1 3/2', 'two a table';
    is used(), 6, 'so many are used';
    is $e->row($id)->{state}, 'completed', 'the job is';

    is +(api(run_daily => { tenant => 'default', call => $id },
             { body => {} }))[0], 202, 'the same call again';
    is used(), 6, 'does nothing';
};

subtest 'another one of the day' => sub {
    my $id = run(campaign_date => '2025-10-14', profiles_per_table => 1);
    my $other = run(profiles_per_table => 1);
    work($_) for $id, $other;

    is +(answer($_))[1]{selected}, $_ eq $id ? 3 : 1, 'takes other profiles'
        for $id, $other;
    is $e->sql('select campaign_date from public.campaigns where campaign_id ='
        . " '$id'"), '2025-10-14', 'of the day that is named';
    is $e->sql('select count(*) - count(distinct id)'
        . ' from public.daily_assignments'), 0, 'nobody twice';
};

subtest 'nothing to select' => sub {
    my $id = run();
    my $c = claim($id);
    is_deeply step($c), { dead => $none }, 'the unit is given up';
    give_up($c, $none);

    my ($status, $body) = answer($id);
    is_deeply [$status, @$body{qw(problem error members)}],
        [400, 'no-unused-profiles', $none,
         { step_failed => 'daily_selection' }], 'the contract\'s 400';
    is $e->sql('select count(*) from public.campaigns where campaign_id ='
        . " '$id'"), 0, 'no campaign is left behind';

    pool(5);
    my ($redriven) = api(redrive => { tenant => 'default' }, { job => $id,
                         body => {} });
    is $redriven, 200, 'later';
    work($id);
    is_deeply [map { $_->[0], @{ $_->[1] }{qw(selected cleanup_done)} }
               [answer($id)]], [200, 5, JSON::PP::true], 'all follows';
    is $e->row($id)->{state}, 'completed', 'completed';
    is $e->row($id)->{total_batches}, 3, 'each step is there once';
};

subtest 'steps that are repeated' => sub {
    pool(20);
    my $before = used();
    my $id = run(profiles_per_table => 2);
    my $c = claim($id);

    is_deeply [map { step($c)->{selected} } 1, 2], [6, 6],
        'selection finds its campaign';
    is used(), $before + 6, 'and takes nobody more';
    is end($c, { selected => 6 }), 'done', 'ends';
    is end($c, { selected => 6 }), 'done', 'once';

    $c = claim($id);
    my @places = map { step($c); places($id) } 1, 2;
    is $places[0], $places[1], 'distribution stays as it is';
    is step($c)->{total_distributed}, 6, 'and tells what it was';

    # the worker of this lease is gone: its steps do nothing
    $e->sql("update igjobs.batches set lease_until = now() - interval '1 s'"
        . " where job_id = '$id' and state = 'leased'");
    $e->call(sweep_job => 'default', $id);
    my $next = claim($id);
    is $e->call(unit_step => Igjobs::Engine::held($c), 'daily_distribution',
                {})->{answer}, 'lost', 'a worker that lost its lease';
    end($next, step($next));
    work($id);
    is +(answer($id))[1]{selected}, 6, 'the day ends as it was meant';
    is used(), $before + 6, 'with these profiles';
};

sub places {
    return $e->sql('select string_agg(id || va_table_number || position, \' \''
        . ' order by id) from public.daily_assignments where campaign_id ='
        . " '$_[0]'");
}

subtest 'a step that fails for good' => sub {
    my $id = run(profiles_per_table => 1);
    end($_, step($_)) for claim($id);
    give_up(claim($id), 'the database refused the step daily_distribution');

    my ($status, $body) = answer($id);
    is_deeply [$status, @$body{qw(problem error members)}],
        [500, 'daily-step-failed',
         'the database refused the step daily_distribution',
         { step_failed => 'distribution', campaign_id => $id }],
        'is named, and the campaign';
    is $e->row($id)->{state}, 'failed', 'the job has failed';

    my $before = used();
    api(redrive => { tenant => 'default' }, { job => $id, body => {} });
    work($id);
    is +(answer($id))[0], 200, 'redriven, it goes on from there';
    is used(), $before, 'and uses nobody more';

    $id = run(profiles_per_table => 1);
    work($id, 'cleanup') and give_up(claim_of($id), 'no room');
    is_deeply [map { $_->[0], @{ $_->[1] }{qw(cleanup_done errors)} }
               [answer($id)]],
        [200, JSON::PP::false, ['Failed to clean up: no room']],
        'a cleanup that fails does not undo the day';
};

# the unit that is leased, as a claim has it
sub claim_of {
    my ($id) = @_;

    return (Igjobs::Engine::answers($e->sql('select row_to_json(t) from'
        . ' (select tenant, job_id, batch_no, attempt from igjobs.batches'
        . " where job_id = '$id' and state = 'leased') t")))[0];
}

subtest 'with Airtable' => sub {
    $e->sql("update igjobs.settings set value = 'appHome'"
        . " where name = 'airtable_base_id'");
    pool(20);
    my $id = run(profiles_per_table => 2);
    work($id);
    my ($status, $body) = answer($id);
    is_deeply [$status, @$body{qw(airtable_synced airtable_skipped
                                  tables_synced records_synced
                                  campaign_status errors)}],
        [200, JSON::PP::true, JSON::PP::false, 3, 6, JSON::PP::true, []],
        'three tables are sent';
    is $e->sql('select status from public.campaigns where campaign_id ='
        . " '$id'"), 't', 'and the campaign says so';

    $id = run(profiles_per_table => 2);
    work($id, 'airtable_sync');
    give_up(claim_of($id), 'INVALID_PERMISSIONS');
    work($id);
    ($status, $body) = answer($id);
    is_deeply [$status, @$body{qw(airtable_synced tables_synced cleanup_done
                                  errors)}],
        [200, JSON::PP::false, 2, JSON::PP::true,
         ['Failed to sync Daily_Outreach_Table_01: INVALID_PERMISSIONS']],
        'a table that fails keeps nothing else from its end';

    my $joined = $e->call(api_airtable_sync =>
        { tenant => 'default', call => Igjobs::Engine::job_id() },
        { campaign => $id, body => {} });
    isnt $joined->{job_id}, $id, 'a call of airtable-sync sends the rest';

    api(redrive => { tenant => 'default' }, { job => $id, body => {} });
    $joined = $e->call(api_airtable_sync =>
        { tenant => 'default', call => Igjobs::Engine::job_id() },
        { campaign => $id, body => {} });
    work($id);
    ($status, $body) = answer($id);
    is_deeply [$status, @$body{qw(airtable_synced tables_synced errors)}],
        [200, JSON::PP::true, 3, []], 'so does a redrive';
    $e->sql("update igjobs.settings set value = ''"
        . " where name = 'airtable_base_id'");
};

subtest 'while it runs' => sub {
    pool(6, 'appTeam');
    my $id = run(profiles_per_table => 1, base_id => ' appTeam ');
    work($id, 'airtable_sync');
    my $joined = $e->call(api_airtable_sync =>
        { tenant => 'default', call => Igjobs::Engine::job_id(),
          base_id => 'appTeam' }, { campaign => $id, body => {} });
    is $joined->{job_id}, $id, 'a call of airtable-sync joins it';
    end($_, sent($_)) for claim_of($id);
    work($id);
    is_deeply [map { @{ $_->[1] }{qw(base_id records_synced)} } [answer($id)]],
        ['appTeam', 3], 'and hears of all records';
};

subtest 'bad requests' => sub {
    my %bad = (
        '{"campaign_date":"soon"}' =>
            "time data 'soon' does not match format '%Y-%m-%d'",
        '{"campaign_date":"2025-02-30"}' =>
            "time data '2025-02-30' does not match format '%Y-%m-%d'",
        (map { ($_ => 'profiles_per_table must be a positive integer') }
         '{"profiles_per_table":0}', '{"profiles_per_table":"x"}',
         '{"profiles_per_table":-1}', '{"profiles_per_table":[]}'),
        '{"base_id":"nonsense"}' => 'Invalid base_id format: nonsense');

    for my $body (sort keys %bad) {
        my ($status, $answer) = api(run_daily =>
            { tenant => 'default', call => Igjobs::Engine::job_id() },
            { body => $json->decode($body) });
        is "$status $answer->{error}", "400 $bad{$body}", $body;
    }
};

sub schedule {
    my ($wish, %more) = @_;

    return api(create_schedule => { tenant => 'default' }, { body => {
        name => 'daily ' . Igjobs::Engine::job_id(), cron => '0 1 * * *',
        run_daily => $wish, %more } });
}

subtest 'schedules' => sub {
    pool(20);
    my ($status, $s) = schedule({ profiles_per_table => 1.5 },
                                time_zone => 'Pacific/Kiritimati');
    is $status, 201, 'a schedule of it';
    is_deeply [@$s{qw(job accounts run_daily)}],
        [undef, 0, { profiles_per_table => 1 }], 'as it was asked for';
    is +(api(create_schedule => { tenant => 'default' }, { body => {
        name => $s->{name}, cron => '0 1 * * *', run_daily =>
        { profiles_per_table => 1 }, time_zone => 'Pacific/Kiritimati' } }))[0],
        200, 'sent again';

    my $tick = '2031-10-14 11:00:00+00';
    $e->sql("update igjobs.schedules set next_at = now() - interval '1 s'"
        . " where schedule_id = '$s->{schedule_id}'");
    my $ticked = $e->call(run_schedule => 'default', $s->{schedule_id});
    is $ticked->{outcome}, 'started', 'a tick starts it';
    is $e->call(run_schedule => 'default', $s->{schedule_id})->{outcome},
        'none', 'once';
    is $e->sql("select request ->> 'campaign_date' =
        (now() at time zone 'Pacific/Kiritimati')::date::text
        from igjobs.operations where job_id = '$ticked->{job_id}'"), 't',
        'for the day that it is there';

    $e->sql("update igjobs.schedules set next_at = now() - interval '1 s'"
        . " where schedule_id = '$s->{schedule_id}'");
    is $e->call(run_schedule => 'default', $s->{schedule_id})->{outcome},
        'overlap', 'not beside itself';
    work($ticked->{job_id});
    is +(answer($ticked->{job_id}))[1]{selected}, 3, 'it is a day like others';

    my ($other) = (schedule({ base_id => 'appTeam' }))[1];
    is_deeply $other->{run_daily}, { base_id => 'appTeam' }, 'of a base';
    $e->sql("update igjobs.schedules set next_at = now() - interval '1 s'"
        . " where schedule_id = '$other->{schedule_id}'");
    $ticked = $e->call(run_schedule => 'default', $other->{schedule_id});
    is $e->sql("select base_id || (request ->> 'profiles_per_table')"
        . " from igjobs.operations where job_id = '$ticked->{job_id}'"),
        'appTeam180', 'with what is usual then';

    is_deeply [map { my ($code, $p) = schedule(@$_); "$code $p->{problem}" }
               [1], [[]], [undef], [{ campaign_date => '2025-01-01' }],
               [{ profiles_per_table => 0 }], [{ base_id => 'x' }],
               [{}, job_id => $ticked->{job_id}]],
        [('400 bad-schedule') x 4, '400 invalid-member', '400 invalid-base-id',
         '400 bad-schedule'], 'what is wrong is told at once';
};

done_testing;
