#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Jobs that stop when they have what was asked for, and what the provider bills
# after that: 8 lanes in 2 processes, the simulator's ledger as witness.
# IGJOBS_SEEDS=1,2,... takes other seeds.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../worker/lib";
use Test::More;
use Igjobs::Queue;
use Igjobs::Stack;
use Igjobs::Wait;

use constant LANES => 8;

my @seeds = split /,/, $ENV{IGJOBS_SEEDS} // '1,2,3,4,5,6';
my $stack = Igjobs::Stack->new(sim => { args => ['--run-ms', 300] });
my @quick = ('--lanes=' . LANES / 2, '--sweep=200ms', '--beat=100ms');

$stack->start(qw(postgres redis sim nginx));
$stack->add_worker(args => \@quick, name => $_) for qw(one two);
my $queue = Igjobs::Queue->new($stack);

# the job's end, and nothing at work at the provider any more
sub ended {
    my ($job) = @_;
    my $doc = $queue->wait_end($job, 90);

    wait_for { $queue->count('runs', "job_id = '$job' and closed_at is null"
                             . " and state not in ('planned', 'kept')") == 0 }
        30, 'the open runs to be booked';
    is $stack->sim->ledger->{runs_active}, 0, 'no run is left at work';
    return $doc;
}

# what the ledger says since the last time
{
    my %last;

    sub billed {
        my $ledger = $stack->sim->ledger;
        my %now = map { $_ => $ledger->{$_} - ($last{$_} // 0) }
            qw(runs_started runs_aborted items_billed);

        $last{$_} += $now{$_} for keys %now;
        return \%now;
    }
}

# runs whose first page was stored by the time the job had its last profile:
# as many as batches ended, and each lane may have one more
sub within {
    my ($doc, $billed, $what) = @_;

    cmp_ok $billed->{runs_started}, '<=', $doc->{batches}{done} + LANES,
        "$what: at most one run a lane beyond those that were stored";
    is_deeply $stack->sim->ledger->{repeated_inputs}, [],
        "$what: no run was started twice";
    return;
}

# target: gender, run sizes and targets by seed

for my $seed (@seeds) {
    srand $seed;
    my $max_count = 2 + int rand 20;
    my $gender = (qw(any female male))[rand 3];
    my $target = 50 * $max_count + int rand 400 * $max_count;
    my $job = $queue->submit(
        accounts => [map { "s${seed}_$_" } 1 .. 3000],
        max_count => $max_count, gender => $gender, keep_unknown => 0,
        options => { target_count => $target, parallelism => LANES });
    my $doc = ended($job);
    my $billed = billed();
    my $what = "seed $seed: $target $gender of runs of " . 50 * $max_count;

    is_deeply [@$doc{qw(status completion_reason)}],
        ['completed', 'target_reached'], "$what: the target is reached";
    cmp_ok $doc->{profiles_scraped}, '>=', $target, "$what: all are there";
    is scalar($queue->profile_ids($job)), $doc->{profiles_scraped},
        "$what: what came beyond stays";
    within($doc, $billed, $what);
    is $doc->{unspent}{batches}, 60 - $doc->{current_batch},
        "$what: and the rest was not spent";
    cmp_ok $billed->{items_billed}, '<=',
        (60 - $doc->{unspent}{batches} + LANES) * 50 * $max_count,
        "$what: items billed";
    diag "$what: kept $doc->{profiles_scraped}, batches"
        . " $doc->{current_batch}, runs $billed->{runs_started},"
        . " aborted $billed->{runs_aborted}";
}

# runs that would work for long are aborted when another one has enough
$stack->sim->faults([{ match => { op => 'start', account => 'slow_*' },
                       action => { stay_running => JSON::PP::true } }]);
billed();
my $job = $queue->submit(
    accounts => [map({ "slow_$_" } 1 .. 250), map { "s7_$_" } 1 .. 250],
    max_count => 10,
    options => { target_count => 300, parallelism => LANES });
my $doc = ended($job);
my $billed = billed();
is $doc->{completion_reason}, 'target_reached', 'some runs have enough';
cmp_ok $billed->{runs_aborted}, '>=', 5, 'those that worked on are aborted';
is $queue->count('runs', "job_id = '$job' and state = 'aborted'"),
    $billed->{runs_aborted}, 'and booked as such';
$stack->sim->call('DELETE', '/_sim/faults');

# precision: half a million in batches of 100

billed();
$job = $queue->submit(
    accounts => [map { "p$_" } 1 .. 250_000], max_count => 2,
    options => { half_width => 0.01, parallelism => LANES });
$doc = ended($job);
$billed = billed();
my $p = $doc->{precision};
is $doc->{completion_reason}, 'precision_reached', 'known well enough';
cmp_ok $p->{classified}, '<=', 9423 + LANES * 100,
    'at most one batch a lane beyond 9,423';
cmp_ok $p->{half_width}, '<=', 0.01, 'as narrow as was asked for';
cmp_ok abs($p->{share} - 0.5), '<', 0.03, 'half of them are women';
is $p->{inference}, 'not_probability_sample', 'and it says what it is';
within($doc, $billed, 'precision');
diag sprintf 'precision: classified %d, share %.4f, half-width %.5f, runs %d',
    @$p{qw(classified share half_width)}, $billed->{runs_started};

# over HTTP, as clients ask for it

my $jobs = $stack->jobs;
my $id = $jobs->submit(accounts => [map { "h$_" } 1 .. 1000],
    totalScrapeCount => 10_000, targetGender => 'any', target_count => 700,
    stop_when => { half_width => 0.001 }, random_seed => '42');
$doc = $jobs->wait_done($id);
is_deeply [@$doc{qw(completion_reason limits)}],
    ['target_reached', { target_count => 700, half_width => 0.001 }],
    'the limits and the reason are told';
is_deeply [@{ $doc->{precision} }{qw(sampling inference)}],
    ['random', 'probability_sample'], 'accounts that were drawn at random';
is scalar(my @profiles = $jobs->results($id)), $doc->{profiles_scraped},
    'what is kept can be read';
ended($id);
billed();

# deadline: whatever is at work is stopped within a sweep

$stack->sim->faults([{ match => { op => 'start' },
                       action => { stay_running => JSON::PP::true } }]);
$job = $queue->submit(accounts => [map { "d$_" } 1 .. 1000], max_count => 2,
                      options => { max_seconds => 1 });
$doc = ended($job);
is_deeply [@$doc{qw(status state completion_reason)}],
    ['failed', 'failed', 'deadline'], 'a deadline ends a job that hangs';
is billed()->{runs_aborted}, $queue->count('runs', "job_id = '$job'"
    . " and state = 'aborted'"), 'its runs are aborted and booked';

$stack->finish;
done_testing;
