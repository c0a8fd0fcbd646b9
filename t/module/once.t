#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Idempotency-Key of calls that create something: with one key a selection, a
# distribution, an operation is made once, and every repeat gets its answer.

use strict;
use warnings;
use JSON::PP ();
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../sql/lib";
use Igjobs::Session;
use Igjobs::Stack;

my $stack = Igjobs::Stack->new;
$stack->start(qw(postgres redis nginx));
my $other = $stack->add_nginx;
my $http = $stack->client;
my $number = 0;

sub fill {
    my ($n) = @_;
    my $to = $number + $n;

    $stack->psql('insert into public.global_usernames (base_id, id, username,'
        . " full_name) select 'default_instagram', 'p' || n, 'user_' || n, ''"
        . " from generate_series($number + 1, $to) n");
    $number = $to;
    return;
}

sub post {
    my ($path, $key, $body, @headers) = @_;

    return $http->post_json($path, $body // '{}', headers => [
        defined $key ? ('Idempotency-Key' => $key) : (), @headers]);
}

# "200", "200 replayed", "422 IGJ0602"
sub seen {
    my ($r) = @_;

    return join ' ', $r->{status},
        $r->{status} < 400 ? () : $r->json->{code},
        $r->header('Idempotent-Replayed') ? 'replayed' : ();
}

sub count {
    my ($table) = @_;

    return $stack->psql("select count(*) from $table");
}

subtest 'a selection' => sub {
    fill(40);
    my $ten = '{"profiles_per_table":10}';
    $stack->psql("update igjobs.settings set value = '1'"
                 . " where name = 'num_va_tables'");
    my $first = post('/api/daily-selection', 'one', $ten);
    is(seen($first), '200', 'is made');
    my $again = post('/api/daily-selection', '"one"', $ten);
    is(seen($again), '200 replayed', 'a repeat is told apart');
    is($again->{body}, $first->{body}, 'by nothing else');
    is(seen(post('/api/daily-selection', 'one', '{"profiles_per_table":20}')),
        '422 IGJ0602', 'another body');
    is(seen(post('/api/daily-selection', 'one', $ten, 'X-Base-Id',
                 'appAAAAAAAAAAAAAA')), '422 IGJ0602', 'another base');
    is(seen(post('/api/daily-selection', 'one,two', $ten)), '400 IGJ0601',
        'no key');
    is(count('public.campaigns'), 1, 'one campaign');
    is(seen(post('/api/daily-selection', 'two', $ten)), '200', 'another key');
    is(seen(post('/api/daily-selection', undef, $ten)), '200', 'and none');
    is(count('public.campaigns'), 3, 'are two more');
};

subtest 'a call that did nothing leaves no key' => sub {
    is(seen(post('/api/daily-selection', 'bad',
                 '{"profiles_per_table":0}')), '400 IGJ0109', 'refused');
    post('/api/daily-selection') for 1 .. 2;
    is(seen(post('/api/daily-selection', 'bad')), '400 IGJ1104',
        'refused otherwise');
    fill(5);
    my $made = post('/api/daily-selection', 'bad');
    is(seen($made), '200', 'the key is free');
    is(seen(post('/api/daily-selection', 'bad')), '200 replayed', 'and kept');
};

subtest 'what has a path of its own' => sub {
    fill(2);
    my @campaigns = map {
        post('/api/daily-selection', "c$_",
             '{"profiles_per_table":1}')->json->{campaign_id} } 1, 2;
    my @first = map { post("/api/distribute/$_", 'same') } @campaigns;
    is(join(' ', map { seen($_) } @first), '200 200',
        'the same key on another path');
    my $again = post("/api/distribute/$campaigns[0]", 'same');
    is(seen($again), '200 replayed', 'again');
    is($again->{body}, $first[0]{body}, 'with the first answer');
    is(seen(post("/api/distribute/$campaigns[0]", 'new')), '400 IGJ1106',
        'without it the campaign is distributed');
};

subtest 'what is made has the first call\'s id' => sub {
    my $body = '{"username":"somebody"}';
    my $first = post('/api/source-profiles', 'source', $body);
    my $again = post('/api/source-profiles', 'source', $body);
    is(seen($first) . ', ' . seen($again), '200, 200 replayed', 'a source');
    is($again->{body}, $first->{body}, 'the same answer');
    is(seen(post('/api/source-profiles', 'source', '{"username":"other"}')),
        '422 IGJ0602', 'another name');
    is(count('public.source_profiles'), 1, 'one source');

    $first = post('/api/run-daily', 'day');
    $again = post('/api/run-daily', 'day');
    is(seen($first) . ', ' . seen($again), '202, 202 replayed',
        'an operation');
    is($again->json->{job_id}, $first->json->{job_id}, 'the same one');
    is(count('public.scrape_jobs'), 1, 'one job');
};

subtest 'at once' => sub {
    fill(10);
    my $session = Igjobs::Session->new($stack->postgres);
    my $campaigns = count('public.campaigns');
    $session->run(<<'SQL');
begin;
select igjobs.api_daily_selection(igjobs.once(c, p), p)
from jsonb_build_object('tenant', 'default', 'call', gen_random_uuid(),
    'key', 'race', 'route', '/api/daily-selection') c,
    jsonb_build_object('body', '{}'::jsonb) p;
SQL
    my $r = post('/api/daily-selection', 'race', '');
    is(seen($r), '409 IGJ0603', 'while the first is under way');
    is($r->header('Retry-After'), 1, 'it is said when to ask again');
    $session->run('commit');
    is(seen(post('/api/daily-selection', 'race', '')), '200 replayed',
        'then its answer');
    is(count('public.campaigns'), $campaigns + 1, 'one campaign');
};

subtest 'an nginx that is cut' => sub {
    fill(3);
    my $path = '/api/daily-selection';
    my $first = $http->post_json($path, '{"profiles_per_table":3}',
                                 headers => ['Idempotency-Key' => 'node']);
    my $r = $other->client->post_json($path, '{"profiles_per_table":3}',
        headers => ['Idempotency-Key' => 'node']);
    is($r->{body}, $first->{body}, 'another node knows the key');
};

$stack->finish;
done_testing;
