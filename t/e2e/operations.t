#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Operations: phases, steps that come in pieces, a worker that is killed, waits
# and their fallbacks, cancel; with an operation of the test's own.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(nginx => { http => 'igjobs_max_wait 20s;',
                                          server => <<'CONF' });
location /short/ {
    igjobs; igjobs_operation_wait 100ms; rewrite ^/short(.*) $1 break;
}
CONF
$stack->start(qw(postgres redis sim nginx));
$stack->psql(<<'SQL');
create table public.steps (job_id uuid, batch_no integer, piece integer);
grant all on public.steps to igjobs_owner;
set role igjobs_owner;

create function igjobs.unit_piece(b igjobs.batches, args jsonb)
    returns jsonb language plpgsql as $$
declare
    pieces integer;
begin
    insert into public.steps
    select b.job_id, b.batch_no, 1 + count(*) from public.steps s
    where s.job_id = b.job_id and s.batch_no = b.batch_no
    returning piece into pieces;
    if args ->> 'fails' = 'true' then
        raise exception 'a unit that fails';
    end if;
    if args ->> 'fails' = 'once' and pieces < 4 then
        return case when pieces < 3 then '{"later_ms": 20}'::jsonb
                   else '{"dead": "that was it"}' end;
    end if;
    perform pg_sleep((args ->> 'seconds')::real);
    return jsonb_build_object('pieces', pieces,
        'more', pieces < (args ->> 'pieces')::integer);
end $$;

create function igjobs.next_test(
    j public.scrape_jobs, o igjobs.operations)
    returns public.scrape_jobs language plpgsql as $$
begin
    if j.phase = 'first' and j.batches_dead = 0 then
        j := igjobs.add_units(j, 'second', array[
            '{"do": "sql", "step": "piece", "pieces": 1, "seconds": 0}',
            '{"do": "sql", "step": "piece", "pieces": 1, "seconds": 0}']
            ::jsonb[]);
    end if;
    return j;
end $$;

create function igjobs.answer_test(
    j public.scrape_jobs, o igjobs.operations)
    returns igjobs.api_answer language sql as $$
    select (200, json_build_object('success', true, 'state', j.state,
        'units', (select json_agg(u.result order by u.batch_no)
                  from igjobs.unit_results u where u.job_id = j.job_id),
        'errors', igjobs.unit_errors(j.tenant, j.job_id))::text)
        ::igjobs.api_answer $$;
SQL

my $api = $stack->client;
my $number = 0;
my $worker;
my @quick = qw(--sweep=200ms --lease=2s --beat=200ms --start-timeout=1s);

# start(pieces => 2, seconds => 0.1): the id of an operation
sub start {
    my (%unit) = @_;
    my $id = sprintf '01900000-0000-7000-8000-%012d', ++$number;
    my $unit = sprintf '{"do": "sql", "step": "%s", "pieces": %d,'
               . ' "seconds": %s, "fails": "%s"}', $unit{step} // 'piece',
               $unit{pieces} // 1, $unit{seconds} // 0,
               $unit{fails} // 'false';
    my $start = "select status, turns from igjobs.start_operation('default',"
                . " '$id', 'base', 'test', '{}', 'first',"
                . " array['$unit'::jsonb])";

    is($stack->psql($start), '202|1', 'an operation begins');
    is($stack->psql($start), '202|', 'and once only');
    return $id;
}

sub answer {
    my ($id) = @_;
    my $r;

    wait_for { $r = $api->get("/api/operations/$id"); $r->{status} != 202 } 20,
        "operation $id to end";
    return $r;
}

subtest 'an operation' => sub {
    my $id = start(pieces => 3);
    my $r = $api->get("/api/operations/$id");
    is $r->{status}, 202, 'nobody works yet';
    is $r->json->{result_url}, "/api/operations/$id", 'where its answer will be';
    is $api->get('/api/job-status/' . $id)->json->{status}, 'queued',
        'a job as others';
    is_deeply [@{ $api->get("/api/job-status/$id")->json }{qw(operation results_url)}],
        [{ name => 'test', base_id => 'base' }, "/api/operations/$id"],
        'which says what it is, and where its answer will be';
    is $api->get("/api/operations/$id", headers => [Prefer => 'wait=1'])
        ->{status}, 202, 'a wait that is too short';
    like $stack->jobs->explain($id), qr/worker/, 'which explain knows'
        if $stack->jobs->can('explain');

    $worker = $stack->add_worker(name => 'one', args => \@quick);
    $r = answer($id);
    is $r->{status}, 200, 'it ends';
    is_deeply [map { $_->{pieces} } @{ $r->json->{units} }], [3, 1, 1],
        'with the pieces of its units in both phases';
    is $r->json->{state}, 'completed', 'completed';
    is $api->get("/api/job-status/$id")->json->{progress}, 100, 'wholly';
};

subtest 'units that fail' => sub {
    $stack->psql("update igjobs.settings set value = '20'"
                 . " where name = 'retry_base_ms'");
    my $r = answer(start(fails => 'true'));
    is $r->json->{state}, 'failed', 'given up in the end';
    like $r->json->{errors}[0]{error}, qr/step piece/, 'and its error is told';
    $r = answer(start(step => 'nothing'));
    is $r->json->{state}, 'failed', 'a step that is not there';

    my $id = start(fails => 'once');
    $r = answer($id);
    is_deeply [map { $_->{error} } @{ $r->json->{errors} }], ['that was it'],
        'a step waits, then gives its unit up';
    is $api->get("/api/job-status/$id")->json->{error_message},
        '1 of 1 parts of the operation were given up: that was it',
        'and the status says which error';
    is $api->post_json("/api/jobs/$id/redrive", {})->{status}, 200,
        'it is redriven';
    $r = answer($id);
    is_deeply [$r->json->{state}, map { $_->{pieces} } @{ $r->json->{units} }],
        ['completed', 4, 1, 1], 'and goes on to its end';
};

subtest 'waiting for an answer' => sub {
    my $r = $api->get('/api/operations/' . start(pieces => 2, seconds => 0.2),
                      headers => [Prefer => 'wait=15']);
    is $r->{status}, 200, 'one request, and it is there';
    is $r->json->{state}, 'completed', 'the answer';
};

subtest 'a worker is killed' => sub {
    my $id = start(pieces => 3, seconds => 0.3);
    my $pieces = sub { $stack->psql(
        "select count(*) from public.steps where job_id = '$id'") };

    wait_for { $pieces->() > 0 } 10, 'the first piece';
    $worker->kill9;
    $stack->add_worker(name => 'two', args => \@quick);
    # the step that was at work when its worker died may come twice
    like answer($id)->json->{units}[0]{pieces}, qr/^[34]\z/, 'another one goes on';
};

subtest 'cancel' => sub {
    my $id = start(pieces => 1000, seconds => 0.05);
    is $api->post_json("/api/jobs/$id/cancel", {})->{status} =~ /20[02]/, 1,
        'it can be canceled';
    my $r = answer($id);
    is $r->{status}, 409, 'and has no answer then';
    is $r->json->{code}, 'IGJ1202', 'which is a problem of its own';
    is $api->get('/api/operations/' . ('0' x 8) . '-0000-0000-0000-'
                 . '0' x 12)->json->{code}, 'IGJ1201', 'an unknown one';
};

$stack->finish;
done_testing;
