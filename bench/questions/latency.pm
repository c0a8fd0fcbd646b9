# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# latency: how long from a submission on an idle system to the first request
# to the provider?
#
# 200 submissions of one account, each after the job before has ended. From
# the first byte of the submission, so that its commit is in it, to the
# provider's journal, which counts in milliseconds.

package Igjobs::Bench::Question::latency;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use Time::HiRes 'time';
use Igjobs::Bench::Stats 'percentile';
use Igjobs::Bench::Watch qw(body_of submit_text journal_since began
                            wait_completed);

use constant TIMES => 200;

sub title { return 'milliseconds from a submission to the first provider '
                   . 'request' }

sub prepare {
    my ($self) = @_;

    $self->{cache} //= 0;            # the end of a job is seen sooner
    $self->start_servers(parts => [qw(postgres redis sim nginx worker)]);
    my @peers = map { $_->name } $self->start_peers('job');
    for my $contender ($self->product, $self->peers) {
        $self->series($contender->name, sub { $self->latencies($contender) });
    }
    for my $figure ('p50', 'p99') {
        $self->table("$figure, ms", 'igjobs' => "igjobs.$figure",
            map { ($_ => "$_.$figure") } @peers);
    }
    $self->goal('p99, ms', value => 'igjobs.p99', at_most => 10);
    return;
}

sub latencies {
    my ($self, $contender) = @_;
    my $sim = $self->stack->sim;
    my ($seen) = journal_since($sim, 'start', $self->{seen});
    my (@begin, @ms);

    for my $n (1 .. TIMES) {
        push @begin, time();
        my ($id) = submit_text($contender, body_of(1, 5, "n$n."));
        wait_completed($contender, $id);
    }
    my ($last, @starts) = journal_since($sim, 'start', $seen);
    $self->{seen} = $last;
    die 'not one start a submission' if @starts != TIMES;
    @ms = map { (began($_) - shift @begin) * 1000 }
          @starts;
    return { p50 => percentile(50, @ms), p99 => percentile(99, @ms) };
}

1;
