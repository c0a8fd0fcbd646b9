#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Assignments and their records in Airtable, without Airtable: which units are
# made, which rows they hand out, what becomes of what a worker tells of them,
# and what the calls answer in the end.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my $json = JSON::PP->new->utf8->canonical;
our $base = 'appTeam1';
my $number = 0;

$e->sql("update igjobs.settings set value = 'appHome' where name ="
    . " 'airtable_base_id'");

# api($name, $params, %caller): status, body, and the job that it started
sub api {
    my ($name, $params, %caller) = @_;
    my $answer = $e->call("api_$name" => {
        tenant => 'default', base_id => $base,
        call => Igjobs::Engine::job_id(), %caller }, $params);

    return ($answer->{status}, $json->decode($answer->{body}),
            $answer->{job_id});
}

# campaign($rows, per_table => 3, base => ...): a distributed one, its id
sub campaign {
    my ($rows, %option) = @_;
    my $per = $option{per_table} // 3;
    my $own = $option{base} // $base;
    my $from = $number + 1;

    $number += $rows;
    return $e->sql(<<"END");
with c as (
    insert into public.campaigns (campaign_date, distribution, base_id,
        total_assigned)
    values ('2025-10-14', '{}', '$own', $rows) returning campaign_id)
, a as (
    insert into public.daily_assignments (campaign_id, base_id, id, username,
        full_name, va_table_number, position)
    select c.campaign_id, '$own', n, 'u' || n, 'Name ' || n,
        (n - $from) / $per + 1, (n - $from) % $per + 1
    from c, generate_series($from, $number) n)
select campaign_id from c
END
}

sub assigned { return $e->sql("select $_[0] from public.daily_assignments"
    . ($_[1] ? " where $_[1]" : '')) }

sub units {
    my ($job) = @_;

    return map { $json->decode($_) } split /\n/, $e->sql(
        "select payload from igjobs.batches where job_id = '$job' order by"
        . ' batch_no');
}

sub claim { return $e->claim($_[0], kinds => ['operation']) }

sub step {
    my ($c, $step, $args) = @_;
    my $answer = $e->call(unit_step => Igjobs::Engine::held($c), $step,
                          $args // {});

    is $answer->{answer}, 'ok', "step $step" if $answer->{answer} ne 'ok';
    return $answer->{result};
}

sub finish {
    my ($c) = @_;

    return $e->call(end_unit => Igjobs::Engine::held($c), {})->{answer};
}

# done($rows): what a worker tells of rows that Airtable took
sub done {
    my ($rows, %fault) = @_;

    return { after => $rows->[-1]{after}, done => [map {
        $fault{ $_->{id} // '' }
            ? { assignment => $_->{assignment}, problem => $fault{ $_->{id} } }
            : { assignment => $_->{assignment}, status => $_->{status},
                record => $_->{record} // "rec$_->{id}" } } @$rows] };
}

# send_all($c, %fault): what the worker does with a unit of airtable_sync
sub send_all {
    my ($c, %fault) = @_;
    my ($args, @sent) = {};

    while (my @rows = @{ step($c, 'sync_rows', $args)->{rows} }) {
        push @sent, map { $_->{id} } @rows;
        $args = done(\@rows, %fault);
    }
    finish($c);
    return @sent;
}

sub answer { my ($status, $body) = api(operation => { operation => $_[0] });
             return ($status, $body) }

subtest 'what is refused at once' => sub {
    my $campaign = campaign(0);
    my $none = Igjobs::Engine::job_id();

    for my $id ($none, 'nothing') {
        my ($status, $body) = api(airtable_sync => { campaign => $id });
        is $status, 404, 'no such campaign';
        is $body->{error}, "Campaign $id not found for base_id=$base",
            'which it says';
    }
    my (undef, $body) = api(airtable_sync => { campaign => $none },
                            base_id => undef);
    is $body->{error}, "Campaign $none not found", 'without the base';
    is +(api(airtable_sync => { campaign => campaign(1) },
             tenant => 'other'))[0], 404, 'another tenant';
    is +(api(airtable_sync => { campaign => $campaign },
             base_id => 'appOther'))[0], 404, 'another base';
    is_deeply [(api(airtable_sync => { campaign => $campaign }))[0, 1]],
        [400, { problem => 'campaign-not-distributed' }], 'no tables yet';
    is_deeply [(api(airtable_sync => { campaign => campaign(1), body =>
        { airtable_base_id => 'tbl1' } }))[0, 1]],
        [400, { problem => 'invalid-base-id', pointer => '#/airtable_base_id',
                error => 'Invalid base_id format: tbl1' }], 'no base at all';
    is +(api($_ => {}, base_id => 'x'))[0], 400, "$_ of a wrong base"
        for qw(sync_statuses mark_unfollow_due delete_completed);
};

subtest 'a campaign is sent' => sub {
    my $campaign = campaign(26, per_table => 12);
    my ($status, $body, $job) = api(airtable_sync =>
                                        { campaign => $campaign });

    is $status, 202, 'accepted';
    is $body->{operation_id}, $job, 'as an operation';
    is_deeply [map { [@$_{qw(do table airtable_base look)}] } units($job)],
        [map { ['airtable_sync', $_, $base, JSON::PP::false] } 1 .. 3],
        'a unit for each table';
    my $c = claim($job);
    my $first = step($c, 'sync_rows')->{rows};
    is scalar @$first, 10, 'ten rows at once';
    is_deeply $first->[0], {
        assignment => $first->[0]{assignment}, record => undef,
        id => $number - 25, username => 'u' . ($number - 25),
        full_name => 'Name ' . ($number - 25), position => 1, after => 1,
        date => '2025-10-14', status => 'pending' }, 'with all fields';
    is_deeply step($c, 'sync_rows')->{rows}, $first,
        'the same ten, until they are told to be done';
    my $rest = step($c, 'sync_rows', done($first))->{rows};
    is_deeply [map { $_->{position} } @$rest], [11, 12], 'then the rest';
    is_deeply step($c, 'sync_rows', done($first))->{rows}, $rest,
        'a repeat changes nothing';
    is_deeply step($c, 'sync_rows', done($rest))->{rows}, [], 'all';
    is finish($c), 'done', 'the unit ends';

    is_deeply [api(airtable_sync => { campaign => $campaign })]->[2], $job,
        'another call joins the one that runs';
    is send_all(claim($job)), 12, 'the second table';
    is_deeply [(answer($job))[0]], [202], 'not yet';
    is send_all(claim($job)), 2, 'the third table';
    is_deeply [answer($job)], [200, {
        success => JSON::PP::true, campaign_id => $campaign,
        tables_synced => 3, records_synced => 26, errors => [],
        campaign_status => JSON::PP::true, base_id => $base }], 'the answer';
    is $e->sql("select status, airtable_base_id from public.campaigns where"
        . " campaign_id = '$campaign'"), "t|$base", 'of the campaign, too';
    is $e->doc($job)->{status}, 'completed', 'the job has completed';

    (undef, undef, my $again) = api(airtable_sync =>
                                        { campaign => $campaign });
    isnt $again, $job, 'a further call';
    is_deeply [units($again)], [], 'has nothing to do';
    is_deeply [answer($again)], [answer($job)], 'and answers the same';
    is assigned('count(distinct updated_at)',
                "campaign_id = '$campaign'"), 1, 'which is no change of them';
};

subtest 'what is missing is sent, nothing else' => sub {
    my $campaign = campaign(6);
    my (undef, undef, $job) = api(airtable_sync => { campaign => $campaign });
    my $second = $number - 4;
    send_all(claim($job), $second => 'no such choice');
    $e->fail(claim($job), 'dead', 'no table');

    is_deeply [answer($job)], [200, {
        success => JSON::PP::true, campaign_id => $campaign,
        tables_synced => 0, records_synced => 2,
        campaign_status => JSON::PP::false, base_id => $base, errors => [
            "Failed to sync Daily_Outreach_Table_01: no such choice (id"
                . " $second)",
            'Failed to sync Daily_Outreach_Table_02: no table'] }],
        'errors are told';
    is $e->doc($job)->{status}, 'failed', 'the job has failed';
    is assigned('airtable_error', "id = '$second'"), 'no such choice',
        'with the assignment, too';

    (undef, undef, $job) = api(airtable_sync => { campaign => $campaign });
    is_deeply [map { $_->{look} } units($job)],
        [JSON::PP::true, JSON::PP::true], 'Airtable is looked at first';
    is_deeply [send_all(claim($job))], [$second], 'the refused one';
    is_deeply [send_all(claim($job))], [$number - 2 .. $number],
        'and the missing table';
    my (undef, $body) = answer($job);
    is_deeply [@$body{qw(tables_synced records_synced campaign_status)}],
        [2, 6, JSON::PP::true], 'now it is whole';
};

subtest 'tables that are distributed meanwhile' => sub {
    my $campaign = campaign(3);
    my (undef, undef, $job) = api(airtable_sync => { campaign => $campaign });
    my $c = claim($job);

    $e->sql('insert into public.daily_assignments (campaign_id, base_id, id,'
        . " username, va_table_number, position) values ('$campaign', '$base',"
        . " 'late', 'late', 2, 1)");
    send_all($c);
    is_deeply [map { $_->{table} } units($job)], [1, 2], 'are sent, too';
    is_deeply [send_all(claim($job))], ['late'], 'in a second phase';
    is +(answer($job))[1]{records_synced}, 4, 'and counted';
};

subtest 'bases' => sub {
    my $campaign = campaign(1, base => 'default_instagram');
    my %nobody = (base_id => undef);
    my $call = sub { return (api(airtable_sync => {
        campaign => $campaign, body => $_[0] }, %nobody))[0, 1, 2] };
    my $first = sub { my @units = units($_[0]);
                      return @units ? $units[0]{airtable_base} : undef };

    my (undef, undef, $job) = $call->({});
    is $first->($job), 'appHome', 'that of the settings';
    my ($status, $body) = $call->({ airtable_base_id => 'appOther' });
    is $status, 202, 'another one meanwhile';
    is_deeply [send_all(claim($job))], [], 'the first sends nothing more';
    my (undef, $old) = answer($job);
    ok !exists $old->{base_id}, 'a request without base';
    is_deeply $old->{errors}, ['Failed to sync Daily_Outreach_Table_01: the'
        . ' campaign is no longer there'], 'and says why';
    is assigned('airtable_record_id', "campaign_id = '$campaign'"), '',
        'a campaign that moves to another Airtable base has no records there';
    (undef, undef, my $moved) = $call->({});
    is $first->($moved), 'appOther', 'the campaign remembers where it is';
    $e->call(stop_job => 'default', $_, 'cancel') for $job, $moved;

    $e->sql("update igjobs.settings set value = '' where name ="
        . " 'airtable_base_id'");
    $campaign = campaign(1, base => 'default_instagram');
    is_deeply [($call->({}))[0, 1]],
        [500, { problem => 'airtable-base-missing' }], 'none anywhere';
    is_deeply [($call->({ airtable_base_id => '' }))[0]], [400],
        'none where one is meant to be given';
    is +(api($_ => {}, %nobody))[1]{problem}, $_ eq 'delete_completed'
        ? undef : 'airtable-base-missing', $_
        for qw(sync_statuses delete_completed);
    $e->sql("update igjobs.settings set value = 'appHome' where name ="
        . " 'airtable_base_id'");
};

subtest 'statuses come back' => sub {
    local $base = 'appBack';
    my $campaign = campaign(8, per_table => 8);
    my ($a, $b, $c, $d) = $number - 7 .. $number - 4;
    $e->sql("update public.daily_assignments set airtable_record_id = 'rec' ||"
        . " id, synced_status = 'pending' where campaign_id = '$campaign' and"
        . " id::int < $d");
    $e->sql("update public.daily_assignments set status = 'unfollow' where"
        . " id = '$c'");

    my (undef, undef, $job) = api(sync_statuses => {});
    is_deeply [map { [@$_{qw(do table airtable_base)}] } units($job)],
        [['airtable_statuses', 1, $base]], 'tables that have assignments';
    my $unit = claim($job);
    my $asked = step($unit, 'sheet_records', { first => JSON::PP::true,
        records => [] })->{asked};
    my $page = { asked => $asked, records => [
        { record => "rec$a", id => $a, word => 'followed' },
        { record => "rec$b", id => $b, word => 'Followed!' },
        { record => "rec$c", id => $c, word => 'pending' },
        { record => 'recNew', id => $d, word => 'to_unfollow' },
        { record => 'recOlder', id => $d, word => 'pending' },
        { record => 'recNobody', id => 'nobody', word => 'completed' },
        { record => 'recAgain', id => $a, word => 'completed' },
        { record => 'recEmpty', id => $d + 1 } ] };
    step($unit, 'sheet_records', $page);
    step($unit, 'sheet_records', { %$page, first => JSON::PP::true });
    is assigned("string_agg(concat_ws(' ', id::int - $a, status,"
            . " synced_status, airtable_record_id), ', ' order by id::int)",
            "campaign_id = '$campaign' and id::int <= $d + 1"),
        "0 followed followed rec$a, 1 pending pending rec$b,"
        . " 2 unfollow pending rec$c, 3 unfollow unfollow recNew,"
        . ' 4 pending recEmpty', 'changes of people are taken over';
    finish($unit);
    is_deeply [answer($job)], [200, {
        success => JSON::PP::true, synced_count => 2, base_id => $base,
        errors => [map { "Failed to sync Daily_Outreach_Table_01: $_" }
            'the profile has another record (2 records)',
            'unknown progress_status "Followed!" (1 record)'] }],
        'the answer';

    # what was asked for before something was written says nothing of it
    my $again = claim((api(sync_statuses => {}))[2]);
    $asked = step($again, 'sheet_records', { records => [] })->{asked};
    $e->sql("update public.daily_assignments set synced_status = 'unfollow',"
        . " synced_at = clock_timestamp() where id = '$c'");
    step($again, 'sheet_records', { asked => $asked, records => [
        { record => "rec$c", id => $c, word => 'pending' }] });
    is assigned('status', "id = '$c'"), 'unfollow', 'an old page';
};

subtest 'followed ones are due' => sub {
    local $base = 'appDue';
    my $campaign = campaign(13, per_table => 20);
    my $table0 = $number;
    $e->sql("update public.daily_assignments set airtable_record_id = 'rec' ||"
        . " id, synced_status = 'followed', status = 'followed', assigned_at ="
        . " now() - interval '7 days' where campaign_id = '$campaign'");
    $e->sql('update public.daily_assignments set va_table_number = 0, position'
        . " = 0 where id = '$table0'");
    $e->sql('update public.daily_assignments set airtable_record_id = null'
        . " where id = '" . ($number - 1) . "'");
    $e->sql("update public.daily_assignments set assigned_at = now() - interval"
        . " '167 hours' where id = '" . ($number - 2) . "'");

    my $call = Igjobs::Engine::job_id();
    my (undef, undef, $job) = api(mark_unfollow_due => {}, call => $call);
    is $job, $call, 'an operation';
    is +(api(mark_unfollow_due => {}, call => $call))[2], $call,
        'the same call again is the same operation';
    my $c = claim($job);
    is_deeply step($c, 'mark_due'), { more => JSON::PP::false },
        'the database first' for 1 .. 2;
    is assigned('count(*)', "campaign_id = '$campaign' and status ="
        . " 'unfollow'"), 12, 'those that are due';
    finish($c);
    is_deeply [map { [@$_{qw(do table look)}] } (units($job))[1]],
        [['airtable_unfollow', 1, JSON::PP::true]], 'then a table';
    $c = claim($job);
    my $rows = step($c, 'unfollow_rows', { looked => JSON::PP::true })->{rows};
    is scalar @$rows, 10, 'those with a record';
    my $gone = pop @$rows;
    my $bad = pop @$rows;
    my %done = (%{ done($rows) }, gone => [$gone->{assignment}]);
    push @{ $done{done} },
        { assignment => $bad->{assignment}, problem => 'no' };
    $done{after} = $gone->{after};
    is_deeply step($c, 'unfollow_rows', \%done)->{rows}, [], 'all';
    finish($c);
    my (undef, $body) = answer($job);
    is_deeply [@$body{qw(marked_count airtable_updated)}], [12, 8],
        'the answer';
    like $body->{errors}[0],
        qr/^Failed to update Daily_Outreach_Table_01: no \(id \d+\)$/,
        'and what was refused';

    (undef, undef, $job) = api(mark_unfollow_due => {});
    $c = claim($job);
    $rows = step($c, 'unfollow_rows')->{rows};
    is_deeply [map { $_->{assignment} } @$rows], [$bad->{assignment}],
        'the next call takes it up';
    step($c, 'unfollow_rows', done($rows));
    finish($c);
    (undef, $body) = answer($job);
    is_deeply [@$body{qw(marked_count airtable_updated)}], [0, 1], 'alone';
    is_deeply [answer((api(mark_unfollow_due => {}))[2])], [200, {
        success => JSON::PP::true, marked_count => 0, errors => [],
        base_id => $base }], 'nothing is due';
};

subtest 'completed ones are deleted' => sub {
    local $base = 'appDelete';
    my $campaign = campaign(6, per_table => 20);
    my ($table0, $no_record, $young) = ($number, $number - 1, $number - 2);
    $e->sql("update public.daily_assignments set airtable_record_id = 'rec' ||"
        . " id, synced_status = 'completed', status = 'completed', updated_at ="
        . " now() - interval '24 hours' where campaign_id = '$campaign'");
    $e->sql('update public.daily_assignments set va_table_number = 0, position'
        . " = 0, updated_at = now() - interval '2 days' where id = '$table0'");
    $e->sql('update public.daily_assignments set airtable_record_id = null'
        . " where id = '$no_record'");
    $e->sql("update public.daily_assignments set updated_at = now() - interval"
        . " '23 hours' where id = '$young'");

    my (undef, undef, $job) = api(delete_completed => {});
    is assigned('count(*)', "campaign_id = '$campaign'"), 5,
        'what is in no table goes at once';
    my $c = claim($job);
    my $rows = step($c, 'delete_rows', { looked => JSON::PP::true })->{rows};
    is scalar @$rows, 3, 'those in Airtable';
    is assigned('count(*)', "campaign_id = '$campaign'"), 4,
        'what has no record goes, too';
    $_->{id} = $_->{assignment} for @$rows;
    my $told = done($rows, $rows->[1]{id} => 'no');
    is_deeply step($c, 'delete_rows', $told)->{rows}, [], 'all';
    is_deeply step($c, 'delete_rows', $told)->{rows}, [], 'told again';
    finish($c);
    my (undef, $body) = answer($job);
    is_deeply [@$body{qw(deleted_count airtable_deleted)}], [4, 2],
        'the answer';
    like $body->{errors}[0],
        qr/^Failed to delete from Daily_Outreach_Table_01: no \(id \d+\)$/,
        'and what was refused';
    is assigned('count(*)', "campaign_id = '$campaign'"), 2,
        'only what Airtable has deleted';
    $e->sql("delete from public.daily_assignments where campaign_id ="
        . " '$campaign'");
    is_deeply [answer((api(delete_completed => {}))[2])], [200, {
        success => JSON::PP::true, deleted_count => 0, errors => [],
        base_id => $base }], 'nothing is due';
};

subtest 'a worker without a token' => sub {
    my (undef, undef, $job) = api(airtable_sync => { campaign => campaign(1) });

    $e->fail(claim($job), 'dead',
             'AIRTABLE_ACCESS_TOKEN environment variable is required.');
    is_deeply [answer($job)], [500, { problem => 'airtable-token-missing' }],
        'is told';
};

# units of different operations meet in a sheet: nobody waits in a circle
subtest 'several assignments are locked in the order of their keys' => sub {
    my $id = campaign(3);
    my @keys = split /\n/, assigned('assignment_id', "campaign_id = '$id'"
        . ' order by assignment_id');
    my ($first, $behind, $third) = map { $e->session } 1 .. 3;
    my $lock = sub { "select from public.daily_assignments where"
        . " assignment_id = '$_[0]' for no key update" };

    $first->run('begin');
    $first->run($lock->($keys[0]));
    $behind->send("select igjobs.lock_assignments('default', '{"
                  . join(',', reverse @keys) . "}')");
    $behind->wait_blocked;
    unlike $third->try($lock->($_) . ' nowait'), qr/ERROR/,
        'who waits for the first has none behind it' for @keys[1, 2];
    $first->run('commit');
    $behind->wait;
};

done_testing;
