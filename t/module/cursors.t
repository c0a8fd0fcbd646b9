#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Pages by token beside those by number: next_page_token, while the job runs
# and after its end, Link, totals, tags, fields, filters.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Rows;
use Igjobs::Stack;

my $stack = Igjobs::Stack->new;
$stack->start(qw(postgres redis nginx));

my $http = $stack->client;
my $job = $stack->jobs->submit(accounts => ['one', 'two']);
our $path = "/api/job-results/$job";
add_rows($stack, $job, map { { name => "first $_" } } 1 .. 5);

subtest 'while the job runs' => sub {
    is(page('page_size=2')->{status}, 400, 'not without partial');
    my @names = names('partial=true&page_size=2');
    is_deeply(\@names, [map { "first $_" } 1 .. 5], 'page by page');
    my $end = page('partial=true&page_size=5')->json;
    is_deeply([told($end), scalar @{ $end->{profiles} }], [0, 5],
        'there are no more now');
    my $token = $end->{next_page_token};
    isnt($token, '', 'but a token');
    my $none = page("partial=true&page_token=$token")->json;
    is_deeply([told($none), @$none{qw(profiles next_page_token)}], [0, [], $token],
        'with nothing behind it');

    add_rows($stack, $job, map { { name => "second $_" } } 1 .. 2);
    my $more = page("partial=true&page_size=1&page_token=$token")->json;
    is_deeply([$more->{profiles}[0]{full_name}, told($more)],
        ['second 1', 1], 'until there is something');
    end_job($stack, $job);
    $more = page("page_size=2&page_token=$token")->json;
    is_deeply([told($more), $more->{next_page_token}], [0, ''],
        'after the end of the job it ends');
};

subtest 'what a page says' => sub {
    my $r = page('page_size=3');
    my $doc = $r->json;
    is_deeply([sort keys %$doc], [qw(job_id more next_page_token page_size
        profiles success total)], 'members');
    is_deeply([@$doc{qw(page_size total)}, told($doc)], [3, 7, 1], 'numbers');
    is_deeply([sort keys %{ $doc->{profiles}[0] }],
        [qw(created_at full_name id username)], 'profiles');
    is_deeply($doc->{profiles}, page('limit=3')->json->{profiles},
        'the same as by number');
    is($r->header('X-Total-Count'), 7, 'X-Total-Count');
    is(page("page_size=$_->[0]")->json->{page_size}, $_->[1],
        "page_size=$_->[0]") for [0, 1000], [5001, 5000], ['', 1000];
    is(page('page_token=')->json->{page_size}, 1000, 'an empty token');
};

subtest 'Link' => sub {
    my $link = links('page_size=2&fields=id,username');
    is_deeply([sort keys %$link], [qw(first last next)], 'of the first page');
    my @ids;
    for (my $next = $link->{first}; $next; $next = $link->{next}) {
        like($next, qr/fields=id,username/, 'with its parameters');
        push @ids, map { $_->{id} } @{ $http->get($next)->json->{profiles} };
        $link = links_of($next);
    }
    is(scalar @ids, 7, 'followed to the end');
    is_deeply([sort keys %$link], [qw(first last prev)], 'of the last');
    is_deeply([map { $_->{id} } @{ $http->get($link->{prev})
        ->json->{profiles} }], [@ids[4, 5]], 'prev');
    is($http->get($link->{last})->json->{profiles}[0]{id}, $ids[6], 'last');

    $link = links('page=2&limit=3&partial=true');
    is_deeply($link, { map { $_->[0] =>
        "$path?limit=3&page=$_->[1]&partial=true" }
        ['first', 1], ['prev', 1], ['next', 3], ['last', 3] }, 'by number');
    is_deeply([sort keys %{ links('page=9&limit=3') }],
        [qw(first last prev)], 'past the end');
    is(page('limit=0')->header('Link'), undef, 'none of a page of nothing');
    is_deeply([keys %{ links('gender=male') }], ['first'], 'with a filter');
};

subtest 'tags' => sub {
    my $r = page('page=1&limit=2');
    my $tag = $r->header('ETag');
    like($tag, qr/^"\d+"$/, 'strong');
    for my $query ('page=1&limit=2', 'page_size=2') {
        my $same = page($query, 'If-None-Match' => $tag);
        is("$same->{status}$same->{body}", '304', "304: $query");
        is($same->header('ETag'), $tag, 'with its tag');
    }
    is(page('limit=2', 'If-None-Match' => '"x"')->{status}, 200, 'another');
    $stack->psql("update public.scrape_jobs set version = version + 1
                  where job_id = '$job'");
    is(page('limit=2', 'If-None-Match' => $tag)->{status}, 200,
        'until the version changes');
};

subtest 'fields' => sub {
    my $profile = page('fields=gender,id&limit=1')->json->{profiles}[0];
    is_deeply([sort keys %$profile], [qw(gender id)], 'by number');
    $profile = page('fields=token&page_size=1')->json->{profiles}[0];
    is(page("page_size=1&page_token=$profile->{token}")->json->{profiles}[0]
        {full_name}, 'first 2', 'a row\'s token is one of pages');
    problem('fields=name', 'IGJ0110');
};

subtest 'refused' => sub {
    my $token = page('page_size=1')->json->{next_page_token};

    problem('page=1&page_size=2', 'IGJ0110');
    problem("limit=1&page_token=$token", 'IGJ0110');
    problem("page_size=$_", 'IGJ0110') for -1, 'x', '1.5';
    problem("page_token=$_", 'IGJ0503') for 'x', "x$token", 'A' x 60;
    problem("page_token=$token&gender=male", 'IGJ0503');
    problem("page=1&$_", 'IGJ0504')
        for 'gender=male', 'source_account=one', 'min_confidence=0.5';
    problem('page=0', 'IGJ0501');
    problem('limit=-1', 'IGJ0502');
};

subtest 'filters' => sub {
    my $large = $stack->jobs->submit(accounts => ['one', 'two']);
    local $path = "/api/job-results/$large";

    add_many($stack, $large, 25_000, 'Name ');
    add_rows($stack, $large, { name => 'rare', gender => 'unknown' });
    end_job($stack, $large);
    my $first = page('gender=unknown&page_size=1')->json;
    is_deeply([$first->{profiles}, told($first)], [[], 1],
        'a page may be empty while others follow');
    is_deeply([names('gender=unknown&page_size=1')], ['rare'],
        'the row is found');
    my $males = page('gender=male&page_size=3')->json;
    is_deeply([map { $_->{id} } @{ $males->{profiles} }],
        [qw(long1 long3 long5)], 'as many as wanted');
    is_deeply([map { $_->{id} } @{ page('gender=male&page_size=2&page_token='
        . $males->{next_page_token})->json->{profiles} }],
        [qw(long7 long9)], 'and those behind them');
    is(scalar(names('gender=male&page_size=5000&min_confidence=0.5')),
        12_500, 'all of them');
};

$stack->finish;
done_testing;


sub page {
    my ($query, @headers) = @_;

    return $http->get("$path?$query", headers => \@headers);
}

# is there said to be more?
sub told { return $_[0]{more} ? 1 : 0 }

sub problem {
    my ($query, $code) = @_;
    my $r = page($query);

    is("$r->{status} " . ($r->json->{code} // ''), "400 $code", $query);
    return;
}

# of all pages that tokens lead to, as long as there is more
sub names {
    my ($query) = @_;
    my ($token, $more, @names) = ('', 1);

    while ($more) {
        my $r = page("$query&page_token=$token");
        $r->{status} == 200 or die $r->{body};
        ($token, $more) = @{ $r->json }{qw(next_page_token more)};
        push @names, map { $_->{full_name} } @{ $r->json->{profiles} };
    }
    return @names;
}

sub links { return links_of("$path?$_[0]") }

sub links_of {
    my ($url) = @_;
    my $link = $http->get($url)->header('Link') // '';

    return { reverse $link =~ /<([^>]+)>; rel="(\w+)"/g };
}
