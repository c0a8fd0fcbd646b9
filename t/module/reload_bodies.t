#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Reload and quit with bodies half read, pages half sent, submissions of all
# sizes and statuses in flight: no failed request, no old worker left.
#
# IGJOBS_RELOADS: how often (6).

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;
use Igjobs::Load;
use Igjobs::Rows;
use Igjobs::Stack;
use Igjobs::Wait;

my $reloads = $ENV{IGJOBS_RELOADS} || 6;
my $submit = '/api/scrape-followers';
my $stack = Igjobs::Stack->new(nginx => { worker_processes => 2 });
$stack->start(qw(postgres redis nginx));

my $nginx = $stack->nginx;
my $job = $stack->jobs->submit(accounts => ['one.name']);
add_chunk($stack, $job, 5000, <<'SQL');
    select i, 'id' || i, 'user.' || i, repeat('name ', 300), 'female',
        null::real, null::text, null::text
    from generate_series(0, 4999) i
SQL
my $page = "/api/job-results/$job?limit=5000&partial=1";
my $whole = $stack->client->get($page)->{body};

my %load = (
    status => { path => "/api/job-status/$job", clients => 2 },
    page => { path => "/api/job-results/$job?limit=200&partial=1",
              clients => 1 },
    small => { path => $submit, body => body(20), clients => 2 },
    large => { path => $submit, body => body(3000), clients => 1 },
);

subtest 'reloads' => sub {
    my %running = map { $_ => load($_) } keys %load;

    for my $round (1 .. $reloads) {
        my ($half, $reader) = begin();
        $_->wait_for_requests(3) for values %running;
        $nginx->reload;
        end("reload $round", $half, $reader);
    }
    expect($_, $running{$_}->finish) for sort keys %running;
    wait_for { Igjobs::Env::children($nginx->pid) == 2 } 20,
        'the old workers to end';
    pass('no old workers');
};

# Clients that are refused a connection have not been served badly; one that
# was accepted is answered.
subtest 'quit' => sub {
    for my $round (1 .. $reloads) {
        my ($half, $reader) = begin();
        my @waiting = map { $stack->client->connect } 1 .. 4;

        $_->send_request('POST', $submit, body => body(3000),
            headers => ['Content-Type', 'application/json']) for @waiting;
        wait_for { unread($nginx->port) == 0 } 20, 'all to be read';
        $nginx->signal('QUIT');
        wait_for { $nginx->log_text =~ /gracefully shutting down/ } 20,
            'the workers to be told';
        end("quit $round", $half, $reader);
        is($_->read_response('POST')->{status}, 202, 'a submission')
            for @waiting;
        is($nginx->wait_end, 0, 'ended');
        unlink $nginx->log_file if $round < $reloads && !$nginx->alerts;
        $nginx->start;
    }
};

$stack->finish;
done_testing;


sub body {
    my ($n) = @_;

    return '{"accounts":[' . join(',', map { "\"account.$_\"" } 1 .. $n) . ']}';
}

sub load {
    my ($name) = @_;

    return Igjobs::Load->new(port => $nginx->port, %{ $load{$name} })->start;
}

sub expect {
    my ($name, %count) = @_;
    my $good = $name =~ /small|large/ ? 202 : 200;

    is(join(' ', sort keys %count), $good, "$name: all $good")
        or diag explain \%count;
    return;
}

# a body that is half sent and a page that is half read
sub begin {
    my $half = $stack->client->connect;
    my $body = body(30_000);

    $half->send($half->head_text('POST', $submit, 'Content-Type',
        'application/json', 'Content-Length', length $body));
    $half->send(substr $body, 0, 300_000, '');
    $half->{rest} = $body;

    my $reader = $stack->client->connect;
    $reader->send_request('GET', $page);
    $reader->{response} = $reader->read_head;
    return ($half, $reader);
}

sub end {
    my ($name, $half, $reader) = @_;

    $half->send($half->{rest});
    is($half->read_response('POST')->{status}, 202, "$name: the body");
    ok($reader->read_body($reader->{response}, 'GET') eq $whole,
        "$name: the page");
    return;
}

# bytes that nginx has not read from its clients yet
sub unread {
    my ($port) = @_;
    my $server = sprintf ':%04X', $port;
    my $bytes = 0;

    open my $in, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    while (<$in>) {
        my (undef, $local, undef, $state, $queues) = split;
        next if $local !~ /$server$/ || $state ne '01';
        $bytes += hex((split /:/, $queues)[1]);
    }
    return $bytes;
}
