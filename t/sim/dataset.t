#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Dataset items: formats, ranges, fields, headers, compression, error items,
# duplicates.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use IO::Uncompress::Gunzip 'gunzip';
use JSON::PP ();
use SimTest;

my $sim = new_sim;
my $plain = start_run($sim, ['alice', 'bob'], max_count => 60,
                      actor => 'igjobs~followers');
my $source = start_run($sim, ['alice', 'bob'], max_count => 60);

sub page {
    my ($run, $query, @headers) = @_;

    return api($sim, 'GET', "/v2/datasets/$run->{defaultDatasetId}/items"
                            . "?$query", headers => [@headers]);
}

# the pagination headers, in the order of their documentation
sub pagination {
    my ($response) = @_;

    return [map { $response->header("X-Apify-Pagination-$_") }
            qw(Offset Limit Count Total Desc)];
}

# formats
my $response = page($plain, '');
my $all = $response->json;
is scalar @$all, 120, 'a JSON array of everything';
like $response->header('Content-Type'), qr{^application/json}, 'its type';
is_deeply pagination($response), [0, 999999999999, 120, 120, 'false'],
    'its pagination';
$response = page($plain, 'format=jsonl');
like $response->header('Content-Type'), qr{^application/jsonl}, 'JSON Lines';
is_deeply [map { JSON::PP->new->utf8->decode($_) }
           split /\n/, $response->{body}], $all, 'with the same items';
like $response->{body}, qr/\n\z/, 'each ended';
is $response->header('Content-Length'), undef, 'sent in chunks';
is page($plain, 'format=xlsx')->{status}, 400, 'no other format';

# the dialects
is_deeply [sort keys %{ $all->[0] }],
    [sort qw(id username full_name is_private is_verified profile_pic_url
             follower_count following_count posts_count latest_story_ts)],
    'fields of a plain item';
is length $all->[0]{profile_pic_url}, 450, 'a picture of a real length';
my ($item) = items($sim, $source);
is_deeply [sort keys %$item],
    [sort qw(sourceUsername type userId username fullName profilePicUrl
             isVerified isPrivate)], 'fields of an item with its source';
is $item->{type}, 'FOLLOWER', 'type';

# ranges
$response = page($plain, 'offset=10&limit=5');
is_deeply $response->json, [@$all[10 .. 14]], 'offset and limit';
is_deeply pagination($response), [10, 5, 5, 120, 'false'], 'pagination';
$response = page($plain, 'offset=118&limit=5');
is_deeply $response->json, [@$all[118, 119]], 'a short last page';
is_deeply pagination($response), [118, 5, 2, 120, 'false'], 'pagination';
for my $query ('offset=120', 'offset=9999', 'offset=3&limit=0') {
    $response = page($plain, $query);
    is $response->{body}, '[]', "nothing: $query";
    is page($plain, "$query&format=jsonl")->{body}, '', 'nor as lines';
    is +(pagination($response))->[2], 0, 'Count 0';
}
$response = page($plain, 'desc=1&offset=1&limit=3');
is_deeply $response->json, [@$all[118, 117, 116]], 'newest first';
is +(pagination($response))->[4], 'true', 'Desc';
is_deeply [map { @{ page($plain, "offset=$_&limit=50")->json } } 0, 50, 100],
    $all, 'pages make the whole';

# fields
$response = page($plain, 'limit=1&fields=username,nothing,id');
like $response->{body}, qr/^\[\{"username":"[^"]+","id":"\d+"\}\]$/,
    'fields, in their order';
$response = page($plain, 'limit=1&omit=profile_pic_url,id');
is_deeply [sort keys %{ $response->json->[0] }],
    [grep { !/^(?:profile_pic_url|id)$/ } sort keys %{ $all->[0] }], 'omit';
is page($plain, 'limit=2&fields=nothing')->{body}, "[{},\n{}]", 'no field';
is page($plain, 'limit=2&fields=nothing&clean=1')->{body}, '[]',
    'and empty items skipped';

# compression
$response = page($plain, '', 'Accept-Encoding' => 'gzip, br');
is $response->header('Content-Encoding'), 'gzip', 'gzip when asked';
gunzip(\$response->{body}, \my $text) or die;
is_deeply(JSON::PP->new->utf8->decode($text), $all, 'and right');
is page($plain, 'limit=1')->header('Content-Encoding'), undef,
    'but not otherwise';

# items instead of followers
my @errors = ('private_a', 'missing_a', 'empty_a', 'blocked_a', 'broken_a');
my $blocked = 'Error: Request blocked, retrying it again with different '
              . 'session';
my $nothing = 'Empty or private data for provided input';
my $url = 'https://www.instagram.com';
is_deeply [items($sim, start_run($sim, \@errors))], [
    { url => "$url/private_a/", inputUrl => "$url/private_a/",
      requestErrorMessages => [], error => 'no_items',
      errorDescription => $nothing },
    { url => "$url/missing_a/", username => 'missing_a',
      error => 'not_found', errorDescription => 'Post does not exist' },
    { url => "$url/empty_a/", inputUrl => "$url/empty_a/",
      requestErrorMessages => [], error => 'no_items',
      errorDescription => $nothing },
    { url => "$url/blocked_a/", inputUrl => "$url/blocked_a/",
      requestErrorMessages => [$blocked], error => 'no_items',
      errorDescription => $nothing },
    { username => 'broken_a', url => "$url/broken_a/" },
], 'error items that name their account';
is_deeply [items($sim, start_run($sim, \@errors,
                                 actor => 'igjobs~followers'))], [
    { error => 'no_items', errorDescription => 'Profile is private' },
    { error => 'no_items', errorDescription => 'Profile does not exist' },
    { requestErrorMessages => [], error => 'no_items',
      errorDescription => $nothing },
    { requestErrorMessages => [$blocked], error => 'no_items',
      errorDescription => $nothing },
    { username => 'broken_a', url => "$url/broken_a/" },
], 'and those that mostly do not';
my $mixed = start_run($sim, ['alice', 'private_a', 'huge_3', 'huge_0', 'bob'],
                      max_count => 5);
is_deeply [map { $_->{sourceUsername} // $_->{error} } items($sim, $mixed)],
    [('alice') x 5, 'no_items', ('huge_3') x 3, ('bob') x 5],
    'accounts in the order of the input';
$response = page($mixed, 'fields=userId,error');
is scalar @{ $response->json }, 14, 'a page with both';
is_deeply $response->json->[5], { error => 'no_items' }, 'fields of an error';
$response = page($mixed, 'fields=userId&clean=1');
is scalar @{ $response->json }, 13, 'a cleaned page is shorter';
is +(pagination($response))->[2], 14, 'than its Count says';

# an account's name that JSON must quote
my ($quoted) = items($sim, start_run($sim, ['a"\\b'], max_count => 1));
is $quoted->{sourceUsername}, 'a"\\b', 'a name with quotes';

# duplicates come on top of the distinct items
my $repeating = new_sim('--duplicates', 17);
my $run = start_run($repeating, ['alice', 'bob', 'private_a'],
                    max_count => 143);
my @items = items($repeating, $run);
for my $account ('alice', 'bob') {
    my @own = grep { ($_->{sourceUsername} // '') eq $account } @items;
    my %distinct = map { $_->{userId} => 1 } @own;
    is scalar @own, 172, "items of $account";
    is scalar keys %distinct, 143, 'of which distinct';
    is_deeply [sort keys %distinct],
        [sort map { $_->{userId} }
              grep { ($_->{sourceUsername} // '') eq $account }
              items($sim, start_run($sim, [$account], max_count => 143))],
        'the same as without duplicates';
}
is_deeply [items($repeating, $run, 'offset=100&limit=100')],
    [@items[100 .. 199]], 'pages are stable';

finish();
done_testing;
