#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A COMMIT whose outcome is unknown: the caller sends the same call again.
# Every function then changes nothing more and answers what the first call did.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;

# all rows of a job, without the times at which they were written
sub snapshot {
    my ($job) = @_;

    return $e->sql(join ' union all ', map {
        "select to_jsonb(t) - '{intent_at,not_before,updated_at}'::text[]"
        . "  || '{\"table\": \"$_\"}' from $_ t where job_id = '$job'"
    } qw(public.scrape_jobs public.scrape_results igjobs.batches
         igjobs.job_profiles igjobs.batch_accounts igjobs.runs igjobs.chunks igjobs.slots));
}

$e->sql("select igjobs.set_cap('tenant:default', 1000)");

# name => [answers of the first and the second call, what makes the call]
my %calls = (
    submit => ['true', 'false', sub { $e->submission(120) }],
    run_intent => ['ok', 'ok', sub { my ($c) = @_;
        return (Igjobs::Engine::held($c), 'p', 'a', undef, 1000) }],
    run_started => ['ok', 'ok', sub { my ($c) = @_;
        $e->call(run_intent => Igjobs::Engine::held($c), 'p', 'a', undef, 1);
        return (Igjobs::Engine::held($c), 0, 'R', 'D') }],
    run_refused => ['ok', 'ok', sub { my ($c) = @_;
        $e->call(run_intent => Igjobs::Engine::held($c), 'p', 'a', undef, 1);
        return (Igjobs::Engine::held($c), 0) }],
    split_run => ['split', 'repeated', sub { my ($c) = @_;
        return (Igjobs::Engine::held($c), $e->start_run($c), 'failed', 1,
                ['a', 'b'], { c => 'private' }, 1) }],
    'store_page page' => ['stored', 'repeated', sub { my ($c) = @_;
        return $e->page($c, $e->start_run($c), ids => [1 .. 5], cost => 1,
            outcomes => { a => 'ok' }, accounts_failed => 1) }],
    'store_page close' => ['stored', 'repeated', sub { my ($c) = @_;
        return $e->page($c, $e->start_run($c), ids => [1 .. 5], close => 1) }],
    'store_page empty' => ['stored', 'repeated', sub { my ($c) = @_;
        return $e->page($c, $e->start_run($c), close => 1) }],
    'fail_batch retry' => ['queued', 'queued', sub { my ($c) = @_;
        return (Igjobs::Engine::held($c), 'retry', 'error', undef) }],
    'fail_batch park' => ['queued', 'queued', sub { my ($c) = @_;
        return (Igjobs::Engine::held($c), 'park', 'quota', undef) }],
    'fail_batch dead' => ['dead', 'dead', sub { my ($c) = @_;
        return (Igjobs::Engine::held($c), 'dead', 'poison', undef) }],
    give_back => ['queued', 'queued',
        sub { return Igjobs::Engine::held($_[0]) }],
    stop_job => ['stopped', 'unchanged', sub { my ($c) = @_;
        return ($c->{tenant}, $c->{job_id}, 'cancel') }],
    sweep_job => ['1 0', '0 0', sub { my ($c) = @_;
        $e->run_out($c->{job_id});
        return ($c->{tenant}, $c->{job_id}) }],
    book_run => ['booked', 'repeated', sub { my ($c) = @_;
        $e->start_run($c, run_id => 'R');
        $e->call(stop_job => @$c{qw(tenant job_id)}, 'cancel');
        $e->call(give_back => Igjobs::Engine::held($c));
        return (@$c{qw(tenant job_id batch_no)}, 0, 'aborted', 1, 'R') }],
);

sub answer {
    my ($row) = @_;
    my ($only) = values %$row;

    return "$row->{requeued} $row->{dead}" if exists $row->{requeued};
    return $row->{inserted} ? 'true' : 'false' if exists $row->{inserted};
    return keys %$row == 1 ? $only : $row->{answer};
}

for my $name (sort keys %calls) {
    my ($first, $second, $prepare) = @{ $calls{$name} };
    my $c = $name eq 'submit' ? undef : $e->claim($e->submit(120));
    my ($function) = split ' ', $name;
    my @call = $prepare->($c);
    my $job = $c ? $c->{job_id} : $call[2];

    my $before = snapshot($job);
    is answer($e->call($function => @call)), $first, "$name: $first";
    my $after = snapshot($job);
    isnt $after, $before, 'changes rows' if $name ne 'submit';
    is answer($e->call($function => @call)), $second, "again: $second";
    is snapshot($job), $after, 'changes nothing more';
}

# a claim that nobody heard of: the lease runs out and is swept

my $job = $e->submit(1);
$e->claim($job);
is $e->claim($job)->{answer}, 'none', 'the batch of an unanswered claim waits';
$e->run_out($job);
$e->call(sweep_job => 'default', $job);
is $e->claim($job)->{attempt}, 2, 'until its lease has run out';

# renew says the same again
my $c = $e->claim($e->submit(1));
my @renew = (renew => map { ["$c->{$_}"] } qw(job_id batch_no attempt));
is $e->call(@renew, 60000)->{verdict}, 'ok', "renew $_" for 1, 2;

done_testing;
