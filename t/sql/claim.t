#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Claims: what they answer and write, parallelism, caps, many at once, and the
# choice of a job without Redis.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Igjobs::Engine;

my $e = Igjobs::Engine->new;

# the first claim starts the job

my $job = $e->submit(120, max_count => 7, gender => 'male', parallelism => 2);
my $c = $e->claim($job, worker => 'one');
is_deeply [@$c{qw(answer tenant job_id batch_no attempt kind class phase
                  failures losses version scope wait_ms)}],
    ['batch', 'default', $job, 0, 1, 'scrape_followers', 'small', 'collect',
     0, 0, 2, undef, undef], 'a batch';
is $c->{accounts}, join("\n", map { "account_$_" } 1 .. 50), 'its accounts';
is_deeply $c->{runs}, [], 'no runs yet';
is $c->{outcomes}, undef, 'nor outcomes';
is_deeply $c->{job}, {
    platform => 'instagram', target_gender => 'male', parallelism => 2,
    keep_unknown => JSON::PP::true, max_count_per_account => 7,
    total_batches => 3, account_count => 120 }, 'what it must know of the job';

my $doc = $e->doc($job);
is_deeply [@$doc{qw(version status state)}], [2, 'processing', 'running'],
    'the job runs';
ok defined $doc->{started_at}, 'since now';
is $c->{doc}, $e->row($job)->{doc}, 'the claim answers the document';

my $b = $e->batch($job, 0);
is_deeply [@$b{qw(state attempt worker)}], ['leased', 1, 'one'], 'the lease';
is $e->sql('select round(extract(epoch from lease_until - now()) / 10)'
    . " from igjobs.batches where job_id = '$job' and batch_no = 0"), 6,
    'is 60 s long';

my $second = $e->claim($job);
is $second->{batch_no}, 1, 'the next batch';
is $second->{doc}, undef, 'this claim changed no document';
is $e->claim($job)->{answer}, 'none', 'none beyond the parallelism';

# a new batch comes with the intent of its first run, where a worker says whose

my $bought = $e->submit(100);
my @named = ($bought, kinds => ['other_kind', 'scrape_followers'],
             providers => [undef, 'apify'], actors => [undef, 'a~b']);
my $first = $e->claim(@named);
like $first->{token}, qr/^[0-9a-f-]{36}$/, 'a claim with a token';
is_deeply [map { [@$_{qw(run_no attempt state token provider actor accounts)}] }
           $e->runs($bought, 0)],
    [[0, 1, 'intent', $first->{token}, 'apify', 'a~b', undef]],
    'which is that of an intent for the whole batch';
is_deeply [@{ $e->call(run_intent => Igjobs::Engine::held($first), 'apify',
                       'a~b', undef, 1000) }{qw(answer run_no token)}],
    ['ok', 0, $first->{token}], 'run_intent answers the same';
$e->call(give_back => Igjobs::Engine::held($first));
my $again = $e->claim(@named);
is $again->{token}, undef, 'a later attempt gets none';
is $again->{runs}[0]{token}, $first->{token}, 'it finds what there was';
is $e->claim($bought, kinds => ['scrape_followers'], providers => [undef],
             actors => [undef])->{token}, undef, 'nor does a kind without one';

# what is not there

$e->call(give_back => Igjobs::Engine::held($second));
is $e->call(claim => 'default', $job, ['other_kind'], 'w', 1000)->{answer},
    'none', 'a worker gets only kinds that it serves';
is $e->claim($job, tenant => 'other')->{answer}, 'none',
    'a job of another tenant is not there';
is $e->claim(Igjobs::Engine::job_id())->{answer}, 'none', 'nor an unknown one';

# batches that wait for a time

my $late = $e->submit(100);
for (1 .. 2) {
    $e->fail($e->claim($late), 'park', 'quota', 5000 * $_);
}
my $later = $e->claim($late);
is $later->{answer}, 'later', 'all batches wait';
cmp_ok $later->{wait_ms}, '>', 3000, 'wait_ms is that of the earliest';
cmp_ok $later->{wait_ms}, '<=', 5000, 'and not of the latest';

# caps: slots of the whole fleet

$e->sql("select igjobs.set_cap('tenant:capped', 2)");
$e->sql("select igjobs.set_cap('kind:scrape_followers', 100)");
my @capped = map { $e->submit(100, tenant => 'capped') } 1 .. 2;
my @held = map { $e->claim($capped[$_], tenant => 'capped') } 0, 1;
is_deeply [map { $_->{answer} } @held], ['batch', 'batch'], 'two slots';
my $full = $e->claim($capped[0], tenant => 'capped');
is_deeply [@$full{qw(answer scope)}], ['capped', 'tenant:capped'],
    'the third is refused, with the scope';
is $e->batch($capped[0], 1)->{state}, 'queued', 'its batch is untouched';
is $e->value(free_slots => 'tenant:capped'), 0, 'no slot is free';
cmp_ok $e->value(free_slots => 'tenant:other'), '>', 1000,
    'no cap holds nothing up';
is $e->claim($e->submit(1))->{answer}, 'batch', 'others are not held up';

$e->call(give_back => Igjobs::Engine::held($held[0]));
is $e->value(free_slots => 'tenant:capped'), 1, 'give_back frees a slot';
$held[0] = $e->claim($capped[0], tenant => 'capped');
$e->fail($held[0], 'retry', 'error', 0);
is $e->value(free_slots => 'tenant:capped'), 1, 'so does a failure';
$held[0] = $e->claim($capped[0], tenant => 'capped');
$e->store_all($held[0], ids => ['1']);
is $e->value(free_slots => 'tenant:capped'), 1, 'and the end of a batch';
$e->run_out($capped[1]);
$e->call(sweep_job => 'capped', $capped[1]);
is $e->value(free_slots => 'tenant:capped'), 2, 'and a lease that ran out';

$e->sql("select igjobs.set_cap('tenant:capped', 1)");
is $e->claim($capped[0], tenant => 'capped')->{answer}, 'batch', 'a cap of 1';
is $e->claim($capped[1], tenant => 'capped')->{answer}, 'capped',
    'slots above a lowered cap are not given';
$e->sql("select igjobs.set_cap('tenant:capped', null)");
is $e->claim($capped[1], tenant => 'capped')->{answer}, 'batch', 'no cap';

# a slot that is being taken is skipped

$e->sql("select igjobs.set_cap('tenant:slow', 2)");
my @slow = map { $e->submit(1, tenant => 'slow') } 1 .. 3;
my $taking = $e->session;
$taking->run('begin');
$taking->run(Igjobs::Engine::statement(claim => 'slow', $slow[0],
    Igjobs::Engine::KINDS, 'w', 1000));
is $e->claim($slow[1], tenant => 'slow')->{answer}, 'batch',
    'another slot while one is being taken';
is $e->claim($slow[2], tenant => 'slow')->{answer}, 'capped',
    'capped while the last is being taken';
$taking->run('rollback');
is $e->claim($slow[2], tenant => 'slow')->{answer}, 'batch',
    'a claim that was rolled back holds nothing';

# many at once: every batch once

my $many = $e->submit(2000, parallelism => 100);
my @others = map { $e->beside } 1 .. 8;
for my $o (@others) {
    $o->{session}->send("do \$\$ declare c igjobs.claimed; begin loop"
        . " c := igjobs.claim('default', '$many', '{scrape_followers}',"
        . " 'w', 60000); exit when c.answer <> 'batch'; commit; end loop;"
        . ' end $$');
}
$_->{session}->wait for @others;
is $e->sql('select count(*), max(attempt) from igjobs.batches'
    . " where job_id = '$many' and state = 'leased'"), '40|1',
    '8 sessions claim 40 batches, each once';

# without Redis: the least busy tenant, the least busy job, small before bulk

$e = Igjobs::Engine->new;
my %name;
sub named {
    my ($name, @submit) = @_;
    my $id = $e->submit(@submit);
    $name{$id} = $name;
    return $id;
}

sub claim_any {
    my ($kinds) = @_;
    return $e->call(claim_any => $kinds // Igjobs::Engine::KINDS, 'w', 60000);
}

is claim_any()->{answer}, 'none', 'no job, no batch';
named('a bulk', 500, tenant => 'a');
named('a small', 100, tenant => 'a');
named('b bulk', 500, tenant => 'b');
is join(', ', map { $name{claim_any()->{job_id}} } 1 .. 6),
    'a small, b bulk, a bulk, b bulk, a small, b bulk',
    'tenants take turns, a small job goes first';
is claim_any(['other_kind'])->{answer}, 'none', 'only kinds that are served';

$e->sql("select igjobs.set_cap('tenant:b', 0)");
is join(', ', map { $name{claim_any()->{job_id}} } 1 .. 2), 'a bulk, a bulk',
    'a capped tenant does not stand in the way';
$e->sql("select igjobs.set_cap('tenant:a', 0)");
is claim_any()->{answer}, 'none', 'none when all are capped';
is $e->sql("select count(*) from igjobs.batches where state = 'leased'"), 8,
    'a refused batch is not leased';

# the plan does not depend on statistics: none exist here, and the functions'
# plans were made when the tables were empty

my $big = $e->submit(500_000);
$e->sql("update igjobs.batches set state = 'done', finished_at = now()"
    . " where job_id = '$big' and batch_no < 9000");
sub scans {
    $e->sql('select pg_stat_force_next_flush()');
    return $e->sql("select seq_scan, idx_scan from pg_stat_user_tables"
        . " where relname = 'batches'") =~ s/\|.*//r;
}
my $before = scans();
is $e->claim($big)->{batch_no}, 9000, 'the first that is queued';
is scans(), $before, 'is found without reading through the queue';
my $plan = $e->sql('set plan_cache_mode = force_generic_plan;'
    . ' prepare pick as select * from igjobs.batches t where t.tenant = $1'
    . " and t.job_id = \$2 and t.state = 'queued'"
    . ' and t.not_before is null order by t.batch_no limit 1;'
    . " explain execute pick('default', '$big')");
like $plan, qr/using batches_queued/, 'by the index of queued batches';

done_testing;
