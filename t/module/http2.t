#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The API over HTTP/2: many streams on one connection, streams that are reset.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;
use Igjobs::Stack;

plan skip_all => 'curl without HTTP/2'
    if `curl --version 2>/dev/null` !~ /\bHTTP2\b/;

my $certificate = Igjobs::Env::new_dir('certificate');
system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
       . " -keyout $certificate/key.pem -out $certificate/certificate.pem"
       . " 2>/dev/null") == 0 or die 'no certificate';
Igjobs::Env::give(glob "$certificate/*");

my $stack = Igjobs::Stack->new(nginx => { http => <<'HTTP' });
    igjobs_status_cache_time 0;
    igjobs_redis_timeout 30s;
    server {
        listen unix:%%DIR%%/h2.sock ssl http2;
        ssl_certificate %%CERTIFICATE%%/certificate.pem;
        ssl_certificate_key %%CERTIFICATE%%/key.pem;
        location / { igjobs; }
    }
HTTP
$stack->{option}{nginx}{http} =~ s/%%CERTIFICATE%%/$certificate/g;
$stack->start(qw(postgres redis nginx));

# curl's parallel transfers need TLS for HTTP/2
my @curl = ('curl', '-sSk', '--no-progress-meter', '--http2', '--unix-socket',
            "$stack->{nginx}{dir}/h2.sock");

sub curl {
    open my $in, '-|', @curl, @_ or die "curl: $!";
    my $text = do { local $/; <$in> } // '';
    close $in;
    return $text;
}

my $body = curl('-H', 'Content-Type: application/json', '-d',
                '{"accounts":["one.name"]}',
                'https://localhost/api/scrape-followers');
my ($job) = $body =~ /"job_id":\s*"([^"]+)"/;
ok($job, 'a submission') or diag $body;
my $url = "https://localhost/api/job-status/$job";

like(curl('-i', $url), qr{^HTTP/2 200 .*"status":"queued"}s, 'its status');
like(curl('-I', $url), qr{^HTTP/2 200}, 'HEAD');
like(curl('-i', "$url?wait=1"),
     qr{^HTTP/2 202 .*preference-applied: wait=1\r.*"status":"queued"}s,
     'waiting for it');
is(curl('-s', '-m', 1, '-o', '-', '--no-show-error', "$url?wait=60"), '',
   'not to the end');
like(curl('-i', 'https://localhost/none'), qr{^HTTP/2 404 .*IGJ0201}s,
     'an unknown path');
like(curl('-i', '-d', 'x' x 1000, 'https://localhost/none'),
     qr{^HTTP/2 404 .*IGJ0201}s, 'and a body');

my $all = curl('--parallel', '--parallel-max', 50, ($url) x 200);
is(scalar(() = $all =~ /"job_id":"\Q$job\E"/g), 200, '200 streams');

$stack->redis->pause;
curl('--max-time', '0.2', '--parallel', ($url) x 20, '--stderr', '/dev/null');
$stack->redis->resume;
like(curl('-i', $url), qr{^HTTP/2 200}, 'after streams that were reset');

$stack->finish;
done_testing;
