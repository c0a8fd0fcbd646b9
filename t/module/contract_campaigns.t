#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The campaign calls as clients of the original send them, in the order of a
# day: with and without body and content type, from pages of other origins,
# with methods that they do not take; and each error text as it was written.

use strict;
use warnings;
use JSON::PP ();
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../e2e/lib";
use Igjobs::Campaign;
use Igjobs::Wait;

my $c = Igjobs::Campaign->new(tables => 2);
my $base = Igjobs::Campaign::BASE;
my $http = $c->stack->client;
my ($true, $false) = (JSON::PP::true, JSON::PP::false);
my $nobody = '01920000-0000-7000-8000-000000000000';
my $people = 0;

$c->worker;

sub post {
    my ($path, $body, @headers) = @_;

    return $http->request('POST', $path, headers => \@headers,
                          defined $body ? (body => $body) : ());
}

sub said {
    my ($r) = @_;
    my $doc = $r->json;

    return "$r->{status} " . ($doc->{success} ? 'success' : $doc->{error});
}

sub ingest {
    my ($n, @headers) = @_;
    my @profiles = map { $people++; { id => $people, username => "u_$people",
                                      other => 1 } } 1 .. $n;

    return post('/api/ingest', JSON::PP->new->utf8->encode(
        { profiles => \@profiles }), 'Content-Type' => 'application/json',
        @headers);
}

my @type = ('Content-Type', 'application/json');
my @variants = (
    ['no body, no content type'],
    ['an empty body with the JSON type', '', @type],
    ['null', 'null', @type],
    ['an empty object', '{}', @type],
    ['an empty array', '[]', @type],
    ['a charset', '{}', 'Content-Type' => 'application/json; charset=utf-8'],
    ['another JSON type', '{}', 'Content-Type' => 'application/hal+json'],
    ['no content type', '{}'],
    ['another origin', '{}', @type, Origin => 'https://app.example'],
    ['the origin of a file, without a body', undef, Origin => 'null'],
);

# good($path, @variant): the answer, which is 200 with these members
sub good {
    my ($path, $members, $name, $body, @headers) = @_;
    my $r = post($path, $body, @headers);
    my $doc = $r->json;

    is $r->{status}, 200, "$path: $name" or diag $r->{body};
    is_deeply [sort keys %$doc], [sort 'success', @$members],
        'the members of the contract';
    my %header = @headers;
    is $r->header('Access-Control-Allow-Origin'), $header{Origin},
        'the origin is echoed' if $header{Origin};
    return $doc;
}

for my $variant (@variants) {
    subtest "a day: $variant->[0]" => sub {
        my $taken = ingest(1);
        is_deeply $taken->json, { success => $true, inserted_raw => 1,
            added_to_global => 1, skipped_existing => 0 }, 'a profile';

        my $selected = good('/api/daily-selection',
            [qw(campaign_id campaign_date total_selected)], @$variant);
        my $id = $selected->{campaign_id};
        is $selected->{total_selected}, 1, 'is selected';
        is_deeply good("/api/distribute/$id", [qw(campaign_id va_tables
            assigned_per_table total_distributed total_available)], @$variant),
            { success => $true, campaign_id => $id, va_tables => 1,
              assigned_per_table => 180, total_distributed => 1,
              total_available => 1 }, 'is distributed';
        is_deeply good("/api/airtable-sync/$id", [qw(campaign_id tables_synced
            records_synced campaign_status errors)], @$variant),
            { success => $true, campaign_id => $id, tables_synced => 1,
              records_synced => 1, campaign_status => $true, errors => [] },
            'is sent';
        good('/api/sync-airtable-statuses', [qw(synced_count errors)],
             @$variant);
        good('/api/mark-unfollow-due', [qw(marked_count errors)], @$variant);
        good('/api/delete-completed-after-delay', [qw(deleted_count errors)],
             @$variant);

        ingest(1);
        my ($name, $body, @headers) = @$variant;
        my $daily = good('/api/run-daily',
            [qw(campaign_id selected distributed airtable_synced
                airtable_skipped tables_synced records_synced campaign_status
                cleanup_done errors execution_time)],
            $name, $body, @headers, Prefer => 'igjobs-sync');
        is_deeply [@$daily{qw(selected distributed airtable_synced)}],
            [1, $true, $true], 'all at once';
    };
}

my @calls = ('/api/ingest', '/api/daily-selection', "/api/distribute/$nobody",
             "/api/airtable-sync/$nobody", '/api/sync-airtable-statuses',
             '/api/mark-unfollow-due', '/api/delete-completed-after-delay',
             '/api/run-daily');

subtest 'bodies that are none' => sub {
    my %bad = ('{' => '400 IGJ0101', '5' => '400 IGJ0104',
               '"x"' => '400 IGJ0104');

    for my $path (@calls) {
        for my $body (sort keys %bad) {
            my $r = post($path, $body, @type);
            my $doc = $r->json;
            is "$r->{status} $doc->{code}", $bad{$body}, "$path: $body";
            is $doc->{success}, $false, 'success is false';
            ok length $doc->{error}, 'with a text';
        }
        next if $path =~ /airtable-sync/;
        for my $type ('text/plain', 'application/x-www-form-urlencoded') {
            my $r = post($path, '{"profiles":[]}', 'Content-Type' => $type);
            is $r->{status} . ' ' . $r->json->{code}, '415 IGJ0112',
                "$path: $type";
        }
    }
    is said(post("/api/airtable-sync/$nobody", '{}',
                 'Content-Type' => 'text/plain')),
        "404 Campaign $nobody not found", 'airtable-sync asks for no type';
};

subtest 'methods' => sub {
    for my $path (@calls, '/api/cleanup') {
        for my $method (qw(GET PUT DELETE)) {
            my $r = $http->request($method, $path);
            is "$r->{status} " . $r->header('Allow'), '405 POST, OPTIONS',
                "$method $path";
        }
        my $r = $http->request('OPTIONS', $path);
        is "$r->{status} " . $r->header('Allow'), '200 POST, OPTIONS',
            "OPTIONS $path";
        is $http->request('POST', "$path/")->{status}, 404,
            'no slash at its end';
    }
    my $campaign = $c->sql('select campaign_id from public.campaigns limit 1');
    for my $path ('/api/campaigns', "/api/campaigns/$campaign",
                  '/api/source-profiles', '/api/global-usernames/stats') {
        my ($get, $head) = ($http->get($path), $http->head($path));
        is "$get->{status} $head->{status} '$head->{body}'", "200 200 ''",
            "HEAD $path";
        is $head->header('Content-Length'), length $get->{body},
            'says how long it would be';
    }
};

subtest 'pages of other origins' => sub {
    my @origin = (Origin => 'https://app.example');

    for my $path (@calls) {
        my $r = $http->request('OPTIONS', $path, headers => [@origin,
            'Access-Control-Request-Method' => 'POST',
            'Access-Control-Request-Headers' =>
                'content-type, x-base-id, x-api-key, x-other']);
        is "$r->{status} '$r->{body}'", "200 ''", "preflight of $path";
        is_deeply [map { $r->header("Access-Control-Allow-$_") }
                   qw(Origin Methods Headers)],
            ['https://app.example', 'GET, POST, DELETE',
             'Content-Type, X-API-Key, X-Base-Id'], 'what pages may send';
        like $r->header('Vary'), qr/Origin/, 'Vary';

        $r = post($path, '{', @type, @origin);
        is "$r->{status} " . $r->header('Access-Control-Allow-Origin'),
            '400 https://app.example', 'errors carry the origin, too';
    }
    is said(ingest(1, @origin, 'X-Base-Id' => 'appPages0001')), '200 success',
        'a page takes in';
};

# error(path, body, [headers]) => text
sub error {
    my ($path, $body, $text, @headers) = @_;
    my $r = post($path, $body, defined $body ? @type : (), @headers);
    my $doc = $r->json;

    is said($r), $text, "$path " . ($body // '');
    is $doc->{success}, $false, 'success is false';
    return $doc;
}

subtest 'ingest: texts' => sub {
    my $missing = '400 Missing "profiles" field in request body';

    error('/api/ingest', undef, '400 The request body is empty');
    error('/api/ingest', $_, $missing)
        for 'null', '{}', '[]', '{"profile":[]}';
    error('/api/ingest', $_, '400 Profiles must be a list')
        for '{"profiles":{}}', '{"profiles":"x"}', '{"profiles":null}';
    my $none = post('/api/ingest', '{"profiles":[]}', @type)->json;
    is_deeply [@$none{qw(success inserted_raw added_to_global skipped_existing
                         batch_count total_profiles message)}],
        [$true, 0, 0, 0, 0, 0, 'No profiles to ingest'],
        'none is fine, in both shapes';
    is_deeply post('/api/ingest', '{"profiles":[{"id":"x"},{"username":"y"},'
            . '{"id":987654,"username":"one"},{"id":"1","username":"u_1"}]}',
            @type)->json,
        { success => $true, inserted_raw => 2, added_to_global => 1,
          skipped_existing => 1 }, 'elements without their keys are left out';
};

subtest 'selection and distribution: texts' => sub {
    my $number = '400 profiles_per_table must be a positive integer';
    my $none = 'No unused profiles available in global_usernames';

    post('/api/daily-selection') for 1;
    for my $path ('/api/daily-selection', '/api/run-daily') {
        error($path, '{"profiles_per_table":0}', $number);
        error($path, '{"profiles_per_table":-3}', $number);
        error($path, '{"profiles_per_table":"many"}', $number);
        error($path, '{"campaign_date":"14.10.2025"}',
            q{400 time data '14.10.2025' does not match format '%Y-%m-%d'});
        error($path, '{"base_id":"base"}', '400 Invalid base_id format: base');
        error($path, '{}', '400 Invalid base_id format: x',
              'X-Base-Id' => ' x ');
    }
    error('/api/daily-selection', undef, "400 $none");
    error('/api/daily-selection', '{"base_id":"appEmpty0001"}',
          "400 $none for base_id=appEmpty0001");
    my $doc = error('/api/run-daily', undef, "400 $none",
                    Prefer => 'igjobs-sync');
    is $doc->{step_failed}, 'daily_selection', 'the step that failed';
    is $c->sql('select count(*) from public.campaigns'
        . ' where total_assigned = 0'), 0, 'no campaign is left behind';

    error("/api/distribute/$_", undef, "404 Campaign $_ not found")
        for $nobody, 'none';
    error("/api/distribute/$nobody", undef,
          "404 Campaign $nobody not found for base_id=appEmpty0001",
          'X-Base-Id' => 'appEmpty0001');
    my ($there) = split /\n/, $c->sql('select campaign_id from'
        . " public.campaigns where base_id = 'default_instagram'");
    error("/api/distribute/$there", '{"profiles_per_table":0}', $number);
    error("/api/distribute/$there", undef, '400 No unassigned profiles found'
          . ' for this campaign. Already distributed?');
};

# the assignments of a campaign become like this
sub assign {
    my ($id, @values) = @_;

    $c->sql('update public.daily_assignments set ' . join(', ', @values)
        . " where campaign_id = '$id'");
    return;
}

subtest 'Airtable: texts' => sub {
    ingest(1);
    my $id = post('/api/daily-selection')->json->{campaign_id};
    my $sync = "/api/airtable-sync/$id";

    error("/api/airtable-sync/$_", undef, "404 Campaign $_ not found")
        for $nobody, 'none';
    error("/api/airtable-sync/$id", undef, "404 Campaign $id not found"
          . ' for base_id=appEmpty0001', 'X-Base-Id' => 'appEmpty0001');
    error($sync, undef, '400 No assigned profiles found for this campaign.'
          . ' Run distribution first.');
    post("/api/distribute/$id");

    my $home = '500 AIRTABLE_BASE_ID environment variable not set';
    my $token = '500 AIRTABLE_ACCESS_TOKEN environment variable is required.';
    my @followed = ("status = 'followed'",
                    "assigned_at = now() - interval '8 days'");
    my @completed = ("status = 'completed'",
                     "updated_at = now() - interval '25 hours'",
                     "airtable_record_id = 'rec00000000000001'");

    $c->set(airtable_base_id => '');
    error($sync, undef, $home);
    error($sync, undef, '400 Missing Airtable base ID. Please provide'
          . ' "airtable_base_id" in request body or ensure campaign has base ID'
          . ' configured.', 'X-Base-Id' => 'default_instagram');
    error('/api/sync-airtable-statuses', undef, $home);
    assign($id, @followed);
    error('/api/mark-unfollow-due', undef, $home);
    assign($id, @completed);
    error('/api/delete-completed-after-delay', undef, $home);
    $c->set(airtable_base_id => $base);

    $c->stop_worker;
    $c->worker(AIRTABLE_ACCESS_TOKEN => undef);
    assign($id, @followed);
    error($sync, undef, $token);
    error('/api/sync-airtable-statuses', undef, $token);
    error('/api/mark-unfollow-due', undef, $token);
    assign($id, @completed);
    error('/api/delete-completed-after-delay', undef, $token);
    $c->stop_worker;
};

subtest 'a base that is required' => sub {
    $c->set(base_id_required => 'on');
    error($_, '{"profiles":[]}', "400 base_id is required. Please provide it"
          . " via 'X-Base-Id' header or 'base_id' in request body.")
        for @calls[0 .. 2], '/api/run-daily';
    is said(post('/api/ingest', '{"profiles":[]}', @type,
                 'X-Base-Id' => $base)), '200 success', 'and named';
    $c->set(base_id_required => 'off');
};

subtest 'run-daily as it was documented' => sub {
    my $r = post('/api/run-daily');
    my $doc = $r->json;
    is $r->{status}, 202, 'accepted';
    is_deeply [@$doc{qw(success message)}], [$true,
        'Daily pipeline queued successfully. Check logs for progress.'],
        'with its text';
    like $doc->{task_id}, qr/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\z/,
        'and a task';
    $c->worker;
    wait_for { $r = $http->get($doc->{result_url}); $r->{status} != 202 } 20,
        'the end of the task';
    is said($r), '400 No unused profiles available in global_usernames',
        'whose end can be asked for';
    is post('/api/cleanup')->{status}, 410, 'cleanup is gone';
};

subtest 'where the original\'s synchronous answers are switched on' => sub {
    $c->stack->nginx->configure(http => 'igjobs_sync_answers on;');
    $c->stack->nginx->reload;
    $http->cut;

    ingest(1);
    my $daily = good('/api/run-daily',
        [qw(campaign_id selected distributed airtable_synced airtable_skipped
            tables_synced records_synced campaign_status cleanup_done errors
            execution_time)], 'by cron, without body and content type');
    is $daily->{selected}, 1, 'the day is done';
    my $doc = error('/api/run-daily', undef,
                    '400 No unused profiles available in global_usernames');
    is $doc->{step_failed}, 'daily_selection', 'or what is wrong told';
    is post('/api/run-daily', undef, Prefer => 'respond-async')->{status}, 202,
        'who does not wish to wait does not';
};

$c->finish;
done_testing;
