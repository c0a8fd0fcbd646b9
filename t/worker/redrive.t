#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# run: early
#
# Jobs that have ended run again: accounts that failed the first time and work
# the second; jobs that were canceled in the middle, whose runs are being
# aborted when the redrive comes. Rows and the simulator's ledger are the
# witness: nothing is missing, doubled, bought twice or left running.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Digest::MD5 'md5_hex';
use Test::More;
use Time::HiRes 'sleep';
use Igjobs::Population;
use Igjobs::Queue;
use Igjobs::Stack;
use Igjobs::Wait;

use constant { ITEMS => 20, SEEDS => 12 };

my $stack = Igjobs::Stack->new(
    sim => { args => ['--run-ms', 150, '--usage-final-ms', 0,
                      '--price-item', '0.01'] },
    worker => {
        env => { APIFY_ACTOR_ID => 'igjobs~followers-with-source' },
        args => ['--lanes=4', '--sweep=150ms', '--beat=100ms', '--lease=2s',
                 '--start-timeout=1s', '--page-size=200'] });
$stack->start(qw(postgres redis sim worker));
my $queue = Igjobs::Queue->new($stack);
my $world = Igjobs::Population->new;
my $sim = $stack->sim;

$stack->psql('update igjobs.settings set value = v from (values'
    . " ('retry_base_ms', '20'), ('max_redrives', '100')) s (n, v)"
    . ' where name = n');

sub redrive {
    my ($job, $class) = @_;
    my $of = defined $class ? "'$class'" : 'null';

    return $stack->psql("select answer, batches, accounts from"
        . " igjobs.reopen_job('default', '$job', 'redrive', $of, null, null)");
}

# the profiles that these accounts must bring
sub audience {
    my %id;

    for my $name (@_) {
        my $key = $world->key($name);
        $id{ $world->follower($key, $_) + 1 } = 1 for 0 .. ITEMS - 1;
    }
    return digest(sort keys %id);
}

sub digest { return @_ . ' profiles ' . md5_hex(join ',', @_) }
sub rows { return digest($queue->profile_ids($_[0])) }

# of the runs that the database knows: one row for each that the ledger has
sub check_ledger {
    my ($name) = @_;
    my $ledger = $sim->call('GET', '/_sim/ledger?accounts=1');

    is $ledger->{runs_active}, 0, "$name: no run is left running";
    is $stack->psql('select count(*), count(distinct run_id),'
            . ' count(*) filter (where closed_at is null),'
            . ' sum(cost_usd)::float8 from igjobs.runs'
            . ' where run_id is not null'),
        join('|', ($ledger->{runs_started}) x 2, 0, 0 + $ledger->{usd}),
        "$name: each run is booked once";
    return $ledger;
}

# an account that its runs do not finish, one whose input the provider refuses,
# and a batch whose request it refuses

my @names = names(1 .. 150);
$sim->faults([
    { match => { op => 'start', account => $names[32] },
      action => { fail_run => { status => 'FAILED', after_items => 0 } } },
    { match => { op => 'start', account => $names[7] },
      action => { status => { code => 400, type => 'invalid-input' } } },
    { match => { op => 'start', account => $names[60] },
      action => { status => { code => 400, type => 'bad-request' } } },
]);
my $job = $queue->submit(accounts => \@names, max_count => ITEMS);
my $doc = $queue->wait_end($job);
is $doc->{state}, 'failed', 'a job that failed';
is_deeply $doc->{accounts}, { total => 150, failed => 52 }, 'for 52 accounts';
is_deeply [map { @$_ } $stack->postgres->rows(
    'select a.error_class, count(*) from public.scrape_jobs j,'
    . " igjobs.accounts_of(j, 0, 3) a where j.job_id = '$job'"
    . ' and a.error_class is not null group by 1 order by 1')],
    ['rejected', 51, 'unfinished', 1], 'each has its class';
is rows($job), audience(@names[grep { $_ != 7 && $_ != 32 } 0 .. 49],
                        @names[100 .. 149]), 'the others are there';
my $billed = $sim->ledger->{items_billed};
is $billed, 98 * ITEMS, 'and paid';

$sim->call('DELETE', '/_sim/faults');
is redrive($job, 'rejected'), 'reopened|2|51', 'what was refused runs again';
$doc = $queue->wait_end($job);
is_deeply [@$doc{qw(state error_message)}],
    ['completed', '1 of 150 accounts could not be scraped'],
    'so few are tolerated';
is redrive($job), 'reopened|1|1', 'the last one runs again';
$doc = $queue->wait_end($job);
is_deeply [@$doc{qw(state error_message progress)}],
    ['completed', undef, 100], 'none failed any more';
is rows($job), audience(@names), 'the rows are the audience';
is $doc->{profiles_scraped}, scalar $queue->profile_ids($job), 'counted once';
is $sim->ledger->{items_billed}, 150 * ITEMS, 'and paid once';
check_ledger('failed accounts');
is redrive($job), 'nothing||', 'nothing is left to do';

# canceled in the middle and redriven at once, at random moments: runs are
# waiting to be aborted, being aborted, or booked already

srand 5;
for my $seed (1 .. SEEDS) {
    my @names = map { "seed${seed}_$_" } 1 .. 220;
    my $seen = $sim->ledger->{runs_started};
    my $job = $queue->submit(accounts => \@names, max_count => ITEMS);

    wait_for { $sim->ledger->{runs_started} > $seen + $seed % 5 } 30,
        'runs to start';
    sleep rand 0.15;
    $stack->psql("select igjobs.stop_job('default', '$job', 'cancel')");
    $queue->wait_end($job);
    sleep rand 0.3;
    like redrive($job), qr/^(?:reopened|nothing)/, "seed $seed: redriven";
    is $queue->wait_end($job)->{state}, 'completed', "seed $seed: completed"
        if $queue->state($job) ne 'canceled';
    is rows($job), audience(@names), "seed $seed: the rows are the audience";
}
wait_for { $queue->count('runs', 'closed_at is null') == 0 } 30,
    'all runs to be booked';
my $ledger = check_ledger('canceled and redriven');
my $aborted = $stack->psql('select count(*) from igjobs.runs'
    . " where state = 'aborted'");
diag "$ledger->{runs_started} runs, $aborted of them aborted,"
    . " $ledger->{items_billed} items billed of " . (150 + 220 * SEEDS) * ITEMS;
cmp_ok $ledger->{items_billed}, '<=', (150 + 220 * SEEDS + $aborted) * ITEMS,
    'paid twice is no more than the last account of an aborted run';

$stack->finish;
done_testing;
