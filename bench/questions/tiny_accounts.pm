# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# tiny_accounts: how long take 500,000 source accounts with one follower each,
# that is 10,000 runs of the provider?
#
# Two workers, a provider that answers at once. The yardstick is COPY of the
# same rows in 10,000 transactions of 50 rows, with 8 connections.

package Igjobs::Bench::Question::tiny_accounts;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use Igjobs::Bench::Copy;
use Igjobs::Bench::Watch qw(body_of run_job);

use constant { ACCOUNTS => 500_000, RUNS => 10_000, BATCH => 50 };

sub title { return '500,000 accounts with one follower each' }

sub prepare {
    my ($self) = @_;

    $self->start_servers(sim => ['--overlap', 0],
        parts => [qw(postgres redis sim nginx worker worker)]);
    my $body = body_of(ACCOUNTS, 1, 'some.account_');
    $self->series('igjobs', sub {
        $self->stack->psql('checkpoint');
        my $job = run_job($self->product, $self->stack->sim, $body,
                          coarse => 1);
        $self->{id} //= $job->{id};
        return { seconds => $job->{seconds}, runs => RUNS / $job->{seconds} };
    });
    $self->series('copy', sub {
        my $copy = $self->copy_of_rows;
        RUNS / ($copy->rows / $copy->run(8));
    });
    $self->table('provider runs/s', 'igjobs' => 'igjobs.runs',
        'COPY, transactions of 50 rows' => 'copy');
    $self->goal('seconds for 500,000 accounts, 10,000 runs', at_most => 20,
        value => 'igjobs.seconds');
    return;
}

# the rows are those of the first job
sub copy_of_rows {
    my ($self) = @_;

    return $self->{copy} //= Igjobs::Bench::Copy->new(
        postgres => $self->postgres, like => 'public.scrape_results',
        where => "job_id = '$self->{id}'", order => 'chunk_no, idx',
        keys => ['primary key (job_id, chunk_no, idx)',
                 'unique (job_id, profile_id)'],
        rows => BATCH);
}

1;
