#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Jobs that are paused, resumed and canceled in the middle, through the whole
# stack with two workers: what is billed, what is stored, and that no run is
# left at work. The simulator's ledger is the witness.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Expected;
use Igjobs::Population;
use Igjobs::Stack;
use Igjobs::Wait;

use constant { BATCHES => 12, COUNT => 8 };

my @quick = ('--lanes=3', '--lease=1500ms', '--beat=200ms', '--sweep=300ms',
             '--start-timeout=1s', '--page-size=50');
my $stack = Igjobs::Stack->new(
    sim => { args => ['--run-ms', 500, '--usage-final-ms', 0] });
$stack->start(qw(postgres redis sim nginx));
my ($sim, $jobs, $http) = ($stack->sim, $stack->jobs, $stack->client);
my %worker = map { $_ => $stack->add_worker(
    name => $_, args => [@quick, "--worker-id=$_"]) } qw(one two);
my @names = map { sprintf 'source_%05d', $_ } 1 .. BATCHES * 50;
my $expected = Igjobs::Expected->new(Igjobs::Population->new, \@names, COUNT);

sub submit {
    return $jobs->submit(accounts => \@names, targetGender => 'any',
                         totalScrapeCount => COUNT * @names);
}

sub control {
    my ($action, $job) = @_;
    my $r = $http->post_json("/api/jobs/$job/$action", { reason => 'a test' });

    return "$r->{status} " . ($r->json->{state} // $r->json->{code});
}

# state($job): as the database has it
sub state {
    my ($job) = @_;

    return $stack->psql('select state from public.scrape_jobs'
                        . " where job_id = '$job'");
}

sub wait_progress {
    my ($job, $percent) = @_;

    return wait_for { $jobs->status($job)->{progress} >= $percent } 60,
        "$percent % of the job";
}

# quiet($job): no run of it is open, none is at work at the provider
sub quiet {
    my ($job) = @_;

    wait_for {
        $stack->psql("select count(*) from igjobs.runs where job_id = '$job'"
            . " and state in ('intent', 'started')") == 0
    } 60, 'all runs of the job to be booked';
    return $sim->ledger->{runs_active} == 0;
}

# unbooked($job): runs whose cost nobody knows
sub unbooked {
    my ($job) = @_;

    return $stack->psql("select count(*) from igjobs.runs where job_id = '$job'"
        . ' and run_id is not null and (closed_at is null or cost_usd is null)');
}

# items_of_aborted($job): what they had delivered, says the provider
sub items_of_aborted {
    my ($job) = @_;
    my $items = 0;

    for my $dataset (split ' ', $stack->psql(
        "select coalesce(string_agg(dataset_id, ' '), '') from igjobs.runs"
        . " where job_id = '$job' and state = 'aborted'")) {
        $items += $sim->call('GET', "/v2/datasets/$dataset?token=t")
            ->{data}{itemCount};
    }
    return $items;
}

sub is_whole {
    my ($job, $name) = @_;
    my @rows = map { { id => $_->[0], username => $_->[1],
                       full_name => $_->[2] } }
        $stack->postgres->rows('select profile_id, username, full_name'
            . " from public.scrape_results where job_id = '$job'");
    my %names = map { $_->{id} => 1 } @rows;

    is(scalar(keys %names), scalar @rows, "$name: no row twice");
    return is(digest_of(@rows), $expected->digest,
        "$name: what is stored is the audience");
}

# what the audience costs

my $job = submit();
is $jobs->wait_done($job)->{state}, 'completed', 'an undisturbed job';
my $audience = $sim->ledger->{items_billed};

# pause and resume

$job = submit();
wait_progress($job, 40);
like control(pause => $job), qr/^202 stopping$|^200 paused$/, 'pause';
wait_for { state($job) eq 'paused' } 30, 'the job to be paused';
is control(pause => $job), '200 paused', 'paused';
is control(resume => $job), '200 running', 'resume';
is $jobs->wait_done($job)->{state}, 'completed', 'paused at 40 %, resumed:'
    . ' completed';
is $sim->ledger->{items_billed}, 2 * $audience, 'what is billed is the'
    . ' audience';
is $sim->ledger->{runs_aborted}, 0, 'no run was aborted';
is_whole($job, 'paused and resumed');

# pause, resume at once, again and again, while lanes wind down

$job = submit();
for my $percent (10, 25, 40, 55, 70) {
    wait_progress($job, $percent);
    control(pause => $job);
    control(resume => $job);
}
is $jobs->wait_done($job)->{state}, 'completed', 'paused and resumed at once';
is $sim->ledger->{items_billed}, 3 * $audience, 'what is billed is the'
    . ' audience';
is_whole($job, 'paused and resumed at once');

# cancel; what is stored can be read

$job = submit();
wait_progress($job, 40);
like control(cancel => $job), qr/^202 stopping$|^200 canceled$/, 'cancel';
wait_for { state($job) eq 'canceled' } 30, 'the job to be canceled';
is control(cancel => $job), '200 canceled', 'canceled';
ok quiet($job), 'no run is at work';
is unbooked($job), 0, 'all are booked, with their cost';
my $aborted = items_of_aborted($job);
my $status = $jobs->status($job);
is "@$status{qw(status completion_reason)}", 'failed canceled', 'the words';
my @rows = $jobs->results($job, partial => 1);
is scalar @rows, $status->{profiles_scraped}, 'what is stored can be read';
diag "canceled at $status->{progress} %: $aborted items of aborted runs";

# and redriven: what is there stays, the rest follows

is control(redrive => $job), '200 running', 'redriven';
is $jobs->wait_done($job)->{state}, 'completed', 'canceled at 40 %, redriven:'
    . ' completed';
is_whole($job, 'canceled and redriven');
cmp_ok $sim->ledger->{items_billed}, '<=', 4 * $audience + $aborted,
    'billed is the audience, and at most what the aborted runs had delivered';
diag $sim->ledger->{items_billed} - 3 * $audience, " items billed for an"
    . " audience of $audience";
is $jobs->status($job)->{profiles_scraped}, scalar keys %{ $expected->people },
    'and counted once';

# paused, then canceled: its runs went on until then

$job = submit();
wait_progress($job, 20);
control(pause => $job);
wait_for { state($job) eq 'paused' } 30, 'the job to be paused';
is control(cancel => $job), '200 canceled', 'paused, then canceled';
ok quiet($job), 'no run is at work';
is unbooked($job), 0, 'all are booked';

# drained, then canceled: the next worker ends what is left

$job = submit();
wait_progress($job, 20);
$worker{$_}->signal('TERM') for qw(one two);
$worker{$_}->wait_end(30) for qw(one two);
is control(cancel => $job), '200 canceled', 'drained, then canceled';
$worker{$_}->start for qw(one two);
ok quiet($job), 'no run is at work';
is unbooked($job), 0, 'all are booked';

# killed, then canceled: leases run out, runs are found

$job = submit();
wait_progress($job, 20);
$worker{$_}->kill9 for qw(one two);
is control(cancel => $job), '202 stopping', 'killed, then canceled';
$worker{$_}->start for qw(one two);
wait_for { state($job) eq 'canceled' } 30, 'the job to be canceled';
ok quiet($job), 'no run is at work';
is unbooked($job), 0, 'all are booked';

# one is killed while the other winds down

$job = submit();
wait_progress($job, 20);
control(cancel => $job);
$worker{one}->kill9;
$worker{one}->start;
wait_for { state($job) eq 'canceled' } 30, 'the job to be canceled';
ok quiet($job), 'canceled, and one is killed: no run is at work';

$stack->finish;
done_testing;
