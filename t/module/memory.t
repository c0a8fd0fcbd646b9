#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Memory of an nginx worker: submissions of 500,000 accounts in a row, bodies
# that are cut or stall, and the caps on what is in flight.
#
# IGJOBS_ROUNDS: submissions in a row, each way (3).
# run: alone

use strict;
use warnings;
use Test::More;
use FindBin;
use IO::Select;
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;
use Igjobs::Port 'free_port';
use Igjobs::Stack;
use Igjobs::Wait;

use constant { PEAK => 20 * 1024, KEPT => 4 * 1024 };    # KiB

my $rounds = $ENV{IGJOBS_ROUNDS} || 3;
my $submit = '/api/scrape-followers';
my $h2 = free_port();
my $stack = Igjobs::Stack->new(nginx => { server => <<"SERVER" });
        listen 127.0.0.1:$h2 http2;
        lingering_close off;
SERVER
$stack->start(qw(postgres redis nginx));

my $worker = ($stack->nginx->workers)[0];
my $body = body(500_000);
my $file = "$stack->{nginx}{dir}/body.json";
my $http = $stack->client;

open my $out, '>', $file or die "$file: $!";
print $out $body;
close $out or die "$file: $!";

# what the worker has once it has served a little of everything
is($http->post_json($submit, body(2000))->{status}, 202, 'a submission');
is($http->post_json($submit, body(10))->{status}, 202, 'a small one');

# bodies that stall: they are timed out while the others are served
my @stalled = map { upload(2_000_000) } 1 .. 3;

my %way = (
    'with a length' => sub { $http->post_json($submit, $body)->{status} },
    'chunked' => sub {
        $http->post_json($submit, $body, chunked => 100_000)->{status} },
    'over HTTP/2' => sub { curl($file) },
);

for my $name ('with a length', 'chunked', 'over HTTP/2') {
    subtest "500,000 accounts $name" => sub {
        my $before = Igjobs::Env::rss($worker);
        my ($peak, $kept) = (0, 0);

        for my $round (1 .. $rounds) {
            reset_peak();
            is($way{$name}->(), 202, 'accepted');
            $stack->client->get('/livez');    # the request has ended by then
            $peak = max($peak, Igjobs::Env::peak_rss($worker) - $before);
            $kept = max($kept, Igjobs::Env::rss($worker) - $before);
        }
        note "$rounds in a row: at most $peak KiB more, then $kept KiB";
        SKIP: {
            skip 'a sanitizer takes its own memory', 2
                if Igjobs::Env::sanitized();
            cmp_ok($peak, '<=', PEAK, "$peak KiB at the peak");
            cmp_ok($kept, '<=', KEPT, "$kept KiB after it");
        }
        $stack->psql('truncate public.scrape_jobs, igjobs.batches,
            igjobs.batch_accounts cascade');
    };
}

subtest 'bodies that stall' => sub {
    for my $client (@stalled) {
        my $r = $client->read_response('POST');
        is("$r->{status} " . $r->json->{code}, '408 IGJ0114', 'timed out');
    }
    is(jobs(), 0, 'and leave no job');
};

subtest 'bodies that are cut' => sub {
    my ($before, $sockets) = (Igjobs::Env::rss($worker), sockets());

    for my $round (1 .. 2 * $rounds) {
        my @cut = map { upload(5_000_000) } 1 .. 3;
        $_->cut(reset => $round % 2) for @cut;
        wait_for { sockets() <= $sockets } 20, 'the worker to notice';
    }
    my $kept = Igjobs::Env::rss($worker) - $before;
    cmp_ok($kept, '<=', KEPT, "$kept KiB are left")
        if !Igjobs::Env::sanitized();
    is(jobs(), 0, 'no job');
};

subtest 'igjobs_max_submissions' => sub {
    $stack->nginx->configure(http => 'igjobs_max_submissions 4;')->reload;
    $http->connect;
    my @open = map { upload(100_000) } 1 .. 4;
    my $r = $http->post_json($submit, body(10));

    is("$r->{status} " . $r->json->{code}, '503 IGJ0702', 'the fifth');
    ok($r->header('Retry-After'), 'may come again');
    (shift @open)->cut;
    wait_for { $http->post_json($submit, body(10))->{status} == 202 } 20,
        'room for another';
    for my $client (@open) {
        $client->send($client->{rest});
        is($client->read_response('POST')->{status}, 202, 'the others end');
    }
    @open = map { upload(100_000) } 1 .. 4;
    $_->cut for @open;
    wait_for { $http->post_json($submit, body(10))->{status} == 202 } 20,
        'room for others';
};

subtest 'igjobs_max_submission_bytes' => sub {
    $stack->nginx->configure(http => 'igjobs_max_submission_bytes 6m;')
        ->reload;
    $http->connect;
    my $r = $http->post_json($submit, $body);
    is("$r->{status} " . $r->json->{code}, '503 IGJ0702', 'one that is larger');
    is($stack->client->post_json($submit, body(50_000))->{status}, 202,
        'the next is accepted');

    my @open = map { upload(3_000_000) } 1 .. 2;
    my @over = IO::Select->new(map { $_->{socket} } @open)->can_read(0);
    $r = $stack->client->post_json($submit, body(200_000));
    is($r->{status}, 503, 'no room beside two that are open');
    $_->cut for @open;
    wait_for { $stack->client->post_json($submit, body(100_000))->{status}
               == 202 } 20, 'room for another';
};

$stack->finish;
done_testing;


sub body {
    my ($n) = @_;

    return '{"accounts":[' . join(',', map { "\"account.$_\"" } 0 .. $n - 1)
        . ']}';
}

sub max { return $_[0] > $_[1] ? $_[0] : $_[1] }

# a client that has sent $count bytes of a body and then {rest} to go
sub upload {
    my ($count) = @_;
    my $client = $stack->client->connect;
    my $text = $count < 1_000_000 ? body(20_000) : $body;

    $client->send($client->head_text('POST', $submit, 'Content-Type',
        'application/json', 'Content-Length', length $text));
    $client->send(substr $text, 0, $count);
    $client->{rest} = substr $text, $count;
    # the worker has read all that was sent
    wait_for { unread($client) == 0 } 20, 'the worker to read';
    return $client;
}

# bytes that the kernel still holds for the server, by both ends' queues
sub unread {
    my ($client) = @_;
    my $port = sprintf ':%04X', $client->{socket}->sockport;

    open my $in, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    my $bytes = 0;
    while (<$in>) {
        my (undef, $local, $remote, undef, $queues) = split;
        next if $local !~ /$port$/ && $remote !~ /$port$/;
        my ($send, $receive) = map { hex } split /:/, $queues;
        $bytes += $local =~ /$port$/ ? $send : $receive;
    }
    return $bytes;
}

sub sockets {
    return scalar grep { (readlink($_) // '') =~ /^socket:/ }
           glob "/proc/$worker/fd/*";
}

sub jobs { return $stack->psql('select count(*) from public.scrape_jobs') }

# starts the measurement of the peak anew
sub reset_peak {
    open my $clear, '>', "/proc/$worker/clear_refs" or return;
    print $clear "5\n";
    return;
}

sub curl {
    my ($file) = @_;

    return qx(curl -sS --http2-prior-knowledge -o /dev/null \\
        -w '%{http_code}' -H 'Content-Type: application/json' \\
        --data-binary \@'$file' http://127.0.0.1:$h2$submit);
}
