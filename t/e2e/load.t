#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# run: alone
#
# Many large jobs in the queue: few turns, a small job does not wait for them,
# a fleet whose provider is full hardly asks, and goes on when there is room
# again. IGJOBS_FULL=1 queues 300 jobs of 200 batches instead of 40.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Time::HiRes 'time';
use Igjobs::Stack;
use Igjobs::Wait;

use constant { PARALLELISM => 8, PROBES => 2 };

my $jobs = $ENV{IGJOBS_FULL} ? 300 : 40;
my $rounds = $ENV{IGJOBS_FULL} ? 9 : 3;
my $stack = Igjobs::Stack->new(
    postgres => { settings => { track_functions => 'pl' } },
    sim => { args => ['--run-ms', 200] });
$stack->start;
$stack->add_worker(name => 'second');
my ($client, $most_turns) = ($stack->jobs, 0);

sub calls {
    my ($function) = @_;

    return $stack->psql('select coalesce(sum(calls), 0)'
        . " from pg_stat_user_functions where funcname = '$function'");
}

# Claims so far. An idle session tells its last calls seconds later, an ended
# one at once; the workers connect again.
sub claims {
    my $lanes = $stack->psql('select string_agg(pid::text, \',\')'
        . " from pg_stat_activity where application_name like '%lanes'");

    $stack->postgres->cut_sessions("application_name like '%lanes'");
    wait_for { $lanes eq '' || !$stack->psql('select count(*)'
        . " from pg_stat_activity where pid in ($lanes)") } 30,
        'the sessions to end';
    return calls('claim');
}

# starts of runs that the provider was asked for
sub starts { return $stack->sim->ledger->{requests_by_op}{start} // 0 }

# claims and starts while each worker looks after the upkeep so many times
sub asked_in_sweeps {
    my ($what, $sweeps) = @_;
    my ($from, $claims, $starts) = (time, claims(), starts());
    my $lead = calls('lead');

    wait_for { calls('lead') >= $lead + 2 * $sweeps } 120, 'sweeps';
    $claims = claims() - $claims;
    $starts = starts() - $starts;
    diag sprintf '%s: %.1f claims and %.1f starts a second', $what,
        $claims / (time - $from), $starts / (time - $from);
    return ($claims, $starts);
}

# turns that stand and those that wait for room, at one moment
sub turns {
    my $turns = $stack->redis->command('EVAL',
        "return redis.call('ZCARD', KEYS[1]) + redis.call('ZCARD', KEYS[2])"
        . " + redis.call('HLEN', KEYS[3])", 3,
        (map { "igjobs:{q}:turns:scrape_followers:$_" } qw(small bulk)),
        'igjobs:{q}:parked');

    $most_turns = $turns if $turns > $most_turns;
    return $turns;
}

sub ended_batches {
    return $stack->psql('select coalesce(sum(batches_done), 0)'
                        . ' from public.scrape_jobs');
}

# seconds that a job of one batch takes: the median of some
sub small_job {
    my ($when) = @_;
    my @times;

    for my $round (1 .. $rounds) {
        my $from = time;
        my $id = $client->submit(accounts => ["small_$round"],
                                 totalScrapeCount => 10);
        turns();
        is $client->wait_done($id)->{status}, 'completed',
            "a small job $when";
        push @times, time - $from;
    }
    my $median = (sort { $a <=> $b } @times)[$rounds / 2];
    diag sprintf 'a job of one batch, %s: %.2f s', $when, $median;
    return $median;
}

my ($claims) = asked_in_sweeps('idle', 5);
cmp_ok $claims, '<=', 2, 'an idle fleet asks for nothing';
my $alone = small_job('alone');

my $body = JSON::PP->new->encode({
    accounts => [map { "source_$_" } 1 .. 10_000], targetGender => 'any',
    totalScrapeCount => 10_000 });
my $from = time;
my $accepted = grep {
    turns();
    $stack->client->post_json('/api/scrape-followers', $body)->{status} == 202
} 1 .. $jobs;
is $accepted, $jobs, "$jobs jobs of 200 batches are accepted";
diag sprintf 'in %.1f s', time - $from;
wait_for { turns() > $jobs } 30, 'the turns of all jobs';

my $behind = small_job('submitted last');
diag sprintf 'that is %.2f times its time alone', $behind / $alone;

# all that the provider refuses: nobody goes on asking batch by batch
$stack->sim->faults([{
    match => { op => 'start' },
    action => { status => { code => 402,
                            type => 'concurrent-runs-limit-exceeded' } } }]);
wait_for { turns(); $stack->redis->command('ZCARD',
               'igjobs:{q}:turns:scrape_followers:bulk') == 0 } 60,
    'all turns to wait for room';
($claims, my $starts) = asked_in_sweeps('blocked', 10);
cmp_ok $claims, '<=', 10 * PROBES, 'a blocked fleet lets a few turns try';
cmp_ok $starts, '<=', $claims, 'and asks the provider no more than that';
is $stack->psql('select count(*) from igjobs.batches where failures > 0'), 0,
    'no failure is counted';

my $ended = ended_batches();
$stack->sim->call('DELETE', '/_sim/faults');
wait_for { turns(); ended_batches() >= $ended + 400 } 120,
    'the work to go on when there is room again';
pass 'the work goes on when there is room again';
cmp_ok $most_turns, '<=', PARALLELISM * $jobs + $rounds,
    "never more turns than parallelism x jobs";
diag "at most $most_turns turns";

$stack->finish;
done_testing;
