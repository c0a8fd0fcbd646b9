#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Calls that change a job: their bodies good and bad, what is answered, what
# status, waits, streams and turns hear of it, repeats, clients that leave.

use strict;
use warnings;
use JSON::PP ();
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../sql/lib";
use Igjobs::Events;
use Igjobs::Session;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new;
$stack->start(qw(postgres redis nginx));
my $http = $stack->client;
my $jobs = $stack->jobs;

sub submit { return $jobs->submit(accounts => [map { "name_$_" } 1 .. 3]) }

# call($action, $job, $body, headers...): with a body, if it is given
sub call {
    my ($action, $job, $body, @headers) = @_;
    my @body = defined $body
        ? (body => ref $body ? JSON::PP->new->utf8->encode($body) : $body) : ();

    return $http->request('POST', "/api/jobs/$job/$action", @body,
                          headers => \@headers);
}

sub said {
    my ($r) = @_;

    return "$r->{status} " . ($r->json->{state} // $r->json->{code} // '');
}

sub status { return $http->get("/api/job-status/$_[0]")->json }

# audit($job): what was noted, oldest first
sub audit {
    my ($job) = @_;

    return $stack->psql("select string_agg(action || ':' || coalesce(reason,"
        . " '-'), ' ' order by audit_id) from igjobs.audit_log"
        . " where job_id = '$job'");
}

# turns($job): how many stand
sub turns {
    my ($job) = @_;

    return scalar grep { /\Q$job\E/ } @{ $stack->redis->command(
        'ZRANGE', 'igjobs:{q}:turns:scrape_followers:small', 0, -1) };
}

subtest 'a queued job' => sub {
    my $job = submit();
    my $r = call(pause => $job, { reason => "lunch \x{2615}" });

    is(said($r), '200 paused', 'is paused at once');
    is($r->json->{status}, 'processing', 'the old word');
    is($r->header('Cache-Control'), 'private, no-cache', 'for nobody else');
    is($r->header('Retry-After'), undef, 'nothing to wait for');
    is_deeply(status($job), $r->json, 'the status says so at once');
    is(said(call(pause => $job)), '200 paused', 'once more');
    is(status($job)->{version}, $r->json->{version}, 'changes nothing');

    $r = call(resume => $job);
    is(said($r), '200 queued', 'goes on');
    is_deeply(status($job), $r->json, 'as the status says');
    is(turns($job), 1, 'its turn stands');
    is(said(call(resume => $job)), '200 queued', 'once more');

    $r = call(cancel => $job, { reason => 'enough' });
    is(said($r), '200 canceled', 'is canceled');
    is(join(' ', @{ $r->json }{qw(status completion_reason)}),
       'failed canceled', 'old and new words');
    is_deeply(status($job), $r->json, 'the status');
    is(said(call(cancel => $job)), '200 canceled', 'once more');
    is(said(call($_ => $job)), '409 IGJ0410', "$_ of what has ended")
        for qw(pause resume);
    is(call(pause => $job)->json->{detail}, 'The job is canceled (canceled).',
       'says why');
    is(audit($job), "pause:lunch \x{2615} resume:- cancel:enough"
       =~ s/\x{2615}/\xe2\x98\x95/r, 'the record');
};

subtest 'unknown jobs' => sub {
    my $job = submit();

    for my $action (qw(cancel pause resume)) {
        is(said(call($action => $_)), '404 IGJ0401', "$action: $_")
            for '0199e1f5-7c1a-7b3e-9c55-000000000000', 'none';
    }
    is(said($http->get("/api/jobs/$job/cancel")), '405 IGJ0202', 'GET');
    my $r = $http->request('OPTIONS', "/api/jobs/$job/cancel", headers => [
        Origin => 'https://app.example',
        'Access-Control-Request-Method' => 'POST']);
    is($r->header('Allow'), 'POST, OPTIONS', 'Allow');
    is($r->header('Access-Control-Allow-Methods'), 'GET, POST, DELETE',
       'for pages');
    is(said(call('none' => $job)), '404 IGJ0201', 'no such action');
    is(status($job)->{state}, 'queued', 'nothing has changed');
};

subtest 'bodies' => sub {
    my $job = submit();
    my @json = ('Content-Type' => 'application/json');
    my %good = ('nothing' => '', 'white space' => " \n", 'an object' => '{}',
                'null' => '{"reason":null}', 'others' => '{"x":[1e3,{}]}',
                'escapes' => '{"reason":"\ud83d\ude00 \u00e9"}',
                'deep' => '{"a":[[[[[[[]]]]]]]}',
                'null itself' => 'null', 'an empty array' => "[ ]\n");
    is(said(call(pause => $job, $good{$_})), '200 paused', $_)
        for sort keys %good;
    is(said(call(pause => $job, '{}', @$_)), '200 paused', "as @$_")
        for [@json], ['Content-Type' => 'a/b+json; charset=utf-8'];
    is(said(call(pause => $job, undef,
                 'Content-Type' => 'application/x-www-form-urlencoded')),
       '200 paused', 'the type of no body');
    is(said($http->request('POST', "/api/jobs/$job/pause", chunked => 3,
                           body => '{"reason":"x"}')),
       '200 paused', 'in chunks');

    my %bad = (
        '[1]' => '400 IGJ0104', '1' => '400 IGJ0104', '"x"' => '400 IGJ0104',
        '{' => '400 IGJ0101', '{}}' => '400 IGJ0101', 'x' => '400 IGJ0101',
        '{"reason":1}' => '400 IGJ0109', '{"reason":{}}' => '400 IGJ0109',
        '{"reason":"' . 'x' x 1001 . '"}' => '400 IGJ0109',
        '{"a":"\u0000"}' => '400 IGJ0109', '{"\u0000":1}' => '400 IGJ0109',
        '{"a":"\ud83d"}' => '400 IGJ0109', '{"a":1e99999}' => '400 IGJ0109',
        '{"a":1,"a":2}' => '400 IGJ0106', qq({"a":"\xff"}) => '400 IGJ0103',
        '{"a":' . '[' x 8 . ']' x 8 . '}' => '400 IGJ0105',
        '{"a":"' . 'x' x 65_536 . '"}' => '413 IGJ0111');
    for my $body (sort keys %bad) {
        is(said(call(pause => $job, $body)), $bad{$body},
            "body " . substr $body, 0, 30);
    }
    my $r = call(pause => $job, '{"a":{"b":[0,"\u0000"]}}');
    is($r->json->{errors}[0]{pointer}, '#/a/b/1', 'where it is');
    $r = call(pause => $job, '{"reason":1}');
    is_deeply($r->json->{errors}, [{ pointer => '#/reason', detail =>
        'reason must be a string of at most 1000 characters.' }],
        'also by a function');
    is(said(call(pause => $job, 'a=b',
                 'Content-Type' => 'application/x-www-form-urlencoded')),
       '415 IGJ0112', 'a form');
    is(said(call(pause => $job, '{}', 'Content-Encoding' => 'gzip')),
       '415 IGJ0113', 'packed');
    $r = $stack->client->request('POST', "/api/jobs/$job/pause",
        chunked => 9999, body => '{"a":"' . 'x' x 70_000 . '"}');
    is(said($r), '413 IGJ0111', 'large, of no known length');
    is(said(call(resume => $job, '{"a":"' . 'x' x 65_000 . '"}')),
       '200 queued', 'a large one');
    is(audit($job), 'pause:- resume:-', 'and nothing more was noted');
};

# news($stream): name and state of the next event
sub news {
    my $event = $_[0]->event;

    return "$event->{event} "
        . JSON::PP->new->utf8->decode($event->{data})->{state};
}

# read_all($job): status of each way to read a job
sub read_all {
    my ($job) = @_;

    return join ' ', map { $http->get($_)->{status} } "/api/job-status/$job",
        "/api/jobs/$job", "/api/jobs/$job/accounts", "/api/jobs/$job/events",
        "/api/job-results/$job", "/api/job-results/$job.csv?partial=true";
}

subtest 'erasing' => sub {
    my $job = submit();

    is(status($job)->{state}, 'queued', 'is in Redis');
    my $held = $stack->client;
    $held->connect->send("GET /api/job-status/$job?wait=20 HTTP/1.1\r\n"
                         . "Host: x\r\n\r\n");
    wait_for { $stack->redis->command('PUBSUB', 'NUMSUB',
        "igjobs:events:default:$job")->[1] == 1 } 20, 'a client to wait';
    my $r = $http->request('DELETE', "/api/jobs/$job");
    is("$r->{status} $r->{body}", '202 {"success":true,"job_id":"' . $job
       . '","erased":false}' . "\n", 'is on its way');
    is(read_all($job), '404 404 404 404 404 404', 'nobody reads it');
    $r = $held->read_response;
    is(join(' ', $r->{status}, @{ $r->json }{qw(state error_message)}),
       '200 canceled Job was erased', 'a client that waited is told an end');
    is($http->request('DELETE', "/api/jobs/$job")->{status}, 202,
       'once more');
    $stack->psql('select igjobs.erase_step(1000)') for 1 .. 3;
    is($http->request('DELETE', "/api/jobs/$job", body => '{"reason":"x"}')
       ->json->{erased}, JSON::PP::true, 'nothing is left');
    is(read_all($job), '404 404 404 404 404 404', 'nothing is there');
    is(said($http->request('DELETE',
        '/api/jobs/0199e1f5-7c1a-7b3e-9c55-000000000000')), '404 IGJ0401',
       'an unknown job');
    is(said($http->request('DELETE', "/api/jobs/$job", body => '[1]')),
       '400 IGJ0104', 'a body that is none');
    $r = $http->request('PUT', "/api/jobs/$job");
    is($r->header('Allow'), 'GET, HEAD, DELETE, OPTIONS', 'Allow');
};

subtest 'waits and streams' => sub {
    my $job = submit();
    my $stream = Igjobs::Events->open($stack->nginx->port,
                                      "/api/jobs/$job/events");
    is(news($stream), 'state queued', 'a stream begins');
    my $held = $stack->client;
    $held->connect->send("GET /api/job-status/$job HTTP/1.1\r\nHost: x\r\n"
        . "Prefer: wait=20; for=change\r\n\r\n");
    wait_for { $stack->redis->command('PUBSUB', 'NUMSUB',
        "igjobs:events:default:$job")->[1] == 1 } 20, 'both to watch';
    call(pause => $job);
    is($held->read_response->json->{state}, 'paused', 'a wait hears it');
    is(news($stream), 'state paused', 'a stream, too');
    call(resume => $job);
    is(news($stream), 'state queued', 'it goes on');
    call(cancel => $job);
    is(news($stream), 'done canceled', 'and ends');
};

subtest 'a job that had ended' => sub {
    my $job = submit();

    $stack->psql("update public.scrape_jobs set target_count = 1,"
        . " profiles_scraped = 1 where job_id = '$job'");
    $stack->psql("select igjobs.stop_job('default', '$job', 'target')");
    is(status($job)->{completion_reason}, 'target_reached', 'in Redis');
    is(said(call(resume => $job)), '409 IGJ0410', 'its target is reached');
    is(said(call(resume => $job, { target_count => 1.5 })), '400 IGJ0109',
       'no number of profiles');
    my $r = call(resume => $job, { target_count => 5 });
    is(said($r), '200 queued', 'opened again with a higher one');
    is_deeply(status($job), $r->json, 'the copy that lives for a minute is'
       . ' replaced');
    is(turns($job), 1, 'its turn stands');
};

subtest 'without Redis' => sub {
    my $job = submit();
    my $held = $stack->client;

    $stack->redis->stop;
    $stack->nginx->allow_alerts(qr/connect\(\) to \S+redis\.sock failed/);
    is(said(call(pause => $job)), '200 paused', 'paused');
    is(status($job)->{state}, 'paused', 'as the status says');
    $held->connect->send("GET /api/job-status/$job?wait=20 HTTP/1.1\r\n"
                         . "Host: x\r\n\r\n");
    is(said(call(cancel => $job)), '200 canceled', 'canceled');
    is($held->read_response->json->{state}, 'canceled', 'a wait hears it');
    $stack->redis->start;
};

subtest 'clients that leave, connections that break' => sub {
    my $job = submit();
    my $session = Igjobs::Session->new($stack->postgres);

    # the call waits for the row
    $session->run('begin');
    $session->run("select 1 from public.scrape_jobs where job_id = '$job'"
                  . ' for update');
    my $leaver = $stack->client;
    $leaver->connect->send("POST /api/jobs/$job/pause HTTP/1.1\r\n"
                           . "Host: x\r\nContent-Length: 0\r\n\r\n");
    my $waiting = "select count(*) from pg_stat_activity where wait_event_type"
        . " = 'Lock' and query like '%api_pause%'";
    wait_for { $stack->psql($waiting) == 1 } 20, 'the call to wait';
    is(status($job)->{state}, 'queued', 'is in Redis');
    $leaver->cut;
    $session->run('commit');
    wait_for { status($job)->{state} eq 'paused' } 20,
        'what a client that left has changed is told';
    is(status($job)->{state}, 'paused', 'the call went on without its client');

    # the backend dies before the call, which is made again
    $session->run('begin');
    $session->run("select 1 from public.scrape_jobs where job_id = '$job'"
                  . ' for update');
    my $asking = $stack->client;
    $asking->connect->send("POST /api/jobs/$job/cancel HTTP/1.1\r\n"
                           . "Host: x\r\nContent-Length: 0\r\n\r\n");
    $waiting =~ s/api_pause/api_cancel/;
    wait_for { $stack->psql($waiting) == 1 } 20, 'the call to wait';
    $stack->psql('select pg_terminate_backend(pid) from pg_stat_activity'
        . " where wait_event_type = 'Lock' and query like '%api_cancel%'");
    $session->run('commit');
    is(said($asking->read_response), '200 canceled', 'made again');
    is(audit($job), 'pause:- cancel:-', 'and done once');
};

$stack->finish;
done_testing;
