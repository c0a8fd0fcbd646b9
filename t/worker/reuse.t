#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# run: early
#
# Jobs with max_age: what an earlier job has bought is read again. The
# simulator's ledger (seed 7) says that nothing was bought, and that nothing was
# aborted.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Queue;
use Igjobs::Stack;
use Igjobs::Wait;

my @quick = ('--lanes=4', '--sweep=200ms', '--beat=100ms', '--lease=2s',
             '--start-timeout=1s', '--page-size=100',
             '--blocked-retry=100ms');
my %named = (APIFY_ACTOR_ID => 'igjobs~followers-with-source');
my $stack = Igjobs::Stack->new(
    sim => { args => ['--seed', 7, '--duplicates', 5] });
my %last = (runs_started => 0, runs_aborted => 0, items_billed => 0);

$stack->start(qw(postgres redis sim nginx));
my $worker = $stack->add_worker(args => \@quick, env => \%named);
my $queue = Igjobs::Queue->new($stack);
my $client = $stack->client;

# what the ledger says since the last time: runs started, items billed
sub billed {
    my $ledger = $stack->sim->ledger;
    my @now = map { $ledger->{$_} - $last{$_} } sort keys %last;

    @last{sort keys %last} = @$ledger{sort keys %last};
    is $now[1], 0, 'nothing was aborted';
    return [@now[2, 0]];
}

# job(...): a job that has ended
sub job {
    my (%option) = @_;
    my $job = $queue->submit(%option);

    is $queue->wait_end($job)->{state}, 'completed', 'a job is completed';
    return $job;
}

sub reuse { return job(options => { max_age => 3600 }, @_) }

sub wait_noted {
    my ($count) = @_;

    wait_for { $queue->count('purchases', "tenant = 'default'") >= $count }
        30, 'the purchases to be noted';
    return;
}

# who follows two of the accounts may be stored under either
sub rows {
    my ($job) = @_;

    return $stack->psql("select md5(string_agg(concat_ws(';', profile_id,"
        . ' username, full_name, gender), \'|\' order by profile_id)) from'
        . " public.scrape_results where job_id = '$job'");
}

# all of it again

my $first = job(accounts => [names(1 .. 120)], max_count => 20);
is_deeply billed(), [3, 2400], 'bought';
wait_noted(120);
my $again = reuse(accounts => [names(1 .. 120)], max_count => 20);
is_deeply billed(), [0, 0], 'read again, not bought';
is rows($again), rows($first), 'the same rows';
is $stack->psql("select sum(cost_usd) from igjobs.runs"
    . " where job_id = '$again'") + 0, 0, 'for nothing';
my $of = $client->get("/api/jobs/$again")->json;
is_deeply $of->{reused}, { accounts => 120 }, 'the job says how many accounts';
is_deeply $client->get("/api/jobs/$first")->json->{reused}, undef,
    'one that did not ask says nothing';
for my $one ([$first, 'fresh'], [$again, 'reused']) {
    my ($id, $origin) = @$one;
    my @profiles = @{ $client->get("/api/job-results/$id?fields=id,origin")
                      ->json->{profiles} };
    is scalar(grep { $_->{origin} eq $origin } @profiles),
        scalar(@profiles), "its rows are $origin";
    like $client->get("/api/job-results/$id.csv?fields=origin,username")
        ->{body}, qr/\Aorigin,username\r\n(?:$origin,[^\r]+\r\n)+\z/,
        'in an export as well';
}
like $client->get("/api/job-results/$again?page_size=3&gender=female"
                  . '&fields=origin')->{body},
    qr/"profiles":\[\{"origin":"reused"\}/, 'and in a filtered page';

# fewer of each, other batches, another filter

my $fewer = reuse(accounts => [reverse names(1 .. 120)], max_count => 7,
                  gender => 'female', keep_unknown => 0);
is_deeply billed(), [0, 0], 'fewer of each: nothing is bought';
my $fresh = job(accounts => [reverse names(1 .. 120)], max_count => 7,
                gender => 'female', keep_unknown => 0, tenant => 'other');
is_deeply billed(), [3, 840], 'another tenant buys';
is rows($fewer), rows($fresh), 'the same rows';

# some of them, and more than there were

my $some = reuse(accounts => [names(101 .. 140)], max_count => 20);
is_deeply billed(), [1, 400], 'those that are new are bought';
my %outcome = $queue->outcomes($some);
is scalar(keys %outcome), 40, 'every account has its outcome';
is_deeply $client->get("/api/jobs/$some")->json->{reused}, { accounts => 20 },
    'the others are told';
reuse(accounts => [names(1 .. 10)], max_count => 30);
is_deeply billed(), [1, 300], 'more than there were are bought';
reuse(accounts => ['huge_12'], max_count => 30);
is_deeply billed(), [1, 12], 'an account of twelve';
wait_noted(141);
reuse(accounts => ['huge_12'], max_count => 1000);
is_deeply billed(), [0, 0], 'has no more than that';

# failures are bought again

job(accounts => ['private_1', 'blocked_1', names(200)], max_count => 5,
    options => { max_failed_ratio => 1 });
billed();
wait_noted(142);
reuse(accounts => ['private_1', names(200)], max_count => 5);
is_deeply billed(), [2, 2], 'an account that failed is asked for again, twice';

# gone

my $runs = $stack->psql("select string_agg(run_id, ',') from igjobs.runs"
                        . " where job_id = '$first'");
$stack->sim->faults([map { { match => { op => 'items', run => $_ },
    action => { status => { code => 404, type => 'record-not-found' } } } }
    split /,/, $runs]);
my $gone = reuse(accounts => [names(21 .. 70)], max_count => 20);
is_deeply billed(), [2, 1000], 'a dataset that is gone: bought';
is $queue->count('batches', "job_id = '$gone' and failures + reruns > 0"), 0,
    'that is no failure';
is $client->get("/api/jobs/$gone")->json->{reused}{accounts}, 0,
    'nothing was reused';
$stack->sim->call('DELETE', '/_sim/faults');

# killed while it reads: the successor takes no more of an account than was
# asked for

job(accounts => [names(141 .. 190)], max_count => 20);
wait_for { $queue->count('purchases', "account = 'source_000190'") } 30,
    'the purchases to be noted';
billed();
$stack->sim->faults([{ match => { op => 'items', offset_from => 300 },
                       action => { hang => { ms => 600_000 } } }]);
my $half = $queue->submit(accounts => [names(141 .. 190)], max_count => 11,
                          options => { max_age => 3600 });
wait_for { $queue->count('runs', "job_id = '$half' and cursor = 300") } 30,
    'three pages';
$worker->signal('KILL');
$worker->wait_end(10);
$stack->sim->call('DELETE', '/_sim/faults');
$worker = $stack->add_worker(args => \@quick, env => \%named, name => 'next');
is $queue->wait_end($half)->{state}, 'completed', 'the successor ends it';
is_deeply billed(), [0, 0], 'without buying anything';
is $queue->document($half)->{total_scraped} <= 50 * 11, 1, 'no account twice';
$fresh = job(accounts => [names(141 .. 190)], max_count => 11,
             tenant => 'other');
is rows($half), rows($fresh), 'the rows that a purchase brings';
billed();

# canceled while it reads: nothing is aborted, nothing booked

$stack->sim->faults([{ match => { op => 'items' },
                       action => { hang => { ms => 600_000 } } }]);
my $canceled = $queue->submit(accounts => [names(141 .. 190)],
                              max_count => 20,
                              options => { max_age => 3600 });
wait_for { $queue->count('runs', "job_id = '$canceled'") } 30, 'the run';
$stack->psql("select igjobs.stop_job('default', '$canceled', 'cancel')");
is $queue->wait_end($canceled)->{state}, 'canceled', 'canceled';
$stack->sim->call('DELETE', '/_sim/faults');
reuse(accounts => [names(141 .. 150)], max_count => 20);
is_deeply billed(), [0, 0], 'and the dataset is still there';
is $stack->psql("select state from igjobs.runs where job_id = '$canceled'"),
    'reading', 'nobody has booked it';
ok $worker->stop, 'the worker ends';

# items that do not name their account

$worker = $stack->add_worker(args => \@quick, name => 'plain');
job(accounts => [names(300 .. 319)], max_count => 10);
is_deeply billed(), [1, 200], 'a set is bought';
wait_for { $queue->count('purchases', "account like '#%'") } 30,
    'the set to be noted';
reuse(accounts => [reverse names(300 .. 319)], max_count => 10);
is_deeply billed(), [0, 0], 'in another order it is the same';
reuse(accounts => [names(300 .. 318)], max_count => 10);
is_deeply billed(), [1, 190], 'one account less is another set';
reuse(accounts => [names(300 .. 319)], max_count => 9);
is_deeply billed(), [1, 180], 'and so are fewer of each';

$stack->finish;
done_testing;
