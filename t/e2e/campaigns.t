#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Campaigns in Airtable: sent once each whatever happens on the way, the cycle
# of an assignment from pending to deleted, and what is said of what did not go.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Igjobs::Campaign;
use Igjobs::Wait;

my $c = Igjobs::Campaign->new(tables => 8);
my $base = Igjobs::Campaign::BASE;
my $records = 0;

sub ledger { return $c->sim->airtable_ledger }

sub faults {
    $c->sim->call('DELETE', '/_sim/faults');
    $c->sim->faults([map { { match => { provider => 'airtable',
        %{ $_->[0] } }, action => $_->[1] } } @_]);
    return;
}

subtest 'a worker without a token' => sub {
    my $id = $c->campaign(1);

    $c->worker(AIRTABLE_ACCESS_TOKEN => undef);
    my ($status, $answer) = $c->post("/api/airtable-sync/$id");
    is $status, 500, 'cannot';
    is $answer->{error},
        'AIRTABLE_ACCESS_TOKEN environment variable is required.', 'and says so';
    $c->stop_worker;
    $c->worker;
    is_deeply [@{ $c->sync($id) }{qw(campaign_status records_synced)}],
        [JSON::PP::true, 1], 'another one can';
    $records = 1;
};

subtest 'seven profiles' => sub {
    my $id = $c->campaign(7, per_table => 5);
    my $answer = $c->sync($id);

    is_deeply $answer, { success => JSON::PP::true, campaign_id => $id,
        tables_synced => 2, records_synced => 7, errors => [],
        campaign_status => JSON::PP::true }, 'are sent to two tables';
    $c->whole($id, $records += 7);
};

subtest 'a worker is killed' => sub {
    $c->stop_worker;
    my $id = $c->killed(1440, 8);
    $c->whole($id, $records += 1440);
    is $c->assigned('count(distinct (va_table_number, position))',
        "campaign_id = '$id'"), 1440, 'each place is taken once';
    is ledger()->{duplicates}, 0, 'nothing is there twice';
};

subtest 'what goes wrong on the way' => sub {
    my $id = $c->campaign(80, per_table => 10);

    faults([{ op => 'upsert', every => 3, times => 2 },
            { drop_after => JSON::PP::true }],
           [{ op => 'upsert', nth => 5 }, { status => { code => 502,
               body => '<html>Bad Gateway</html>' } }]);
    is $c->sync($id)->{records_synced}, 80, 'lost answers, a bad gateway';
    $c->whole($id, $records += 80);

    $id = $c->campaign(20, per_table => 10);
    my ($bad) = split /\n/, $c->assigned('id', "campaign_id = '$id' and"
        . ' va_table_number = 2 and position = 4');
    faults([{ record => $bad }, { status => { code => 422,
                type => 'INVALID_VALUE_FOR_COLUMN' } }]);
    my $answer = $c->sync($id);
    is_deeply [@$answer{qw(tables_synced records_synced campaign_status)}],
        [1, 19, JSON::PP::false], 'one record of ten is refused';
    like $answer->{errors}[0],
        qr/^Failed to sync Daily_Outreach_Table_02: .*INVALID_VALUE.*$bad/,
        'and named' or diag explain $answer;
    faults();
    my $created = ledger()->{created};
    is $c->sync($id)->{records_synced}, 20, 'the next call sends it';
    is ledger()->{created}, $created + 1, 'alone';
    $c->whole($id, $records += 20);

    $id = $c->campaign(20, per_table => 10);
    faults([{ path => '*/Daily_Outreach_Table_02', every => 1 },
            { status => { code => 403,
                type => 'INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND' } }]);
    is_deeply [@{ $c->sync($id) }{qw(tables_synced records_synced)}], [1, 10],
        'a table that was renamed keeps no other one back';
    faults();
    is $c->sync($id)->{records_synced}, 20, 'nor is its base closed';
    $c->whole($id, $records += 20);
};

subtest 'too many requests' => sub {
    my $id = $c->campaign(30, per_table => 10);

    faults([{ op => 'upsert', nth => 2 }, { status => { code => 429,
        type => 'RATE_LIMIT_REACHED' } }]);
    my ($operation, $r) = (($c->post("/api/airtable-sync/$id", undef,
        Prefer => 'respond-async'))[1]);
    wait_for { $c->sql('select count(*) from igjobs.batches where job_id ='
        . " '$operation->{job_id}' and state = 'queued' and not_before > now()"
        . " + interval '10 s'") } 10, 'the fleet to keep silence';
    is $c->sql('select state from igjobs.airtable_bases'), 'frozen',
        'for half a minute';
    is ledger()->{bases}{$base}{refused}, 0, 'nobody asked too often before';
    faults();

    $c->sql("select igjobs.airtable_thaw('$base')");
    $c->sql('update igjobs.batches set not_before = now() where job_id ='
        . " '$operation->{job_id}' and state = 'queued'");
    wait_for { $r = $c->stack->client->get($operation->{result_url});
               $r->{status} != 202 } 20, 'the sync to end';
    is $r->json->{records_synced}, 30, 'then it goes on';
    is $c->sql("select max(failures) from igjobs.batches where job_id ="
        . " '$operation->{job_id}'"), 0, 'which was no failure';
    $c->whole($id, $records += 30);
};

subtest 'all calls at once' => sub {
    my $id = $c->campaign(60, per_table => 20);
    my @running = map { ($c->post($_, undef, Prefer => 'respond-async'))[1] }
        "/api/airtable-sync/$id", '/api/sync-airtable-statuses',
        '/api/mark-unfollow-due', '/api/delete-completed-after-delay',
        "/api/airtable-sync/$id";

    is $running[0]{operation_id}, $running[4]{operation_id},
        'the same call twice is one operation';
    for my $operation (@running) {
        my $r;
        wait_for { $r = $c->stack->client->get(
                       "/api/operations/$operation->{operation_id}");
                   $r->{status} != 202 } 20, 'an operation to end';
        is_deeply $r->json->{errors}, [], 'one has ended';
    }
    $c->whole($id, $records += 60);
};

subtest 'what the former system left' => sub {
    my $table = 'Daily_Outreach_Table_03';
    my $id = $c->sql('insert into public.campaigns (campaign_date) values'
        . " ('2025-10-14') returning campaign_id");

    $c->sql('insert into public.daily_assignments (campaign_id, id, username,'
        . " va_table_number, position) select '$id', 'f' || n, 'former_' || n,"
        . ' 3, n from generate_series(1, 5) n');
    $c->sim->airtable('add', { base => $base, table => $table, fields => {
        id => "f$_", username => "former_$_", position => $_ + 0,
        progress_status => 'followed' } }) for 1, 2, 2, 3;
    my $answer = $c->good('/api/sync-airtable-statuses');
    is_deeply [@$answer{qw(synced_count errors)}], [3,
        ["Failed to sync $table: the profile has another record (1 record)"]],
        'its records are found';

    my $created = ledger()->{created};
    is_deeply [@{ $c->sync($id) }{qw(records_synced campaign_status)}],
        [5, JSON::PP::true], 'the campaign is sent';
    is ledger()->{created}, $created + 2, 'as far as it was not there';
    is $c->assigned("string_agg(status, ' ' order by position)",
        "campaign_id = '$id'"), 'followed followed followed pending pending',
        'and nobody\'s work is undone';
    $c->sim->airtable('delete', { base => $base,
                                  ids => [map { "f$_" } 1 .. 5] });
    $c->sql("delete from public.daily_assignments where campaign_id = '$id'");
};

subtest 'from pending to deleted' => sub {
    my $id = $c->campaign(24, per_table => 12);
    my $of = "campaign_id = '$id'";
    $c->sync($id);
    my @ids = split /\n/, $c->assigned('id', "$of order by id");

    $c->person(\@ids, 'followed');
    $c->sim->airtable('set', { base => $base, ids => [$ids[0]],
                               set => { progress_status => 'soon' } });
    faults([{ op => 'list', offset_from => 1, nth => 1 }, { status => {
        code => 422, type => 'LIST_RECORDS_ITERATOR_NOT_AVAILABLE' } }]);
    my $answer = $c->good('/api/sync-airtable-statuses');
    is $answer->{synced_count}, 23, 'what people did comes back';
    is_deeply [map { s/_\d\d:/_nn:/r } @{ $answer->{errors} }],
        ['Failed to sync Daily_Outreach_Table_nn: unknown progress_status'
         . ' "soon" (1 record)'], 'a word that is none is named';
    is_deeply $c->good('/api/mark-unfollow-due'), {
        success => JSON::PP::true, marked_count => 0, errors => [] },
        'nothing is due yet';

    $c->age('assigned_at', '7 days', $of);
    faults([{ op => 'update', every => 1 }, { status => { code => 403,
        type => 'INVALID_PERMISSIONS' } }]);
    $answer = $c->good('/api/mark-unfollow-due');
    is_deeply [@$answer{qw(marked_count airtable_updated)}], [23, 0],
        'due after seven days; Airtable does not take it';
    is scalar @{ $answer->{errors} }, 2, 'for two tables';
    faults();
    $answer = $c->good('/api/mark-unfollow-due');
    is_deeply [@$answer{qw(marked_count airtable_updated)}], [0, 23],
        'the next call brings it there';
    my $there = $c->in_airtable;
    is scalar(grep { $_->{record}{fields}{progress_status} eq 'unfollow' }
              map { $there->{$_} } @ids), 23, 'they are to be unfollowed';

    $c->person([@ids[1 .. 20]], 'completed');
    is $c->good('/api/sync-airtable-statuses')->{synced_count}, 20,
        'people have done it';
    ok !exists $c->good('/api/delete-completed-after-delay')
        ->{airtable_deleted}, 'nothing is deleted yet';
    $c->age('updated_at', '24 hours', $of);
    $c->sim->airtable('delete', { base => $base, ids => [$ids[1]] });
    is_deeply $c->good('/api/delete-completed-after-delay'), {
        success => JSON::PP::true, deleted_count => 20,
        airtable_deleted => 20, errors => [] }, 'after a day they are';
    is $c->assigned('count(*)', $of), 4, 'here';
    is ledger()->{records}, $records += 4, 'and there';
};

$c->finish;
done_testing;
