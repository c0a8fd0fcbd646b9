#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Reads that share a statement, statements that share a Sync: one that fails
# costs its neighbours nothing, and everybody gets an answer of his own.
# Connections that grow old are replaced under load.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Load;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(nginx => { redis => undef, http => <<'HTTP' });
    igjobs_status_cache_time 0;
    igjobs_postgres_pool status=1 writes=1;
    igjobs_postgres_timeout 20s;
    map $http_x_tenant $tenant { "" default; default $http_x_tenant; }
    igjobs_tenant $tenant;
HTTP
$stack->start(qw(postgres nginx));

my $jobs = $stack->jobs;
my @jobs = map { $jobs->submit(accounts => ["name$_"]) } 1 .. 30;
my $bad = $jobs[10];

$stack->psql(<<"SQL");
create function public.trap(job uuid, doc text) returns text
language plpgsql stable as \$\$
begin
    if job = '$bad' then raise exception 'trapped'; end if;
    return doc;
end \$\$;
create or replace view igjobs.job_documents as
    select tenant, job_id, version, public.trap(job_id, doc) as doc
    from public.scrape_jobs;
create function public.trap_batch() returns trigger language plpgsql as \$\$
begin
    if new.accounts like '%trapped%' then raise exception 'trapped'; end if;
    return new;
end \$\$;
create trigger trap before insert on igjobs.batch_accounts
    for each row execute function public.trap_batch();
SQL

# all requests are in the queue before Postgres answers the first one
sub together {
    my @requests = @_;
    my @sessions = map { /^(\d+)/ ? $1 : () } $stack->postgres->sessions;
    my @clients = map { $stack->client->connect } @requests;

    kill 'STOP', @sessions;
    for my $i (0 .. $#requests) {
        $clients[$i]->send_request(@{ $requests[$i] });
    }
    is($stack->client->get('/livez')->{status}, 200, 'all were read');
    kill 'CONT', @sessions;
    return map { $_->read_response } @clients;
}

subtest 'reads' => sub {
    my @answers = together(map { ['GET', "/api/job-status/$_"] } @jobs);
    for my $i (0 .. $#jobs) {
        is($answers[$i]{status}, $jobs[$i] eq $bad ? 500 : 200, "read $i");
    }
};

subtest 'more reads than a statement takes, of two tenants' => sub {
    my @all = (@jobs[0 .. 9], map({ sprintf '01890000-0000-7000-8000-%012d', $_ }
                                  1 .. 80), @jobs[11 .. 29]);
    my %mine = map { $_ => 1 } @jobs;
    my @requests = map { ['GET', "/api/job-status/$_"],
                         ['GET', "/api/job-status/$_",
                          headers => ['X-Tenant' => 'other']] } @all;
    my @answers = together(@requests);
    my @wrong;
    for my $i (0 .. $#all) {
        my ($own, $other) = @answers[2 * $i, 2 * $i + 1];
        push @wrong, $all[$i] if $own->{status} != ($mine{$all[$i]} ? 200 : 404)
            || ($mine{$all[$i]} && $own->json->{job_id} ne $all[$i]);
        push @wrong, "other's $all[$i]" if $other->{status} != 404;
    }
    is(join(' ', @wrong), '', 'each gets its own document or none');
};

subtest 'writes' => sub {
    my @bodies = map { qq({"accounts":["one$_"]}) } 1 .. 40;
    $bodies[5] = '{"accounts":["trapped"]}';
    my $before = $stack->psql('select count(*) from public.scrape_jobs');
    my @answers = together(map { ['POST', '/api/scrape-followers',
        headers => ['Content-Type' => 'application/json'], body => $_] }
        @bodies);
    for my $i (0 .. $#bodies) {
        is($answers[$i]{status}, $i == 5 ? 500 : 202, "write $i");
    }
    is($stack->psql('select count(*) from public.scrape_jobs') - $before, 39,
       'one job each');
};

subtest 'views and tables that change' => sub {
    my $load = Igjobs::Load->new(port => $stack->nginx->port,
                                 path => "/api/job-status/$jobs[0]")->start;
    for (1 .. 3) {
        $load->wait_for_requests(50);
        $stack->psql('create or replace view igjobs.job_documents as '
            . 'select tenant, job_id, version, doc || \'\' as doc'
            . ' from public.scrape_jobs');
        $load->wait_for_requests(50);
        $stack->psql('alter table public.scrape_jobs add column x int;'
                     . ' alter table public.scrape_jobs drop column x');
    }
    my %count = $load->finish;
    is(join(' ', keys %count), '200', 'nobody sees it');
};

subtest 'old connections' => sub {
    $stack->nginx->configure(http => 'igjobs_status_cache_time 0;'
        . 'igjobs_postgres_pool status=1; igjobs_postgres_max_age 20ms;');
    $stack->nginx->reload;
    my $load = Igjobs::Load->new(port => $stack->nginx->port,
                                 path => "/api/job-status/$jobs[0]")->start;
    my %seen;
    wait_for {
        $seen{$_}++ for map { /^(\d+)/ ? $1 : () } $stack->postgres->sessions;
        keys %seen > 30;
    } 30, 'sessions to come and go';
    my %count = $load->finish;
    is(join(' ', keys %count), '200', 'replaced under load');
};

$stack->finish;
done_testing;
