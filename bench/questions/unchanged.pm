# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# unchanged: how many status requests a second are answered with 304, because
# the client has the document already, on 64 connections?
#
# The limit is nginx's own `return 200` of 300 bytes, also for as many different
# paths; beside it the same requests without If-None-Match.

package Igjobs::Bench::Question::unchanged;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use Igjobs::Bench::Wrk qw(wrk paths_file);

use constant JOBS => 1000;

sub title { return 'requests/s for an unchanged status, 64 connections' }
sub warms { return 1 }

sub prepare {
    my ($self) = @_;

    $self->start_servers;
    my $product = $self->product;
    my @ids = $product->seed_jobs(JOBS);
    my @paths = map { $product->status_path($_) } @ids;
    my $paths = paths_file(@paths);

    $self->series('304, one id',
        $self->load(path => $paths[0], header => $self->tag($paths[0])));
    $self->series('304', $self->load(paths => $paths,
                                     header => $self->tag($paths[0])));
    $self->series('200', $self->load(paths => $paths));
    $self->series('return 200', $self->load(path => '/return200'));
    $self->series('return 200, ids', $self->load(
        paths => paths_file(map { "/return200/job-status/$_" } @ids)));

    my @beside = ('status with a document' => '200',
                  'nginx return 200' => 'return 200',
                  'nginx return 200, as many paths' => 'return 200, ids');
    $self->table('one id, requests/s', 'igjobs, 304' => '304, one id',
        'nginx return 200' => 'return 200');
    $self->table('1,000 ids, requests/s', 'igjobs, 304' => '304', @beside);
    $self->goal('304 over 1,000 ids / return 200',
        ratio => ['304', 'return 200'], at_least => 0.75);
    return;
}

# the documents are copies of one, so their version is the same; every answer
# of the series must be what was asked for
sub tag {
    my ($self, $path) = @_;
    my $http = $self->stack->client;
    my $header = 'If-None-Match: ' . $http->get($path)->header('ETag');
    my $status = $http->get($path, headers => [split /: /, $header])->{status};

    die "status $status with $header\n" if $status != 304;
    return $header;
}

sub load {
    my ($self, %option) = @_;

    return sub { wrk(port => $self->product->port, connections => 64,
                     seconds => $self->seconds, %option)->{rate} };
}

1;
