#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Erasing a job: hidden from the call on, its rows go step by step, what works
# for it comes to its end first; the audit log stays.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my $json = JSON::PP->new->canonical;

# api($function, $job, %body): the whole answer
sub api {
    my ($function, $job, %body) = @_;

    return $e->call("api_$function", '{"tenant":"default"}',
        $json->encode({ job => $job, body => \%body }));
}

sub said {
    my $a = api(@_);
    my $body = $json->decode($a->{body});

    return join ' ', $a->{status}, $body->{problem}
        // ($body->{erased} ? 'erased' : 'erasing');
}

# rows($job): how many of the job are left, by table
sub rows {
    my ($job) = @_;

    return join ' ', map { $e->sql("select count(*) from $_"
        . " where job_id = '$job'") } qw(igjobs.job_profiles igjobs.chunk_rows
        igjobs.chunks
        igjobs.batch_accounts igjobs.batches igjobs.runs public.scrape_jobs);
}

sub steps { my $n = 0; $n++ while $e->value(erase_step => $_[0]); return $n }

sub finish {
    my ($job) = @_;
    while ((my $c = $e->claim($job))->{answer} eq 'batch') {
        $e->store_all($c, ids => [map { $c->{batch_no} * 100 + $_ } 1 .. 30]);
    }
    return;
}

# a job that has ended

my $kept = $e->submit(150);
my $job = $e->submit(150);
finish($_) for $kept, $job;
is rows($job), '90 3 3 3 3 3 1', 'a job of 90 results';
my $version = $e->doc($job)->{version};
my $a = api(delete_job => $job, reason => 'asked to');
is "$a->{status} $a->{body}",
    qq(202 {"success":true,"job_id":"$job","erased":false}), 'is erased';
my $doc = $json->decode($a->{doc});
is_deeply [@$doc{qw(version erased status state completion_reason
                    profiles_scraped error_message)}],
    [$version + 1, JSON::PP::true, 'failed', 'canceled', 'canceled', 0,
     'Job was erased'], 'its last document';
is rows($job), '90 3 3 3 3 3 1', 'no row has gone yet';

for my $function (qw(job job_accounts cancel pause resume)) {
    is api($function => $job)->{status}, 404, "$function: there is none";
}
is $e->sql("select count(*) from igjobs.job_documents"
    . " where job_id = '$job'"), 0, 'no status';
is scalar $e->all(job_page => 'default', $job), 0, 'no results';
unlike $e->call(api_jobs => '{"tenant":"default"}', '{}')->{body}, qr/$job/,
    'not in the list';
is $e->call(reopen_job => 'default', $job, 'redrive', undef, undef,
    undef)->{answer}, 'unknown', 'cannot be redriven';
is said(delete_job => $job), '202 erasing', 'once more';

$e->value(erase_step => 40);
is rows($job), '90 2 3 3 3 3 1', 'a step takes a piece';
is steps(40), 8, 'a few more the rest';
is rows($job), '0 0 0 0 0 0 0', 'nothing is left';
is said(delete_job => $job), '200 erased', 'and says so';
is $e->sql("select action || ' ' || reason || ' ' || (detail ->> 'profiles')"
    . " from igjobs.audit_log where job_id = '$job'"), 'erase asked to 90',
    'but who erased it';
is rows($kept), '90 3 3 3 3 3 1', 'the other job is as it was';
is steps(40), 0, 'nothing more to do';

# one that runs: its lanes and runs come to their end first

$job = $e->submit(150);
my $c = $e->claim($job);
my $run = $e->start_run($c);
$e->store($c, $run, ids => [1 .. 10], to => 10);
my $idle = $e->claim($job);
is said(delete_job => $job), '202 erasing', 'a running job';
is steps(1000), 0, 'nothing goes while batches are in work';
is $e->store($c, $run, ids => [11 .. 20], from => 10, to => 20)->{answer},
    'stored', 'a page that was on its way is stored';
$e->call(give_back => Igjobs::Engine::held($_)) for $c, $idle;
is $e->sql("select state from public.scrape_jobs where job_id = '$job'"),
    'canceled', 'the job ends';
steps(1000);
my ($profiles, $results, $chunks, $accounts) = split ' ', rows($job);
is "$profiles $results $chunks $accounts", '0 0 0 0', 'what it found is gone';
is $e->sql("select count(*) from igjobs.orphan_runs(100)"
    . " where job_id = '$job'"), 1, 'its open run is left to the reaper';
$e->call(book_run => 'default', $job, $c->{batch_no}, $run,
    'aborted', 0.5, $e->sql("select run_id from igjobs.runs where job_id ="
    . " '$job' and run_id is not null"), undef);
steps(1000);
is rows($job), '0 0 0 0 0 0 0', 'and then the rest goes';

# runs beside its batches: strays, and starts that may still be carried out

$job = $e->submit(50);
$c = $e->claim($job);
$run = $e->start_run($c);
$e->value(run_stray => 'default', $job, 0, $run, 'twin');
$e->store($c, $run, ids => [1], close => 1);
is said(delete_job => $job), '202 erasing', 'a stray run';
steps(1000);
is $e->sql("select run_id from igjobs.orphan_runs(100)"
    . " where job_id = '$job'"), 'twin', 'is left to the reaper';
$e->call(book_run => 'default', $job, 0, $run + 1, 'aborted', 0.5, 'twin');
$e->sql("update igjobs.runs set look_at = now() + interval '1 minute'"
    . " where job_id = '$job' and run_id = 'twin'");
steps(1000);
is $e->sql("select count(*) from igjobs.runs where job_id = '$job'"), 2,
    'a token that is still looked for stays';
$e->sql("update igjobs.runs set look_at = null where job_id = '$job'");
steps(1000);
is rows($job), '0 0 0 0 0 0 0', 'then they go';

# one that nobody has begun, and what is none

$job = $e->submit(50);
is said(delete_job => $job), '202 erasing', 'a queued job';
steps(1000);
is rows($job), '0 0 0 0 0 0 0', 'is gone';
is said(delete_job => '0199e1f5-7c1a-7b3e-9c55-000000000000'),
    '404 job-not-found', 'an unknown job';
is said(delete_job => 'x'), '404 job-not-found', 'no id';
is said(delete_job => $kept, reason => 1), '400 invalid-member', 'a reason';
is $e->call(api_delete_job => '{"tenant":"other"}',
    $json->encode({ job => $_, body => {} }))->{status}, 404,
    "another tenant's" for $kept, $job;

done_testing;
