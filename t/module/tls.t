#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# TLS to Postgres and Redis: answers of all sizes, certificates.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;
use Igjobs::Events;
use Igjobs::Port 'free_port';
use Igjobs::Stack;
use Igjobs::Wait;

my $dir = Igjobs::Env::new_dir('certificate');
system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
       . " -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
       . " -keyout $dir/key.pem -out $dir/certificate.pem 2>/dev/null") == 0
    or die 'no certificate';
chmod 0600, "$dir/key.pem";
Igjobs::Env::give(glob "$dir/*");

my $tls_port = free_port();
my $stack = Igjobs::Stack->new(
    postgres => { settings => {
        ssl => 'on', ssl_cert_file => "$dir/certificate.pem",
        ssl_key_file => "$dir/key.pem",
    } },
    redis => { settings => {
        'tls-port' => $tls_port, 'tls-auth-clients' => 'no',
        'tls-cert-file' => "$dir/certificate.pem",
        'tls-key-file' => "$dir/key.pem", requirepass => '',
    } },
);
$stack->start(qw(postgres redis));
$stack->redis->command('ACL', 'SETUSER', 'web', 'on', '>s%cret', '~*', '&*',
                       '+@all');

my $dsn = $stack->postgres->dsn(user => 'igjobs_api', tcp => 1);
my $trust = "igjobs_redis_tls_trusted_certificate $dir/certificate.pem;"
            . 'igjobs_status_cache_time 0;';

$stack->{option}{nginx} = {
    postgres => "$dsn sslmode=verify-full sslrootcert=$dir/certificate.pem",
    redis => "rediss://web:s%25cret\@localhost:$tls_port/1",
    http => $trust,
};
$stack->start('nginx');
my $nginx = $stack->nginx;
my $http = $stack->client;

sub redis_state {
    my ($state, $what) = @_;

    wait_for { $stack->client->get('/readyz?verbose')->{body} =~ /$state/ } 30,
        $what;
    return pass($what);
}

redis_state(qr/\[\+\]redis ok/, 'Redis: user, password, database');
is($stack->psql("select bool_and(ssl) from pg_stat_ssl join pg_stat_activity"
                . " using (pid) where usename = 'igjobs_api'"), 't',
   'Postgres: all sessions are encrypted');

my $job = $stack->jobs->submit(accounts => ['one.name']);
my $path = "/api/job-status/$job";
my @fake = (openapi => 0);     # a document of the test's own making

for my $size (1000, map { $_ * 1024 - 40 } 7 .. 18, 32, 33, 64, 300) {
    $stack->psql("update public.scrape_jobs set version = version + 1, doc = "
        . "'{\"version\":' || version + 1 || ',\"status\":\"x\",\"pad\":\"' || "
        . "repeat('x', $size) || '\"}' where job_id = '$job'");
    $stack->redis->command('FLUSHALL');
    my $pad = eval { $http->get($path, @fake)->json->{pad} } // '';
    is(length $pad, $size, "$size bytes from Postgres");
    wait_for {
        $stack->redis->command('SELECT', 1);
        $stack->redis->command('EXISTS', "igjobs:status:default:$job");
    } 10, 'the document in Redis';
    is(length $http->get($path, @fake)->json->{pad}, $size,
       "$size bytes from Redis");
}

subtest 'subscriptions' => sub {
    my $other = $stack->jobs->submit(accounts => ['one.name']);
    my $stream = Igjobs::Events->open($nginx->port, "/api/jobs/$other/events");
    my $doc = $stack->psql("update public.scrape_jobs set version = 2, doc ="
        . " replace(doc, '\"version\":1,', '\"version\":2,')"
        . " where job_id = '$other' returning doc");
    my $channel = "igjobs:events:default:$other";

    is($stream->event->{id}, 1, 'the first document');
    wait_for { $stack->redis->command('PUBLISH', $channel, $doc) } 10,
        'the subscription';
    is($stream->event->{id}, 2, 'a message');

    # who may not subscribe reads Postgres
    $stack->redis->command('ACL', 'SETUSER', 'web', '-subscribe');
    $stack->redis->command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    wait_for { $nginx->log_text =~ /Redis refused a subscription: NOPERM/ }
        20, 'the refusal in the log';
    $stack->psql("update public.scrape_jobs set version = 3, doc ="
        . " replace(doc, '\"version\":2,', '\"version\":3,')"
        . " where job_id = '$other'");
    is($stream->event->{id}, 3, 'a slow read');
    $stack->redis->command('ACL', 'SETUSER', 'web', '+subscribe');
};

for my $case (["rediss://web:s%25cret\@localhost:$tls_port", '',
               qr/its certificate cannot be verified/],
              ["rediss://web:wrong\@localhost:$tls_port", $trust,
               qr/WRONGPASS/],
              ["rediss://web:s%25cret\@127.0.0.2:$tls_port", $trust,
               qr/Redis is not reachable/]) {
    my ($url, $text, $said) = @$case;

    $nginx->configure(redis => $url, http => $text);
    $nginx->reload;
    redis_state(qr/\[!\]redis away/, 'Redis: refused');
    wait_for { $nginx->log_text =~ $said } 20, "$said in the log";
    is($stack->client->get($path, @fake)->{status}, 200,
       'served all the same');
}

$nginx->configure(redis => "rediss://web:s%25cret\@localhost:$tls_port",
                  http => 'igjobs_redis_tls_verify off;');
$nginx->reload;
redis_state(qr/\[\+\]redis ok/, 'Redis: unverified when told so');
unlike($nginx->log_text, qr/s%cret|s%25cret/, 'no password in the log');

$stack->finish;
done_testing;
