#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Clients that wait for a job: until it has ended, until it changes, until their
# time is over; what they are told, and what becomes of them when they, a
# backend or nginx leave.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Documents;
use Igjobs::Env;
use Igjobs::Port 'free_port';
use Igjobs::Stack;
use Igjobs::Wait;

my ($capped, $off) = (free_port(), free_port());
my $servers = <<"HTTP";
    igjobs_status_cache_time 0;
    server {
        listen 127.0.0.1:$capped;
        location /api/ { igjobs; igjobs_max_wait 1s; }
    }
    server {
        listen 127.0.0.1:$off;
        location /api/ { igjobs; igjobs_max_wait 0; }
    }
HTTP
my $stack = Igjobs::Stack->new(nginx => { http => $servers });
$stack->start(qw(postgres redis nginx));

my $nginx = $stack->nginx;
my $documents = Igjobs::Documents->new($stack);

sub new_job { return $stack->jobs->submit(accounts => ['one.name']) }
sub path { return "/api/job-status/$_[0]" }

# a client whose request waits in nginx
sub waiting {
    my ($path, @headers) = @_;
    my $client = $stack->client->connect;

    $client->send_request('GET', $path, headers => \@headers);
    read_by_now();
    return $client;
}

# nginx has read what was sent before
sub read_by_now {
    $stack->client->get('/livez')->{status} == 200 or die 'nginx is not well';
    return;
}

sub quiet {
    my ($client) = @_;

    read_by_now();
    return $client->usable;
}

subtest 'a job that has ended' => sub {
    my $job = new_job();

    for my $end (qw(completed failed)) {
        $documents->set($job, $end);
        for my $ask ([path($job) . '?wait=30'],
                     [path($job) . '?waitForFinish=30'],
                     [path($job), Prefer => 'wait=30'],
                     [path($job), Prefer => 'wait=30; for=change']) {
            my ($path, @headers) = @$ask;
            my $r = $stack->client->get($path, headers => \@headers);
            my $name = "$end, @$ask";
            is($r->{status}, 200, "$name: at once");
            is($r->json->{status}, $end, "$name: the document");
            is($r->header('Preference-Applied'), 'wait=30'
               . ("@headers" =~ /change/ ? ', for=change' : ''),
               "$name: Preference-Applied");
            is($r->header('Retry-After'), undef, "$name: nothing to ask for");
            like($r->header('ETag'), qr{^W/"\d+"$}, "$name: ETag");
        }
    }
    my $r = $stack->client->head(path($job) . '?wait=30');
    is($r->{status}, 200, 'HEAD');
};

subtest 'a job that ends' => sub {
    my $job = new_job();
    my @clients = map { waiting(path($job), Prefer => 'wait=60') } 1 .. 3;

    $documents->set($job, 'processing');
    ok(quiet($_), 'a change is not the end') for @clients;
    $documents->set($job, 'completed');
    for my $client (@clients) {
        my $r = $client->read_response;
        is($r->{status}, 200, 'answered');
        is($r->json->{status}, 'completed', 'with the end');
        is($r->header('Preference-Applied'), 'wait=60', 'Preference-Applied');
        is($r->header('Cache-Control'), 'private, no-cache', 'Cache-Control');
    }
    is($clients[0]->get(path($job))->{status}, 200,
       'the connection is good for another request');
};

subtest 'who was told of the end' => sub {
    my $job = new_job();

    $documents->set($job, 'processing');
    $documents->commit($job, 'completed');
    my $client = $stack->client;
    is($client->get(path($job))->json->{status}, 'processing',
        'a worker has ended the job and not told yet');
    is($client->get(path($job) . '?wait=30')->json->{status}, 'completed',
        'who waits is told out of Postgres');
    is($client->get(path($job))->json->{status}, 'completed',
        'is not told less from then on');
};

subtest 'the time is over' => sub {
    my $job = new_job();
    my $r = $stack->client->get(path($job) . '?wait=1');

    is($r->{status}, 202, 'not ended');
    is($r->json->{status}, 'queued', 'the present document');
    is($r->header('Location'), path($job), 'Location');
    is($r->header('Retry-After'), 2, 'Retry-After');
    is($r->header('Preference-Applied'), 'wait=1', 'Preference-Applied');

    $r = Igjobs::Http->new($capped)->get(path($job) . '?wait=86400');
    is($r->{status}, 202, 'more than allowed');
    is($r->header('Preference-Applied'), 'wait=1', 'is lowered');
    $r = Igjobs::Http->new($off)->get(path($job) . '?wait=60');
    is($r->{status}, 200, 'where there is no waiting');
    is($r->header('Preference-Applied'), undef, 'nothing is applied');
};

subtest 'for=change' => sub {
    my $job = new_job();
    my @change = (Prefer => 'wait=60; for=change');
    my $client = waiting(path($job), @change);

    ok(quiet($client), 'what is there is no change');
    my $version = $documents->set($job, 'processing');
    my $r = $client->read_response;
    is($r->{status}, 202, 'a change');
    is($r->json->{version}, $version, 'the new document');
    is($r->header('Preference-Applied'), 'wait=60, for=change',
       'Preference-Applied');
    is($r->header('Location'), path($job), 'Location');

    my $tag = $r->header('ETag');
    $r = $stack->client->get(path($job), headers => [
        @change, 'If-None-Match', 'W/"1"']);
    is($r->{status}, 202, 'changed since the document of the client');
    is($r->json->{version}, $version, 'the new document');

    $client = waiting(path($job), @change, 'If-None-Match', $tag);
    ok(quiet($client), 'not changed since');
    $documents->set($job, 'completed');
    is($client->read_response->{status}, 200, 'the end is a change');

    $job = new_job();
    $tag = $stack->client->get(path($job))->header('ETag');
    for my $prefer ('wait=1; for=change', 'wait=1') {
        $r = $stack->client->get(path($job), headers => [
            Prefer => $prefer, 'If-None-Match', $tag]);
        is($r->{status}, 304, "$prefer: still what the client has");
        is($r->header('ETag'), $tag, "$prefer: ETag");
    }
};

subtest 'not a wish to wait' => sub {
    my $job = new_job();

    for my $path (map { path($job) . $_ } '?wait=0', '?waitForFinish=0') {
        my $r = $stack->client->get($path);
        is($r->{status}, 200, $path);
        is($r->header('Preference-Applied'), undef, "$path: nothing applied");
    }
    is($stack->client->get(path($job), headers => [Prefer => $_])->{status},
       200, "Prefer: $_")
        for 'wait', 'wait=x', 'wait=0', 'waiting=5', 'respond-async', ',;=';
    for my $query ('wait=x', 'wait=-1', 'wait=1.5', 'wait=', 'wait=%zz',
                   'waitForFinish=soon', 'waitForFinish=-1') {
        my $r = $stack->client->get(path($job) . "?$query");
        is($r->{status}, 400, $query);
        is($r->json->{code}, 'IGJ0110', "$query: code");
    }
    is($stack->client->get(path('01890000-0000-7000-8000-000000000000')
                           . '?wait=30')->{status}, 404, 'an unknown job');
    is($stack->client->get(path('x') . '?wait=30')->{status}, 404, 'no id');
};

subtest 'no room' => sub {
    $nginx->configure(http => 'igjobs_max_watches 1;');
    $nginx->reload;
    my $job = new_job();
    my $client = waiting(path($job) . '?wait=60');
    my $r = $stack->client->get(path($job) . '?wait=60');

    is($r->{status}, 200, 'answered at once');
    is($r->json->{status}, 'queued', 'with the document');
    is($r->header('Preference-Applied'), undef, 'nothing applied');
    $client->cut;
    wait_for {
        my $other = waiting(path($job) . '?wait=60');
        my $room = $other->usable;
        $other->cut;
        $room;
    } 20, 'the place of a client that left';
    pass('a client that leaves makes room');
    $nginx->configure(http => $servers);
    $nginx->reload;
};

subtest 'backends that leave' => sub {
    my $job = new_job();
    my $client = waiting(path($job) . '?wait=60');

    $stack->redis->stop;
    $documents->set($job, 'completed');
    is($client->read_response->{status}, 200, 'the end without Redis');

    $job = new_job();
    my $other = waiting(path($job), Prefer => 'wait=60; for=change');
    $client = waiting(path($job) . '?wait=5');
    my $version = $documents->set($job, 'processing');
    is($other->read_response->{status}, 202, 'the job is known to nginx');
    $stack->postgres->stop;
    my $r = $client->read_response;
    is($r->{status}, 202, 'the time is over, without Postgres');
    is($r->json->{version}, $version, 'the last document');
    $r = $stack->client->get(path($job) . '?wait=60');
    is($r->{status}, 503, 'nobody to ask');
    is($r->header('Preference-Applied'), undef, 'nothing applied');
    $stack->postgres->start;
    $stack->redis->start;
    wait_for {
        eval { new_job() } && $stack->client->get('/readyz')->{status} == 200
    } 20, 'Postgres to be used';
};

sub submit {
    my ($client, $query, @headers) = @_;

    $client->send_request('POST', "/api/scrape-followers$query",
        body => '{"accounts":["one.name","One.Name"]}',
        headers => ['Content-Type', 'application/json', @headers]);
    return $client;
}

# the job that was submitted last, once it is stored
sub submitted {
    my ($before) = @_;
    my $job;

    wait_for {
        $job = $stack->psql('select job_id from public.scrape_jobs'
                            . ' order by job_id desc limit 1');
        $job ne $before;
    } 20, 'a submission to be stored';
    return $job;
}

subtest 'submissions' => sub {
    my $last = new_job();
    my $plain = submit($stack->client->connect, '')->read_response;

    is($plain->{status}, 202, 'who does not wait gets 202');
    is($plain->header('Preference-Applied'), undef, 'nothing applied');

    for my $ask ([''], ['?wait=30'], ['?waitForFinish=30'],
                 ['', Prefer => 'wait=30']) {
        my ($query, @headers) = @$ask;
        my $waits = $query || @headers;
        $last = $stack->psql('select max(job_id::text) from'
                             . ' public.scrape_jobs');
        my $client = submit($stack->client->connect, $query, @headers);
        my $job = submitted($last);
        if ($waits) {
            ok(quiet($client), "@$ask: waits");
            $documents->set($job, 'processing');
            $documents->set($job, 'completed', profiles_scraped => 7);
        }
        my $r = $client->read_response;
        is($r->{status}, $waits ? 200 : 202, "@$ask: status");
        is($r->json->{job_id}, $job, "@$ask: the job");
        is($r->json->{status}, $waits ? 'completed' : 'queued',
           "@$ask: its status");
        is($r->header('Preference-Applied'), $waits ? 'wait=30' : undef,
           "@$ask: Preference-Applied");
    }

    my $r = submit($stack->client->connect, '?wait=1')->read_response;
    my $job = $r->json->{job_id};
    is($r->{status}, 202, 'the time is over');
    is($r->header('Preference-Applied'), 'wait=1', 'Preference-Applied');
    is($r->header('Location'), path($job), 'Location');
    is($r->header('Retry-After'), 2, 'Retry-After');
    is_deeply([sort keys %{ $r->json }], [sort keys %{ $plain->json }],
              'the 202 of the contract');
    is_deeply($r->json->{accounts}, { given => 2, accepted => 1,
                                      duplicates => 1, invalid => 0 },
              'with its numbers');

    my $client = submit($stack->client->connect, '',
                        Prefer => 'wait=30; for=change');
    $job = submitted($job);
    $documents->set($job, 'processing');
    $r = $client->read_response;
    is($r->{status}, 202, 'for=change: the first change');
    is($r->json->{job_id}, $job, 'for=change: the 202 of the contract');
    is($r->header('Preference-Applied'), 'wait=30, for=change',
       'for=change: Preference-Applied');

    for my $query ('?wait=soon', '?waitForFinish=-1') {
        $client = submit($stack->client->connect, $query);
        $r = $client->read_response;
        is($r->{status}, 400, "$query: refused");
        is($r->json->{code}, 'IGJ0110', "$query: code");
        is($client->get('/livez')->{status}, 200,
           "$query: the connection is good for another request");
    }
    is(submit($stack->client->connect, '?wait=5', 'If-None-Match', '*')
       ->read_response->{status}, 202, 'a submission has no tag');
};

subtest 'submissions without room or backends' => sub {
    $nginx->configure(http => "$servers igjobs_max_watches 1;"
                      . ' igjobs_max_submissions 1;');
    $nginx->reload;
    my $client = waiting(path(new_job()) . '?wait=60');
    my $r = submit($stack->client->connect, '?wait=60')->read_response;

    is($r->{status}, 202, 'no room: at once');
    is($r->header('Preference-Applied'), undef, 'no room: nothing applied');
    $client->cut;
    $nginx->configure(http => "$servers igjobs_max_submissions 1;");
    $nginx->reload;

    my @clients;
    for (1 .. 3) {
        my $last = $stack->psql('select max(job_id::text) from'
                                . ' public.scrape_jobs');
        push @clients, submit($stack->client->connect, '?wait=5');
        submitted($last);
        ok(quiet($clients[-1]), 'waits');
    }
    pass('who waits is no submission in flight any more');
    $stack->redis->stop;
    $stack->postgres->stop;
    is($_->read_response->{status}, 202, 'no backend left: 202') for @clients;
    $stack->postgres->start;
    $stack->redis->start;
    $nginx->configure(http => $servers);
    $nginx->reload;
    wait_for {
        eval { new_job() } && $stack->client->get('/readyz')->{status} == 200
    } 20, 'Postgres to be used';
};

subtest 'clients that leave' => sub {
    my @before = $nginx->workers;
    my $job = new_job();

    for my $round (1 .. 4) {
        my @clients = map { $stack->client->connect } 1 .. 50;
        $_->send_request('GET', path($job) . '?wait=60') for @clients;
        read_by_now();
        $_->cut(reset => $round % 2) for @clients;
    }
    $documents->set($job, 'completed');
    is($stack->client->get(path($job))->{status}, 200, 'served after that');
    is("@{[$nginx->workers]}", "@before", 'by the same worker');
};

$stack->finish;
done_testing;
