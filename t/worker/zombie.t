#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Workers that freeze at the start of a run and wake up when their lease is
# lost: they write nothing, and what they start too late is aborted and booked.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Env;
use Igjobs::Freeze;
use Igjobs::Queue;
use Igjobs::Stack;
use Igjobs::Wait;

my @quick = ('--lanes=1', '--lease=1500ms', '--beat=200ms', '--sweep=300ms',
             '--start-timeout=1s', '--drain=1s');
my $stack = Igjobs::Stack->new(
    sim => { args => ['--usage-final-ms', 0] });
$stack->start(qw(postgres redis sim));
my $queue = Igjobs::Queue->new($stack);
my $sim = $stack->sim;
my $number = 0;

# A job of one batch whose worker freezes at its start, a rescuer that goes on
# while it is frozen, and what the ledger says about its runs.
sub frozen {
    my ($where) = @_;
    my $dir = Igjobs::Env::new_dir('zombie');
    my @accounts = ('zombie_' . ++$number);

    freeze_at($dir, $where);
    my $zombie = $stack->add_worker(
        name => "zombie_$number", env => { freeze_env($dir) },
        args => [@quick, "--worker-id=zombie_$number"]);
    my $job = $queue->submit(accounts => \@accounts, max_count => 40);
    wait_frozen($zombie);
    my $rescuer = $stack->add_worker(
        name => "rescuer_$number",
        args => [@quick, "--worker-id=rescuer_$number"]);
    return ($job, $zombie, $rescuer);
}

# what a zombie must leave alone
sub stored {
    my ($job) = @_;

    return $stack->psql("select j.version, j.doc, count(*), max(r.chunk_no)"
        . ' from public.scrape_jobs j join public.scrape_results r'
        . " using (job_id) where j.job_id = '$job' group by 1, 2");
}

sub runs {
    my ($job) = @_;

    return $stack->psql("select string_agg(state, ' ' order by state)"
        . " from igjobs.runs where job_id = '$job'");
}

# every run of the ledger is closed and booked at its price
sub booked {
    my ($name) = @_;
    my $paid;

    wait_for {
        my $ledger = $sim->ledger;
        $paid = $ledger->{runs_active} == 0
            && sprintf '%d|%.6f', @$ledger{qw(runs_started usd)};
        $paid && $paid eq $stack->psql('select count(distinct run_id),'
            . ' sum(cost_usd) from igjobs.runs where run_id is not null'
            . ' and closed_at is not null');
    } 20, "$name: the ledger's runs to be booked";
    pass "$name: every run of the ledger is booked, at its price: $paid";
    return;
}

sub stop { ok $_->stop, $_->name . ' drains like any other' for @_; return }

# frozen before the call: the successor makes sure that there is no run, starts
# one and finishes; then the zombie starts a second one
my ($job, $zombie, $rescuer) = frozen('before');
is $queue->wait_end($job, 60)->{state}, 'completed',
    'before the call: the successor completes the job';
is $sim->ledger->{runs_started}, 1, 'with one run';
my $before = stored($job);
$sim->faults([{ match => { op => 'start', account => 'zombie_1' },
                action => { stay_running => \1 } }]);
$zombie->resume;
wait_for { $sim->ledger->{runs_started} == 2 } 30, 'the run of the zombie';
booked('before the call');
is $sim->ledger->{runs_aborted}, 1, 'the second run is aborted';
is runs($job), 'aborted succeeded', 'and closed';
is stored($job), $before, 'the zombie wrote nothing';
stop($zombie, $rescuer);

# the same, but the zombie wakes up while the successor still waits: the run
# that it starts is the batch's
($job, $zombie, $rescuer) = frozen('before');
wait_for { $rescuer->log_text =~ /was not acknowledged/ } 30,
    'the successor to wait for the start';
$zombie->resume;
is $queue->wait_end($job, 60)->{state}, 'completed',
    'woken in time: the successor completes the job';
is $sim->ledger->{runs_started}, 3, 'with the run of the zombie';
is runs($job), 'succeeded', 'it is the only one';
booked('woken in time');
stop($zombie, $rescuer);

# frozen after the call: the successor finds the run by its token
($job, $zombie, $rescuer) = frozen('after');
is $queue->wait_end($job, 60)->{state}, 'completed',
    'after the call: the successor completes the job';
$before = stored($job);
$zombie->resume;
wait_for { $zombie->log_text =~ /batch lost/ } 30, 'the zombie to notice';
is $sim->ledger->{runs_started}, 4, 'with the run of the zombie';
is runs($job), 'succeeded', 'it is the only one';
is stored($job), $before, 'the zombie wrote nothing';
booked('after the call');
stop($zombie, $rescuer);

$stack->finish;
done_testing;
