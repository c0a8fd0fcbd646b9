#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The description of the API and the page that shows it: as they are in docs/,
# kept by clients until they change, compressed, the page closed in by its
# policy.

use strict;
use warnings;
use Compress::Zlib 'memGunzip';
use Digest::SHA 'sha256_base64';
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;
use Igjobs::Stack;

# no backend answers: none is needed
my $stack = Igjobs::Stack->new(nginx => {
    postgres => 'host=/nowhere dbname=none',
    http => 'gzip on; gzip_types application/json;',
});
$stack->start('nginx');
my $http = $stack->client;

my %file = ('/api/openapi.json' => ['openapi.json', 'application/json'],
            '/api/docs' => ['openapi.html', 'text/html; charset=utf-8']);

for my $path (sort keys %file) {
    my ($name, $type) = @{ $file{$path} };

    subtest $path => sub {
        my $r = $http->get($path, headers => [Origin => 'https://a.example']);
        my $etag = $r->header('ETag');

        is($r->{status}, 200, 'is there');
        is($r->header('Content-Type'), $type, 'its type');
        ok($r->{body} eq text("docs/$name"), "is docs/$name");
        like($etag, qr/^"[0-9a-f]{16}"$/, 'has a strong tag');
        is($r->header('Cache-Control'), 'no-cache', 'is asked about again');
        is($r->header('Access-Control-Allow-Origin'), 'https://a.example',
            'may be read by pages of others');

        is($http->head($path)->header('Content-Length'), length $r->{body},
            'HEAD');
        $r = $http->get($path, headers => ['If-None-Match' => $etag]);
        is($r->{status}, 304, 'not sent again');
        is($r->header('ETag'), $etag, 'and says which');
        is($http->get($path, headers => ['If-None-Match' => '"x"'])->{status},
            200, 'another one is');

        $r = $http->get($path, headers => ['Accept-Encoding' => 'gzip']);
        is($r->header('Content-Encoding'), 'gzip', 'compressed');
        ok(memGunzip($r->{body}) eq text("docs/$name"), 'the same');
        is($r->header('ETag'), "W/$etag", 'under a weak tag');
        is($http->get($path, headers => ['If-None-Match' => "W/$etag"])
            ->{status}, 304, 'that serves as well');
    };
}

subtest 'the page' => sub {
    my $r = $http->get('/api/docs');
    my $policy = $r->header('Content-Security-Policy');

    for my $tag (qw(script style)) {
        my @found = $r->{body} =~ m{<$tag>(.*?)</$tag>}sg;
        my $hash = sha256_base64($found[0]);
        is(scalar @found, 1, "one $tag");
        like($policy, qr/$tag-src 'sha256-\Q$hash\E=';/,
            "and the policy lets it in");
    }
    like($policy, qr/^default-src 'none'; /, 'and nothing else');
    ok($r->{body} !~ m{(?:src|href)="(?:https?:)?//|\burl\(|\@import},
        'asks nothing of others');
    ok($r->{body} !~ /innerHTML|\sstyle="|\son\w+="/, 'no text is code');
    is($r->header('X-Content-Type-Options'), 'nosniff', 'is what it says');
};

$stack->finish;
done_testing;


sub text {
    my ($file) = @_;

    open my $in, '<', Igjobs::Env::root() . "/$file" or die "$file: $!";
    local $/;
    return scalar <$in>;
}
