#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The journal and the ledger: what was asked, delivered and billed; no token
# in them.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Igjobs::Http;
use Igjobs::Wait;
use SimTest;

my $sim = new_sim('--token', 'secret-token', '--journal', 50);

# one request of each kind
my $run = start_run($sim, ['alice', 'bob'], max_count => 30,
                    input => { igjobs_token => 'batch-17' });
items($sim, $run, 'limit=20');
items($sim, $run, 'offset=10&limit=30&fields=userId');
api($sim, 'GET', "/v2/actor-runs/$run->{id}?token=secret-token",
    token => undef);
api($sim, 'POST', "/v2/actor-runs/$run->{id}/abort", token => 'wrong-token');
api($sim, 'GET', '/v2/nothing');

my @entries = wait_for {
    my $journal = $sim->journal;
    @$journal == 6 && !grep({ !$_->{ended} } @$journal) ? $journal : undef;
} 20, 'six requests';
my ($start, $first, $second, $look, $abort, $other) = @{ $entries[0] };

is_deeply [map { $_->{op} } @{ $entries[0] }],
    [qw(start items items run abort other)], 'kinds';
is_deeply [map { $_->{seq} } @{ $entries[0] }], [1 .. 6], 'numbers';
is_deeply [map { $_->{provider} } @{ $entries[0] }], [('apify') x 6],
    'providers';
is $start->{run}, $run->{id}, 'the run that was started';
ok $start->{started}, 'by this request';
is_deeply $start->{usernames}, ['alice', 'bob'], 'its accounts';
is $start->{input_token}, 'batch-17', 'the marker in its input';
is $start->{actor}, 'igjobs~followers-with-source', 'its actor';
is $start->{status}, 201, 'its answer';
is $start->{content_type}, 'application/json', 'its content type';
cmp_ok $start->{bytes_in}, '>', 50, 'bytes in';
cmp_ok $start->{bytes_out}, '>', 500, 'bytes out';
like $start->{time}, qr/^\d{4}-.*Z$/, 'its time';
is_deeply [@$first{qw(offset items status complete)}],
    [0, 20, 200, JSON::PP::true], 'a page';
is_deeply [@$second{qw(offset items query)}],
    [10, 30, 'format=jsonl&offset=10&limit=30&fields=userId'], 'another';
is_deeply [@$look{qw(token token_in_url query)}],
    ['valid', JSON::PP::true, ''], 'a token in the address is told, not shown';
is_deeply [@$abort{qw(token status run)}], ['invalid', 401, $run->{id}],
    'a wrong token';
is $other->{status}, 404, 'a path of nobody';

my $text = Igjobs::Http->new($sim->port)->get('/_sim/journal')->{body}
    . Igjobs::Http->new($sim->port)->get('/_sim/ledger?accounts=1')->{body};
unlike $text, qr/secret-token|wrong-token/, 'no token anywhere';

# ledger
my $ledger = $sim->call('GET', '/_sim/ledger?accounts=1');
is $ledger->{runs_started}, 1, 'one run';
is $ledger->{items_produced}, 60, 'items produced';
is $ledger->{items_billed}, 60, 'and billed';
is $ledger->{items_delivered}, 50, 'delivered in sum';
is $ledger->{items_delivered_distinct}, 40, 'and distinct';
is $ledger->{tokens_in_urls}, 1, 'tokens in addresses';
is_deeply $ledger->{requests_by_op},
    { map { ("apify.$_" => { items => 2 }->{$_} // 1) }
      qw(start items run abort other) }, 'requests by kind';
is_deeply $ledger->{repeated_inputs}, [], 'nothing was started twice';
is_deeply $ledger->{repeated_accounts}, [], 'nor any account';
is $ledger->{distinct_accounts}, 2, 'accounts';
is sprintf('%.4f', $ledger->{usd}), '0.0430', 'money';

# the same set of accounts again, and an overlapping one
my $again = start_run($sim, ['Bob', 'alice']);
my $more = start_run($sim, ['bob', 'carol']);
$ledger = $sim->call('GET', '/_sim/ledger?accounts=1');
is_deeply $ledger->{repeated_inputs},
    [{ accounts => 2, runs => [$run->{id}, $again->{id}] }],
    'a repeated input';
is $ledger->{distinct_inputs}, 2, 'distinct inputs';
is_deeply $ledger->{repeated_accounts}, [
    { account => 'alice', runs => [$run->{id}, $again->{id}] },
    { account => 'bob', runs => [$run->{id}, $again->{id}, $more->{id}] },
], 'repeated accounts';

# since, limit, op, lines
is_deeply [map { $_->{seq} } @{ $sim->call('GET', '/_sim/journal?since=5') }],
    [6, 7, 8], 'since';
is_deeply [map { $_->{seq} }
           @{ $sim->call('GET', '/_sim/journal?since=2&limit=3') }],
    [3, 4, 5], 'limit';
is_deeply [map { $_->{seq} } @{ $sim->call('GET', '/_sim/journal?op=start') }],
    [1, 7, 8], 'op';
is_deeply $sim->call('GET', '/_sim/journal?since=8'), [], 'nothing new';
my @lines = split /\n/,
    Igjobs::Http->new($sim->port)->get('/_sim/journal?format=jsonl')->{body};
is_deeply [map { JSON::PP->new->utf8->decode($_)->{seq} } @lines], [1 .. 8],
    'JSON Lines';

# waiting for an entry
my $waiter = Igjobs::Http->new($sim->port);
$waiter->connect;
$waiter->send_request('GET', '/_sim/journal?since=8&wait=60000');
api($sim, 'GET', '/v2/users/me');
is_deeply [map { $_->{op} } @{ $waiter->read_response->json }], ['user'],
    'an entry ends the wait';

# a ring
api($sim, 'GET', '/v2/users/me') for 1 .. 60;
my $journal = $sim->journal;
is scalar @$journal, 50, 'the ring keeps 50';
is $journal->[-1]{seq}, 69, 'the newest';
is $journal->[0]{seq}, 20, 'and none older';
is $sim->ledger->{requests}, 69, 'all are counted';

# reset
reset_sim($sim);
is_deeply $sim->journal, [], 'an empty journal';
$ledger = $sim->ledger;
is_deeply [@$ledger{qw(requests runs_started items_billed usd)}], [0, 0, 0, 0],
    'an empty ledger';
is api($sim, 'GET', "/v2/actor-runs/$run->{id}")->{status}, 404,
    'a forgotten run';
my $new = start_run($sim, ['alice']);
isnt $new->{id}, $run->{id}, 'whose id does not come back';
is scalar @{ $sim->journal }, 2, 'the journal goes on';

# the simulator's own paths are not journalled
is $sim->ledger->{requests}, 2, 'nor the questions about it';
my $http = Igjobs::Http->new($sim->port);
is $http->get('/_sim/nothing')->{status}, 404, 'no such path';
is $http->request('DELETE', '/_sim/ledger')->{status}, 405, 'no such method';
is $http->get('/_sim/population')->{status}, 400, 'no account';
is $http->request('POST', '/_sim/advance')->{status}, 400, 'no time';

finish();
done_testing;
