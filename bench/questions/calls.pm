# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# calls: how many lists and lookups a second, which are SQL functions?
#
# 16 connections, 100,000 jobs. The limit is the same function in pgbench with
# as many clients as an nginx worker has connections for it.

package Igjobs::Bench::Question::calls;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use Igjobs::Bench::Pgbench 'pgbench';
use Igjobs::Bench::Wrk 'wrk';

use constant { JOBS => 100_000, CLIENTS => 2 };

sub title { return 'lists and lookups/s, 16 connections, 100,000 jobs' }
sub warms { return 1 }

sub prepare {
    my ($self) = @_;

    $self->start_servers;
    my @ids = $self->product->seed_jobs(JOBS);
    my ($id) = $ids[JOBS / 2];

    $self->call('list of 50', 0.7, '/api/jobs', jobs => '{}');
    $self->call('none of 100,000', 0.7, '/api/jobs?status=failed',
        jobs => '{"status":"failed"}');
    $self->call('a whole job', 0.4, "/api/jobs/$id",
        job => qq({"job":"$id"}));
    return;
}

# one table: the path beside igjobs.api_<name>(caller, params)
sub call {
    my ($self, $what, $share, $path, $name, $params) = @_;

    $self->series($what, sub {
        wrk(port => $self->product->port, connections => 16,
            seconds => $self->seconds, path => $path)->{rate};
    });
    $self->series("$what, pgbench", sub {
        pgbench($self->postgres, clients => CLIENTS,
                seconds => $self->seconds, script => <<"SQL");
select status, body
from igjobs.api_$name('{"tenant":"default"}', '$params');
SQL
    });
    $self->table("$what, requests/s", 'igjobs' => $what,
        'pgbench, the same function' => "$what, pgbench");
    $self->goal("$what / pgbench", at_least => $share,
        ratio => [$what, "$what, pgbench"]);
    return;
}

1;
