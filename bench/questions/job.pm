# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# job: how many profiles a second are collected, classified and stored, from
# 10,000 accounts with 50 followers each, and how soon is the end seen?
#
# The provider answers at once; igjobs has two worker processes. The yardstick
# is COPY of the same 500,000 rows into a table of rows with a key for their
# order and one that has each profile once, in 500 transactions. The delay is from the end of the last page that the
# simulator sent to the first status that says completed.

package Igjobs::Bench::Question::job;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use Igjobs::Bench::Copy;
use Igjobs::Bench::Processes qw(peak_mib sum_peak_mib);
use Igjobs::Bench::Watch qw(body_of run_job);

use constant { ACCOUNTS => 10_000, FOLLOWERS => 50, WORKERS => 2,
               PER_TRANSACTION => 1000 };
use constant PROFILES => ACCOUNTS * FOLLOWERS;

my %copy_keys = (
    keys => ['primary key (job_id, chunk_no, idx)',
             'unique (job_id, profile_id)'],
    like => 'public.scrape_results', order => 'chunk_no, idx',
);

sub title { return 'a job of 10,000 accounts x 50 followers' }

sub prepare {
    my ($self) = @_;

    $self->start_servers(sim => ['--overlap', 0],
        parts => ['postgres', 'redis', 'sim', 'nginx', ('worker') x WORKERS]);
    my @peers = map { $_->name } $self->start_peers('job');
    $self->{body} = body_of(ACCOUNTS, FOLLOWERS);
    $self->job_series($_) for $self->product, $self->peers;
    $self->copy_series($_) for 8, 1;

    $self->table('profiles/s', 'igjobs' => 'igjobs.rate',
        map({ ($_ => "$_.rate") } @peers),
        map { ("COPY, $_ connections" => "copy $_") } 8, 1);
    $self->table('last page to completed, ms', 'igjobs' => 'igjobs.delay',
        map { ($_ => "$_.delay") } @peers);
    $self->table('API processes at their peak, MiB', 'igjobs' => 'igjobs.api',
        map { ($_ => "$_.api") } @peers);
    $self->table('workers at their peak, MiB', 'igjobs' => 'igjobs.workers',
        map { ($_ => "$_.workers") } @peers);
    $self->job_goals(@peers);
    return;
}

sub job_goals {
    my ($self, @peers) = @_;

    $self->goal('profiles/s / best peer that reads whole items (aim 1.6)',
        at_least => 1.25, ratio => ['igjobs.rate',
            map { "$_.rate" } grep { /whole items|chord/ } @peers]);
    $self->goal('profiles/s / best peer (aim 1.6)', at_least => 1.25,
        ratio => ['igjobs.rate', map { "$_.rate" } @peers]);
    $self->goal('profiles/s / COPY with 8 connections', at_least => 0.50,
        ratio => ['igjobs.rate', 'copy 8']);
    $self->goal('ms from the last page to completed', at_most => 20,
        value => 'igjobs.delay');
    $self->goal('MiB of the largest igjobs worker', at_most => 64,
        value => 'igjobs.worker');
    $self->goal('MiB of all nginx workers', at_most => 64,
        value => 'igjobs.api');
    return;
}

sub job_series {
    my ($self, $contender) = @_;

    $self->series($contender->name, sub {
        $self->stack->psql('checkpoint');
        my $job = run_job($contender, $self->stack->sim, $self->{body});
        $self->{id} //= $job->{id} if $contender == $self->product;
        return { rate => PROFILES / $job->{seconds},
                 delay => $job->{delay_ms},
                 api => sum_peak_mib($contender->api_pids),
                 worker => peak_mib($contender->worker_pids),
                 workers => sum_peak_mib($contender->worker_pids) };
    });
    return;
}

# the rows are those of the first job
sub copy_series {
    my ($self, $connections) = @_;

    $self->series("copy $connections", sub {
        my $copy = $self->{copy} //= Igjobs::Bench::Copy->new(
            postgres => $self->postgres, where => "job_id = '$self->{id}'",
            rows => PER_TRANSACTION, %copy_keys);
        $copy->run($connections);
    });
    return;
}

1;
