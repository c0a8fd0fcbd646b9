#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The status of a job: from this worker's memory, from Redis, from Postgres.

use strict;
use warnings;
use Test::More;
use FindBin;
use Time::HiRes 'sleep';
use lib "$FindBin::Bin/../lib";
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(nginx => { http => <<'HTTP' });
    igjobs_status_cache_time 0;
    igjobs_redis_timeout 10s;
HTTP
$stack->start(qw(postgres redis nginx));

my $http = $stack->client;
my $redis = $stack->redis;
my $job = $stack->jobs->submit(accounts => ['one.name', 'two.name']);
my $key = "igjobs:status:default:$job";
my $path = "/api/job-status/$job";

sub calls {
    my ($command) = @_;
    my ($calls) = $redis->command('INFO', 'commandstats')
                  =~ /^cmdstat_\Q$command\E:calls=(\d+)/m;

    return $calls // 0;
}

# the document of another version, in Postgres and nowhere else
sub set_document {
    my ($version, $status) = @_;
    my $state = $status eq 'processing' ? 'running' : $status;

    $stack->psql(<<"SQL");
update public.scrape_jobs set version = $version, doc =
    regexp_replace(regexp_replace(regexp_replace(doc,
    '"status":"[a-z]+"', '"status":"$status"'),
    '"state":"[a-z]+"', '"state":"$state"'),
    '"version":[0-9]+', '"version":$version')
where job_id = '$job'
SQL
    $redis->command('DEL', $key);
    return;
}

subtest 'a new job' => sub {
    my $r = $http->get($path);
    my $json = $r->json;

    is($r->{status}, 200, 'known at once');
    is($r->header('Content-Type'), 'application/json', 'type');
    is($r->header('ETag'), qq(W/"$json->{version}"), 'ETag from the version');
    is($r->header('Cache-Control'), 'private, no-cache', 'Cache-Control');
    is($r->header('Retry-After'), 2, 'Retry-After');
    is($json->{job_id}, $job, 'job_id');
    is($json->{status}, 'queued', 'status');
    is($json->{accounts}{total}, 2, 'accounts');
    is($r->{body}, $stack->psql("select doc from igjobs.job_documents "
                                . "where job_id = '$job'") . "\n",
       'the document as Postgres has it');

    $r = $http->get($path, headers => ['If-None-Match', $r->header('ETag')]);
    is($r->{status}, 304, 'not modified');
    is($http->get('/api/job-status/' . uc $job)->{status}, 200,
       'the id in upper case');
};

subtest 'from Redis' => sub {
    my $body = '{"version":77,"success":true,"status":"processing"}';
    $redis->command('SET', $key, $body);
    is($http->get($path, openapi => 0)->{body}, "$body\n",
       'what Redis has is sent');

    for my $bad ('', '{}', 'x' x 100_000, '{"version":0}', '[1]') {
        $redis->command('SET', $key, $bad);
        is($http->get($path)->json->{status}, 'queued',
           'what is no document is not: ' . substr $bad, 0, 20);
    }
    # in one step: the answer above is being written back
    $redis->command('EVAL', "redis.call('del', KEYS[1]) "
                    . "return redis.call('lpush', KEYS[1], 'x')", 1, $key);
    is($http->get($path)->{status}, 200, 'a key of another type');
    $redis->command('DEL', $key);
};

subtest 'from Postgres, written back' => sub {
    set_document(5, 'processing');
    my $r = $http->get($path);
    is($r->json->{version}, 5, 'read from Postgres');
    wait_for { $redis->command('GET', $key) } 10, 'the document in Redis';
    is($redis->command('GET', $key) . "\n", $r->{body}, 'the same in Redis');
    my $ttl = $redis->command('PTTL', $key);
    ok($ttl > 0 && $ttl <= 5000, 'for 5 s');

    set_document(6, 'completed');
    $r = $http->get($path);
    is($r->header('Retry-After'), undef, 'ended: nothing to wait for');
    wait_for { $redis->command('GET', $key) } 10, 'the document in Redis';
    $ttl = $redis->command('PTTL', $key);
    ok($ttl > 5000 && $ttl <= 60_000, 'ended: for 60 s');

    # a higher version in Redis stays
    $redis->command('SCRIPT', 'FLUSH');
    $redis->command('DEL', $key);
    is($http->get($path)->json->{version}, 6, 'scripts forgotten');
    wait_for { $redis->command('GET', $key) } 10, 'written by the text';
};

subtest 'unknown jobs' => sub {
    for my $id ('01890000-0000-7000-8000-000000000000', 'x', '1', $job . '0',
                '%20', "a'b", '%7B%22', '%00', '%ff%fe') {
        my $r = $http->get("/api/job-status/$id", openapi => $id ne '%00');
        if ($id eq '%00') {
            is($r->{status}, 400, 'nginx refuses a NUL');
            next;
        }
        (my $text = $id) =~ s/%([0-9a-f]{2})/chr hex $1/gie;
        $text =~ s/[\x80-\xff]/\x{fffd}/g;
        is($r->{status}, 404, "$id: status");
        is($r->json->{error}, "Job $text not found", "$id: error");
        like($r->json->{instance}, qr{^/api/job-status/[\w%'-]+$},
            "$id: instance");
    }
};

subtest 'one lookup for many' => sub {
    my @clients = map { $stack->client } 1 .. 50;
    my $before = calls('get');

    # Redis stands still until all requests wait for the one answer
    $redis->pause;
    $_->connect->send_request('GET', $path) for @clients;
    is($stack->client->get('/livez')->{status}, 200, 'all were read');
    $redis->resume;
    is($_->read_response->{status}, 200, 'answered') for @clients;
    my $calls = calls('get') - $before;
    ok($calls >= 1 && $calls <= 10, "50 requests, $calls lookups");
};

subtest 'kept for a moment' => sub {
    $stack->nginx->configure(http => 'igjobs_status_cache_time 1h;');
    $stack->nginx->reload;
    my $fresh = $stack->client;
    my $body = $fresh->get($path)->{body};
    my $before = calls('get');
    is($fresh->get($path)->{body}, $body, 'again') for 1 .. 20;
    is(calls('get'), $before, 'without Redis');
    is($fresh->get('/api/job-status/01890000-0000-7000-8000-000000000000')
       ->{status}, 404, 'unknown') for 1 .. 2;

    $stack->nginx->configure(http => 'igjobs_status_cache_time 4s;');
    $stack->nginx->reload;
    $fresh = $stack->client;
    $fresh->get($path);
    sleep 0.5;
    $before = calls('get');
    $fresh->get($path);
    is(calls('get'), $before + 1, 'looked up again for who polls alone');
    $fresh->get(sprintf '/api/job-status/01890000-0000-7000-8000-%012d', $_)
        for 1 .. 16;
    sleep 0.5;
    $before = calls('get');
    $fresh->get($path);
    is(calls('get'), $before, 'but not where lookups are many');

    $stack->nginx->configure(http =>
        'igjobs_status_cache_time 1h; igjobs_status_cache_size 3;');
    $stack->nginx->reload;
    $fresh = $stack->client;
    my $jobs = $stack->jobs;
    my @jobs = map { $jobs->submit(accounts => ["name$_"]) } 1 .. 10;
    for my $round (1 .. 3) {
        is($fresh->get("/api/job-status/$_")->json->{job_id}, $_,
           'more jobs than room') for @jobs;
    }
};

subtest 'unnamed statements' => sub {
    $stack->nginx->configure(http => 'igjobs_status_cache_time 0;'
        . ' igjobs_prepared off; igjobs_postgres_statement_timeout off;');
    $stack->nginx->reload;
    my $fresh = $stack->client;
    $redis->command('FLUSHALL');
    is($fresh->get($path)->json->{version}, 6, 'a read');
    ok($stack->jobs->submit(accounts => ['x']), 'a write');
};

$stack->finish;
done_testing;
