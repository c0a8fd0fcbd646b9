#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# POST /api/ingest: up to 1,000 profiles at once, more as an operation; what is
# refused, repeated, cut off, and what the memory of nginx has of it.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;
use Igjobs::Port 'free_port';
use Igjobs::Proxy;
use Igjobs::Stack;
use Igjobs::Wait;

use constant LARGE => 50_000;

my $path = '/api/ingest';
my ($sync, $narrow) = map { free_port() } 1, 2;
my $stack = Igjobs::Stack->new(nginx => { http => <<"HTTP" });
    igjobs_max_wait 30s;
    igjobs_max_submissions 20;
    igjobs_max_submission_bytes 6m;
    igjobs_postgres_pool large_calls=3 bulk=2;
    server {
        listen 127.0.0.1:$sync;
        location /api/ { igjobs; igjobs_sync_answers on; }
    }
    server {
        listen 127.0.0.1:$narrow;
        location /api/ { igjobs; igjobs_max_ingest_size 2k; }
    }
HTTP
$stack->start(qw(postgres redis nginx));
my $http = $stack->client;
my $number = 100;

sub pool { return $stack->psql('select count(*) from public.global_usernames') }
sub raw {
    return $stack->psql('select count(*) from public.raw_scraped_profiles');
}

# so many profiles that nobody has sent before
sub fresh {
    my ($count, $more) = @_;
    my $first = $number;

    $number += $count;
    return '{"profiles":[' . join(',', map {
        qq({"id":$_,"username":"user.$_","full_name":"User \\u0041 $_")
        . ($more // '') . '}' } $first + 1 .. $number) . ']}';
}

sub post {
    my ($body, @headers) = @_;

    return $http->post_json($path, $body, headers => \@headers);
}

sub counts {
    my ($r) = @_;

    return join ' ', $r->{status}, $r->{status} == 200
        ? @{ $r->json }{qw(inserted_raw added_to_global skipped_existing)}
        : $r->json->{code} // ();
}

subtest 'up to 1,000' => sub {
    my $r = post('{"profiles":[]}');

    is($r->{status}, 200, 'none');
    is($r->json->{$_}, 0, "$_ of none")
        for qw(inserted_raw added_to_global skipped_existing batch_count
               total_profiles);
    is($r->json->{message}, 'No profiles to ingest', 'which is said');
    ok(!exists $r->json->{batch_id}, 'and is no batch');

    $r = post('{"profiles":[{"id":"a1","username":"ann","full_name":"Ann \"A\"'
        . ' \u00e9"},{"id":7,"username":"ben"},{"username":"no.id"},{"id":8},'
        . '17,{"id":{},"username":"x"}]}');
    is(counts($r), '200 2 2 0', 'some');
    is(join(' ', sort keys %{ $r->json }),
        'added_to_global inserted_raw invalid skipped_existing success',
        'the members of the answer');
    is($stack->psql('select id, username, full_name, used from'
        . ' public.global_usernames order by id'),
        "7|ben||f\na1|ann|Ann \"A\" \xc3\xa9|f", 'the pool');
    is(counts(post('{"profiles":[{"id":"7","username":"ben"},'
        . '{"id":"9","username":"cid"}]}')), '200 2 1 1', 'one is known');

    is(counts(post(fresh(1000))), '200 1000 1000 0', '1,000');
    is(counts($http->request('POST', $path, body => fresh(3), headers => [])),
        '200 3 3 0', 'without a media type');
    is(counts($http->request('POST', $path, body => fresh(3), chunked => 7,
        headers => ['Content-Type', 'application/json; charset=utf-8'])),
        '200 3 3 0', 'in chunks');
};

subtest 'bases' => sub {
    my $body = fresh(2);
    my $named = $body =~ s/^\{/{"base_id":"appB",/r;

    my $r = post($body, 'X-Base-Id' => ' appA ');
    is(counts($r), '200 2 2 0', 'by header');
    is($r->json->{base_id}, 'appA', 'is told');
    is(counts(post($named)), '200 2 2 0', 'by member');
    is(counts(post($named, 'X-Base-Id' => 'appA')), '200 2 0 2',
        'the header first');
    is($stack->psql("select string_agg(distinct base_id, ' ' order by base_id)"
        . ' from public.raw_scraped_profiles'), 'appA appB default_instagram',
        'in the rows');
    $r = post($body, 'X-Base-Id' => 'no');
    is(counts($r), '400 IGJ1101', 'a wrong one');
    is($r->json->{error}, 'Invalid base_id format: no', 'as it was said');
    is(post('{"profiles":[],"base_id":["x"]}')->json->{error},
        'Invalid base_id format: []', 'or no text');
};

subtest 'what is refused' => sub {
    my $before = raw();
    my %refused = (
        '{}' => ['400 IGJ1301', 'Missing "profiles" field in request body'],
        'null' => ['400 IGJ1301', 'Missing "profiles" field in request body'],
        '[]' => ['400 IGJ1301', 'Missing "profiles" field in request body'],
        '{"profiles":null}' => ['400 IGJ1302', 'Profiles must be a list'],
        '{"profiles":{"id":1}}' => ['400 IGJ1302', 'Profiles must be a list'],
        '{"profiles":[' => ['400 IGJ0101'],
        '' => ['400 IGJ0102'],
        '5' => ['400 IGJ0104'],
        '{"profiles":[{"id":"' . "\xff" . '"}]}' => ['400 IGJ0103'],
    );

    for my $body (sort keys %refused) {
        my $r = post($body);

        is(counts($r), $refused{$body}[0], "<$body>");
        is($r->json->{error}, $refused{$body}[1], 'in the contract\'s words')
            if $refused{$body}[1];
        is($r->json->{success}, JSON::PP::false(), 'no success');
    }
    is(counts($http->request('POST', $path, body => 'profiles=1', headers => [
        'Content-Type', 'application/x-www-form-urlencoded'])), '415 IGJ0112',
        'another media type');
    is(Igjobs::Http->new($narrow)->post_json($path, fresh(100))->{status}, 413,
        'too large');
    is(counts(post('{"profiles":[' . '{},' x 500_000 . '{}]}')), '422 IGJ1303',
        'too many');
    is($http->get($path)->{status}, 405, 'another method');
    is(raw(), $before, 'nothing was stored');
};

subtest 'more than 1,000' => sub {
    my $r = post(fresh(1001));
    my $doc = $r->json;
    my $batch = $doc->{batch_id};

    is($r->{status}, 202, 'accepted');
    like($batch, qr/^[0-9a-f-]{36}$/, 'with an id');
    is($doc->{batch_count}, 2, 'batch_count');
    is($doc->{total_profiles}, 1001, 'total_profiles');
    is($doc->{message}, 'Ingestion queued successfully (2 batches)', 'message');
    is($doc->{success}, JSON::PP::true(), 'success');

    $r = $http->get("$path/$batch");
    is($r->{status}, 200, 'its state');
    is($r->json->{status}, 'queued', 'is queued');
    is($r->json->{inserted_raw}, 0, 'nothing came in yet');
    $stack->start(qw(worker));
    is(ended($batch), 'completed 1001 1001 0', 'a worker takes it in');
    is($http->get("/api/operations/$batch")->json->{added_to_global}, 1001,
        'as an operation, too');
    is($http->get("$path/$_")->{status}, 404, "no batch: $_")
        for 'x', '01900000-0000-7000-8000-000000000000';
    is($http->get("$path/x")->json->{error}, 'Batch x not found', 'its error');
};

# status and counts of a batch in the end
sub ended {
    my ($batch) = @_;
    my $doc;

    wait_for {
        $doc = $http->get("$path/$batch")->json;
        $doc->{status} =~ /completed|failed/;
    } 30, 'an ingestion to end';
    return join ' ', @$doc{qw(status inserted_raw added_to_global
                              skipped_existing)};
}

subtest 'a worker is killed' => sub {
    $stack->worker->kill9;
    my @workers = map { $stack->add_worker(name => $_, args => [
        '--lanes=3', '--lease=1500ms', '--beat=200ms', '--sweep=200ms',
        '--start-timeout=500ms']) }
        qw(first second);
    my $before = raw();
    my $batch = post(fresh(12_000))->json->{batch_id};

    wait_for { raw() > $before } 20, 'some to be taken in';
    $workers[0]->kill9;
    is(ended($batch), 'completed 12000 12000 0', 'another one goes on');
    is(raw(), $before + 12_000, 'nothing came in twice');
};

subtest 'clients that wait' => sub {
    my $body = fresh(2500);
    my $r = post($body, Prefer => 'wait=30');

    is(counts($r), '200 2500 2500 0', 'Prefer: wait');
    is(counts(Igjobs::Http->new($sync)->post_json($path, $body)),
        '200 2500 0 2500', 'the original\'s answer');
};

subtest 'idempotency keys' => sub {
    for my $count (3, 1500) {
        my $body = fresh($count);
        my @key = ('Idempotency-Key' => "key $count" =~ tr/ /-/r);
        my $first = post($body, @key);
        my $again = post($body, @key);

        is($again->{body}, $first->{body}, "$count: the first answer again");
        is($again->header('Idempotent-Replayed'), 'true', 'which says so');
        is($first->header('Idempotent-Replayed'), undef, 'the first does not');
        is(counts(post("$body ", @key)), '422 IGJ0602', 'another body');
        is(counts(post($body, @key, 'X-Base-Id' => 'appZ')), '422 IGJ0602',
            'another base');
        ended($first->json->{batch_id}) if $count > 1000;
        is($stack->psql("select count(*) from public.raw_scraped_profiles
            where id = '$number'"), 1, 'each came in once');
    }
};

subtest 'connections that are lost' => sub {
    my $proxy = Igjobs::Proxy->new($stack->postgres)->start;
    my $nginx = $stack->add_nginx(
        postgres => $proxy->dsn(user => 'igjobs_api'));
    my $client = $nginx->client;
    my ($lost, $before) = (0, raw());
    my %points = (call => [10, qw(lose before middle forward)],
                  commit => [1100, qw(lose before forward)],
                  copy => [1100, qw(before middle)]);

    for my $point (sort keys %points) {
        my ($count, @actions) = @{ $points{$point} };

        for my $action (@actions) {
            my $r;

            $proxy->rule(point => $point, action => $action, times => 1);
            $r = $client->post_json($path, fresh($count),
                                    headers => [Prefer => 'wait=30']);
            is(counts($r), "200 $count $count 0", "$point: $action");
            $lost++;
            $before += $count;
        }
    }
    is($proxy->fired, $lost, "$lost connections were lost");
    is(raw(), $before, 'nothing came in twice, nothing is missing');
};

subtest 'a large one, with members that nobody wants' => sub {
    my $body = fresh(LARGE, ',"bio":"' . 'x' x 200 . '","n":{"a":[1,[2]]}');
    my ($pool, $worker) = (pool(), ($stack->nginx->workers)[0]);
    my $before = rss($worker);
    my $r = post($body);

    is($r->{status}, 202, LARGE . ' profiles');
    is($r->json->{batch_count}, LARGE / 1000, 'batches');
    note 'nginx has grown by ', rss($worker) - $before, ' KiB of ',
        length($body) >> 10;
    cmp_ok(rss($worker) - $before, '<', 3 * 1024, 'nginx keeps none of it')
        if !Igjobs::Env::sanitized();
    is(ended($r->json->{batch_id}), 'completed ' . LARGE . ' ' . LARGE . ' 0',
        'all came in');
    is(pool(), $pool + LARGE, 'and stand in the pool');
    is($stack->psql('select count(*) from igjobs.ingest_units'
        . ' where lines is not null'), 0, 'no lines are kept');
};

sub rss {
    my ($pid) = @_;

    open my $in, '<', "/proc/$pid/status" or die "$pid: $!";
    return (join '', <$in>) =~ /VmRSS:\s+(\d+)/ ? $1 : 0;
}

subtest 'clients that leave' => sub {
    my $body = fresh(1200);
    my $head = "POST $path HTTP/1.1\r\nHost: x\r\nContent-Length: "
        . length($body) . "\r\n\r\n";
    my $before = raw();

    for my $n (1 .. 40) {
        my $client = $stack->client->connect;

        $client->send($head . substr $body, 0, $n * int(length($body) / 41));
        $client->cut;
    }
    wait_for { $http->get('/readyz')->{status} == 200 } 10, 'nginx';
    is(counts(post(fresh(1))), '200 1 1 0', 'another one is served');
    is(raw(), $before + 1, 'nothing of them is stored');

    for (1 .. 30) {
        my $client = $stack->client->connect;

        $client->send($head . $body);
        $client->cut;
    }
    ended(post(fresh(1001))->json->{batch_id});
    wait_for { $stack->psql("select count(*) from public.scrape_jobs where
        kind = 'operation' and completed_at is null") == 0 } 20,
        'those that were read to their end';
    is($stack->psql("select count(*) from igjobs.operations o where
        (select count(*) from igjobs.ingest_units u where u.job_id = o.job_id)
        <> ((o.request ->> 'given')::int + 999) / 1000"), 0,
        'what was stored is whole');
};

subtest 'a reload' => sub {
    my $body = fresh(1500);
    my $client = $stack->client->connect;
    my $half = length($body) >> 1;

    $client->send("POST $path HTTP/1.1\r\nHost: x\r\nContent-Length: "
        . length($body) . "\r\n\r\n" . substr $body, 0, $half);
    $stack->nginx->reload;
    $client->send(substr $body, $half);
    my $r = $client->read_response('POST');
    is($r->{status}, 202, 'a body that was under way is taken in');
    is(ended($r->json->{batch_id}), 'completed 1500 1500 0', 'wholly');
};

subtest 'too much at once' => sub {
    is(counts(post(fresh(300_000))), '503 IGJ0702',
        'igjobs_max_submission_bytes');
    is(counts(post(fresh(2))), '200 2 2 0', 'and room again');
};

subtest 'at once' => sub {
    my @bodies = map { my $n = $_; '{"profiles":[' . join(',', map {
        my $i = ($_ * $n) % 997;
        qq({"id":"x$i","username":"x.user.$i"}) } 1 .. 997) . ']}' } 1 .. 12;
    my @clients = map { $stack->client->connect } @bodies;
    my $pool = pool();

    $clients[$_]->send_request('POST', $path, body => $bodies[$_],
        headers => ['Content-Type', 'application/json']) for 0 .. $#bodies;
    my @answers = map { $_->read_response('POST') } @clients;
    is(scalar(grep { $_->{status} != 200 } @answers), 0, 'all are taken in');
    my $added = 0;
    $added += $_->json->{added_to_global} for @answers;
    is($added, 997, 'each profile was added by one');
    is(pool(), $pool + 997, 'and is there once');
};

subtest 'a full queue' => sub {
    $stack->psql("update igjobs.settings set value = '1' where name ="
        . " 'max_queued_jobs'; update igjobs.backlog set is_full = true,"
        . " counted_at = now() + interval '1 hour'");
    is(counts(post(fresh(1001))), '503 IGJ0704', 'refuses operations');
    is(counts(post(fresh(1001), 'Idempotency-Key', 'full')), '503 IGJ0704',
        'with a key');
    is(counts(post(fresh(5), 'Idempotency-Key', 'small')), '200 5 5 0',
        'not what is taken in at once');
};

$stack->finish;
done_testing;
