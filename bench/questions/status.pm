# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# status: how many status requests a second are answered on 64 connections?
#
# Over one job id an nginx worker answers nearly all from its own copy, over
# 1,000 ids most, over 100,000 ids none (a copy lives 100 ms): those come from
# Redis, and from Postgres in an nginx without Redis. The limit is nginx's own
# `return 200` of 300 bytes, also for as many different paths.

package Igjobs::Bench::Question::status;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use Igjobs::Bench::Pgbench 'pgbench';
use Igjobs::Bench::Product;
use Igjobs::Bench::RedisBenchmark 'redis_benchmark';
use Igjobs::Bench::Wrk qw(wrk paths_file);

use constant JOBS => 100_000;

sub title { return 'requests/s for the status of a job, 64 connections' }
sub warms { return 1 }

sub prepare {
    my ($self) = @_;

    $self->start_servers;
    my @ids = $self->product->seed_jobs(JOBS);
    $self->igjobs_series(@ids);
    $self->nginx_series(@ids);
    $self->limit_series(@ids);
    my @peers = map { $self->peer_series($_) } $self->start_peers(
        'status', idle => 1);
    my @rows = map { ($_ => $_) } @peers;

    $self->table('one id, requests/s', 'igjobs' => 'one id',
        'nginx return 200' => 'return 200');
    $self->table('1,000 ids, requests/s', 'igjobs' => '1,000 ids',
        return_200());
    $self->table('100,000 ids, requests/s', 'igjobs' => '100,000 ids',
        return_200(), @rows,
        'redis-benchmark GET' => 'redis');
    $self->table('100,000 ids without Redis, requests/s',
        'igjobs' => 'without Redis', return_200(),
        'pgbench, the same row' => 'pgbench');
    $self->status_goals(@peers);
    return;
}

# rows of a table; many ids cost the client something, too
sub return_200 {
    return ('nginx return 200' => 'return 200',
            'nginx return 200, as many paths' => 'return 200, ids');
}

sub status_goals {
    my ($self, @peers) = @_;

    $self->goal('status over one id / return 200',
        ratio => ['one id', 'return 200'], at_least => 0.80);
    $self->goal('status over 1,000 ids / return 200',
        ratio => ['1,000 ids', 'return 200'], at_least => 0.70);
    $self->goal('status over 100,000 ids / return 200',
        ratio => ['100,000 ids', 'return 200'], at_least => 0.60);
    $self->goal('status over 100,000 ids / best peer',
        ratio => ['100,000 ids', @peers], at_least => 1.5);
    $self->goal('status from Postgres without Redis / return 200',
        ratio => ['without Redis', 'return 200'], at_least => 0.50);
    return;
}

sub igjobs_series {
    my ($self, @ids) = @_;
    my $product = $self->product;
    my @paths = map { $product->status_path($_) } @ids;
    my $plain = Igjobs::Bench::Product->new(stack => $self->stack,
        nginx => $self->stack->add_nginx($self->nginx_options,
                                         redis => undef));

    $self->series('one id',
        $self->load($product->port, path => $paths[0]));
    $self->series('1,000 ids',
        $self->load($product->port, paths => paths_file(@paths[0 .. 999])));
    $self->series('100,000 ids',
        $self->load($product->port, paths => paths_file(@paths)));
    $self->series('without Redis',
        $self->load($plain->port, paths => paths_file(@paths)));
    return;
}

sub nginx_series {
    my ($self, @ids) = @_;
    my $port = $self->product->port;

    $self->series('return 200', $self->load($port, path => '/return200'));
    $self->series('return 200, ids', $self->load($port,
        paths => paths_file(map { "/return200/job-status/$_" } @ids)));
    return;
}

sub limit_series {
    my ($self, @ids) = @_;
    my $prefix = Igjobs::Bench::Product::SEEDED;

    $self->series('redis', sub {
        redis_benchmark($self->stack->redis, clients => 64,
            requests => 100_000 * $self->seconds,
            command => ['GET', "igjobs:status:default:$ids[0]"]);
    });
    $self->series('pgbench', sub {
        pgbench($self->postgres, clients => 64, seconds => $self->seconds,
                script => '\set n random(1, ' . JOBS . ")\n" . <<"SQL");
select doc from igjobs.job_documents where tenant = 'default'
    and job_id = ('$prefix' || lpad(to_hex(:n::integer), 12, '0'))::uuid;
SQL
    });
    return;
}

sub peer_series {
    my ($self, $peer) = @_;
    my @ids = $peer->seed_jobs(JOBS);
    my $paths = paths_file(map { $peer->status_path($_) } @ids);

    return $self->series($peer->name, $self->load($peer->port,
                                                  paths => $paths));
}

sub load {
    my ($self, $port, %option) = @_;

    return sub { wrk(port => $port, connections => 64,
                     seconds => $self->seconds, %option)->{rate} };
}

1;
