#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Redis and Postgres away, hung, restarted, under load: what clients see.

use strict;
use warnings;
use POSIX ();
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Load;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(nginx => { http => <<'HTTP' });
    igjobs_status_cache_time 0;
    igjobs_redis_timeout 1s;
    igjobs_postgres_queue_timeout 20s;
    igjobs_postgres_timeout 20s;
HTTP
$stack->start(qw(postgres redis nginx));

my $http = $stack->client;
my $redis = $stack->redis;
my $postgres = $stack->postgres;
my $nginx = $stack->nginx;
my $job = $stack->jobs->submit(accounts => ['one.name']);
my $path = "/api/job-status/$job";

sub logged {
    my ($pattern) = @_;

    return scalar(() = $nginx->log_text =~ /$pattern/g);
}

sub load {
    my (%option) = @_;

    return Igjobs::Load->new(port => $nginx->port, path => $path, clients => 8,
                             %option)->start;
}

# every request was answered 200
sub all_good {
    my ($load, $name) = @_;
    my %count = $load->finish;

    is(join(' ', sort keys %count), '200', "$name: all answered 200")
        or diag explain \%count;
    return;
}

subtest 'Redis hung' => sub {
    my $before = logged(qr/no answer in time/);
    $redis->pause;
    is($http->get($path)->{status}, 200, 'answered from Postgres') for 1 .. 30;
    is(logged(qr/no answer in time/) - $before, 1,
       'only the first one waited for it');
    is($stack->jobs->submit(accounts => ['x']) ? 1 : 0, 1, 'jobs are taken');
    like($http->get('/readyz?verbose')->{body}, qr/\[!\]redis away/,
         'a warning in /readyz');
    is($http->get('/readyz')->{status}, 200, 'which is still good');
    $redis->resume;
    wait_for { $http->get('/readyz?verbose')->{body} =~ /\[\+\]redis ok/ } 20,
        'Redis to be used again';
    is(logged(qr/Redis is back/), 1, 'said once');
};

subtest 'Redis restarted under load' => sub {
    my $load = load();
    $load->wait_for_requests(100);
    $redis->kill9;
    $load->wait_for_requests(200);
    $redis->start;
    wait_for { $http->get('/readyz?verbose')->{body} =~ /\[\+\]redis ok/ } 20,
        'Redis to be used again';
    $load->wait_for_requests(100);
    all_good($load, 'kill -9 and start');
};

subtest 'Postgres sessions cut under load' => sub {
    $redis->kill9;
    my $load = load();
    for (1 .. 5) {
        $load->wait_for_requests(100);
        $postgres->cut_sessions;
    }
    $load->wait_for_requests(100);
    all_good($load, 'cut five times');
};

for my $signal (qw(INT QUIT)) {
    my $name = { INT => 'fast', QUIT => 'immediate' }->{$signal};

    subtest "Postgres restarted ($name) under load" => sub {
        my $load = load();
        $load->wait_for_requests(100);
        $postgres->{stop_status} = $signal eq 'QUIT' ? 2 : 0
            if $signal eq 'QUIT';
        $postgres->signal($signal);
        $postgres->wait_end;
        $postgres->start;
        $load->wait_for_requests(200);
        all_good($load, $name);
    };
}
$postgres->{stop_status} = 0;

subtest 'submissions while sessions are cut' => sub {
    my $before = $stack->psql('select count(*) from public.scrape_jobs');
    my $cutter = fork // die "fork: $!";
    if ($cutter == 0) {
        for (1 .. 20) {
            $postgres->cut_sessions("query like '%submit%'");
        }
        POSIX::_exit(0);
    }
    my $client = $stack->client;
    my ($made, $sent) = (0, 0);
    do {
        $made += stored($client, $client->post_json(
            '/api/scrape-followers', { accounts => ["name$sent"] }));
        $sent++;
    } while (waitpid($cutter, POSIX::WNOHANG()) == 0 || $made < 50);
    is($stack->psql('select count(*) from public.scrape_jobs') - $before,
       $made, "$made of $sent said to be stored, as many jobs");
};

# whether a submission was stored, by its answer; cut twice in a row it may be
# in doubt, and then its status tells
sub stored {
    my ($client, $r) = @_;

    return 1 if $r->{status} == 202;
    like($r->{body}, qr/"code":"IGJ0805"/, 'in doubt');
    my ($status) = $r->json->{detail} =~ m{(/api/job-status/\S+)};
    wait_for { $r = $client->get($status); $r->{status} != 503 } 30,
        'a status';
    return $r->{status} == 200;
}

subtest 'Postgres away' => sub {
    $nginx->configure(http => 'igjobs_postgres_queue_timeout 1s;'
                              . 'igjobs_status_cache_time 0;');
    $nginx->reload;
    my $fresh = $stack->client;
    $postgres->stop;
    for my $request ([get => $path],
                     [post_json => '/api/scrape-followers',
                      { accounts => ['a'] }]) {
        my ($method, @rest) = @$request;
        my $r = $fresh->$method(@rest);
        is($r->{status}, 503, "$method: 503");
        is($r->header('Retry-After'), 2, "$method: Retry-After");
        like($r->json->{code}, qr/^IGJ080/, "$method: code");
    }
    is($fresh->get('/readyz')->{status}, 503, '/readyz');
    is($fresh->get('/livez')->{status}, 200, '/livez');
    $postgres->start;
    wait_for { $fresh->get('/readyz')->{status} == 200 } 20,
        'Postgres to be used again';
    is($fresh->get($path)->{status}, 200, 'served again');
};

subtest 'Postgres hung' => sub {
    $nginx->configure(http => 'igjobs_postgres_timeout 1s;'
                              . 'igjobs_status_cache_time 0;');
    $nginx->reload;
    my $fresh = $stack->client;
    is($fresh->get($path)->{status}, 200, 'before');
    my @backends = map { (split ' ')[0] } grep { /igjobs_api/ }
                   map { s/\|/ /gr } $postgres->sessions;
    kill 'STOP', $postgres->pid, @backends;
    is($fresh->get($path)->{status}, 503, 'an answer all the same');
    kill 'CONT', $postgres->pid, @backends;
    wait_for { $fresh->get($path)->{status} == 200 } 20,
        'Postgres to be used again';
};

$redis->start;
$stack->finish;
done_testing;
