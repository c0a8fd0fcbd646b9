#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# What nginx -t says about wrong directives: it names the mistake, and never
# shows a password.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Nginx;

my $nginx = Igjobs::Nginx->new;
my $good = 'igjobs_postgres "host=/tmp dbname=igjobs user=igjobs_api";';
my $serve = 'server { listen 127.0.0.1:%%PORT%%; location / { igjobs; } }';

# checks(http text): exit status and output
sub check {
    my ($text) = @_;

    $nginx->configure(config => $text);
    return $nginx->test_config;
}

my ($status, $output) = check("$good $serve");
is($status, 0, 'a good configuration') or diag $output;

# what is wrong, http text, what is said
my @wrong = (
    ['no igjobs_postgres', $serve,
     qr/"igjobs" in \S+nginx\.conf:\d+ needs "igjobs_postgres"/],
    ['not a connection string', "igjobs_postgres \"hunter2\"; $serve",
     qr/"igjobs_postgres" cannot be used: neither "key=value/],
    ['an empty connection string', "igjobs_postgres \"\"; $serve",
     qr/the connection string is empty/],
    ['an unknown option', "igjobs_postgres \"hots=/tmp password=hunter2\";",
     qr/invalid connection option "hots"/],
    ['an unknown URI parameter',
     'igjobs_postgres "postgresql://u:hunter2@h/d?nope=1";',
     qr/invalid URI query parameter: "nope"/],
    ['a bad port', 'igjobs_postgres "host=h port=99999 password=hunter2";',
     qr/port must be a number from 1 to 65535/],
    ['a bad sslmode', 'igjobs_postgres "host=h sslmode=maybe";',
     qr/sslmode must be disable, allow, prefer, require/],
    ['a service', 'igjobs_postgres "service=x";',
     qr/"service" is not supported/],
    ['options', 'igjobs_postgres "host=h options=-cjit=off";',
     qr/"options" is not supported: .*igjobs_postgres_statement_timeout/],
    ['an empty host', 'igjobs_postgres "host=a,,b";', qr/an empty host/],
    ['twice', "$good $good", qr/"igjobs_postgres" directive is duplicate/],
    ['an unknown pool', 'igjobs_postgres_pool reads=2;',
     qr/unknown pool "reads=2".*status=N pages=N calls=N large_calls=N writes=N bulk=N/],
    ['a pool without a number', 'igjobs_postgres_pool status;',
     qr/unknown pool "status"/],
    ['a pool of none', 'igjobs_postgres_pool status=0;',
     qr/must be from 1 to 64/],
    ['a pool twice', 'igjobs_postgres_pool bulk=1 bulk=2;',
     qr/has a pool twice/],
    ['no time', 'igjobs_postgres_timeout soon;', qr/invalid value/],
    ['no time at all', 'igjobs_redis_timeout 0;', qr/must be above 0/],
    ['a tiny buffer', 'igjobs_redis_buffer 1k;',
     qr/"igjobs_redis_buffer" must be at least 16k/],
    ['a bad address of Redis', 'igjobs_redis "redis://:hunter2@h:x/0";',
     qr/"igjobs_redis" cannot be used: /],
    ['a bad tenant', "$good igjobs_tenant 'a b'; $serve",
     qr/"igjobs_tenant a b": a tenant has 1 to 64 letters/],
    ['no origin', 'igjobs_cors_origins example.com;',
     qr/"example.com" is not an origin/],
    ['igjobs in a server', "$good server { igjobs; }",
     qr/"igjobs" directive is not allowed here/],
    ['igjobs_postgres in a location',
     "server { location / { $good } }",
     qr/"igjobs_postgres" directive is not allowed here/],
    ['another handler',
     "$good server { location / { empty_gif; igjobs; } }",
     qr/cannot stand beside another handler/],
    ['client_max_body_size',
     "$good server { location / { client_max_body_size 1m; igjobs; } }",
     qr/use "igjobs_max_body_size"/],
);

for my $case (@wrong) {
    my ($name, $text, $said) = @$case;

    ($status, $output) = check($text);
    ok($status != 0, "$name: refused");
    like($output, $said, "$name: said");
    unlike($output, qr/hunter2/, "$name: no password");
}

# what is accepted
my @right = (
    ['a URI', 'igjobs_postgres "postgresql://u:p%20w@db.example:5433/igjobs";'],
    ['several hosts',
     'igjobs_postgres "host=a,b port=5432,5433 user=u target_session_attrs=any";'],
    ['a name that nobody knows yet',
     'igjobs_postgres "host=no.such.host.invalid user=u";'
     . ' igjobs_redis no.such.host.invalid:6379;'],
    ['all pools', "$good igjobs_postgres_pool status=3 pages=1 writes=4 bulk=1;"],
    ['no Redis', "$good igjobs_redis off;"],
    ['TLS to Redis', "$good igjobs_redis rediss://user:pw\@redis.example/3;"],
    ['every other directive', <<"ALL"],
        $good
        igjobs_postgres_queue 10;
        igjobs_postgres_connect_timeout 1s;
        igjobs_postgres_queue_timeout 1s;
        igjobs_postgres_timeout 1s;
        igjobs_postgres_bulk_timeout 1m;
        igjobs_postgres_max_age 10m;
        igjobs_postgres_statement_timeout off;
        igjobs_prepared off;
        igjobs_redis_connect_timeout 1s;
        igjobs_redis_timeout 100ms;
        igjobs_redis_queue 100;
        igjobs_redis_buffer 64k;
        igjobs_redis_tls_verify off;
        igjobs_resolver_timeout 1s;
        igjobs_status_cache_time 0;
        igjobs_status_cache_size 10;
        igjobs_max_submissions 3;
        igjobs_max_submission_bytes 1m;
        igjobs_service_name test;
        igjobs_service_version 2.0;
        igjobs_tenant \$http_x_tenant;
        igjobs_max_body_size 1m;
        igjobs_min_body_rate 1k;
        igjobs_cors_origins https://a.example http://b.example:8080;
ALL
);

for my $case (@right) {
    my ($name, $text) = @$case;

    ($status, $output) = check("$text $serve");
    is($status, 0, "$name: accepted") or diag $output;
}

# without "igjobs" nothing is needed and nothing connects
($status, $output) = check('server { listen 127.0.0.1:%%PORT%%; }');
is($status, 0, 'a module that is loaded and not used');

done_testing;
