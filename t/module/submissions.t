#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Submissions: what is stored, what is answered, what Redis is told; small and
# large, with a length, chunked and over HTTP/2; and those that do not arrive.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Port 'free_port';
use Igjobs::Stack;
use Igjobs::Wait;

my $uuid = qr/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/;
my $h2 = free_port();
my $stack = Igjobs::Stack->new(nginx => { server => <<"SERVER" });
        listen 127.0.0.1:$h2 http2;
SERVER
$stack->start(qw(postgres redis nginx));

my $submit = '/api/scrape-followers';
my $http = $stack->client;

subtest 'the answer' => sub {
    my $r = $http->post_json($submit,
        { accounts => ['one', 'two', 'three'], targetGender => 'Female',
          totalScrapeCount => 150.9 });
    my $doc = $r->json;
    my $id = $doc->{job_id};

    is($r->{status}, 202, 'accepted');
    like($r->header('Content-Type'), qr{^application/json}, 'as JSON');
    like($id, qr/^$uuid$/, 'a UUID of version 7');
    is($r->header('Location'), "/api/job-status/$id", 'Location');
    is($r->header('Retry-After'), 2, 'Retry-After');
    is_deeply($doc, {
        success => JSON::PP::true, job_id => $id, status => 'queued',
        status_url => "/api/job-status/$id",
        results_url => "/api/job-results/$id",
        events_url => "/api/jobs/$id/events", total_batches => 1,
        message => 'Job queued successfully. Poll status_url for progress.',
        accounts => { given => 3, accepted => 3, duplicates => 0,
                      invalid => 0 },
    }, 'the contract\'s fields, and counts');
    is(job($id, 'target_gender, max_count_per_account, keep_unknown, state'),
        'female|50|t|queued', 'stored as asked');
    is($stack->redis->command('ZCARD',
        'igjobs:{q}:turns:scrape_followers:small'), 1, 'one turn');
    is($http->get("/api/job-status/$id")->json->{status}, 'queued',
        'the document can be read');
};

subtest 'defaults, and how accounts are read' => sub {
    my $doc = $http->post_json($submit, '{"accounts":[" @Some.Name ",'
        . '"https://www.instagram.com/Second_One/?hl=en","THIRD",'
        . '"instagram.com/third","\u0066ourth","third"],'
        . '"targetScrapeCount":1000,"other":[{"x":null}]}')->json;

    is(job($doc->{job_id}, 'target_gender, max_count_per_account'),
        'male|5', 'male, 5 followers an account');
    is(accounts($doc->{job_id}), "some.name\nsecond_one\nthird\nfourth",
        'trimmed, reduced, lower-cased, decoded, once each, in order');
    is($doc->{accounts}{duplicates}, 2, 'duplicates are counted');
};

subtest 'skip_invalid' => sub {
    my $r = $http->post_json($submit,
        { accounts => ['good', 'not good', undef, 'fine'],
          skip_invalid => JSON::PP::true, totalScrapeCount => 9 });
    my $doc = $r->json;

    is($r->{status}, 202, 'accepted');
    is($doc->{accounts}{invalid}, 2, 'two were left out');
    is_deeply([map { $_->{pointer} } @{ $doc->{skipped} }],
        ['#/accounts/1', '#/accounts/2'], 'and are named');
    is(job($doc->{job_id}, 'account_count, max_count_per_account'), '2|4',
        'the count is by those that are left');
};

subtest 'batches of 50' => sub {
    for my $n (49, 50, 51, 400, 401, 1000, 1001, 2500) {
        my $doc = $http->post_json($submit, body($n))->json;
        my $batches = int(($n + 49) / 50);

        is($doc->{total_batches}, $batches, "$n accounts");
        is(stored($doc->{job_id}), "$batches|$batches|$n", 'all stored');
    }
};

subtest '500,000 accounts' => sub {
    my $body = body(500_000);
    my $file = $stack->nginx->{dir} . '/body.json';
    my %way = (
        'with a length' => sub { $http->post_json($submit, $body) },
        'chunked' => sub {
            $http->post_json($submit, $body, chunked => 100_000) },
        'over HTTP/2' => sub { h2($file) },
    );

    open my $out, '>', $file or die "$file: $!";
    print $out $body;
    close $out;

    for my $name (sort keys %way) {
        my $r = $way{$name}->();

        is($r->{status}, 202, $name);
        is($r->json->{total_batches}, 10_000, '10,000 batches');
        is(stored($r->json->{job_id}), '10000|10000|500000', 'all stored');
        is(last_account($r->json->{job_id}), 'account.499999', 'in order');
    }
};

subtest 'bodies that do not arrive' => sub {
    my $before = $stack->psql('select count(*) from public.scrape_jobs');
    my $head = "POST $submit HTTP/1.1\r\nHost: x\r\n"
        . "Content-Type: application/json\r\nContent-Length: 3000000\r\n\r\n";

    for my $way ({}, { reset => 1 }) {
        my $client = $stack->client;
        $client->send($head . substr body(100_000), 0, 500_000);
        $client->cut(%$way);
    }

    my $slow = $stack->client;
    my $body = body(200_000);
    my $sent = 0;
    $slow->send($head);
    until (IO::Select->new($slow->{socket})->can_read(0.1)) {
        $slow->send(substr $body, $sent, 100);
        $sent += 100;
        last if $sent > 100_000;
    }
    my $r = $slow->read_response;
    is($r->{status}, 408, '1 KB a second is too slow');
    is($r->json->{code}, 'IGJ0114', 'and is told so');

    is($stack->psql('select count(*) from public.scrape_jobs'), $before,
        'none left a job');
};

subtest 'Expect: 100-continue, and the next request on the connection' => sub {
    my $client = $stack->client;
    my $r = $client->post_json($submit, body(2000),
        headers => [Expect => '100-continue']);
    is($r->{status}, 202, 'expectation met');
    is($client->get('/livez')->{status}, 200, 'the connection is kept');
    is($client->request('POST', $submit, body => 'x' x 50_000,
        headers => ['Content-Type' => 'text/plain'])->{status}, 415,
        'refused before the body');
    is($client->get('/livez')->{status}, 200, 'the body was read away');
};

subtest 'without Redis' => sub {
    $stack->nginx->allow_alerts(qr/connect\(\) to \S+redis\.sock failed/);
    $stack->redis->stop;
    my $r = $http->post_json($submit, body(500));
    is($r->{status}, 202, 'accepted all the same');
    is(stored($r->json->{job_id}), '10|10|500', 'and stored');
};

subtest 'without Postgres' => sub {
    $stack->postgres->stop;
    for my $n (3, 5000) {
        my $r = $http->post_json($submit, body($n));
        is($r->{status}, 503, "$n accounts: refused");
        ok($r->header('Retry-After'), 'with Retry-After');
    }
    $stack->postgres->start;
    wait_for { $http->post_json($submit, body(3))->{status} == 202 } 20,
        'submissions once Postgres is back';
};

$stack->finish;
done_testing();


sub body {
    my ($n) = @_;

    return '{"accounts":[' . join(',', map { "\"account.$_\"" } 0 .. $n - 1)
        . ']}';
}

sub job {
    my ($id, $columns) = @_;

    return $stack->psql("select $columns from public.scrape_jobs
        where job_id = '$id'");
}

sub accounts {
    my ($id) = @_;

    return $stack->psql("select accounts from igjobs.batch_accounts
        where job_id = '$id' order by batch_no");
}

# batches, their accounts' rows, accounts in all
sub stored {
    my ($id) = @_;

    return $stack->psql("select (select count(*) from igjobs.batches
            where job_id = '$id'), count(*),
        sum(array_length(string_to_array(accounts, chr(10)), 1))
        from igjobs.batch_accounts where job_id = '$id'");
}

sub last_account {
    my ($id) = @_;

    return (split /\n/, $stack->psql("select accounts
        from igjobs.batch_accounts where job_id = '$id'
        order by batch_no desc limit 1"))[-1];
}

sub h2 {
    my ($file) = @_;
    my $out = qx(curl -sS --http2-prior-knowledge -w '\n%{http_code}' \\
        -H 'Content-Type: application/json' --data-binary \@'$file' \\
        http://127.0.0.1:$h2$submit);
    my ($body, $status) = $out =~ /\A(.*)\n(\d+)\z/s;

    return bless { status => $status, body => $body, headers => {} },
        'Igjobs::Http::Response';
}
