#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Volume: half a million items stream through little memory, thousands of runs
# cost little each, many clients read at the same time.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Digest::SHA;
use Igjobs::Env;
use Igjobs::Http;
use SimTest;

my $sim = new_sim;
my $slow = Igjobs::Env::sanitized();

# growth($what, $kib, $code): resident memory may grow by so much
sub growth {
    my ($what, $kib, $code) = @_;
    my $before = Igjobs::Env::rss($sim->pid);

    $code->();
    return if $slow;                       # sanitizers keep what is freed
    my $grown = Igjobs::Env::rss($sim->pid) - $before;
    cmp_ok $grown, '<', $kib, "$what: memory";
    diag "$what: $grown KiB" if $grown >= $kib;
    return;
}

# lines and digest of a stream that is never held
sub read_stream {
    my ($path) = @_;
    my $http = Igjobs::Http->new($sim->port,
                                 headers => [Connection => 'close']);
    my ($lines, $digest) = (0, Digest::SHA->new(256));

    $http->connect;
    $http->send_request('GET', $path);
    $http->read_head;
    while (my $size = hex $http->line) {
        my $chunk = $http->bytes($size);
        $lines += $chunk =~ tr/\n//;
        $digest->add($chunk);
        $http->line;
    }
    return ($lines, $digest->hexdigest);
}

my $accounts = $slow ? 20 : 200;
my $rows = $accounts * 2500;
my $run = start_run($sim, [map { "account_$_" } 1 .. $accounts],
                    max_count => 2500);
my $path = "/v2/datasets/$run->{defaultDatasetId}/items?format=jsonl";
my ($lines, $digest);

growth("$rows items", 4096, sub { ($lines, $digest) = read_stream($path) });
is $lines, $rows, 'one answer with everything';

# the same bytes in pages, by the followers alone to be quicker
my $fields = 'fields=userId,username,fullName,sourceUsername';
my ($count, $whole) = read_stream("$path&$fields");
my $pages = Digest::SHA->new(256);
my $http = Igjobs::Http->new($sim->port);
for (my $offset = 0; $offset < $rows; $offset += 5000) {
    $pages->add($http->get("$path&$fields&offset=$offset&limit=5000")->{body});
}
is $pages->hexdigest, $whole, 'pages of 5000 make the same bytes';
is $sim->ledger->{items_delivered_distinct}, $rows, 'delivered once and again';
is $sim->ledger->{items_delivered}, 3 * $rows, 'three times';

# many clients at a time, none of which reads ahead of the others
my @clients = map { Igjobs::Http->new($sim->port) } 1 .. 100;
growth('100 clients', 100 * 512, sub {
    $_->connect for @clients;
    $_->send_request('GET', "$path&$fields&offset=100&limit=2000")
        for @clients;
    my %bodies = map { $_->read_response->{body} => 1 } @clients;
    is scalar keys %bodies, 1, '100 clients read the same page';
    $_->cut for @clients;
});

# many runs: beside the input and the journal's line (about 0.6 KiB), less
# than 1 KiB each
my $runs = $slow ? 300 : 3000;
my @names = map { "follower_source_$_" } 1 .. 50;
my $body = '{"max_count":50,"usernames":["' . join('","', @names) . '"]}';
my $each = 1.7 + length($body) / 1024;
growth("$runs runs", $runs * $each, sub {
    for (1 .. $runs) {
        my $response = $http->request('POST',
            '/v2/acts/igjobs~followers/runs', body => $body,
            headers => ['Content-Type' => 'application/json',
                        Authorization => 'Bearer x']);
        die $response->{body} if $response->{status} != 201;
    }
});
is $sim->ledger->{runs_started}, $runs + 1, "$runs runs";
is scalar @{ $sim->ledger->{repeated_inputs}[0]{runs} }, $runs,
    'of one input';

reset_sim($sim);
is $sim->ledger->{runs_started}, 0, 'forgotten';

finish();
done_testing;
