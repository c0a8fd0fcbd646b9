# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# submit_large: how long until 500,000 accounts (10 MB) are accepted, and how
# much memory does it take?
#
# One submission after the other, nothing else: the median of three, of one if
# that takes seconds. The limit is COPY of the 10,000 batch rows alone, into a
# table with the same columns and key.

package Igjobs::Bench::Question::submit_large;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use List::Util 'sum0';
use Igjobs::Bench::Copy;
use Igjobs::Bench::Processes qw(sum_mib sum_peak_mib);
use Igjobs::Bench::Stats 'median';
use Igjobs::Bench::Watch qw(body_of submit_text);

use constant { ACCOUNTS => 500_000, BATCHES => 10_000, TIMES => 3,
               ENOUGH => 2000 };

sub title { return 'milliseconds to accept 500,000 accounts' }

sub prepare {
    my ($self) = @_;
    my $body = body_of(ACCOUNTS, 1, 'some.account_');

    $self->start_servers;
    my $idle = sum_mib($self->product->api_pids);
    my ($id) = submit_text($self->product, $body);
    my @peers = map { $_->name } $self->start_peers('submit', idle => 1);
    for my $contender ($self->product, $self->peers) {
        $self->submission_series($contender, $body);
    }
    $self->copy_series($id);
    $self->series('nginx', sub {
        my @pids = $self->product->api_pids;
        return { peak => sum_peak_mib(@pids) - $idle,
                 kept => sum_mib(@pids) - $idle };
    });

    $self->table('to the 202, ms', 'igjobs' => 'igjobs.ms',
        map({ ($_ => "$_.ms") } @peers),
        'COPY of the batch rows' => 'copy');
    $self->table('API processes at their peak, MiB', 'igjobs' => 'igjobs.mib',
        map { ($_ => "$_.mib") } @peers);
    $self->goal('500,000 accounts / best peer (aim 0.6)', at_most => 0.75,
        ratio => ['igjobs.ms', map { "$_.ms" } @peers]);
    $self->goal('MiB of nginx above idle at the peak', at_most => 20,
        value => 'nginx.peak');
    $self->goal('MiB of nginx above idle afterwards', at_most => 4,
        value => 'nginx.kept');
    return;
}

sub submission_series {
    my ($self, $contender, $body) = @_;

    $self->series($contender->name, sub {
        my @ms;
        while (@ms < TIMES && sum0(@ms) < ENOUGH) {
            push @ms, (submit_text($contender, $body))[1] * 1000;
        }
        return { ms => median(@ms),
                 mib => sum_peak_mib($contender->api_pids) };
    });
    return;
}

sub copy_series {
    my ($self, $id) = @_;
    my $copy = Igjobs::Bench::Copy->new(
        postgres => $self->postgres, like => 'igjobs.batch_accounts',
        where => "job_id = '$id'", order => 'batch_no', rows => BATCHES,
        keys => ['primary key (job_id, batch_no)']);

    $self->series('copy', sub {
        median(map { $copy->rows / $copy->run(1) * 1000 } 1 .. TIMES);
    });
    return;
}

1;
