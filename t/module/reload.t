#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Reload and quit with requests in flight, clients that leave: no failed
# request, no alert, no old worker, no session left.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;
use Igjobs::Load;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(nginx => { http => <<'HTTP' });
    igjobs_status_cache_time 0;
    igjobs_redis_timeout 20s;
    igjobs_postgres_timeout 20s;
HTTP
$stack->start(qw(postgres redis nginx));

my $nginx = $stack->nginx;
my $redis = $stack->redis;
my $job = $stack->jobs->submit(accounts => ['one.name']);
my $path = "/api/job-status/$job";

subtest 'reloads under load' => sub {
    my $read = Igjobs::Load->new(port => $nginx->port, path => $path)->start;
    my $write = Igjobs::Load->new(port => $nginx->port, clients => 2,
                                  path => '/api/scrape-followers',
                                  body => '{"accounts":["a","b"]}')->start;
    for my $round (1 .. 20) {
        $read->wait_for_requests(20);
        $nginx->reload;
    }
    my %read = $read->finish;
    my %write = $write->finish;
    is(join(' ', sort keys %read), '200', 'every read was answered')
        or diag explain \%read;
    is(join(' ', sort keys %write), '202', 'every submission was answered')
        or diag explain \%write;
    wait_for { Igjobs::Env::children($nginx->pid) == 1 } 20,
        'the old workers to end';
    pass('no old workers');
};

subtest 'a reload while a request waits' => sub {
    for my $backend ('redis', 'postgres') {
        my $old = ($nginx->workers)[0];
        my $http = $stack->client->connect;
        my @stopped;

        if ($backend eq 'redis') {
            $redis->pause;
        } else {
            $redis->command('FLUSHALL');
            @stopped = map { /^(\d+)/ ? $1 : () } $stack->postgres->sessions;
            kill 'STOP', @stopped;
        }
        $http->send_request('GET', $path);
        is($stack->client->get('/livez')->{status}, 200, 'the worker turns');
        $nginx->reload;
        ok(-e "/proc/$old", "$backend: the old worker waits");
        $backend eq 'redis' ? $redis->resume : kill 'CONT', @stopped;
        is($http->read_response->{status}, 200, "$backend: answered by it");
        wait_for { Igjobs::Env::children($nginx->pid) == 1 } 20,
            'the old worker to end';
    }
};

subtest 'a reload while Postgres and Redis are away' => sub {
    $stack->postgres->stop;
    $redis->stop;
    $nginx->reload;
    wait_for { Igjobs::Env::children($nginx->pid) == 1 } 20,
        'the old worker to end';
    $nginx->reload;
    wait_for { Igjobs::Env::children($nginx->pid) == 1 } 20,
        'a worker that never had a connection to end';
    $stack->postgres->start;
    $redis->start;
    wait_for { $stack->client->get('/readyz')->{status} == 200 } 20,
        'Postgres to be used';
    pass('nothing is left');
};

subtest 'clients that leave' => sub {
    my @before = $nginx->workers;
    for my $round (1 .. 10) {
        my @clients = map { $stack->client->connect } 1 .. 30;
        $redis->pause;
        $_->send_request('GET', $path) for @clients;
        is($stack->client->get('/livez')->{status}, 200, 'all were read');
        $_->cut(reset => $round % 2) for @clients;
        $redis->resume;
    }
    for my $round (1 .. 200) {
        my $http = $stack->client->connect;
        $http->send_request('GET', $path);
        $http->cut(reset => $round % 2);
        $http->connect;
        $http->send_request('POST', '/api/scrape-followers',
            headers => ['Content-Type' => 'application/json'],
            body => '{"accounts":["x"]}');
        $http->cut(reset => $round % 2);
    }
    is($stack->client->get($path)->{status}, 200, 'served after that');
    is("@{[$nginx->workers]}", "@before", 'by the same worker');
};

subtest 'quit while a request waits' => sub {
    my $http = $stack->client->connect;
    $redis->pause;
    $http->send_request('GET', $path);
    is($stack->client->get('/livez')->{status}, 200, 'the worker turns');
    $nginx->signal('QUIT');
    wait_for { $nginx->log_text =~ /gracefully shutting down/ } 20,
        'the worker to be told';
    $redis->resume;
    is($http->read_response->{status}, 200, 'answered');
    is($nginx->wait_end, 0, 'ended');
    $nginx->start;

    $redis->pause;
    $http->connect;
    $http->send_request('GET', $path);
    is($stack->client->get('/livez')->{status}, 200, 'the worker turns');
    $nginx->signal('TERM');
    is($nginx->wait_end, 0, 'a fast end waits for nobody');
    $redis->resume;
    $nginx->start;
};

$stack->finish;
done_testing;
