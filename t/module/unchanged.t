#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# If-None-Match on the status of a job: 304 for what the client has already,
# with all headers and no body, from the nginx worker's own copy alone.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Stack;

my $stack = Igjobs::Stack->new(nginx => {
    http => 'igjobs_status_cache_time 1h;' });
$stack->start(qw(postgres redis nginx));

my $http = $stack->client;
my $job = $stack->jobs->submit(accounts => ['one.name']);
my $path = "/api/job-status/$job";
my $whole = $http->get($path);
my $tag = $whole->header('ETag');

sub answer {
    my ($tags, $method) = @_;

    return $http->request($method // 'GET', $path,
                          headers => ['If-None-Match', $tags]);
}

like($tag, qr{^W/"\d+"$}, 'a weak tag');

subtest 'what a 304 carries' => sub {
    my $r = answer($tag);

    is($r->{status}, 304, 'status');
    for my $name (qw(ETag Cache-Control Retry-After)) {
        ok(defined $whole->header($name), "200 has $name");
        is($r->header($name), $whole->header($name), "304 has the same $name");
    }
    is($r->header($_), undef, "no $_") for qw(Content-Type Content-Length);
    $r = $http->get($path, headers => ['If-None-Match', $tag,
                                       'Origin', 'https://app.example.com']);
    is($r->{status}, 304, 'a page of another origin: status');
    is($r->header('Access-Control-Allow-Origin'), 'https://app.example.com',
       'and may read it');
    is($r->header('Vary'), 'Origin', 'Vary');
    is($http->get($path)->{body}, $whole->{body},
       'the connection is good for another request');
};

subtest 'tags' => sub {
    my ($strong) = $tag =~ m{^W/(.+)};

    for my $same ($tag, $strong, qq("0", $tag), qq($tag , W/"x"), '*',
                  qq("a,b",$strong)) {
        is(answer($same)->{status}, 304, $same);
    }
    for my $other ('"0"', 'W/"0"', '""', '"0", "00"', $job) {
        my $r = answer($other);
        is($r->{status}, 200, $other);
        is($r->{body}, $whole->{body}, "$other: the document");
    }
};

subtest 'HEAD' => sub {
    my $r = $http->head($path);
    is($r->{status}, 200, 'status');
    is($r->header('Content-Length'), length $whole->{body}, 'its length');
    is($r->header('ETag'), $tag, 'ETag');
    $r = answer($tag, 'HEAD');
    is($r->{status}, 304, 'status with the tag');
    is($r->header('ETag'), $tag, 'ETag');
};

subtest 'no tag on anything else' => sub {
    my $r = $http->get('/api/job-status/x', headers => ['If-None-Match', '*']);
    is($r->{status}, 404, 'an unknown job stays unknown');
    is($r->header('ETag'), undef, 'without ETag');
};

subtest 'neither Redis nor Postgres' => sub {
    $stack->redis->stop;
    $stack->postgres->stop;
    is(answer($tag)->{status}, 304, 'from the own copy');
    is(answer('"0"')->{body}, $whole->{body}, 'as is the document');
};

$stack->finish;
done_testing;
