#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A long queue: turns stay few, small jobs do not wait for large ones, tenants
# alternate, and a fleet that is idle or blocked asks for nothing.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Queue;
use Igjobs::Stack;
use Igjobs::Wait;

my $bulk = 'igjobs:{q}:turns:scrape_followers:bulk';
my $stack = Igjobs::Stack->new(
    postgres => { settings => { track_functions => 'all' } },
    sim => { args => ['--run-ms', 20] },
    worker => { args => ['--lanes=8', '--sweep=200ms'] });
$stack->start(qw(postgres redis sim worker));
my $queue = Igjobs::Queue->new($stack);

sub calls {
    my ($function) = @_;
    return $stack->psql('select coalesce(sum(calls), 0)'
        . " from pg_stat_user_functions where funcname = '$function'") || 0;
}

# claims that the fleet makes in the course of so many sweeps
sub claims_in_sweeps {
    my ($sweeps) = @_;
    my ($claims, $from) = (calls('claim'), calls('lead'));

    wait_for { calls('lead') >= $from + 2 * $sweeps } 60, 'sweeps';
    return calls('claim') - $claims;
}

# the same jobs of 200 batches with an account each
sub many_jobs {
    my ($jobs, $tenant) = @_;

    return $stack->psql(<<"SQL");
        select count(*) from generate_series(1, $jobs) n, lateral igjobs.submit(
            '$tenant', 'instagram',
            (lpad(to_hex((1000 * extract(epoch from now()))::bigint), 12, '0')
             || '7000' || '8' || substr(md5('$tenant' || n), 1, 15))::uuid,
            'scrape_followers', '{"target_gender": "any",
            "max_count_per_account": 1, "keep_unknown": true}', 10000, 200,
            array(select 'source_' || b from generate_series(1, 200) b))
SQL
}

sub ended_batches {
    return $stack->psql("select count(*) from igjobs.batches"
        . " where state in ('done', 'dead')");
}

# idle
cmp_ok claims_in_sweeps(10), '<=', 2, 'an idle fleet asks for nothing';

# 300 jobs of 200 batches
is many_jobs(300, 'large'), 300, '300 jobs of 200 batches are queued';
my $most = 0;
wait_for {
    my $n = $stack->redis->command('ZCARD', $bulk);
    $most = $n if $n > $most;
    ended_batches() > 200
} 60, 'the work to begin';
cmp_ok $most, '>', 300, 'every job has turns';
cmp_ok $most, '<=', 300 * 8, 'at most parallelism x jobs';

# a small job submitted last
my $small = $queue->submit(accounts => [names(1)], max_count => 1);
my $before = ended_batches();
is $queue->wait_end($small)->{state}, 'completed', 'a small job ends';
cmp_ok ended_batches() - $before, '<', 200,
    'while the 60,000 batches before it wait';

# a bulk job of another tenant does not queue behind the first tenant's jobs
many_jobs(1, 'other');
$before = ended_batches();
wait_for { $stack->psql("select batches_done from public.scrape_jobs"
               . " where tenant = 'other'") >= 20 } 60,
    "the other tenant's job";
cmp_ok ended_batches() - $before, '<', 400, 'tenants alternate';
cmp_ok $stack->redis->command('ZCARD', $bulk), '<=', 301 * 8,
    'the number of turns stays bounded';

# no room for the kind: the turns are parked, and nobody asks again and again
$stack->psql("select igjobs.set_cap('kind:scrape_followers', 0)");
wait_for { $stack->redis->command('ZCARD', $bulk) == 0 } 60,
    'all turns to be parked';
my $parked = $stack->redis->command(
    'ZCARD', 'igjobs:{q}:parked:kind:scrape_followers');
cmp_ok $parked, '>', 300, 'turns of a full scope are parked';
cmp_ok $parked, '<=', 301 * 8, 'and counted as turns';
cmp_ok claims_in_sweeps(10), '<=', 2, 'a blocked fleet asks for nothing';

# two at a time, then without a cap
$stack->psql("select igjobs.set_cap('kind:scrape_followers', 2)");
$before = ended_batches();
wait_for { ended_batches() > $before + 20 } 60, 'work under a cap';
cmp_ok $queue->count('batches', "state = 'leased'"), '<=', 2, 'two at a time';
$stack->psql("select igjobs.set_cap('kind:scrape_followers', null)");
wait_for { $queue->count('batches', "state = 'leased'") > 2 } 60,
    'more than two without the cap';
pass 'more than two without the cap';

$stack->finish;
done_testing;
