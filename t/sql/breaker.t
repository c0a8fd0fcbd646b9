#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The breaker of an actor: what opens it and for how long, probes, what closes
# it, which failures are a batch's own; and the runs of a provider that is full.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my $scope = 'actor:apify/a~b';
my %apify = (providers => ['apify'], actors => ['a/b'], memory => [1024]);
my ($job, $other);

sub claim {
    my ($which, @more) = @_;
    return $e->claim($which // $job, %apify, @more);
}

# failing($class, $retry_ms): claims a batch that fails; its row afterwards
sub failing {
    my ($class, $retry_ms) = @_;
    my $c = claim();

    die "no batch: $c->{answer}" if $c->{answer} ne 'batch';
    $e->fail($c, $class, "it was $class", $retry_ms);
    return $e->batch($job, $c->{batch_no});
}

sub breaker {
    my ($column) = @_;
    return $e->sql("select $column from igjobs.breaker_states");
}

# for how many seconds the breaker is open
sub open_for {
    return $e->sql("select round(extract(epoch from until - now()))"
        . " from igjobs.breakers where state = 'open'");
}

sub free { return $e->value(free_slots => $scope) }

# time goes on by so many seconds
sub after {
    my ($seconds) = @_;
    my $back = "- interval '$seconds s'";

    $e->sql("update igjobs.breakers set until = until $back, full_at = full_at"
        . " $back, failed_at = failed_at $back, probes_until = probes_until"
        . " $back");
    $e->sql("update igjobs.batches set not_before = not_before $back");
    return;
}

sub fresh {
    $e->sql('truncate igjobs.breakers, igjobs.batches, igjobs.runs,'
        . ' public.scrape_jobs');
    $job = $e->submit(2000, parallelism => 32);
    return;
}

# failures in a row

fresh();
is free(), 1_000_000, 'a quiet breaker limits nothing';
is failing('away')->{failures}, 1, 'a failure that nobody else has is counted';
is failing('away')->{failures}, 0, 'of several in a row only the first' for 1 .. 3;
is breaker('state'), 'closed', 'four in a row open nothing';
failing('away');
is breaker('state'), 'open', 'the fifth does';
is breaker('reason'), 'it was away', 'which says why';
is open_for(), 2, 'for two seconds';
my $c = claim();
is_deeply [@$c{qw(answer scope)}], ['capped', $scope], 'nothing is claimed';
is $e->claim($e->submit(1, tenant => 'other'), %apify,
             tenant => 'other')->{answer}, 'capped', 'by nobody';
is claim(undef, actors => ['c/d'])->{answer}, 'batch', 'but of another actor';
is free(), 0, 'no turn comes back';
is_deeply [map { $_->{state} } $e->all("tell_breakers")], ['open'], 'a log hears of it';
is_deeply [$e->all('tell_breakers')], [], 'once';

# probes

after(3);
is breaker('state'), 'half_open', 'then it is half open';
is free(), 2, 'two turns come back';
$c = claim();
ok $c->{probe}, 'a batch probes';
ok claim()->{probe}, 'and another';
is_deeply [@{ claim() }{qw(answer scope)}], ['capped', $scope], 'no third';
$e->fail($c, 'away', 'still');
is $e->batch($job, $c->{batch_no})->{failures}, $c->{failures},
    'the probe fails, which is not counted';
is open_for(), 4, 'open for twice as long';
for my $seconds (8, 15, 15) {
    after(20);
    failing('away');
    is open_for(), $seconds, "then $seconds s";
}
after(20);
my $parked = claim();
claim();
is free(), 0, 'two probes';
$e->fail($parked, 'park', 'nothing to say', 5000);
is free(), 1, 'one that tells nothing makes room for another';
$e->call(give_back => Igjobs::Engine::held(claim()));
is free(), 1, 'so does one that is given back';
$e->sql("select igjobs.breaker_failed('$scope', 'away', null, 'late', 'j/1/1')");
is breaker('state'), 'half_open', 'what was under way before does not open it';
claim();
is free(), 0, 'probes that tell nothing and do not end';
after(11);
is free(), 2, 'are replaced';
my ($slow) = split /,/, $e->sql('select probes[1] from igjobs.breakers');
claim();
$e->sql("select igjobs.breaker_failed('$scope', 'away', null, 'slow', '$slow')");
is open_for(), 15, 'but count when they tell something after all';
after(20);
$c = claim();
$e->call(breaker_answered => 'apify', 'a/b', 'scrape_followers');
is breaker('state'), 'closed', 'a probe that is answered closes it';
is free(), 1_000_000, 'and all turns come back';
ok !claim()->{probe}, 'no further probe';
is $e->sql('select count(*) from igjobs.batches where failures > 0'), 1,
    'a long outage has counted once';

# the end of a batch

failing('away') for 1 .. 5;
is breaker('state'), 'open', 'open again';
$e->store($c, 0, ids => ['1'], close => 1);
is breaker('state'), 'open', 'what was begun before says nothing';
after(3);
$c = claim();
$e->store($c, 0, ids => ['2'], close => 1);
is breaker('state'), 'closed', 'a batch that ends well afterwards closes it';
failing('away') for 1 .. 4;
$e->store(claim(), 0, ids => ['3'], close => 1);
failing('away') for 1 .. 4;
is breaker('state'), 'closed', 'failures with an end between are not in a row';
after(31);
failing('away');
is breaker('state'), 'closed', 'nor are those that are far apart';

# one batch alone makes calls fail: it is given up, the others go on

fresh();
for my $n (1 .. 4) {
    my ($bad, $good) = (claim(), claim());
    $e->fail($bad, 'away', 'bad', 0);
    is $e->batch($job, 0)->{state}, $n < 4 ? 'queued' : 'dead',
        "failure $n of a batch that alone fails";
    $e->store($good, 0, ids => ["$n"], close => 1);
}

# refused: at once, long and longer

fresh();
is failing('refused')->{state}, 'queued', 'refused: the batch waits';
is open_for(), 15, 'the breaker is open at once';
for my $seconds (30, 60, 120, 240, 480, 600, 600) {
    after(700);
    is failing('refused')->{failures}, 1, 'counted once';
    is open_for(), $seconds, "longer: $seconds s";
}
is $e->value(close_breaker => $scope), 1, 'an operator closes it';
is claim()->{answer}, 'batch', 'and work goes on';

# what the provider says counts

fresh();
failing('away', 40_000);
is open_for(), 40, 'a time that the provider says';
after(41);
failing('away', 90_000_000);
is open_for(), 3600, 'an hour at most';
fresh();
failing('unsure', 18_000);
is breaker('state'), 'closed', 'a start that is unsure is one failure';
is failing('unsure', 18_000)->{failures}, 0, 'of several in a row';

# full: no more runs than now, then one more each second

fresh();
my @working = map { claim() } 1 .. 3;
$e->value(run_started => Igjobs::Engine::held($_), 0, "run $_->{batch_no}",
          'set') for @working;
is failing('full')->{failures}, 0, 'full: not counted';
is breaker('state || most_runs'), 'closed3', 'three runs fit';
$e->sql("update igjobs.runs set state = 'refused', closed_at = now()"
    . " where state = 'intent'");
is free(), 0, 'there is no room';
is claim()->{answer}, 'capped', 'nothing is claimed';
$e->store($working[0], 0, ids => ['1'], close => 1);
is free(), 1, 'one that ends makes room';
is claim()->{answer}, 'batch', 'for one';
is claim()->{answer}, 'capped', 'not for two';
after(15);
is free(), 5, 'after ten seconds one more each second';
after(46);
is free(), 1_000_000, 'after a minute as many as there are';
$e->store($working[1], 0, ids => ['2'], close => 1);
is breaker('most_runs'), '', 'and it is forgotten';

# without Redis

fresh();
failing('refused');
is $e->call(claim_any => Igjobs::Engine::KINDS, 'w', 60000, ['apify'], ['a/b'],
            [0])->{answer}, 'none', 'claim_any asks the breaker';
is $e->call(claim_any => Igjobs::Engine::KINDS, 'w', 60000, ['apify'], ['c/d'],
            [0])->{answer}, 'batch', 'of its own actor';

# runs that nobody will collect

fresh();
$c = claim();
$e->value(run_started => Igjobs::Engine::held($c), 0, 'run x', 'set');
$e->call(stop_job => 'default', $job, 'cancel');
$e->call(give_back => Igjobs::Engine::held($c));
is scalar(my @orphans = $e->all(orphan_runs => 10)), 1, 'an orphan';
$e->sql("select igjobs.breaker_failed('$scope', 'refused', null, 'no')");
is scalar(@orphans = $e->all(orphan_runs => 10)), 0,
    'is left alone while the breaker is open';

done_testing;
