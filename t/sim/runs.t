#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Runs in time: progress, waiting, time-outs, aborts, resurrection, limits,
# lists, money. The actor clock is moved by POST /_sim/advance, not by waiting.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Http;
use Igjobs::Wait;
use SimTest;

sub run_of {
    my ($sim, $run, $query) = @_;

    return api($sim, 'GET', "/v2/actor-runs/$run->{id}?" . ($query // ''))
        ->json->{data};
}

sub status { return run_of(@_)->{status} }

sub count_of {
    my ($sim, $run) = @_;

    return api($sim, 'GET', "/v2/datasets/$run->{defaultDatasetId}")
        ->json->{data}{itemCount};
}

sub advance {
    my ($sim, $ms) = @_;

    return $sim->call('POST', "/_sim/advance?ms=$ms", '');
}

# a request in the air; its answer is read later
sub begin {
    my ($sim, $method, $path, $body) = @_;
    my $http = Igjobs::Http->new($sim->port);

    $http->connect;
    $http->send_request($method, $path,
        headers => [Authorization => 'Bearer secret-token',
                    'Content-Type' => 'application/json'],
        defined $body ? (body => $body) : ());
    return $http;
}

my $hour = 3600000;

# progress: READY, RUNNING with a growing dataset, SUCCEEDED. The hours keep
# the machine's own time from mattering.
my $sim = new_sim('--ready-ms', $hour, '--run-ms', 10 * $hour);
my $run = start_run($sim, ['alice', 'bob'], max_count => 50, query => '');
is status($sim, $run), 'READY', 'READY';
is count_of($sim, $run), 0, 'without items';
advance($sim, 2 * $hour);
is status($sim, $run), 'RUNNING', 'RUNNING';
is run_of($sim, $run)->{finishedAt}, undef, 'not finished';
is count_of($sim, $run), 10, 'a tenth of the items';
my @early = items($sim, $run);
advance($sim, 8 * $hour);
is count_of($sim, $run), 90, 'nine tenths';
is_deeply [(items($sim, $run))[0 .. 9]], \@early, 'the first ones the same';
advance($sim, 2 * $hour);
is status($sim, $run), 'SUCCEEDED', 'SUCCEEDED';
is count_of($sim, $run), 100, 'all items';

# abort keeps what is there
$run = start_run($sim, ['alice'], max_count => 100, query => '');
advance($sim, 6 * $hour);
my $path = "/v2/actor-runs/$run->{id}";
is api($sim, 'POST', "$path/abort")->json->{data}{status}, 'ABORTED',
    'aborted';
is count_of($sim, $run), 50, 'with a partial dataset';
advance($sim, 9 * $hour);
is count_of($sim, $run), 50, 'for ever';
is api($sim, 'POST', "$path/abort")->json->{data}{status}, 'ABORTED',
    'a second abort does nothing';
is $sim->ledger->{runs_aborted}, 1, 'and is not counted';

# resurrection appends to the same dataset
my @partial = items($sim, $run);
my $again = api($sim, 'POST', "$path/resurrect?timeout=99")->json->{data};
is $again->{status}, 'RUNNING', 'resurrected';
is $again->{defaultDatasetId}, $run->{defaultDatasetId}, 'the same dataset';
is $again->{options}{timeoutSecs}, 99, 'new options';
is $again->{stats}{resurrectCount}, 1, 'counted';
is api($sim, 'POST', "$path/resurrect")->{status}, 400,
    'not while it works';
advance($sim, 2 * $hour);
is status($sim, $run), 'TIMED-OUT', 'the new time-out counts';
api($sim, 'POST', "$path/resurrect?timeout=0");
advance($sim, 12 * $hour);
is status($sim, $run), 'SUCCEEDED', 'a third leg ends well';
my @all = items($sim, $run);
is_deeply [@all[0 .. 49]], \@partial, 'first the old items';
is_deeply [@all[-100 .. -51]], \@partial, 'later the same again';

# time-outs and graceful aborts wind down
$sim = new_sim('--run-ms', 10 * $hour, '--wind-down-ms', $hour);
$run = start_run($sim, ['alice'], max_count => 100,
                 query => 'timeout=' . $hour / 1000);
is $run->{options}{timeoutSecs}, 3600, 'a time-out';
advance($sim, $hour + 60000);
is status($sim, $run), 'TIMING-OUT', 'TIMING-OUT';
is run_of($sim, $run)->{finishedAt}, undef, 'not over yet';
advance($sim, $hour);
is status($sim, $run), 'TIMED-OUT', 'TIMED-OUT';
is count_of($sim, $run), 10, 'with the items so far';
$run = start_run($sim, ['alice'], query => '');
is api($sim, 'POST', "/v2/actor-runs/$run->{id}/abort?gracefully=1")
    ->json->{data}{status}, 'ABORTING', 'ABORTING';
advance($sim, $hour + 1);
is status($sim, $run), 'ABORTED', 'ABORTED';

# waiting holds nobody else up, and ends with the run
my @waiting = map {
    begin($sim, 'POST', '/v2/acts/igjobs~followers/runs?waitForFinish=60',
          qq({"usernames":["w$_"]}))
} 1 .. 64;
wait_for { $sim->ledger->{runs_active} == 64 } 30, '64 runs at a time';
is $sim->ledger->{max_concurrent_runs}, 64, 'noted as the highest number';
my $waiter = begin($sim, 'GET', '/v2/actor-runs/'
    . api($sim, 'GET', '/v2/actor-runs?desc=1&limit=1')
        ->json->{data}{items}[0]{id} . '?waitForFinish=60');
wait_for { grep { $_->{op} eq 'run' && !$_->{ended} } @{ $sim->journal } }
    30, 'a client that waits for a run';
advance($sim, 11 * $hour);
is_deeply [map { $_->read_response->json->{data}{status} } @waiting, $waiter],
    [('SUCCEEDED') x 65], 'all waiting clients are answered at the end';

# a client that waits learns of an abort
$run = start_run($sim, ['alice'], query => '');
$waiter = begin($sim, 'GET', "/v2/actor-runs/$run->{id}?waitForFinish=60");
api($sim, 'POST', "/v2/actor-runs/$run->{id}/abort");
is $waiter->read_response->json->{data}{status}, 'ABORTED',
    'an abort ends a wait';
$run = start_run($sim, ['alice'], query => '');
is run_of($sim, $run, 'waitForFinish=1')->{status}, 'RUNNING',
    'waiting ends with its time';

# pace and speed
$sim = new_sim('--items-per-second', 10, '--speed', 1000);
$run = start_run($sim, ['alice'], max_count => 1000);
is $run->{status}, 'SUCCEEDED', 'a hundred seconds at speed 1000';
cmp_ok $run->{stats}{durationMillis}, '>=', 100000, 'on the actor clock';

# money: none while running, preliminary at the end, final later
$sim = new_sim('--run-ms', $hour, '--price-item', '0.01', '--price-start',
               '0.5', '--usage-final-ms', $hour);
$run = start_run($sim, ['alice', 'private_x'], max_count => 99, query => '');
advance($sim, $hour / 2);
is run_of($sim, $run)->{usageTotalUsd}, undef, 'no cost while it runs';
advance($sim, $hour);
my $end = run_of($sim, $run);
is sprintf('%.4f', $end->{usageTotalUsd}), '1.4000', 'a preliminary cost';
is $end->{chargedEventCounts}{result}, 90, 'and count';
advance($sim, $hour);
$end = run_of($sim, $run);
is sprintf('%.4f', $end->{usageTotalUsd}), '1.5000', 'the final cost';
is $end->{chargedEventCounts}{result}, 100, 'and count, errors included';
is $end->{chargedEventCounts}{'actor-start'}, 1, 'a start';
is sprintf('%.4f', $sim->ledger->{usd}), '1.5000', 'the ledger agrees';

$run = start_run($sim, ['alice'], max_count => 100, query => 'maxItems=10');
advance($sim, 3 * $hour);
is count_of($sim, $run), 100, 'maxItems caps no items';
is sprintf('%.2f', run_of($sim, $run)->{usageTotalUsd}), '0.60',
    'but the bill';
$run = start_run($sim, ['alice'], max_count => 100,
                 query => 'maxTotalChargeUsd=0.75');
advance($sim, 3 * $hour);
is count_of($sim, $run), 25, 'maxTotalChargeUsd ends the run';
is sprintf('%.2f', run_of($sim, $run)->{usageTotalUsd}), '0.75', 'in time';

my ($listed) = grep { $_->{run} eq $run->{id} }
    @{ $sim->call('GET', '/_sim/ledger?runs=1')->{runs} };
is_deeply [@$listed{qw(status items items_billed max_usd usd)}],
    ['SUCCEEDED', 25, 25, 0.75, 0.75], 'the ledger lists runs with their cost';

$sim = new_sim('--run-ms', $hour, '--usage-final-ms', 0, '--price-item', 0,
               '--price-start', 0, '--price-gb-hour', '0.4');
$run = start_run($sim, ['alice'], query => 'memory=2048');
advance($sim, 3 * $hour);
is sprintf('%.2f', run_of($sim, $run)->{usageTotalUsd}), '0.80',
    'memory by the hour';

$sim = new_sim('--stop-at-max-items', '--usage-final-ms', 0);
$run = start_run($sim, ['alice'], max_count => 100,
                 query => 'maxItems=10&waitForFinish=1');
is count_of($sim, $run), 10, '--stop-at-max-items';
is sprintf('%.4f', $run->{usageTotalUsd}), '0.0080', 'final at once';

# limits
$sim = new_sim('--run-ms', $hour, '--max-concurrent-runs', 2,
               '--max-memory', 4096);
my $start = '/v2/acts/igjobs~followers/runs';
my $body = '{"usernames":["a"]}';
is api($sim, 'POST', $start, body => $body)->{status}, 201, 'a first run';
my $refused = api($sim, 'POST', "$start?memory=4096", body => $body);
is "$refused->{status} " . $refused->json->{error}{type},
    '402 actor-memory-limit-exceeded', 'too much memory';
is api($sim, 'POST', $start, body => $body)->{status}, 201, 'a second run';
$refused = api($sim, 'POST', $start, body => $body);
is "$refused->{status} " . $refused->json->{error}{type},
    '402 concurrent-runs-limit-exceeded', 'one too many';
advance($sim, 2 * $hour);
is api($sim, 'POST', "$start?memory=4096", body => $body)->{status}, 201,
    'room again after their end';
is $sim->ledger->{runs_started}, 3, 'refused runs never were';
is $sim->ledger->{max_memory_mb}, 4096, 'highest memory';

# lists
$sim = new_sim('--run-ms', $hour);
my @runs = map { start_run($sim, ["a$_"], query => '',
    actor => $_ % 2 ? 'igjobs~followers' : 'igjobs~followers-with-source') }
    1 .. 6;
api($sim, 'POST', "/v2/actor-runs/$runs[0]{id}/abort");

sub listed {
    my ($query, $list) = @_;
    my $data = api($sim, 'GET', ($list // '/v2/actor-runs') . "?$query")
        ->json->{data};
    my %number = map { $runs[$_]{id} => $_ } 0 .. $#runs;

    return [@$data{qw(total count)}, map { $number{ $_->{id} } }
            @{ $data->{items} }];
}

is_deeply listed(''), [6, 6, 0 .. 5], 'oldest first';
is_deeply listed('desc=1&limit=2'), [6, 2, 5, 4], 'newest first';
is_deeply listed('offset=4&limit=9'), [6, 2, 4, 5], 'offset';
is_deeply listed('offset=9'), [6, 0], 'beyond the end';
is_deeply listed('', $start), [3, 3, 0, 2, 4], 'of one actor';
is_deeply listed('status=ABORTED'), [1, 1, 0], 'by status';
is_deeply listed('status=RUNNING,READY'), [5, 5, 1 .. 5], 'by two';
is_deeply listed('status=SUCCEEDED'), [0, 0], 'by none';
my ($first) = $runs[0]{startedAt};
is_deeply listed("startedAfter=$first"), [6, 6, 0 .. 5], 'started after';
is_deeply listed('startedAfter=2999-01-01'), [0, 0], 'after a far date';
is_deeply listed('startedBefore=2999-01-01T00:00:00Z'), [6, 6, 0 .. 5],
    'started before';
is_deeply listed('startedBefore=2001-01-01T00:00:00.000Z'), [0, 0],
    'before an early date';

finish();
done_testing;
