#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# igjobs, the command: cancel, pause, resume, redrive and erase jobs of a
# running stack.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Igjobs::Command;
use Igjobs::Stack;
use Igjobs::Wait;

# runs that do not end by themselves, so that a job stays where it is
my $stack = Igjobs::Stack->new(
    sim => { args => ['--run-ms', 600_000, '--usage-final-ms', 0] },
    worker => { args => ['--lanes=2', '--beat=200ms', '--sweep=300ms'] });
$stack->start;
my $igjobs = Igjobs::Command->new(
    'http://127.0.0.1:' . $stack->nginx->port);
my $json = JSON::PP->new->utf8;

sub submit {
    my ($id) = $igjobs->run([qw(submit natgeo nasa --per-account 5)])->{out}
        =~ /(\S+)/;
    return $id;
}

sub state { return $stack->jobs->status($_[0])->{state} }

sub record {
    my ($id) = @_;

    return $stack->psql("select string_agg(action || ':' || coalesce(reason,"
        . " '-'), ' ' order by audit_id) from igjobs.audit_log"
        . " where job_id = '$id'");
}

subtest 'pause and resume' => sub {
    my $id = submit();
    wait_for { state($id) eq 'running' } 30, 'the job to run';
    my $r = $igjobs->run(['pause', $id, '--reason', "it's late"]);
    is $r->{status}, 0, 'paused' or diag $r->{err};
    like $r->{out}, qr/^status +paused$/m, 'when it has wound down';
    is state($id), 'paused', 'it is';

    $r = $igjobs->run(['resume', '--json', $id, '--max-cost', '2.5']);
    is $r->{status}, 0, 'resumed';
    is $json->decode($r->{out})->{state}, 'running', 'its document';
    is $stack->psql('select max_cost_usd from public.scrape_jobs'
        . " where job_id = '$id'"), '2.500000', 'with a budget';
    is record($id), "pause:it's late resume:-", 'the record';

    $r = $igjobs->run(['pause', '--no-wait', '--json', $id]);
    like $json->decode($r->{out})->{state}, qr/^(?:stopping|paused)\z/,
        'without waiting';
    is $igjobs->run(['cancel', $id])->{status}, 0, 'canceled';
    is state($id), 'canceled', 'it is';
    $r = $igjobs->run(['pause', $id]);
    is $r->{status}, 2, 'cannot be paused any more';
    like $r->{err}, qr/409 IGJ0410\).*\n.*canceled/, 'says why';
};

subtest 'explain' => sub {
    my $id = submit();
    wait_for { state($id) eq 'running' } 30, 'the job to run';
    my $r = $igjobs->run(['explain', $id]);
    is $r->{status}, 0, 'explained' or diag $r->{err};
    like $r->{out}, qr/^held by    nothing\nwhy        The job runs: 1 batch/,
        'in words';
    is $json->decode($igjobs->run(['explain', '--json', $id])->{out})->{cause},
        'nothing', 'as JSON';
    is $igjobs->run(['pause', $id, '--reason', 'lunch'])->{status}, 0, 'paused';
    like $igjobs->run(['explain', $id])->{out}, qr/^held by    paused\n.*lunch/,
        'what holds it';
    is $igjobs->run(['cancel', $id])->{status}, 0, 'canceled';
    is $igjobs->run(['explain', '0199e1f5-7c1a-7b3e-9c55-000000000000'])
        ->{status}, 4, 'no such job';
};

subtest 'redrive' => sub {
    my $id = submit();
    $igjobs->run(['cancel', $id]);
    my $r = $igjobs->run(['redrive', $id, '--reason', 'after all', '--json']);
    is $r->{status}, 0, 'redriven' or diag $r->{err};
    like $json->decode($r->{out})->{state}, qr/^(?:queued|running)\z/,
        'it is at work';
    is record($id), 'cancel:- redrive:after all', 'the record';
    $r = $igjobs->run(['redrive', $id, '--error-class', 'none']);
    is $r->{status}, 2, 'an unknown class';
    like $r->{err}, qr{#/error_class}, 'is named';
    wait_for { $stack->sim->ledger->{runs_active} == 1 } 30, 'its run';
    $stack->sim->call('POST', '/_sim/advance?ms=700000');
    $stack->jobs->wait_done($id);
    is state($id), 'completed', 'and comes to its end';
};

subtest 'erase' => sub {
    my $id = submit();
    wait_for { state($id) eq 'running' } 30, 'the job to run';
    my $r = $igjobs->run(['erase', $id, '--reason', 'asked to']);
    is $r->{status}, 0, 'erased' or diag $r->{err};
    is $igjobs->run(['status', $id])->{status}, 4, 'there is no such job';
    is $stack->psql('select count(*) from public.scrape_jobs'
        . " where job_id = '$id'"), 0, 'nothing is left';
    $r = $igjobs->run(['erase', '--json', $id]);
    is $json->decode($r->{out})->{erased}, JSON::PP::true, 'once more';
    is $stack->sim->ledger->{runs_active}, 0, 'no run is at work';
};

subtest 'mistakes' => sub {
    is $igjobs->run([$_, 'x'])->{status}, 2, "$_: no id"
        for qw(cancel pause resume redrive erase);
    is $igjobs->run([$_, '0199e1f5-7c1a-7b3e-9c55-000000000000'])->{status},
        4, "$_: an unknown job" for qw(cancel pause resume redrive erase);
    is $igjobs->run(['resume', '0199e1f5-7c1a-7b3e-9c55-000000000000',
        '--max-cost', 'x'])->{status}, 2, 'no amount of money';
};

$stack->finish;
done_testing;
