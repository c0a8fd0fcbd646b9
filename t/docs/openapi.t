#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# docs/openapi.json describes the routes and problems that the source has, and
# no others.

use strict;
use warnings;
use JSON::PP ();
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;

my $openapi = JSON::PP->new->utf8->decode(text('docs/openapi.json'));

subtest 'routes' => sub {
    my %routed = map { route($_) => 1 }
        text('src/ngx_http_igjobs_route.c') =~ /\{ (NGX_HTTP_\w+, "[^"]+")/g;
    my %told = map { my $path = $_; map { uc() . " $path" => 1 }
                     keys %{ $openapi->{paths}{$path} } }
        keys %{ $openapi->{paths} };

    is_deeply([sort keys %told], [sort keys %routed],
        'every route is in docs/openapi.yaml, and no other');
};

subtest 'problems' => sub {
    my @codes = text('common/igj_problem.h') =~ /X\(\w+,\s*"(IGJ\d+)"/g;

    is_deeply($openapi->{components}{schemas}{ProblemCode}{enum},
        [sort @codes], 'every code is in docs/openapi.yaml, in order');
};

done_testing;


sub text {
    my ($file) = @_;

    open my $in, '<', Igjobs::Env::root() . "/$file" or die "$file: $!";
    local $/;
    return scalar <$in>;
}

# a row of the route table as "METHOD /path/{name}"
sub route {
    my ($method, $path) = $_[0] =~ /NGX_HTTP_(\w+), "(.*)"/;

    $path =~ s/:(job|schedule|operation|campaign|batch)\b/{$1_id}/g;
    $path =~ s/:(\w+)/{$1}/g;
    return "$method $path";
}
