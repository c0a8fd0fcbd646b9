#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Bases of teams: tables are made where they are missing, what is there and what
# is not, what is refused and how often one may ask.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Igjobs::Campaign;
use Igjobs::Http;
use Igjobs::Wait;

my $c = Igjobs::Campaign->new(tables => 0);
my $base = Igjobs::Campaign::BASE;
my ($true, $false) = (JSON::PP::true, JSON::PP::false);
$c->set(num_va_tables => 80, create_base_per_hour => 100,
        verify_base_per_hour => 100);
$c->worker;

sub body { return JSON::PP->new->canonical->encode({@_}) }

sub create { return $c->post('/api/airtable/create-base', body(@_)) }
sub verify { return $c->post('/api/airtable/verify-base', body(@_)) }

sub tables { return map { sprintf 'Daily_Outreach_Table_%02d', $_ } @_ }

# the tables of a base, by name, as Airtable describes them
sub schema {
    my ($of) = @_;
    my $http = Igjobs::Http->new($c->sim->port);

    return map { $_->{name} => $_ } @{ $http->request(
        'GET', "/v0/meta/bases/$of/tables",
        headers => [Authorization => 'Bearer pat-test'])->json->{tables} };
}

sub faults {
    $c->sim->call('DELETE', '/_sim/faults');
    $c->sim->faults([map { { match => { provider => 'airtable',
        %{ $_->[0] } }, action => $_->[1] } } @_]);
    return;
}

subtest 'a base is set up' => sub {
    my ($status, $answer) = create(
        airtable_link => "https://airtable.com/$base/tblX/viwY?blocks=hide",
        num_vas => 12, base_name => 'Team A', platform => 'tiktok');
    my %there = schema($base);
    my %id = map { $_ => $there{$_}{id} } tables(1 .. 12);

    is $status, 200, 'from a link of the browser';
    is_deeply $answer, { success => $true, base_id => $base,
        base_name => 'Team A', tables_created => 12, tables_skipped => 0,
        tables_failed => 0, total_tables => 12, table_ids => \%id,
        failed_tables => [], message => 'Created 12 tables, skipped 0 that'
            . ' exist, failed 0.' }, 'all of its tables are made'
        or diag explain $answer;
    my ($field) = grep { $_->{name} eq 'progress_status' }
        @{ $there{(tables(1))[0]}{fields} };
    is_deeply [map { $_->{name} } @{ $field->{options}{choices} }],
        [qw(pending followed unfollow unfollowed completed)],
        'with the choice that igjobs writes';
    is $c->sql("select num_vas, platform, influencer_name, status from"
        . " public.scraping_jobs where airtable_base_id = '$base'"),
        '12|tiktok|Team A|active', 'and noted';
    is $c->sql("select igjobs.table_count('default', '$base')"), 12,
        'campaigns know how many they are';
};

subtest 'a base that is set up already' => sub {
    my ($status, $answer) = create(base_id => $base);
    my $job = $c->sql("select job_id from public.scraping_jobs where"
        . " airtable_base_id = '$base'");

    is $status, 409, 'is refused';
    is $answer->{error}, 'duplicate_base_id', 'in one word';
    ok $answer->{message}, 'and in words for people';
    is_deeply $answer->{existing_job}, { job_id => $job,
        influencer_name => 'Team A', platform => 'tiktok' }, 'whose it is';
};

subtest 'verify' => sub {
    my ($status, $answer) = verify(base_id => $base);

    is $status, 200, 'as many tables as were set up';
    is_deeply $answer, { success => $true, base_id => $base, valid => $true,
        tables_found => 12, tables_expected => 12, missing_tables => [],
        extra_tables => [], missing_fields => {} }, 'are there'
        or diag explain $answer;

    my ($four) = tables(4);
    $c->sim->airtable('drop', { base => $base, table => $four });
    (undef, $answer) = verify(base_id => $base, num_vas => 10);
    is_deeply [@$answer{qw(valid tables_found tables_expected missing_tables
                           extra_tables)}],
        [$false, 11, 10, [$four], [tables(11, 12)]],
        'one is missing, two are too many' or diag explain $answer;
};

subtest 'some tables cannot be made' => sub {
    my $other = 'appOther000000001';

    faults([{ op => 'create_table', nth => 2 }, { drop_after => $true }],
           [{ op => 'create_table', nth => 4 }, { status => {
               code => 422, type => 'INVALID_REQUEST_UNKNOWN' } }]);
    my ($status, $answer) = create(base_id => $other, num_vas => 6);
    is $status, 500, 'then not all is well';
    my ($failed) = @{ $answer->{failed_tables} };
    is_deeply [@$answer{qw(success tables_created tables_failed)}],
        [$false, 5, 1], 'one is missing, whose answer was lost is not'
        or diag explain $answer;
    like $answer->{error},
        qr/^create table $other\/$failed: HTTP 422 INVALID_REQUEST_UNKNOWN/,
        'with what Airtable said';
    is $c->sql("select count(*) from public.scraping_jobs where"
        . " airtable_base_id = '$other'"), 0, 'nothing is noted';
    faults();
    ($status, $answer) = create(base_id => $other, num_vas => 6);
    is $status, 200, 'the next call';
    is_deeply [@$answer{qw(tables_created tables_skipped)}], [1, 5],
        'makes what is missing' or diag explain $answer;
    is keys %{ { schema($other) } }, 6, 'nothing is there twice';
};

subtest 'a worker is killed' => sub {
    my $of = 'appKilled00000001';
    my $made = sub { scalar keys %{ $c->sim->airtable_ledger->{bases}{$of}
                                    {tables} // {} } };
    my ($status, $started) = $c->post(
        '/api/airtable/create-base', body(base_id => $of, num_vas => 60),
        Prefer => 'respond-async');

    is $status, 202, 'sixty tables are to be made';
    wait_for { $made->() >= 10 } 30, 'ten of them';
    $c->kill;
    cmp_ok $made->(), '<', 60, 'its worker was killed in the middle';
    $c->worker;
    my $r;
    wait_for { $r = $c->stack->client->get($started->{result_url});
               $r->{status} != 202 } 60, 'the end';
    is_deeply [@{ $r->json }{qw(success tables_created failed_tables)}],
        [$true, 60, []], 'another one has made the rest'
        or diag explain $r->json;
    is scalar(keys %{ { schema($of) } }), 60, 'none is there twice';
};

subtest 'what is wrong with a base' => sub {
    my $closed = 'appClosed00000001';

    faults([{ op => 'schema' }, { status => { code => 403,
               type => 'INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND' } }]);
    my ($status, $answer) = create(base_id => $closed);
    is "$status $answer->{code}", '500 IGJ1406', 'a base of others';
    like $answer->{error}, qr/^schema $closed: HTTP 403 INVALID_PERMISSIONS/,
        'says why' or diag explain $answer;
    ($status, $answer) = verify(base_id => $closed);
    is "$status $answer->{code}", '500 IGJ1406', 'nor can it be looked at';
    faults();

    for my $case (
        [{}, 'base_id or airtable_link is required'],
        [{ base_id => 'app1' }, 'Invalid base_id format: app1'],
        [{ base_id => 'default_instagram' },
         'Invalid base_id format: default_instagram'],
        [{ airtable_link => 'https://example.org/appTeam0000000001' },
         'Could not extract base_id from airtable_link:'
         . ' https://example.org/appTeam0000000001'],
        map { [{ base_id => $closed, num_vas => $_ },
               'num_vas must be an integer between 1 and 200'] }
            0, 201, 1.5, '"80"', [],
    ) {
        my ($members, $error) = @$case;
        ($status, $answer) = create(%$members);
        is "$status $answer->{error}", "400 $error", $error;
    }
    is_deeply [($c->post('/api/airtable/verify-base', '{}',
        'X-Base-Id' => 'app-1'))[0]], [400], 'a header that is none';
    is_deeply [($c->post('/api/airtable/verify-base', '{}',
        'X-Base-Id' => $base))[0]], [200], 'a header';
};

subtest 'how often' => sub {
    my $http = $c->stack->client;
    my $made = $c->sql("select count(*) from igjobs.operations where name ="
        . " 'create_base'");

    $c->set(create_base_per_hour => $made);
    my $r = $http->post_json('/api/airtable/create-base',
                             { base_id => 'appNew00000000001' });
    is $r->{status}, 429, 'no more in this hour';
    is $r->json->{error}, "Rate limit exceeded: $made per 1 hour", 'says so';
    ok $r->header('retry-after') > 3000 && $r->header('retry-after') <= 3600,
        'and when there may be';
    is +($c->post('/api/airtable/create-base', body(base_id => $base)))[0],
        409, 'what needs no call is answered';
    is +(verify(base_id => $base))[0], 200, 'other calls have other limits';
    $c->sql("update igjobs.operations set created_at = created_at -"
        . " interval '2 hours' where name = 'create_base'");
    is +(create(base_id => 'appNew00000000001', num_vas => 1))[0], 200,
        'later it may be asked again';
};

$c->finish;
done_testing;
