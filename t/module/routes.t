#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Paths, methods, cross-origin requests, tenants, health.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Stack;

my $stack = Igjobs::Stack->new(nginx => { locations => <<'LOCATIONS' });
        location / { igjobs; }
        location /listed/ {
            rewrite ^/listed(/.*)$ $1 break;
            igjobs;
            igjobs_cors_origins https://app.example https://other.example;
        }
        location /closed/ {
            rewrite ^/closed(/.*)$ $1 break;
            igjobs;
            igjobs_cors_origins off;
        }
        location /tenant/ {
            rewrite ^/tenant(/.*)$ $1 break;
            igjobs;
            igjobs_tenant $http_x_tenant;
        }
LOCATIONS
$stack->start(qw(postgres redis nginx));

my $http = $stack->client;
my $job = $stack->jobs->submit(accounts => ['one.name']);
my $status = "/api/job-status/$job";

sub is_problem {
    my ($r, $status, $code, $name) = @_;

    is($r->{status}, $status, "$name: status");
    is($r->header('Content-Type'), 'application/json', "$name: type");
    my $json = eval { $r->json } // {};
    is($json->{code}, $code, "$name: code");
    is($json->{status}, $status, "$name: status in the document");
    ok(!$json->{success} && length $json->{error}, "$name: success, error");
    return $json;
}

subtest 'paths' => sub {
    for my $path ('/', '/api', '/api/', '/api/job-status', '/api/job-status/',
                  "$status/", "$status/x", '/nothing',
                  '/API/job-status/x', '/api/job-status/x/y', '/health/',
                  '/healthzz', '/api/scrape-followers/') {
        is_problem($http->get($path), 404, 'IGJ0201', $path);
    }
    my $json = $http->get('/api/none')->json;
    is($json->{instance}, '/api/none', 'the path is named');
    is($http->get("$status?x=1")->{status}, 200, 'a query string is no path');
};

subtest 'problem+json' => sub {
    my $r = $http->get('/none', headers => [
        Accept => 'text/html, application/problem+json;q=0.9']);
    is($r->header('Content-Type'), 'application/problem+json', 'asked for');
    $r = $http->get('/none', headers => [Accept => 'application/json']);
    is($r->header('Content-Type'), 'application/json', 'not asked for');
};

subtest 'methods' => sub {
    for my $method (qw(POST PUT DELETE PATCH FOO)) {
        my $r = $http->request($method, $status, body => '{"x":1}');
        is_problem($r, 405, 'IGJ0202', $method);
        is($r->header('Allow'), 'GET, HEAD, OPTIONS', "$method: Allow");
    }
    my $r = $http->get('/api/scrape-followers');
    is_problem($r, 405, 'IGJ0202', 'GET of a submission');
    is($r->header('Allow'), 'POST, OPTIONS', 'its Allow');

    # what follows a body that nobody reads is the next request
    $r = $http->request('POST', '/none', body => 'x' x 100_000);
    is($r->{status}, 404, 'a large body to nowhere');
    is($http->get('/livez')->{status}, 200, 'and the next request');
};

subtest 'what was replaced' => sub {
    for my $body (undef, '', '{}', 'no JSON') {
        my $doc = is_problem($http->request('POST', '/api/cleanup',
                                            body => $body),
                             410, 'IGJ0203', 'cleanup, ' . ($body // 'none'));
        like($doc->{detail}, qr{POST /api/$_\b}, "leads to $_")
            for qw(sync-airtable-statuses mark-unfollow-due
                   delete-completed-after-delay);
    }
    is($http->get('/api/cleanup')->header('Allow'), 'POST, OPTIONS',
       'its method');
};

subtest 'HEAD' => sub {
    for my $path ($status, '/health', '/healthz', '/livez', '/readyz',
                  '/readyz?verbose', '/none') {
        my $get = $http->get($path);
        my $head = $http->head($path);
        is($head->{status}, $get->{status}, "$path: status");
        is($head->header('Content-Length'), length $get->{body},
           "$path: length");
        is($head->header('Content-Type'), $get->header('Content-Type'),
           "$path: type");
        is($head->{body}, '', "$path: no body");
    }
};

subtest 'CORS' => sub {
    my @origin = (Origin => 'https://app.example');
    my $r = $http->get($status, headers => \@origin);
    is($r->header('Access-Control-Allow-Origin'), 'https://app.example',
       'the origin is echoed');
    is($r->header('Vary'), 'Origin', 'and named in Vary');

    $r = $http->get($status);
    is($r->header('Access-Control-Allow-Origin'), undef, 'no origin');

    $r = $http->get('/api/none', headers => \@origin);
    is($r->{status}, 404, 'an unknown path');
    is($r->header('Access-Control-Allow-Origin'), 'https://app.example',
       'carries the headers too');

    for my $path ('/health', '/healthz', '/livez', '/readyz', '/none') {
        $r = $http->get($path, headers => \@origin);
        is($r->header('Access-Control-Allow-Origin'), undef, "$path: none");
    }

    my @preflight = (@origin, 'Access-Control-Request-Method' => 'POST');
    $r = $http->request('OPTIONS', '/api/scrape-followers', headers => [
        @preflight, 'Access-Control-Request-Headers' =>
                    'x-api-key,x-other , content-type,X-Base-ID']);
    is($r->{status}, 200, 'preflight');
    is($r->{body}, '', 'has no body');
    is($r->header('Content-Length'), 0, 'and says so');
    is($r->header('Access-Control-Allow-Origin'), 'https://app.example',
       'origin');
    is($r->header('Access-Control-Allow-Methods'), 'GET, POST, DELETE', 'methods');
    is($r->header('Access-Control-Allow-Headers'), 'Content-Type, X-API-Key, X-Base-Id',
       'only headers that are on the list');
    is($r->header('Allow'), 'POST, OPTIONS', 'Allow');

    $r = $http->request('OPTIONS', $status, headers => [@origin,
        'Access-Control-Request-Method' => 'PATCH']);
    is($r->header('Access-Control-Allow-Methods'), undef,
       'a method that is not on the list');
    $r = $http->request('OPTIONS', $status, headers => \@preflight);
    is($r->header('Access-Control-Allow-Headers'), undef, 'none asked for');

    $r = $http->request('OPTIONS', '/health', headers => \@preflight);
    is($r->{status}, 200, 'OPTIONS of a health path');
    is($r->header('Allow'), 'GET, HEAD, OPTIONS', 'its Allow');
    is($r->header('Access-Control-Allow-Origin'), undef, 'not for pages');
    is($http->request('OPTIONS', '/none')->{status}, 404,
       'OPTIONS of an unknown path');

    for my $case (['/listed', 'https://other.example', 1],
                  ['/listed', 'https://evil.example', 0],
                  ['/listed', 'https://app.example.evil', 0],
                  ['/closed', 'https://app.example', 0]) {
        my ($prefix, $origin, $allowed) = @$case;
        $r = $http->get("$prefix$status", headers => [Origin => $origin]);
        is($r->{status}, 200, "$prefix, $origin: the plain answer");
        is($r->header('Access-Control-Allow-Origin'),
           $allowed ? $origin : undef, "$prefix, $origin: allowed?");
        $r = $http->request('OPTIONS', "$prefix$status", headers => [
            Origin => $origin, 'Access-Control-Request-Method' => 'GET']);
        is($r->header('Access-Control-Allow-Methods'),
           $allowed ? 'GET, POST, DELETE' : undef, "$prefix, $origin: preflight");
    }
};

subtest 'tenants' => sub {
    my $r = $http->get("/tenant$status", headers => ['X-Tenant' => 'default']);
    is($r->{status}, 200, 'the own tenant');
    is_problem($http->get("/tenant$status", headers => ['X-Tenant' => 'b']),
               404, 'IGJ0401', 'another tenant');
    for my $bad ('a/b', 'a b', "\xc3\xa4", 'x' x 65) {
        is_problem($http->get("/tenant$status",
                              headers => ['X-Tenant' => $bad]),
                   400, 'IGJ0903', "tenant '$bad'");
    }
    is_problem($http->get("/tenant$status"), 400, 'IGJ0903', 'no tenant');
    is_problem($http->post_json('/tenant/api/scrape-followers',
                                '{"accounts":["a"]}'), 400, 'IGJ0903',
               'a submission of no tenant');
    is($http->get('/livez')->{status}, 200, 'the connection is still good');

    my $other = $http->post_json('/tenant/api/scrape-followers',
        { accounts => ['a'] }, headers => ['X-Tenant' => 'b'])->json->{job_id};
    is($http->get("/tenant/api/job-status/$other",
                  headers => ['X-Tenant' => 'b'])->{status}, 200,
       'a job of another tenant');
    is($http->get("/api/job-status/$other")->{status}, 404,
       'is not seen by the default one');
};

subtest 'health' => sub {
    my $r = $http->get('/health');
    is($r->{status}, 200, '/health');
    is($r->{body}, '{"status":"healthy","service":"Instagram Scraper API '
       . '(Production)","version":"1.0.0","async_enabled":true}' . "\n",
       'its four members');
    $r = $http->get('/healthz');
    is($r->{body}, 'ok', '/healthz');
    is($r->header('Content-Type'), 'text/html', 'its type');
    is($http->get('/livez')->{body}, 'ok', '/livez');
    $r = $http->get('/readyz');
    is("$r->{status} $r->{body}", '200 ok', '/readyz');
    $r = $http->get('/readyz?verbose');
    like($r->{body}, qr/^\[\+\]postgres ok\n\[\+\]redis ok\n/, 'verbose');
    like($http->get('/readyz?verbose=1')->{body}, qr/postgres/, 'verbose=1');
    like($http->get('/livez?verbose')->{body}, qr/passed/, '/livez?verbose');
};

$stack->finish;
done_testing;
