# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# scale: what do more processes bring, and where does the time go?
#
# Status, small submissions and pages with one and with two nginx worker
# processes; the job of 10,000 accounts x 50 followers with one, two and four
# igjobs workers. For each, the processor time of one request or profile by
# component, the client's too, and how many cores were busy.

package Igjobs::Bench::Question::scale;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use Igjobs::Bench::Processes qw(cpu_begin cpu_end);
use Igjobs::Bench::Product;
use Igjobs::Bench::Watch qw(body_of run_job);
use Igjobs::Bench::Wrk qw(wrk paths_file body_file);

use constant { JOBS => 1000, ROWS => 50_000, ACCOUNTS => 10_000,
               FOLLOWERS => 50 };

my @nginx = (1, 2);
my @workers = (2, 1, 4);

sub title { return 'more nginx workers, more igjobs workers' }

sub prepare {
    my ($self) = @_;

    $self->start_servers(parts => [qw(postgres redis sim)],
                         sim => ['--overlap', 0]);
    my %product = map { ($_ => $self->product_with($_)) } @nginx;
    $self->{product} = $product{1};
    my @ids = $self->product->seed_jobs(JOBS);
    my $results = $self->product->seed_results(ROWS);
    my %load = (
        status => { connections => 64, paths => paths_file(
            map { $self->product->status_path($_) } @ids) },
        submissions => { connections => 32, body => body_file(body_of(1, 5)),
                         path => $self->product->submit_path },
        pages => { connections => 16, paths => paths_file(
            map { $self->product->results_path($results, $_, 1000) }
                1 .. ROWS / 1000) },
    );
    for my $name (sort keys %load) {
        $self->nginx_series($name, $_, $product{$_}, $load{$name}) for @nginx;
        $self->compare($name, 'nginx worker(s)', reverse @nginx);
    }
    $self->job_series($_) for @workers;
    $self->compare('job', 'igjobs worker(s)', @workers);
    $self->matrix('CPU of a request or profile, us; cores busy',
        [qw(nginx postgres redis worker sim client all cores)],
        @{ $self->{costs} });
    return;
}

sub product_with {
    my ($self, $processes) = @_;

    return Igjobs::Bench::Product->new(stack => $self->stack,
        nginx => $self->stack->add_nginx(
            $self->nginx_options(nginx_workers => $processes)));
}

sub nginx_series {
    my ($self, $name, $processes, $product, $load) = @_;

    $self->series("$name $processes", sub {
        my $figures = $self->cost(sub {
            wrk(port => $product->port, seconds => $self->seconds,
                %$load)->{rate} });
        $product->forget_queued;
        return $figures;
    });
    return;
}

sub job_series {
    my ($self, $count) = @_;

    $self->series("job $count", sub {
        $self->stack->psql('checkpoint');
        my @workers = map { $self->stack->add_worker(
                                %{ $self->stack->{option}{worker} }) }
                      1 .. $count;
        my $figures = $self->cost(sub {
            ACCOUNTS * FOLLOWERS / run_job($self->product, $self->stack->sim,
                body_of(ACCOUNTS, FOLLOWERS))->{seconds};
        });
        $_->stop for @workers;
        return $figures;
    });
    return;
}

# { rate, and microseconds of each component for one unit of it }
sub cost {
    my ($self, $measure) = @_;
    my $begin = cpu_begin($self->stack);
    my $rate = $measure->();
    my $busy = cpu_end($begin);

    return { rate => $rate, cores => $busy->{all},
             map { ($_ => $busy->{$_} / $rate * 1e6) } keys %$busy };
}

sub compare {
    my ($self, $name, $what, @counts) = @_;

    $self->table("$name/s", map { ("$_ $what" => "$name $_.rate") } @counts);
    push @{ $self->{costs} }, map { ("$name, $_ $what" => "$name $_") }
                              sort @counts;
    return;
}

1;
