#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# run: alone
#
# Large jobs through everything: many accounts, and one account with many
# followers. The rows are exactly those of the simulator's world, memory stays
# small, every page of results costs the same. IGJOBS_FULL=1 runs the full size:
# 10,000 accounts with 50 followers each, one account with 200,000.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use List::Util 'sum';
use Test::More;
use Time::HiRes 'time';
use Igjobs::Env;
use Igjobs::Expected;
use Igjobs::Population;
use Igjobs::Stack;
use Igjobs::Wait;

use constant {
    MIB_100 => 100 * 1024,               # KiB, as Igjobs::Env::peak_rss
    CHUNKS => 2,                         # that a page may read more or less
};

my ($accounts, $huge) = $ENV{IGJOBS_FULL} ? (10_000, 200_000)
                                          : (1_000, 20_000);
my $overlap = $ENV{IGJOBS_OVERLAP} // 2;
my $world = Igjobs::Population->new(overlap => $overlap);
my $stack = Igjobs::Stack->new(
    sim => { args => ['--overlap', $overlap] },
    nginx => { worker_processes => 2 });
$stack->start(qw(postgres redis sim nginx worker));
$stack->add_worker(name => 'second');

my $jobs = $stack->jobs;
my @names = map { sprintf 'source_%05d', $_ } 1 .. $accounts;

# a job's final status, and how long it took as the job itself says
sub run_job {
    my (%request) = @_;
    my $from = time;
    my $id = $jobs->submit(targetGender => 'any', %request);
    my $submitted = time - $from;
    my (%progress, $status);

    wait_for {
        $status = $jobs->status($id);
        $progress{$status->{progress}} = 1;
        $status->{status} =~ /^(?:completed|failed)$/;
    } 900, 'the job to end';
    diag sprintf 'submitted in %.2f s, ended after %.1f s; %d steps of'
        . ' progress seen', $submitted, time - $from, scalar keys %progress;
    is $status->{status}, 'completed', 'completed';
    return ($status, %progress);
}

# all pages; decoding JSON in Perl would take longer than the job
sub results {
    my ($id) = @_;
    my $from = time;
    my @profiles;

    for (my $page = 1; ; $page++) {
        my $body = $stack->client->get(
            "/api/job-results/$id?page=$page&limit=5000")->{body};
        my $before = @profiles;
        push @profiles, { id => $1, username => $2, full_name => $3 }
            while $body =~ /\{"id":"([^"]*)","username":"([^"]*)",
                            "full_name":"([^"]*)","created_at":/gx;
        last if @profiles - $before < 5000;
    }
    diag sprintf '%d profiles read in %.1f s', scalar @profiles, time - $from;
    return @profiles;
}

# rows and buffers that one statement for a page reads
sub reads_of_page {
    my ($id, $page) = @_;
    my $first = ($page - 1) * 1000;
    my @lines = split /\n/, $stack->psql(<<"SQL");
        select count(*) from igjobs.result_rows('default', '$id', 0, 1, ';');
        begin;
        select 'rows', sum(n)
        from igjobs.result_rows('default', '$id', $first, 1000, ';');
        select 'read', sum(seq_tup_read + coalesce(idx_tup_fetch, 0))
        from pg_stat_xact_all_tables
        where relname like 'chunk_rows%' or relname = 'chunks';
        commit;
        explain (analyze, buffers, timing off, summary off)
        select * from igjobs.result_rows('default', '$id', $first, 1000, ';');
SQL
    my %reads = map { /^(rows|read)\|(\d+)/ ? ($1, $2) : () } @lines;
    $reads{buffers} = sum map { /(?:hit|read)=(\d+)/g }
                          grep { /Buffers/ && ++$reads{lines} == 1 } @lines;
    diag "page $page: $reads{rows} rows, $reads{read} read,"
        . " $reads{buffers} buffers";
    return %reads;
}

subtest "$accounts accounts" => sub {
    my ($status) = run_job(accounts => \@names,
                           totalScrapeCount => 50 * $accounts);
    my $expected = Igjobs::Expected->new($world, \@names, 50);
    my @profiles = results($status->{job_id});
    my $rows = keys %{ $expected->people };

    is $status->{total_scraped}, $expected->total_scraped, 'total_scraped';
    is $status->{total_filtered}, $rows, 'total_filtered';
    is $status->{current_batch}, $accounts / 50, 'every batch';
    is digest_of(@profiles), $expected->digest, 'exactly the rows expected';
    diag 'SHA-256 ' . $expected->digest;

    my $ledger = $stack->sim->ledger;
    is $ledger->{runs_started}, $accounts / 50, 'a run for each batch';
    is_deeply $ledger->{repeated_inputs}, [], 'and none twice';
    is $ledger->{items_delivered_distinct}, 50 * $accounts,
        'all items were fetched';

    my $last = int($rows / 1000);
    my %first = reads_of_page($status->{job_id}, 1);
    for my $page ($last, $last + 1) {
        my %reads = reads_of_page($status->{job_id}, $page);
        cmp_ok $reads{read}, '<=', $first{read} + 2 * CHUNKS,
            "page $page reads as few chunks";
        cmp_ok $reads{buffers}, '<=', 5 * $first{buffers},
            "page $page reads a bounded number of buffers";
    }
};

subtest "one account with $huge followers" => sub {
    my ($status, %progress) = run_job(accounts => ["huge_$huge"],
                                      totalScrapeCount => $huge);
    my $expected = Igjobs::Expected->new($world, ["huge_$huge"], $huge);

    is $status->{total_filtered}, $huge, 'total_filtered';
    is $status->{total_batches}, 1, 'one batch';
    cmp_ok scalar(grep { $_ > 0 && $_ < 100 } keys %progress), '>', 0,
        'progress moves inside the account';
    is digest_of(results($status->{job_id})), $expected->digest,
        'exactly the rows expected';
};

my @nginx = map { Igjobs::Env::peak_rss($_) } $stack->nginx->workers;
my @workers = map { Igjobs::Env::peak_rss($_->pid) } $stack->of_kind('Worker');
diag sprintf 'peak memory: nginx %s MiB, workers %s MiB',
    map { join ' + ', map { sprintf '%.1f', $_ / 1024 } @$_ }
    \@nginx, \@workers;
SKIP: {
    skip 'sanitizers need memory of their own', 2 if Igjobs::Env::sanitized();
    cmp_ok sum(@nginx), '<', MIB_100, 'all nginx workers together: 100 MiB';
    is_deeply [grep { $_ >= MIB_100 } @workers], [], 'each worker: 100 MiB';
}

$stack->finish;
done_testing;
