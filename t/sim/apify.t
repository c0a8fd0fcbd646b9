#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The Apify API's outside: paths, envelopes, tokens, status codes, error types.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use SimTest;

my $sim = new_sim('--token', 'secret-token', '--actor', 'apify~other:source');
my $id = qr/^[0-9A-Za-z]{17}$/;
my $date = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
my $input = { usernames => ['alice'], max_count => 7 };

# an error's code and type
sub refused {
    my ($response, $code, $type, $what) = @_;

    is $response->{status}, $code, "$what: $code";
    my $error = eval { $response->json->{error} } // {};
    is $error->{type}, $type, "$what: $type";
    ok length($error->{message} // ''), 'with a message';
    return;
}

# starting a run
my $response = api($sim, 'POST', '/v2/actors/igjobs~followers/runs',
                   body => $input);
is $response->{status}, 201, 'a run is created';
my $run = $response->json->{data};
is $response->header('Location'),
    'http://127.0.0.1:' . $sim->port . "/v2/actor-runs/$run->{id}", 'Location';
is $response->header('X-RateLimit-Limit'), 400, 'X-RateLimit-Limit';
like $response->header('Content-Type'), qr{^application/json}, 'Content-Type';

for my $field (qw(id actId userId buildId defaultKeyValueStoreId
                  defaultDatasetId defaultRequestQueueId)) {
    like $run->{$field}, $id, $field;
}
is $run->{status}, 'READY', 'READY at first';
like $run->{startedAt}, $date, 'startedAt';
is $run->{finishedAt}, undef, 'not finished';
is $run->{usageTotalUsd}, undef, 'no cost yet';
is $run->{storageIds}{datasets}{default}, $run->{defaultDatasetId},
    'storageIds';
is $run->{meta}{origin}, 'API', 'meta';
is_deeply $run->{options},
    { build => 'latest', timeoutSecs => 0, memoryMbytes => 1024,
      diskMbytes => 2048 }, 'options';
is $run->{stats}{inputBodyLen}, length '{"max_count":7,"usernames":["alice"]}',
    'stats';

# the same run, by the old prefix, by the actor's id, by method override
my $path = "/v2/actor-runs/$run->{id}";
my $done = api($sim, 'GET', $path)->json->{data};
is $done->{status}, 'SUCCEEDED', 'done at once';
like $done->{finishedAt}, $date, 'finishedAt';
is $done->{exitCode}, 0, 'exitCode';
for my $actor ("acts/igjobs~followers", "acts/$run->{actId}",
               'acts/apify~other', 'actors/igjobs~followers-with-source') {
    is api($sim, 'POST', "/v2/$actor/runs", body => $input)->{status}, 201,
        "POST $actor";
}
is api($sim, 'GET', '/v2/acts/igjobs~followers/runs?method=POST',
       body => $input)->{status}, 201, 'method override';

# the input, byte for byte
my $odd = qq({ "usernames" : ["b\xc3\xa9"],\n"x":1 });
my $other = api($sim, 'POST', '/v2/acts/igjobs~followers/runs', body => $odd)
    ->json->{data};
$response = api($sim, 'GET', '/v2/key-value-stores/'
                . "$other->{defaultKeyValueStoreId}/records/INPUT");
is $response->{body}, $odd, 'the record INPUT is the input';

# the other paths
is_deeply [@{ api($sim, 'GET', '/v2/acts/igjobs~followers')->json->{data} }
           {qw(id username name)}], [$run->{actId}, 'igjobs', 'followers'],
    'an actor';
is api($sim, 'GET', '/v2/users/me')->json->{data}{username}, 'igjobs-sim',
    'users/me';
my $dataset = api($sim, 'GET', "/v2/datasets/$run->{defaultDatasetId}")
    ->json->{data};
is $dataset->{itemCount}, 7, 'itemCount';
is $dataset->{actRunId}, $run->{id}, 'actRunId';
is_deeply api($sim, 'GET', "$path/dataset")->json->{data}{id},
    $run->{defaultDatasetId}, 'the dataset by its run';
for my $log ("$path/log", "/v2/logs/$run->{id}") {
    $response = api($sim, 'GET', $log);
    like $response->header('Content-Type'), qr{^text/plain}, 'a log';
    like $response->{body}, qr/ACTOR: /, 'with lines';
}
is api($sim, 'GET', "$path/dataset/items?format=jsonl")->{body},
    api($sim, 'GET', "/v2/datasets/$run->{defaultDatasetId}/items?format=jsonl")
        ->{body}, 'items by run and by dataset';

# tokens
my $start = '/v2/acts/igjobs~followers/runs';
refused api($sim, 'POST', $start, body => $input, token => undef),
    401, 'token-not-provided', 'start without a token';
refused api($sim, 'POST', $start, body => $input, token => 'wrong'),
    401, 'user-or-token-not-found', 'start with a wrong one';
refused api($sim, 'GET', $path, token => 'wrong'),
    401, 'user-or-token-not-found', 'a wrong token never helps';
refused api($sim, 'POST', "$path/abort", token => undef),
    401, 'token-not-provided', 'abort without a token';
refused api($sim, 'GET', $start, token => undef),
    401, 'token-not-provided', 'list without a token';
is api($sim, 'POST', "$start?token=secret-token", body => $input,
       token => undef)->{status}, 201, 'a token in the query works';
$response = api($sim, 'GET', $path, token => undef);
is $response->{status}, 200, 'a run can be read without a token';
ok !exists $response->json->{data}{usageTotalUsd}, 'without its cost';
ok exists $done->{usageTotalUsd}, 'which a token shows';

# what is not there
refused api($sim, 'POST', '/v2/acts/igjobs~nobody/runs', body => $input),
    404, 'actor-not-found', 'an unknown actor';
refused api($sim, 'POST', '/v2/acts/igjobs/followers/runs', body => $input),
    404, 'page-not-found', 'a slash in the actor';
refused api($sim, 'GET', '/v2/actor-runs/AAAAAAAAAAAAAAAAA'),
    404, 'record-not-found', 'an unknown run';
refused api($sim, 'GET', "/v2/actor-runs/$run->{defaultDatasetId}"),
    404, 'record-not-found', 'a dataset is no run';
refused api($sim, 'GET', '/v2/datasets/x/items'),
    404, 'record-not-found', 'an unknown dataset';
refused api($sim, 'GET', '/v2/nothing'), 404, 'page-not-found', 'a path';
refused api($sim, 'DELETE', $path), 405, 'method-not-allowed', 'a method';
is api($sim, 'GET', '/other')->{status}, 404, 'a path of nobody';

# wrong inputs
for my $case (
    ['', 'run-input-body-not-valid-json'],
    ['[]', 'run-input-body-not-valid-json'],
    ['{"usernames":["a"}', 'run-input-body-not-valid-json'],
    ['{}', 'invalid-input'],
    ['{"usernames":[]}', 'invalid-input'],
    ['{"usernames":"a"}', 'invalid-input'],
    ['{"usernames":["a",1]}', 'invalid-input'],
    ['{"usernames":[""]}', 'invalid-input'],
    ['{"usernames":["a"],"max_count":0}', 'invalid-input'],
    ['{"usernames":["a"],"max_count":"9"}', 'invalid-input'],
) {
    my ($body, $type) = @$case;
    refused api($sim, 'POST', $start, body => $body), 400, $type, "input $body";
}
refused api($sim, 'POST', $start, body => $input,
            headers => ['Content-Type' => 'text/plain']),
    400, 'invalid-input', 'a content type';
for my $case (
    ['memory=1000', 'invalid-request'],
    ['memory=64', 'invalid-request'],
    ['maxItems=0', 'max-items-must-be-greater-than-zero'],
    ['maxTotalChargeUsd=0.0001', 'max-total-charge-usd-below-minimum'],
) {
    my ($query, $type) = @$case;
    refused api($sim, 'POST', "$start?$query", body => $input), 400, $type,
        $query;
}

# 9 MiB are enough
my $large = '{"usernames":["a"],"x":"' . 'x' x 9437184 . '"}';
refused api($sim, 'POST', $start, body => $large), 413, 'request-too-large',
    'a large input';
$large = '{"usernames":["a"],"x":"' . 'x' x 9000000 . '"}';
is api($sim, 'POST', $start, body => $large)->{status}, 201,
    'a less large one';

# names in all their forms
$run = start_run($sim, ['@Alice', 'https://www.instagram.com/Bob/',
                        'https://instagram.com/carol?hl=en'], max_count => 1);
is_deeply [map { $_->{sourceUsername} } items($sim, $run)],
    ['alice', 'bob', 'carol'], 'names are made plain';
$run = start_run($sim, ['alice'], input => { resultsLimit => 4 });
is scalar items($sim, $run), 4, 'resultsLimit';
$run = start_run($sim, ['alice']);
is scalar items($sim, $run), 100, 'a count by default';

finish();
done_testing;
