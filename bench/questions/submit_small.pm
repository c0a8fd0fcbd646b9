# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# submit_small: how many submissions of one account a second, on 32
# connections?
#
# Accepted means committed, with fsync. The limit is the insert and commit of
# one small row in pgbench with as many clients; the study quoted 16. Nothing
# works on the jobs meanwhile: the peers' workers are stopped, igjobs has none.

package Igjobs::Bench::Question::submit_small;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use Igjobs::Bench::Pgbench 'pgbench';
use Igjobs::Bench::Watch 'body_of';
use Igjobs::Bench::Wrk qw(wrk body_file);

use constant CONNECTIONS => 32;

sub title { return 'submissions/s of one account, 32 connections' }
sub warms { return 1 }

sub prepare {
    my ($self) = @_;

    $self->start_servers;
    $self->stack->psql('create table bench_insert (job_id uuid primary key,'
        . ' created_at timestamptz not null default now(),'
        . ' accounts text not null)');
    my $body = body_file(body_of(1, 5));
    my @peers = map { $_->name } $self->start_peers('submit', idle => 1);
    for my $contender ($self->product, $self->peers) {
        $self->series($contender->name, sub {
            wrk(port => $contender->port, connections => CONNECTIONS,
                seconds => $self->seconds, body => $body,
                path => $contender->submit_path)->{rate};
        });
    }
    $self->insert_series($_) for CONNECTIONS, 16;

    $self->table('submissions/s', 'igjobs' => 'igjobs',
        map({ ($_ => $_) } @peers),
        map { ("pgbench insert + commit, $_ clients" => "insert $_") }
            CONNECTIONS, 16);
    $self->goal('small submissions / pgbench insert + commit, 32 clients',
        ratio => ['igjobs', 'insert ' . CONNECTIONS], at_least => 0.65);
    $self->goal('small submissions / best peer',
        ratio => ['igjobs', @peers], at_least => 2);
    return;
}

sub insert_series {
    my ($self, $clients) = @_;

    $self->series("insert $clients", sub {
        pgbench($self->postgres, clients => $clients,
                seconds => $self->seconds, script => <<'SQL');
insert into bench_insert (job_id, accounts)
values (gen_random_uuid(), 'account.000001');
SQL
    });
    return;
}

1;
