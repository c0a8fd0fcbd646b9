#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Limits on waiting work: what is counted, who is refused, and that a refusal
# neither writes anything nor takes others along.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

use constant ROUTE => 'POST /api/scrape-followers';

my $e = Igjobs::Engine->new;
my $api = $e->session(user => 'igjobs_api');

is_deeply refusals(1), ['-'], 'nothing waits, nothing is refused';

# what is counted

my @jobs = map { $e->submit($_) } 1, 120, 50;
my $running = $e->submit(100);
my $c = $e->claim($running);
is count(), '4|8', 'jobs that wait, batches that have not ended';
$e->store_all($c, ids => ['1']);
is count(), '4|7', 'without what has ended';
$e->call(stop_job => 'default', $jobs[0], 'pause');
is count(), '3|6', 'and without jobs that are paused';

# the fleet's limits

limit(max_queued_jobs => 3);
is_deeply refusals(1, 1), [('queue-full') x 2], 'too many jobs';
is written(), 0, 'nothing of them was written';
limit(max_queued_jobs => 4);
is_deeply refusals(1), ['-'], 'one less than the limit';
limit(max_queued_batches => 7);
is_deeply refusals(1), ['queue-full'], 'too many batches';
limit(max_queued_batches => 0, max_queued_jobs => 0);
is_deeply refusals(1), ['-'], 'no limits';

# repeats

my @again = $e->submission(1);
$e->call(submit => @again);
limit(max_queued_jobs => 1);
my $s = $e->call(submit => @again);
is_deeply [@$s{qw(inserted class refusal)}], [JSON::PP::false, 'small', undef],
    'what was stored before is no new submission';
is $e->call(submit => $e->submission(1200))->{refusal}, 'queue-full',
    'a large one is refused, too';

# a tenant's own

limit(max_queued_jobs => 0, max_queued_jobs_per_tenant => 1);
my @ids = map { Igjobs::Engine::job_id() } 1 .. 4;
my @four = ('scrape_followers', [qw(default b default c)],
    [('instagram') x 4], [@ids], [('any') x 4], [1 .. 4],
    [(undef) x 4], [(1) x 4], [map { "account_$_" } 1 .. 4],
    [undef, '{"target_count":7}', undef, undef]);
is_deeply [map { "@{[$_->{refusal} // $_->{class}]}" }
           $e->all(submit_all => @four)],
    ['tenant-queue-full', 'small', 'tenant-queue-full', 'small'],
    'those of others are stored';
is_deeply [map { $e->sql("select max_count_per_account, target_count
    from public.scrape_jobs where job_id = '$_'") } @ids],
    ['', '2|7', '', '4|'], 'as they were asked for';
is $e->sql("select string_agg(accounts, ' ' order by accounts)
    from igjobs.batch_accounts where accounts in
        ('account_1', 'account_2', 'account_3', 'account_4')
        and tenant <> 'default'"), 'account_2 account_4', 'with their accounts';
$e->sql("insert into igjobs.tenants (tenant, max_queued_jobs,
    max_queued_batches) values ('default', 0, null), ('b', 9, 1)");
count();
is_deeply refusals(1), ['-'], 'a tenant without a limit';
is_deeply refusals_of('b', 1), ['tenant-queue-full'], 'one with another';
is_deeply refusals_of('new', 1), ['-'], 'and one that has nothing';

# keys

sub keyed {
    my ($key, $job) = @_;

    return $e->call(submit_with_key => 'scrape_followers', ROUTE, 'default',
        'instagram', $job // Igjobs::Engine::job_id(), 'any', 5, undef, 1,
        'account_1', $key, '\\x00');
}

my $first = keyed('first');
limit(max_queued_jobs => 1);
is keyed('new')->{outcome}, 'queue-full', 'with a key: refused';
is $e->sql("select count(*) from igjobs.idempotency_keys where key = 'new'"),
    0, 'and no key is left';
is keyed('first')->{outcome}, 'replayed', 'the answer to an earlier one';
is keyed('first', $first->{job_id})->{outcome}, 'stored', 'also its own';
limit(max_queued_jobs => 0);
is keyed('new')->{outcome}, 'stored', 'later it is accepted';

# who counts

$e->sql("update igjobs.settings set value = '1'
    where name = 'max_queued_jobs'");
is_deeply refusals(1), ['-'], 'counts are some seconds old';
$e->sql("update igjobs.backlog set counted_at = now() - interval '6 s'");
is_deeply refusals(1), ['queue-full'], 'then a submission counts';

my $other = $e->session;
$other->run('begin');
$other->run('select igjobs.count_backlog(\'0\')');
$e->sql("update igjobs.settings set value = '0'
    where name = 'max_queued_jobs'");
is_deeply refusals(1), ['queue-full'], 'nobody waits for who counts';
$other->run('commit');

done_testing;


sub limit {
    my (%limit) = @_;

    $e->sql("update igjobs.settings set value = '$limit{$_}'
        where name = '$_'") for keys %limit;
    return count();
}

# counts now: jobs, batches
sub count {
    return $e->sql("select jobs, batches from igjobs.count_backlog('0')");
}

# what becomes of jobs of so many accounts, in one statement
sub refusals { return refusals_of('default', @_) }

sub refusals_of {
    my ($tenant, @accounts) = @_;
    my $n = @accounts;

    return [map { $_->{refusal} // '-' } $e->all(submit_all =>
        'scrape_followers', [($tenant) x $n], [('instagram') x $n],
        [map { Igjobs::Engine::job_id() } @accounts], [('any') x $n],
        [(77) x $n], [(undef) x $n], [@accounts],
        [map { join "\n\n", Igjobs::Engine::batches($_) } @accounts])];
}

# jobs of refusals(), and what has no job
sub written {
    return $e->sql('select (select count(*) from public.scrape_jobs
            where max_count_per_account = 77 and created_at > (
                select max(created_at) from public.scrape_jobs
                where max_count_per_account <> 77)) + (
        select count(*) from igjobs.batch_accounts a where not exists (
            select from public.scrape_jobs j where j.job_id = a.job_id))');
}
