#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# run: early
#
# Workers that die or freeze in the middle of pages: the job completes, no row
# is lost or doubled, no batch is paid twice, a zombie writes nothing.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Queue;
use Igjobs::Stack;
use Igjobs::Wait;

my @quick = ('--lease=1500ms', '--beat=200ms', '--sweep=300ms',
             '--start-timeout=1s', '--page-size=100', '--lanes=4');
my $stack = Igjobs::Stack->new(
    sim => { args => ['--run-ms', 300] },
    worker => { args => \@quick });
$stack->start(qw(postgres redis sim));
my $queue = Igjobs::Queue->new($stack);
my @accounts = names(1 .. 500);

# the same job without any accident says what must come out
my $calm = $stack->add_worker(args => \@quick);
my $reference = $queue->submit(accounts => \@accounts, max_count => 10);
$queue->wait_end($reference, 60);
my @wanted = $queue->profile_ids($reference);
my $runs = $stack->sim->ledger->{runs_started};
is $runs, 10, 'ten batches, ten runs';
$calm->stop;

sub pages {
    my ($job) = @_;
    return $stack->psql("select coalesce(sum(cursor), 0) from igjobs.runs"
        . " where job_id = '$job'");
}

# kill -9 four times, each in the middle of pages
my $job = $queue->submit(accounts => \@accounts, max_count => 10);
my $worker = $stack->add_worker(args => \@quick, name => 'victim');
for my $n (1 .. 4) {
    my $from = pages($job);
    wait_for { pages($job) > $from || $queue->state($job) eq 'completed' } 30,
        'a page to be stored';
    last if $queue->state($job) eq 'completed';
    $worker->kill9;
    $worker->start;
}
my $doc = $queue->wait_end($job, 60);
is $doc->{state}, 'completed', 'killed four times: completed';
is_deeply [$queue->profile_ids($job)], \@wanted, 'and the same rows';
is $doc->{accounts}{failed}, 0, 'and no account failed';
is $stack->sim->ledger->{runs_started} - $runs, 10,
    'and each batch was paid once: runs are resumed';
$runs = $stack->sim->ledger->{runs_started};
is $stack->psql("select count(*) from (select run_id from igjobs.runs"
    . " where run_id is not null group by run_id having count(*) > 1) t"),
    0, 'no run is recorded twice';
$worker->stop;

# a worker freezes past its lease; another one goes on with its runs
$job = $queue->submit(accounts => \@accounts, max_count => 10);
$worker = $stack->add_worker(args => \@quick, name => 'zombie');
wait_for { pages($job) > 0 } 30, 'a page to be stored';
$worker->pause;
my $rescuer = $stack->add_worker(args => \@quick, name => 'rescuer');
$doc = $queue->wait_end($job, 60);
is $doc->{state}, 'completed', 'frozen: another worker completes the job';
my $version = $doc->{version};
my $rows = $stack->psql("select count(*), max(chunk_no)"
    . " from public.scrape_results where job_id = '$job'");
$worker->resume;
wait_for { $worker->log_text =~ /batch lost|did not end/ } 30,
    'the zombie to notice';
is $queue->document($job)->{version}, $version, 'the zombie changed nothing';
is $stack->psql("select count(*), max(chunk_no) from public.scrape_results"
    . " where job_id = '$job'"), $rows, 'and wrote nothing';
is_deeply [$queue->profile_ids($job)], \@wanted, 'the same rows again';
is $stack->sim->ledger->{runs_started} - $runs, 10,
    'each batch was paid once';
ok $worker->stop, 'the zombie drains like any other';

$stack->finish;
done_testing;
