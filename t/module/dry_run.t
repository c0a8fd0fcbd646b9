#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A dry run: what a submission would be and would take, and nothing is written.

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
my $nothing = [0, 0, 0, 0];

subtest 'what was understood' => sub {
    my $r = dry('{"accounts":[" @B ","a","https://instagram.com/C/","b"],'
        . '"totalScrapeCount":30,"dry_run":true}');

    is($r->{status}, 200, 'answered at once');
    is($r->header('Location'), undef, 'there is no job');
    my $doc = $r->json;
    is($doc->{job_id}, undef, 'nor an id');
    ok($doc->{success} && $doc->{dry_run}, 'a dry run');
    is_deeply($doc->{accounts},
        { given => 4, accepted => 3, duplicates => 1, invalid => 0 },
        'counts');
    is_deeply($doc->{names}, [qw(b a c)], 'names as they were understood');
    is_deeply([@$doc{qw(total_batches max_count_per_account parallelism
                        refusal)}], [1, 10, 8, undef], 'what it would be');
    is($doc->{estimate}{followers}, 30, 'followers');
    is($doc->{estimate}{seconds}, undef, 'nobody knows how long');
    is_deeply(written(), $nothing, 'nothing was written');
};

subtest 'faulty accounts' => sub {
    my $doc = dry('{"dry_run":true,"accounts":["a","not a name","b",7]}')
        ->json;

    is($doc->{refusal}, 'invalid-accounts', 'it would be refused');
    is($doc->{accounts}{invalid}, 2, 'two are counted');
    is_deeply([map { $_->{pointer} } @{ $doc->{skipped} }],
        ['#/accounts/1', '#/accounts/3'], 'and named');
    is(dry('{"dry_run":true,"accounts":["a","!"],"skip_invalid":true}')
        ->json->{refusal}, undef, 'unless they are to be left out');
    is(dry('{"dry_run":true,"accounts":["!"]}')->{status}, 422,
        'none is valid: refused');
    is(dry('{"dry_run":true,"accounts":["a"],"max_cost_usd":0}')->{status},
        400, 'what is wrong is refused as always');
};

subtest 'a large one' => sub {
    my $r = dry('{"dry_run":true,"parallelism":5,"accounts":['
        . join(',', map { "\"account.$_\"" } 0 .. 499_999) . ']}');

    is($r->{status}, 200, 'answered');
    my $doc = $r->json;
    is_deeply([$doc->{total_batches}, $doc->{parallelism},
               $doc->{accounts}{accepted}], [10_000, 5, 500_000], 'counted');
    is_deeply($doc->{names}, [map { "account.$_" } 0 .. 19], 'the first names');
    is_deeply(written(), $nothing, 'nothing was written');
};

subtest 'with a key' => sub {
    my @key = (headers => ['Idempotency-Key' => 'once']);

    is(dry('{"dry_run":true,"accounts":["a"]}', @key)->{status}, 200,
        'answered');
    is_deeply(written(), $nothing, 'the key is not used up');
    is(dry('{"accounts":["a"],"skip_invalid":true}', @key)->{status}, 202,
        'the submission itself may have it');
};

subtest 'a client that would wait' => sub {
    for my $prefer ('wait=60', 'igjobs-sync') {
        is(dry('{"dry_run":true,"accounts":["a"]}',
               headers => [Prefer => $prefer])->{status}, 200,
            "$prefer: answered at once");
    }
};

subtest 'from jobs that were measured' => sub {
    $stack->psql("insert into public.scrape_jobs (job_id, tenant, platform,
        kind, class, phase, account_count, total_batches, target_gender,
        max_count_per_account, keep_unknown, parallelism, max_failed_ratio,
        doc, state, status, reason, created_at, started_at, completed_at,
        cost_usd)
        select overlay(gen_random_uuid()::text placing '7' from 15 for 1)::uuid,
            'default', 'instagram', 'scrape_followers',
            'bulk', 'collect', 1000, 20, 'any', 10, true, 8, 0.1, '{}',
            'completed', 'completed', null, now() - interval '1 hour',
            now() - interval '50 min',
            now() - interval '50 min' + n * interval '3 s', 5
        from generate_series(8, 12) n");

    my $e = dry('{"dry_run":true,"totalScrapeCount":20000,"accounts":['
        . join(',', map { "\"account.$_\"" } 0 .. 1999) . ']}')
        ->json->{estimate};

    is_deeply($e->{seconds}, { p50 => 50, p90 => 58 },
        'five waves as long as theirs');
    is($e->{usd}{likely}, 10, 'twice their cost');
    is($e->{usd}{most}, 50.4, '40 runs and 20,000 items by the price list');
    is_deeply([@$e{qw(measured_jobs measured_of)}], [5, 'tenant'],
        'and says whose');
};

subtest 'without Postgres' => sub {
    $stack->postgres->stop;
    my $r = dry('{"dry_run":true,"accounts":["a"]}');
    is($r->{status}, 503, 'refused');
    ok($r->header('Retry-After'), 'with Retry-After');
};

$stack->finish;
done_testing();


sub dry {
    my ($body, %option) = @_;

    return $http->post_json($submit, $body, %option);
}

# rows of jobs, batches, accounts and keys
sub written {
    return [map { $stack->psql("select count(*) from $_") }
            qw(public.scrape_jobs igjobs.batches igjobs.batch_accounts
               igjobs.idempotency_keys)];
}
