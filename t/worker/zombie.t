#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# run: early
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

my @quick = ('--lease=1500ms', '--beat=200ms', '--sweep=300ms',
             '--start-timeout=1s', '--drain=1s');
my $stack = Igjobs::Stack->new(sim => { args => ['--usage-final-ms', 0] });
$stack->start(qw(postgres redis sim));
my $queue = Igjobs::Queue->new($stack);
my $sim = $stack->sim;
my (%job, %zombie, %before);

# A job of one batch whose worker freezes at the start of its run; the account
# has the name of the case.
sub freeze {
    my ($name, $where) = @_;
    my $dir = Igjobs::Env::new_dir('zombie');

    freeze_at($dir, $where);
    $zombie{$name} = $stack->add_worker(
        name => $name, env => { freeze_env($dir) },
        args => [@quick, '--lanes=1', "--worker-id=$name"]);
    $job{$name} = $queue->submit(accounts => [$name], max_count => 40);
    wait_frozen($zombie{$name});
    return;
}

# what a zombie must leave alone: rows and document, but for the cost
sub stored {
    my ($name) = @_;

    return $stack->psql("select doc::jsonb - '{version,updated_at,cost}'::text[],"
        . ' count(r.*), max(r.chunk_no)'
        . ' from public.scrape_jobs j left join public.scrape_results r'
        . " using (job_id) where j.job_id = '$job{$name}' group by 1");
}

sub runs {
    my ($name) = @_;

    return $stack->psql("select string_agg(state, ' ' order by state)"
        . " from igjobs.runs where job_id = '$job{$name}'");
}

sub wait_runs {
    my ($name, $runs) = @_;

    wait_for { runs($name) eq $runs } 60, "the runs of $name to be $runs";
    pass "$name: its runs are $runs";
    return;
}

# from now on a run of the case goes on until it is aborted
sub stays {
    my ($name, %action) = @_;

    $sim->faults([{ match => { op => 'start', account => $name },
                    action => { stay_running => \1, %action } }]);
    return;
}

freeze($_, 'before') for qw(beaten unabortable canceled early);
freeze('late', 'late');
freeze('found', 'after');
$stack->psql('select answer from igjobs.stop_job('
             . "'default', '$job{canceled}', 'cancel')");
my $rescuer = $stack->add_worker(
    name => 'rescuer', args => [@quick, '--lanes=8', '--worker-id=rescuer']);

# woken while the successor still waits for a sign of the start: the run that
# the zombie starts is the batch's
wait_for { $rescuer->log_text =~ /$job{early}.*was not acknowledged/ } 30,
    'the successor to wait';
$zombie{early}->resume;

for my $name (sort keys %job) {
    my $state = $queue->wait_end($job{$name}, 60)->{state};
    is $state, $name eq 'canceled' ? 'canceled' : 'completed',
        "$name: $state by the successor";
    $before{$name} = stored($name);
}
wait_runs(canceled => 'absent planned');
is $sim->ledger->{runs_started}, 5, 'a run for each job but the canceled one';
is $sim->ledger->{runs_active}, 0, 'none is under way';

# frozen before the call: the zombie starts a second run
stays('beaten');
$zombie{beaten}->resume;
wait_runs(beaten => 'aborted absent succeeded');

# the same, but the zombie cannot abort it and dies: the reaper does it
stays('unabortable');
$sim->faults([{ match => { op => 'abort' }, action => { drop_before => \1 } }]);
$zombie{unabortable}->resume;
wait_runs(unabortable => 'absent stray succeeded');
$zombie{unabortable}->kill9;
is $sim->ledger->{runs_active}, 1, 'it goes on';
$sim->call('DELETE', '/_sim/faults');
wait_runs(unabortable => 'aborted absent succeeded');

# the same, but the provider makes the run when the zombie has given up
stays('late', delay_ms => 2000);
$zombie{late}->resume;
wait_for { $sim->call('GET', '/_sim/faults')->[0]{fired} } 30, 'its request';
wait_frozen($zombie{late})->resume;
wait_runs(late => 'aborted absent succeeded');

# the same for a job that was canceled
stays('canceled');
$zombie{canceled}->resume;
wait_runs(canceled => 'aborted absent planned');

# frozen after the call: the successor found the run by its token
$zombie{found}->resume;
wait_for { $zombie{found}->log_text =~ /batch lost/ } 30, 'it to notice';
is runs('early'), 'succeeded', 'woken early: one run';
is runs('found'), 'succeeded', 'frozen after the call: one run';

my $ledger = $sim->ledger;
is_deeply [@$ledger{qw(runs_started runs_aborted runs_active)}], [9, 4, 0],
    'four runs too many, all aborted';
is $stack->psql('select count(*), count(distinct run_id), sum(cost_usd)'
    . ' from igjobs.runs where run_id is not null and closed_at is not null'),
    sprintf('9|9|%.6f', $ledger->{usd}), 'every run is booked, at its price';
is stored($_), $before{$_}, "$_: the zombie wrote nothing"
    for sort keys %before;
ok $_->stop, $_->name . ' drains like any other'
    for grep { $_->running } @zombie{sort keys %zombie};

$stack->finish;
done_testing;
