#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A job that failed is redriven over HTTP: what clients old and new see, what
# they read in the end, and what the provider was paid.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Contract;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(
    worker => { args => ['--sweep=300ms', '--beat=200ms'] });
$stack->start;
$stack->psql("update igjobs.settings set value = '2'"
    . " where name = 'max_redrives'");
my $jobs = $stack->jobs;
my $http = $stack->client;

sub redrive {
    my ($job, $body) = @_;
    my $r = $http->post_json("/api/jobs/$job/redrive", $body // {});

    return wantarray ? ($r, said($r)) : said($r);
}

sub said {
    my ($r) = @_;
    return "$r->{status} " . ($r->json->{state} // $r->json->{code});
}

# 100 accounts of 10, the provider refuses for good to start what has one of
# these
sub failed_job {
    $stack->sim->faults([map { {
        match => { op => 'start', account => $_ },
        action => { status => { code => 400, type => 'bad-request' } },
    } } @_]);
    my $job = $jobs->submit(accounts => [map { "source_$_" } 1 .. 100],
                            targetGender => 'any', totalScrapeCount => 1000);
    my $status = $jobs->wait_done($job);
    $stack->sim->call('DELETE', '/_sim/faults');
    return ($job, $status);
}

subtest 'a job that failed' => sub {
    my $billed = $stack->sim->ledger->{items_billed};
    my ($job, $failed) = failed_job('source_60');
    is $failed->{status}, 'failed', 'half of it failed';
    my $accounts = $http->get("/api/jobs/$job/accounts?outcome=failed"
                              . '&page_size=1')->json->{accounts}[0];
    is_deeply $accounts, { account => 'source_51', outcome => 'failed',
                           error_class => 'rejected' }, 'and why';
    is redrive($job, { error_class => 'blocked' }), '409 IGJ0410',
        'none failed like that';

    # held back, so that the job can be looked at while it runs
    $stack->worker->signal('STOP');
    my ($r, $said) = redrive($job, { error_class => 'rejected',
                                     reason => 'the input is mended' });
    is $said, '200 running', 'redriven';
    documents_ok('status', $r->json);
    is_deeply $jobs->status($job), $r->json, 'the status says so at once';
    is $r->json->{status}, 'processing', 'old clients wait on';
    is $http->get("/api/job-results/$job")->{status}, 400,
        'results are not complete';
    is redrive($job, { error_class => 'rejected',
                       reason => 'the input is mended' }), '200 running',
        'the same call once more';
    is redrive($job, { reason => 'another' }), '409 IGJ0410',
        'another one is refused';
    my $details = $http->get("/api/jobs/$job")->json;
    is $details->{redrives}, 1, 'counted once';
    my ($entry) = @{ $details->{audit} };
    like delete $entry->{at}, qr/^20\d\d-.*\+00:00$/, 'when';
    is_deeply $details->{audit}, [{ action => 'redrive',
        reason => 'the input is mended', detail => {
            error_class => 'rejected', batches => 1, failed_accounts => 50 },
    }], 'what and why';
    $stack->worker->signal('CONT');

    my $status = $jobs->wait_done($job);
    is $status->{status}, 'completed', 'it ends again';
    is $status->{error_message}, undef, 'without an error';
    cmp_ok $status->{version}, '>', $failed->{version}, 'a later version';
    my @profiles = $jobs->results($job, limit => 5000);
    my %id = map { $_->{id} => 1 } @profiles;
    is keys %id, @profiles, 'no profile twice';
    is $status->{total_filtered}, @profiles, 'as many as it says';
    is $stack->sim->ledger->{items_billed} - $billed, 1000, 'all paid once';
    is redrive($job), '409 IGJ0410', 'nothing is left';
    is $http->post_json("/api/jobs/$job/redrive", {})->json->{detail},
        'Nothing is left to be done.', 'it says';
};

subtest 'the ceiling' => sub {
    my ($job) = failed_job('source_60');
    $stack->sim->faults([{ match => { op => 'start' }, action => {
        status => { code => 400, type => 'bad-request' } } }]);
    for (1, 2) {
        is redrive($job), '200 running', "redrive $_";
        $jobs->wait_done($job);
    }
    my ($r, $said) = redrive($job);
    is $said, '409 IGJ0411', 'no third time';
    is $r->json->{detail}, 'The job has been redriven 2 times.', 'it says';
    $stack->sim->call('DELETE', '/_sim/faults');
};

subtest 'a canceled job' => sub {
    $stack->worker->stop;
    my $job = $jobs->submit(accounts => ['source_1'], targetGender => 'any',
                            totalScrapeCount => 10);
    is redrive($job), '409 IGJ0410', 'a queued one is not redriven';
    $http->post_json("/api/jobs/$job/cancel", {});
    is redrive($job, { max_seconds => 3600, max_cost_usd => 2.5,
                       target_count => undef }), '200 queued',
        'it is queued again';
    my $request = $http->get("/api/jobs/$job")->json->{request};
    is $request->{max_cost_usd}, 2.5, 'with new limits';
    $stack->worker->start;
    is $jobs->wait_done($job)->{status}, 'completed', 'and runs';
};

subtest 'faulty calls' => sub {
    my $job = $jobs->submit(accounts => ['source_1'], targetGender => 'any',
                            totalScrapeCount => 10);
    my $status = $jobs->wait_done($job);
    my %bad = (
        error_class => ['none', 1, []], reason => [1, {}],
        max_seconds => [0, 1.5, '60', 2592001], max_cost_usd => [0, -1, '1'],
        target_count => [0, 1.5], stop_when => [1, { half_width => 0.5 }]);
    for my $member (sort keys %bad) {
        for my $value (@{ $bad{$member} }) {
            my ($r, $said) = redrive($job, { $member => $value });
            is $said, '400 IGJ0109', "$member " . (ref $value || $value);
            is $r->json->{errors}[0]{pointer}, "#/$member", 'which';
        }
    }
    is redrive('0199e1f5-7c1a-7b3e-9c55-000000000000'), '404 IGJ0401',
        'no job';
    is_deeply $jobs->status($job), $status, 'nothing has changed';
};

$stack->finish;
done_testing;
