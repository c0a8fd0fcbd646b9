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
use Igjobs::Wait;

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
my @curl = ('curl', '-sSk', '--no-progress-meter', '--http2', '--max-time',
            patience(60), '--unix-socket', "$stack->{nginx}{dir}/h2.sock");

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

subtest 'events' => sub {
    my $events = "https://localhost/api/jobs/$job/events";
    my $document = $stack->psql('select doc from public.scrape_jobs');
    my $publish = sub {
        my ($version, $status) = @_;
        $stack->redis->command('PUBLISH', "igjobs:events:default:$job",
            $document =~ s/"version":1\b/"version":$version/r
                      =~ s/"status":"queued"/"status":"$status"/r);
    };

    # a dozen streams on one connection
    open my $in, '-|', @curl, '-N', '--parallel', '--parallel-immediate',
        ($events) x 12 or die "curl: $!";
    next_ids($in, 1, 12);
    is($publish->(2, 'processing'), 1, 'nginx has subscribed once');
    next_ids($in, 2, 12);
    $publish->(3, 'completed');
    next_ids($in, 3, 12);
    is(join('', <$in>), '', 'and nothing behind the end');
    close $in;
    is($?, 0, 'a clean end');

    # streams that are reset
    $stack->psql("update public.scrape_jobs set doc ="
        . " replace(doc, '\"version\":1,', '\"version\":4,')");
    curl('--max-time', '0.5', '--parallel', '--parallel-immediate', '-N',
         ($events) x 12, '--stderr', '/dev/null');
    wait_for { $stack->redis->command('PUBSUB', 'NUMSUB',
                   "igjobs:events:default:$job")->[1] == 0 }
        20, 'nobody to watch the job';
    like(curl('-i', $url), qr{^HTTP/2 200}, 'after streams that were reset');
};

subtest 'events that are not read' => sub {
    for my $end ('KILL', 'CONT') {
        # a job of its own: messages of the other may still come
        my $other = $stack->jobs->submit(accounts => ['one.name']);
        my $channel = "igjobs:events:default:$other";
        my $document = $stack->psql(
            "select doc from public.scrape_jobs where job_id = '$other'");
        my $pid = open my $in, '-|', @curl, '-N',
            "https://localhost/api/jobs/$other/events" or die "curl: $!";
        next_ids($in, 1, 1);
        kill 'STOP', $pid;
        for my $version (2 .. 30) {
            wait_for {
                $stack->redis->command('PUBLISH', $channel, $document
                    =~ s/"version":1,(.*)\}$/"version":$version,$1,/r
                    . '"pad":"' . 'x' x 300_000 . '"}');
            } 20, 'the subscription';
        }
        is($stack->client->get('/livez')->{status}, 200, 'nginx turns');
        kill $end, $pid;
        if ($end eq 'CONT') {
            my $last = 0;
            while ($last < 30) {
                my $line = <$in> // last;
                $last = $1 if $line =~ /^data: \{"version":(\d+)/;
            }
            is($last, 30, 'the latest comes when it reads again');
            kill 'TERM', $pid;
        }
        close $in;
        wait_for { $stack->redis->command('PUBSUB', 'NUMSUB', $channel)->[1]
                   == 0 } 20, 'nobody to watch the job';
    }
};

# reads until $count events of this id have come, and no others
sub next_ids {
    my ($in, $id, $count) = @_;
    my %seen;

    while (($seen{$id} // 0) < $count) {
        my $line = <$in> // last;
        $line =~ /^data: \{"version":(\d+)/ or next;
        $seen{$1}++;
        <$in>;
        last if $1 != $id;
    }
    is_deeply(\%seen, { $id => $count }, "version $id on each stream");
    return;
}

$stack->finish;
done_testing;
