#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The list of runnable jobs: what it says, that it is paged by key, and that
# it stays cheap with many jobs and many batches.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

use constant ZERO => '00000000-0000-0000-0000-000000000000';

my $e = Igjobs::Engine->new;

sub runnable {
    my ($limit, $tenant, $job) = @_;
    return $e->all(runnable => $tenant // '', $job // ZERO, $limit // 100);
}

sub turns {
    my ($job) = @_;
    my ($row) = grep { $_->{job_id} eq $job } runnable();
    return $row && "$row->{turns} " . ($row->{wait_ms} // '-');
}

my $job = $e->submit(500, parallelism => 4, tenant => 'a');
is_deeply [runnable()], [{ tenant => 'a', job_id => $job,
    kind => 'scrape_followers', class => 'bulk', parallelism => 4, weight => 1,
    turns => 4, wait_ms => undef }], 'a queued job';
my @c = map { $e->claim($job, tenant => 'a') } 1 .. 3;
is turns($job), '1 -', 'leased batches count';
push @c, $e->claim($job, tenant => 'a');
is turns($job), '0 -', 'nothing to wait for when all of it is leased';
$e->call(give_back => Igjobs::Engine::held($_)) for @c;
is turns($job), '4 -', 'what was given back counts again';

my $small = $e->submit(100, tenant => 'a');
is turns($small), '2 -', 'no more than there are batches';
$e->fail($e->claim($small, tenant => 'a'), 'park', 'quota', 30_000);
is turns($small), '1 -', 'a waiting one does not count';
$e->fail($e->claim($small, tenant => 'a'), 'park', 'quota', 90_000);
like turns($small), qr/^0 (?:2|3)\d{4}$/, 'the earliest of two that wait';

for my $reason (qw(pause cancel)) {
    $e->call(stop_job => 'a', $job, $reason);
    is turns($job), undef, "no turns after a $reason";
}

# pages by key

my %tenant = map { $e->submit(50, tenant => "t$_") => "t$_" } map { $_ % 3 }
    1 .. 25;
my (@pages, $last);
do {
    push @pages, [runnable(7, $last ? @$last{qw(tenant job_id)} : ())];
    $last = $pages[-1][-1];
} while (@{ $pages[-1] } == 7);
my @all = map { "$_->{tenant} $_->{job_id}" } map { @$_ } @pages;
is_deeply \@all, [sort @all], 'in the order of tenant and job';
is scalar @all, 26, 'every job once';

# the cost: buffers read for one round of all jobs

sub fill {
    my ($jobs, $batches) = @_;
    $e->sql(<<"SQL");
truncate public.scrape_jobs, igjobs.batches;
insert into public.scrape_jobs (job_id, tenant, platform, kind, class, phase,
    account_count, total_batches, max_count_per_account, parallelism,
    max_failed_ratio, keep_unknown, target_gender, doc)
select gen_random_uuid(), 't' || n % 10, 'instagram', 'scrape_followers',
    'bulk', 'collect', $batches * 50, $batches, 5, 8, 0.1, true, 'any',
    repeat('x', 900)
from generate_series(1, $jobs) n;
insert into igjobs.batches (job_id, batch_no, tenant, platform, kind, phase,
    account_count, expected)
select job_id, n, tenant, platform, kind, phase, 50, 250
from public.scrape_jobs, generate_series(0, $batches - 1) n;
vacuum analyze public.scrape_jobs, igjobs.batches
SQL
    return;
}

sub buffers {
    my ($limit) = @_;
    my $text = $e->sql('explain (analyze, buffers, timing off, costs off)'
        . " select * from igjobs.runnable('', '@{[ZERO]}', $limit)");

    $text =~ /Buffers: shared hit=(\d+)(?: read=(\d+))?/ or die $text;
    return $1 + ($2 // 0);
}

fill(300, 200);
buffers(300);
my $few = buffers(300);
cmp_ok $few / 300, '<', 20, "300 jobs of 200 batches: $few buffers";
fill(10_000, 2);
buffers(500);
my $many = buffers(500);
cmp_ok $many / 500, '<', 20, "500 of 10,000 jobs: $many buffers";

# without Redis: a claim among 10,000 jobs looks at few batches

my $c = $e->call(claim_any => Igjobs::Engine::KINDS, 'w', 60000);
is $c->{answer}, 'batch', 'a claim among 10,000 jobs';

done_testing;
