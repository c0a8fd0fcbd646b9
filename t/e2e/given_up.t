#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Batches that are given up, as a client sees it: the job still ends, completed
# within its tolerance, failed beyond it; what was found can be read.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Contract;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(worker => { args => ['--sweep=300ms'] });
$stack->start;
my $jobs = $stack->jobs;

# a job whose batches with these accounts the provider refuses for good; they
# are the last ones to end
sub refused {
    my ($batches, @accounts) = @_;

    $stack->sim->faults([map { {
        match => { op => 'start', account => $_ },
        action => { delay_ms => 500,
                    status => { code => 400, type => 'bad-request' } },
    } } @accounts]);
    my $id = $jobs->submit(
        accounts => [map { "source_$_" } 1 .. 50 * $batches],
        targetGender => 'any', totalScrapeCount => 50 * $batches);
    my $status = $jobs->wait_done($id);
    $stack->sim->call('DELETE', '/_sim/faults');

    documents_ok('status', $status);
    is $status->{total_batches}, $batches, 'total_batches';
    is $status->{current_batch}, $batches, 'all batches have ended';
    is $status->{progress}, 100, 'progress 100';
    is $status->{accounts}{failed}, 50 * @accounts, 'their accounts failed';
    is $status->{batches}{failed}, scalar @accounts, 'given-up batches';
    is $status->{total_filtered}, $status->{profiles_scraped},
        'what was found is kept';
    return $status;
}

sub rows_of {
    my ($status) = @_;

    return $stack->psql('select count(*) from public.scrape_results'
                        . " where job_id = '$status->{job_id}'");
}

subtest 'the last of 200 batches' => sub {
    my $status = refused(200, 'source_10000');

    is $status->{status}, 'completed', 'within the tolerance: completed';
    like $status->{error_message}, qr/\b50\b/, 'the message names the number';
    my @profiles = $jobs->results($status->{job_id}, limit => 5000);
    is scalar @profiles, rows_of($status), 'all rows can be read';
};

subtest 'one of two batches' => sub {
    my $status = refused(2, 'source_100');
    my $path = "/api/job-results/$status->{job_id}";

    is $status->{status}, 'failed', 'beyond the tolerance: failed';
    like $status->{error_message}, qr/\b50\b/, 'the message names the number';
    my $refusal = $stack->client->get($path);
    is $refusal->{status}, 400, 'results are refused';
    is $refusal->json->{error}, 'Job is not completed yet (status: failed)',
        'in the words of the original';
    my @profiles = $jobs->results($status->{job_id}, partial => 1);
    is scalar @profiles, rows_of($status), 'and can be read as partial ones';
    cmp_ok scalar @profiles, '>', 0, 'the other batch is there';
};

subtest 'every batch' => sub {
    my $status = refused(3, 'source_1', 'source_60', 'source_150');

    is $status->{status}, 'failed', 'failed';
    is $status->{total_filtered}, 0, 'nothing was found';
    is_deeply [$jobs->results($status->{job_id}, partial => 1)], [],
        'a page without profiles';
};

$stack->finish;
done_testing;
