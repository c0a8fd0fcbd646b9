#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Options of a submission: what was asked for is stored, exactly, whichever way
# the job takes, and told by GET /api/jobs/{id}; what is wrong is refused.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Stack;

my $submit = '/api/scrape-followers';
my $stack = Igjobs::Stack->new;
$stack->start(qw(postgres redis nginx));
my $http = $stack->client;

my $options = '"target_count":9007199254740992,'
    . '"stop_when":{"half_width":0.0123},"max_cost_usd":4350000.000001,'
    . '"max_seconds":3600,"max_age":86400,"max_failed_ratio":0.25,'
    . '"parallelism":10000,"random_seed":"4711","callback_url":"https://a.example/x?y=%20"';
my $columns = 'target_count, half_width, max_cost_usd, deadline - created_at,'
    . ' max_age_seconds, max_failed_ratio, parallelism, random_seed, callback_url';
my $stored = '9007199254740992|0.0123|4350000.000001|01:00:00|86400|0.25|32|4711|'
    . 'https://a.example/x?y=%20';

my %way = (
    'a small one' => [3],
    'a small one with a key' => [3, 'Idempotency-Key' => 'small'],
    'one that waits' => [3, Prefer => 'wait=1'],
    'one that wants its profiles' =>
        [3, Prefer => 'igjobs-sync, wait=1'],
    'a large one' => [3000],
    'a large one with a key' => [3000, 'Idempotency-Key' => 'large'],
);
for my $name (sort keys %way) {
    my ($n, @headers) = @{ $way{$name} };

    subtest $name => sub {
        my $r = $http->post_json($submit, body($n, $options),
                                 headers => \@headers);
        is($r->{status}, 202, 'accepted');
        is(job($r->json->{job_id}), $stored, 'stored as it was written');

        $r = $http->post_json($submit, body($n, '"x":1'),
                              headers => [map { s/^(small|large)$/$1-2/r }
                                          @headers]);
        is(job($r->json->{job_id}), '|||||0.1|8||',
            'none are stored for one without');
    };
}

subtest 'what a job was asked for' => sub {
    my $id = $http->post_json($submit, body(1, $options))->json->{job_id};
    my $r = $http->get("/api/jobs/$id");

    is_deeply([@{ $r->json->{request} }{qw(target_count stop_when max_cost_usd
            max_seconds max_age max_failed_ratio parallelism random_seed
            callback_url)}],
        [9007199254740992, { half_width => 0.0123 }, 4350000.000001, 3600,
         86400, 0.25, 32, '4711', 'https://a.example/x?y=%20'], 'is told');
    like($r->{body}, qr/"max_cost_usd": ?4350000\.000001\b/, 'exactly');
};

subtest 'many at once, each with its own' => sub {
    my @clients = map { $stack->client } 1 .. 24;
    my @answers;

    for my $n (0 .. $#clients) {
        $clients[$n]->send(request(body(1,
            $n % 3 ? "\"target_count\":" . ($n + 1) : '"x":1')));
    }
    push @answers, $_->read_response for @clients;
    is(join(' ', map { $_->{status} } @answers),
        join(' ', (202) x @clients), 'all are accepted');
    is(join(' ', map { target($_->json->{job_id}) || '-' } @answers),
        join(' ', map { $_ % 3 ? $_ + 1 : '-' } 0 .. $#clients),
        'and none got what is another\'s');
};

subtest 'what is wrong' => sub {
    my %wrong = (
        '"stop_when":{"precision":0.1}' => '#/stop_when/precision',
        '"max_cost_usd":"5"' => '#/max_cost_usd',
        '"max_cost_usd":0.0000001' => '#/max_cost_usd',
        '"callback_url":"https://u:p@a/"' => '#/callback_url',
        '"dry_run":1' => '#/dry_run',
    );

    for my $member (sort keys %wrong) {
        my $r = $http->post_json($submit, body(1, $member));
        is($r->{status}, 400, $member);
        is($r->json->{code}, 'IGJ0312', 'its code');
        is($r->json->{errors}[0]{pointer}, $wrong{$member}, 'its place');
    }
};

$stack->finish;
done_testing();


sub body {
    my ($n, $members) = @_;

    return '{"accounts":[' . join(',', map { "\"account.$_\"" } 0 .. $n - 1)
        . "],$members}";
}

sub request {
    my ($body) = @_;

    return "POST $submit HTTP/1.1\r\nHost: x\r\n"
        . "Content-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body";
}

sub job {
    my ($id) = @_;

    return $stack->psql("select $columns from public.scrape_jobs
        where job_id = '$id'");
}

sub target {
    my ($id) = @_;

    return $stack->psql("select target_count from public.scrape_jobs
        where job_id = '$id'");
}
