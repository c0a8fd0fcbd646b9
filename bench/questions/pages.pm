# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# pages: how many result pages of 1,000 rows a second, at the beginning and
# deep in a result of 500,000 rows?
#
# 16 connections. The limit is the same page by key, from a table that numbers
# the rows of the job densely, in pgbench with 4 clients.

package Igjobs::Bench::Question::pages;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use Igjobs::Bench::Pgbench 'pgbench';
use Igjobs::Bench::Wrk 'wrk';

use constant { ROWS => 500_000, LIMIT => 1000, DEEP => 500 };

sub title { return 'result pages of 1,000 rows/s, 16 connections' }
sub warms { return 1 }

sub prepare {
    my ($self) = @_;

    $self->start_servers;
    my $id = $self->product->seed_results(ROWS);
    $self->page_series('igjobs', $self->product, $id);
    $self->key_series($id);
    my @peers = map {
        $self->page_series($_->name, $_, $_->seed_results(ROWS));
        $_->name;
    } $self->start_peers('pages', idle => 1);

    for my $page (1, DEEP) {
        $self->table("page $page, pages/s", 'igjobs' => "igjobs, page $page",
            map({ ($_ => "$_, page $page") } @peers),
            'pgbench, by key' => "key, page $page");
    }
    $self->table('igjobs by depth, pages/s',
        'page ' . DEEP, 'igjobs, page ' . DEEP, 'page 1' => 'igjobs, page 1');
    $self->page_goals(@peers);
    return;
}

sub page_goals {
    my ($self, @peers) = @_;

    $self->goal('page 1 / best peer', at_least => 2.0,
        ratio => ['igjobs, page 1', map { "$_, page 1" } @peers]);
    $self->goal('page 500 / page 1', at_least => 0.95,
        ratio => ['igjobs, page 500', 'igjobs, page 1']);
    $self->goal('page 500 / best peer', at_least => 40,
        ratio => ['igjobs, page 500', map { "$_, page 500" } @peers]);
    return;
}

sub page_series {
    my ($self, $name, $contender, $id) = @_;

    for my $page (1, DEEP) {
        $self->series("$name, page $page", sub {
            wrk(port => $contender->port, connections => 16,
                seconds => $self->seconds,
                path => $contender->results_path($id, $page, LIMIT))->{rate};
        });
    }
    return;
}

sub key_series {
    my ($self, $id) = @_;

    $self->stack->psql(<<"SQL");
create table bench_page as
    select job_id, row_number() over (order by chunk_no, idx) as n,
        profile_id, username, full_name, created_at
    from public.scrape_results where job_id = '$id';
alter table bench_page add primary key (job_id, n);
vacuum analyze bench_page;
SQL
    for my $page (1, DEEP) {
        my $first = ($page - 1) * LIMIT;
        $self->series("key, page $page", sub {
            pgbench($self->postgres, clients => 4, seconds => $self->seconds,
                    script => <<"SQL");
select profile_id, username, full_name, created_at from bench_page
where job_id = '$id' and n > $first order by n limit @{[ LIMIT ]};
SQL
        });
    }
    return;
}

1;
