#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Clients that leave, under load: in the headers, in the body, while they wait
# for Postgres or for the end of a job, while a page is sent to them; by closing, by a reset and, over
# HTTP/2, by streams that are reset. Nothing is left of them.
#
# IGJOBS_ABORTS: requests in all (4000).

use strict;
use warnings;
use Test::More;
use FindBin;
use POSIX ();
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;
use Igjobs::Port 'free_port';
use Igjobs::Rows;
use Igjobs::Stack;
use Igjobs::Wait;

use constant { CLIENTS => 4, MOST => 40 };

my $aborts = $ENV{IGJOBS_ABORTS} || 4000;
my $submit = '/api/scrape-followers';
my $h2 = free_port();
my $stack = Igjobs::Stack->new(nginx => {
    log_level => 'warn', http => 'igjobs_max_submissions ' . MOST . ';',
    server => <<"SERVER",
        listen 127.0.0.1:$h2 http2;
        access_log off;
        location = /connections { stub_status; }
SERVER
});
$stack->start(qw(postgres redis nginx));

my $nginx = $stack->nginx;
my $worker = ($nginx->workers)[0];
my $job = $stack->jobs->submit(accounts => ['one.name']);
add_chunk($stack, $job, 5000, <<'SQL');
    select i, 'id' || i, 'user.' || i, repeat('name ', 300), 'female',
        null::real, null::text, null::text
    from generate_series(0, 4999) i
SQL

my $page = "/api/job-results/$job?limit=5000&partial=1";
my $small = body(5);
my $large = body(3000);
my $head = "POST $submit HTTP/1.1\r\nHost: x\r\n"
    . "Content-Type: application/json\r\n";

# what is sent before the client leaves; a true second word reads a little
my @http1 = (
    [substr $head, 0, 40],
    [$head . "Content-Length: 100000\r\n\r\n"],
    [$head . "Content-Length: 100000\r\n\r\n" . substr $large, 0, 30_000],
    [$head . "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"acc\r\n"],
    [$head . "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 1],
    [$head . 'Content-Length: ' . length($small) . "\r\n\r\n$small"],
    [$head . 'Content-Length: ' . length($large) . "\r\n\r\n$large"],
    [$head . "Content-Length: 3\r\n\r\nno!", 1],
    ["GET $page HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["GET $page HTTP/1.1\r\nHost: x\r\n\r\n", 1],
    ["GET /api/job-status/$job HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["GET /api/job-status/$job HTTP/1.1\r\nHost: x\r\n\r\n" x 3, 1],
    ["GET /api/job-status/$job?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["GET /api/job-status/$job HTTP/1.1\r\nHost: x\r\n\r\n"
     . "GET /api/job-status/$job?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n", 1],
    [$head . "Prefer: wait=60\r\nContent-Length: " . length($small)
     . "\r\n\r\n$small"],
    [$head . "Prefer: igjobs-sync\r\nContent-Length: " . length($small)
     . "\r\n\r\n$small"],
    [$head . "Prefer: igjobs-sync\r\nContent-Length: " . length($large)
     . "\r\n\r\n$large"],
);
my @http2 = (
    [post(1) . data(1, substr $large, 0, 8000)],
    [post(1) . data(1, substr $large, 0, 8000) . reset_stream(1)
     . get(3, "/api/job-status/$job"), 1],
    [post(1) . data(1, $small, 1)],
    [post(1) . data(1, $small, 1) . reset_stream(1)
     . get(3, "/api/job-status/$job"), 1],
    [get(1, $page), 1],
    [get(1, $page) . reset_stream(1) . get(3, "/api/job-status/$job"), 1],
    [get(1, $page) . get(3, $page) . get(5, $page) . reset_stream(3), 1],
    [get(1, "/api/job-status/$job?wait=60")],
    [get(1, "/api/job-status/$job?wait=60") . reset_stream(1)
     . get(3, "/api/job-status/$job"), 1],
    [post(1) . get(3, $page) . post(5) . data(5, $small, 1)],
);

# a part of it first: what the worker needs for serving at all
leave(400);
my $before = settled();

leave($aborts);
my $after = settled();

is($after->{sockets}, $before->{sockets}, 'no socket is left');
is("@{[$nginx->workers]}", $worker, 'the worker is the same');
is($stack->psql("select count(*) from pg_stat_activity
    where usename = 'igjobs_api' and state <> 'idle'"), 0,
    'no session of Postgres is in a transaction');
my $more = $after->{rss} - $before->{rss};
note "$aborts requests, $more KiB more";
cmp_ok($more, '<', 8192, "the worker has grown by $more KiB")
    if !Igjobs::Env::sanitized();
is($stack->psql("select count(*) from public.scrape_jobs j
    where (select count(*) from igjobs.batches b where b.job_id = j.job_id)
          <> j.total_batches
       or (select count(*) from igjobs.batch_accounts a
           where a.job_id = j.job_id) <> j.total_batches"), 0,
    'every job that was stored is whole');

# submissions in flight are counted right
my @open = map { half() } 1 .. MOST;
is($stack->client->post_json($submit, $small)->{status}, 503,
    'as many submissions as are allowed');
$_->cut for @open;
wait_for { $stack->client->post_json($submit, $small)->{status} == 202 } 20,
    'room for another';

$stack->finish;
done_testing;


sub body {
    my ($n) = @_;

    return '{"accounts":[' . join(',', map { "\"account.$_\"" } 1 .. $n) . ']}';
}

# so many requests that nobody waits for, by some clients at once
sub leave {
    my ($count) = @_;
    my @pids;

    for my $client (1 .. CLIENTS) {
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            eval { leave_by($client, $count / CLIENTS) };
            print STDERR "# $@" if $@;
            POSIX::_exit($@ ? 1 : 0);
        }
        push @pids, $pid;
    }
    for my $pid (@pids) {
        waitpid $pid, 0;
        $? == 0 or die 'a client failed';
    }
    return;
}

sub leave_by {
    my ($client, $count) = @_;

    srand $client;
    for my $n (1 .. $count) {
        my $is_h2 = $n % 4 == 0;
        my $ways = $is_h2 ? \@http2 : \@http1;
        my ($text, $reads) = @{ $ways->[rand @$ways] };
        my $http = Igjobs::Http->new($is_h2 ? $h2 : $nginx->port);

        # more of a request than of a body is cut anywhere
        $text = substr $text, 0, rand length $text if !$reads && $n % 3 == 0;
        $http->send($is_h2 ? preface() . $text : $text);
        if ($reads) {
            eval { $http->fill };
        }
        $http->cut(reset => $n % 2);
    }
    return;
}

# what the worker holds once it has noticed everything
sub settled {
    wait_for { connections() == 1 } 30, 'nginx to close all connections';
    wait_for { !$stack->psql("select count(*) from pg_stat_activity
        where usename = 'igjobs_api' and state <> 'idle'") } 30,
        'Postgres to be done';
    my ($last, $now) = (-1, 0);
    wait_for { $last = $now; $now = sockets(); $now == $last } 30,
        'connections to Postgres to be there again';
    return { rss => Igjobs::Env::rss($worker), sockets => $now };
}

sub connections {
    my $text = $stack->client(headers => [Connection => 'close'])
        ->get('/connections')->{body};

    return ($text =~ /Active connections: (\d+)/)[0];
}

sub sockets {
    return scalar grep { (readlink($_) // '') =~ /^socket:/ }
           glob "/proc/$worker/fd/*";
}

# a client whose body is read to its half
sub half {
    my $client = $stack->client->connect;

    $client->send($head . "Expect: 100-continue\r\n"
                  . 'Content-Length: ' . length($large) . "\r\n\r\n");
    $client->read_head;
    return $client;
}

# ---- frames of HTTP/2

sub preface { return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(4, 0, 0, '') }

sub frame {
    my ($type, $flags, $stream, $payload) = @_;
    my $size = pack 'N', length $payload;

    return substr($size, 1) . pack('CCN', $type, $flags, $stream) . $payload;
}

# headers as literals without indexing
sub headers {
    my ($stream, $flags, @headers) = @_;
    my $block = '';

    while (my ($name, $value) = splice @headers, 0, 2) {
        $block .= "\0" . chr(length $name) . $name
                . (length $value < 127 ? chr length $value
                                       : "\x7f" . chr(length($value) - 127))
                . $value;
    }
    return frame(1, 4 | $flags, $stream, $block);
}

sub get {
    my ($stream, $path) = @_;

    return headers($stream, 1, ':method', 'GET', ':scheme', 'http', ':path',
                   $path, ':authority', 'x');
}

sub post {
    my ($stream) = @_;

    return headers($stream, 0, ':method', 'POST', ':scheme', 'http', ':path',
                   $submit, ':authority', 'x', 'content-type',
                   'application/json');
}

sub data {
    my ($stream, $payload, $end) = @_;

    return frame(0, $end ? 1 : 0, $stream, $payload);
}

sub reset_stream { return frame(3, 0, $_[0], pack 'N', 8) }
