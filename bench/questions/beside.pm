# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# beside: does work in nginx hold up other requests to it?
#
# First, the status of a job is polled at 200/s on one connection; by turns
# without and with submissions of 500,000 accounts (10 MB), one after the other
# (with --cache 0 each poll is answered from Redis). Then a static location is polled at 500/s while
# status, submissions and pages are asked for at fixed rates; by turns the
# same requests go to `return 200` and pgbench calls the same functions of the
# database at the same rates.

package Igjobs::Bench::Question::beside;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use Igjobs::Bench::Pgbench qw(start_pgbench stop_pgbench);
use Igjobs::Bench::Rate qw(poll start_load stop_load);
use Igjobs::Bench::Watch 'body_of';

use constant { POLLS => 200, STATIC_POLLS => 500, ROWS => 50_000 };

# requests a second
my %rate = (status => 1000, submit => 200, pages => 40);

sub title { return 'milliseconds of requests beside work in nginx' }

sub prepare {
    my ($self) = @_;

    $self->start_servers;
    $self->{ids} = [$self->product->seed_jobs(1000)];
    $self->{results} = $self->product->seed_results(ROWS);
    $self->submission_series;
    $self->static_series;
    return;
}

sub submission_series {
    my ($self) = @_;
    my $port = $self->product->port;
    my $body = body_of(500_000, 1, 'some.account_');
    my $status = sub {
        poll(port => $port, rate => POLLS, seconds => $self->seconds * 2,
             path => $self->product->status_path($self->{ids}[0]));
    };

    $self->series('alone', $status);
    $self->series('submissions', sub {
        my $load = start_load(port => $port, body => $body,
                              paths => [$self->product->submit_path]);
        my $latency = $status->();
        $latency->{submissions} = stop_load($load);
        return $latency;
    });
    for my $figure ('p50', 'p99', 'max') {
        $self->table("status, $figure, ms",
            'beside large submissions' => "submissions.$figure",
            'alone' => "alone.$figure");
    }
    $self->goal('p99 of the status beside large submissions, ms more than '
        . 'alone', more => ['submissions.p99', 'alone.p99'], at_most => 5);
    return;
}

sub static_series {
    my ($self) = @_;

    $self->series('igjobs', sub { $self->static_beside($self->requests) });
    $self->series('return 200', sub {
        my @pgbench = $self->database_load;
        my $latency = $self->static_beside($self->plain_requests);
        stop_pgbench(@pgbench);
        return $latency;
    });
    for my $figure ('p50', 'p99', 'p999', 'max') {
        $self->table("static location, $figure, ms",
            'beside igjobs' => "igjobs.$figure",
            'beside return 200 and pgbench' => "return 200.$figure");
    }
    $self->goal('p99.9 of a static location beside igjobs, ms more than '
        . 'beside return 200 and pgbench',
        more => ['igjobs.p999', 'return 200.p999'], at_most => 2);
    return;
}

# what the load asks for: name => paths, and the body of a submission
sub requests {
    my ($self) = @_;
    my $product = $self->product;

    return (
        status => { paths => [map { $product->status_path($_) }
                              @{ $self->{ids} }] },
        submit => { paths => [$product->submit_path], body => body_of(1, 5) },
        pages => { paths => [map { $product->results_path($self->{results}, $_,
                                                          1000) }
                             1 .. ROWS / 1000] },
    );
}

# the same number of requests of the same kind, all to return 200
sub plain_requests {
    my ($self) = @_;
    my %request = $self->requests;

    for my $request (values %request) {
        $request->{paths} = [map { "/return200$_" } @{ $request->{paths} }];
    }
    return %request;
}

sub static_beside {
    my ($self, %request) = @_;
    my $port = $self->product->port;
    my @load = map {
        start_load(port => $port, rate => $rate{$_}, clients => 2,
                   %{ $request{$_} })
    } sort keys %request;
    my $latency = poll(port => $port, path => '/return200',
                       rate => STATIC_POLLS, seconds => $self->seconds * 3);

    $latency->{requests} = 0;
    $latency->{requests} += stop_load($_) for @load;
    return $latency;
}

# pgbench with the statements that the module sends, at the same rates; what
# the status asks of Redis is not made up for
sub database_load {
    my ($self) = @_;
    my %script = (submit => <<'SQL', pages => <<"SQL");
select class, parallelism from igjobs.submit_all('scrape_followers',
    array['default'], array['instagram'], array[gen_random_uuid()],
    array['any'], array[5], array[true], array[1], array['account.000001']);
SQL
\\set first random(0, @{[ ROWS / 1000 - 1 ]}) * 1000
select * from igjobs.job_page('default', '$self->{results}');
select * from igjobs.result_rows('default', '$self->{results}', :first, 1000,
    chr(31));
SQL

    return map {
        start_pgbench($self->postgres, clients => 2, rate => $rate{$_},
            seconds => $self->seconds * 3 + 5, script => $script{$_})
    } sort keys %script;
}

1;
