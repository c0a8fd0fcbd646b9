#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The synchronous answer of the original: the results of a job in the answer to
# its submission, or the 202 with a reason.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Documents;
use Igjobs::Http;
use Igjobs::Port 'free_port';
use Igjobs::Rows;
use Igjobs::Stack;
use Igjobs::Wait;

use constant ROWS => 7;

my ($sync, $small, $brief) = map { free_port() } 1 .. 3;
my $servers = <<"HTTP";
    igjobs_sync_timeout 60s;
    server {
        listen 127.0.0.1:$sync;
        location /api/ { igjobs; igjobs_sync_answers on; }
    }
    server {
        listen 127.0.0.1:$small;
        location /api/ { igjobs; igjobs_sync_answers on; igjobs_sync_max_rows 6; }
    }
    server {
        listen 127.0.0.1:$brief;
        location /api/ { igjobs; igjobs_sync_answers on; igjobs_sync_timeout 1s; }
    }
HTTP
my $stack = Igjobs::Stack->new(nginx => { http => $servers });
$stack->start(qw(postgres redis nginx));

my $nginx = $stack->nginx;
my $documents = Igjobs::Documents->new($stack);
my @accepted = sort qw(success job_id status status_url results_url events_url
                       total_batches message accounts);
my $last = '';

# a client whose submission waits, and its job
sub submit {
    my ($port, $body, @headers) = @_;
    my $client = Igjobs::Http->new($port)->connect;
    my $job;

    $client->send_request('POST', '/api/scrape-followers',
        body => $body // '{"accounts":["one.name"]}',
        headers => ['Content-Type', 'application/json', @headers]);
    wait_for {
        $job = $stack->psql('select max(job_id::text)'
                            . ' from public.scrape_jobs');
        $job ne $last;
    } 20, 'a submission to be stored';
    $last = $job;
    return ($client, $job);
}

# ends a job with so many rows, as the engine does
sub complete {
    my ($job, $rows, %member) = @_;

    add_chunk($stack, $job, $rows, <<"SQL") if $rows;
        select i, '1784140000000000' || i, 'user.' || i,
            case i when 0 then '' when 1 then 'Zoë "Q" ' || chr(28023)
                else 'Name ' || i end,
            'female', null::real, null::text, null::text
        from generate_series(0, $rows - 1) i
SQL
    return $documents->set($job, 'completed', total_scraped => 20,
        total_filtered => $rows, profiles_scraped => $rows, %member);
}

sub fields_ok {
    my ($object, $name, @fields) = @_;

    return is_deeply([sort keys %$object], [sort @fields], "$name: fields");
}

subtest 'the original shape' => sub {
    my ($client, $job) = submit($sync);

    $documents->set($job, 'processing', profiles_scraped => 3);
    complete($job, ROWS,
             genders => '{"female":12,"male":0,"unknown":8}');
    my $r = $client->read_response;
    my $json = $r->json;
    is($r->{status}, 200, 'status');
    is($r->header('Content-Type'), 'application/json', 'type');
    is($r->header($_), undef, "no $_") for qw(Preference-Applied
        Igjobs-Fallback Location Retry-After);
    fields_ok($json, 'answer', qw(success job_id data));
    ok($json->{success}, 'success');
    is($json->{job_id}, $job, 'job_id');

    my $data = $json->{data};
    fields_ok($data, 'data',
              qw(accounts totalFiltered totalScraped genderDistribution));
    is(scalar @{ $data->{accounts} }, ROWS, 'every row');
    fields_ok($_, "account $_->{id}", qw(id username fullName))
        for @{ $data->{accounts} };
    is_deeply($data->{accounts}[0], { id => '17841400000000000',
        username => 'user.0', fullName => '' }, 'an account without a name');
    is($data->{accounts}[1]{fullName}, "Zo\xeb \"Q\" \x{6d77}", 'any name');
    is($data->{totalFiltered}, ROWS, 'totalFiltered');
    is($data->{totalScraped}, 20, 'totalScraped');
    is_deeply($data->{genderDistribution}, { female => 12, unknown => 8 },
              'a gender that nobody has is absent');
    is($client->get("/api/job-status/$job")->{status}, 200,
       'the connection is good for another request');
};

subtest 'without rows' => sub {
    my ($client, $job) = submit($sync);

    complete($job, 0, total_scraped => 0,
             genders => '{"female":0,"male":0,"unknown":0}');
    is_deeply($client->read_response->json->{data},
              { accounts => [], totalFiltered => 0, totalScraped => 0,
                genderDistribution => {} }, 'empty, not absent');
};

subtest 'more rows than a statement gives' => sub {
    my ($client, $job) = submit($sync);

    complete($job, 4500);
    my $data = $client->read_response->json->{data};
    my %ids = map { $_->{id} => 1 } @{ $data->{accounts} };
    is(scalar keys %ids, 4500, 'each once');
    is($data->{totalFiltered}, 4500, 'totalFiltered');
};

subtest 'asked for by the client' => sub {
    for my $prefer ('igjobs-sync', 'igjobs-sync, wait=30',
                    'wait=3000; for=change, IGJOBS-SYNC') {
        my ($client, $job) = submit($nginx->port, undef, Prefer => $prefer);
        complete($job, ROWS);
        my $r = $client->read_response;
        is($r->{status}, 200, "$prefer: status");
        is(scalar @{ $r->json->{data}{accounts} }, ROWS, "$prefer: rows");
        my $seconds = $prefer =~ /wait=30\b/ ? ', wait=30'
                    : $prefer =~ /wait/ ? ', wait=60' : '';
        is($r->header('Preference-Applied'), "igjobs-sync$seconds",
           "$prefer: Preference-Applied");
    }
};

subtest 'the asynchronous contract' => sub {
    for my $ask ([$nginx->port], [$sync, Prefer => 'respond-async'],
                 [$sync, Prefer => 'respond-async, igjobs-sync']) {
        my ($port, @headers) = @$ask;
        my ($client, $job) = submit($port, undef, @headers);
        my $r = $client->read_response;
        is($r->{status}, 202, "@headers: at once");
        is($r->header('Location'), "/api/job-status/$job",
           "@headers: Location");
        fields_ok($r->json, '202', @accepted);
        is($r->header('Igjobs-Fallback'), undef, "@headers: no fallback");
    }
    my ($client, $job) = submit($sync, undef,
                                Prefer => 'respond-async, wait=30');
    $documents->set($job, 'completed');
    my $r = $client->read_response;
    is($r->{status}, 200, 'waiting without the results');
    is($r->json->{status}, 'completed', 'gives the status');
};

sub fallback_ok {
    my ($client, $job, $reason) = @_;

    my $r = $client->read_response;
    my $json = $r->json;

    is($r->{status}, 202, "$reason: status");
    is($r->header('Igjobs-Fallback'), $reason, "$reason: Igjobs-Fallback");
    is($r->header('Location'), "/api/job-status/$job", "$reason: Location");
    is($r->header('Retry-After'), 2, "$reason: Retry-After");
    is($r->header('Preference-Applied'), undef, "$reason: nothing applied");
    fields_ok($json, $reason, @accepted, 'fallback');
    is($json->{job_id}, $job, "$reason: the job");
    like($json->{fallback}, qr/^[A-Z][^"]+\.$/, "$reason: a text");
    return;
}

subtest 'what takes too long or is too large' => sub {
    fallback_ok(submit($brief), 'timeout');
    fallback_ok(submit($sync, undef, Prefer => 'wait=1'), 'timeout');

    my ($client, $job) = submit($small);
    complete($job, ROWS);
    fallback_ok($client, $job, 'rows');
    is($stack->client->get("/api/job-results/$job?partial=1")->json->{total}, ROWS,
       'the rows are there');

    ($client, $job) = submit($small);
    $documents->set($job, 'processing', profiles_scraped => 6);
    $documents->set($job, 'processing', profiles_scraped => 7);
    fallback_ok($client, $job, 'rows');

    ($client, $job) = submit($small);
    complete($job, 6);
    is($client->read_response->{status}, 200, 'as many as allowed');
};

subtest 'a job that fails' => sub {
    for my $message (qq(All 1 accounts were given up: "x" \xe9), undef) {
        my ($client, $job) = submit($sync);
        $documents->set($job, 'failed', error_message =>
            JSON::PP->new->ascii->allow_nonref->encode($message));
        my $r = $client->read_response;
        my $json = $r->json;
        is($r->{status}, 500, 'status');
        ok(!$json->{success}, 'no success');
        is($json->{error}, 'Failed to scrape followers: '
           . ($message // 'the job was ended'), 'error');
        is($json->{code}, 'IGJ0403', 'code');
        is($json->{instance}, "/api/job-status/$job", 'instance');
    }
};

subtest 'sent again with its Idempotency-Key' => sub {
    my @key = ('Idempotency-Key', '"8e03978e-40d5-43e8-bc93-6894a57f9324"');
    my ($client, $job) = submit($sync, undef, @key);
    my $again = Igjobs::Http->new($sync)->connect;

    $client->cut;
    $again->send_request('POST', '/api/scrape-followers',
        body => '{"accounts":["one.name"]}',
        headers => ['Content-Type', 'application/json', @key]);
    complete($job, ROWS);
    my $r = $again->read_response;
    is($r->{status}, 200, 'a client that lost its connection');
    is($r->header('Idempotent-Replayed'), 'true', 'sends it again');
    is($r->json->{job_id}, $job, 'and gets the same job');
    is(scalar @{ $r->json->{data}{accounts} }, ROWS, 'with its rows');
};

subtest 'refusals' => sub {
    my %error = (
        '{}' => 'Missing "accounts" field in request body',
        '{"accounts":"x"}' => 'Accounts must be a non-empty list',
        '{"accounts":[]}' => 'Accounts must be a non-empty list',
        '{"accounts":["a"],"totalScrapeCount":0}' =>
            'totalScrapeCount must be greater than 0',
        '{"accounts":["a"],"totalScrapeCount":-5}' =>
            'totalScrapeCount must be greater than 0',
        '{"accounts":["a","b","c"],"totalScrapeCount":2}' =>
            'totalScrapeCount (2) is too small for 3 accounts.'
            . ' Need at least 3 total.',
    );
    my %async = (
        '{"accounts":["a"],"totalScrapeCount":0}' =>
            'totalScrapeCount must be positive',
        '{"accounts":["a"],"totalScrapeCount":-5}' =>
            'totalScrapeCount must be positive',
        '{"accounts":["a","b","c"],"totalScrapeCount":2}' =>
            'totalScrapeCount too small for number of accounts',
    );

    for my $body (sort keys %error) {
        my $r = Igjobs::Http->new($sync)->post_json('/api/scrape-followers',
                                                    $body);
        is($r->{status}, 400, "$body: status");
        is($r->json->{error}, $error{$body}, "$body: error");
        $r = $stack->client->post_json('/api/scrape-followers', $body);
        is($r->json->{error}, $async{$body} // $error{$body},
           "$body: error of the asynchronous form");
    }
};

subtest 'nginx is reloaded, clients and backends leave' => sub {
    my ($client, $job) = submit($sync);
    $nginx->reload;
    fallback_ok($client, $job, 'restart');

    $nginx->configure(http => "$servers igjobs_max_watches 1;");
    $nginx->reload;
    ($client) = submit($sync);
    fallback_ok(submit($sync), 'busy');
    $client->cut;
    $nginx->configure(http => $servers);
    $nginx->reload;

    ($client, $job) = submit($sync);
    $client->cut(reset => 1);
    complete($job, ROWS);

    ($client, $job) = submit($sync);
    $documents->set($job, 'processing');
    my $text = $documents->next($job, 'completed', total_filtered => 3);
    $stack->postgres->stop;
    $documents->tell($job, $text);
    fallback_ok($client, $job, 'unavailable');
    $stack->postgres->start;
    wait_for { $stack->client->get('/readyz')->{status} == 200 } 20,
        'Postgres to be used';
};

$stack->finish;
done_testing;
