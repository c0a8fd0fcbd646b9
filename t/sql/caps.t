#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Limits of the whole fleet: parallelism of a job to the number, caps on actors
# and memory that follow provider runs and not leases, weights of tenants.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my $actor = 'actor:apify/a~b';
my %apify = (providers => ['apify'], actors => ['a/b'], memory => [1024]);

sub claim { my ($job, @more) = @_; return $e->claim($job, %apify, @more) }

# start($claim): stores the id of the run whose intent came with the claim
sub start {
    my ($c) = @_;
    return $e->value(run_started => Igjobs::Engine::held($c), 0,
                     "run $c->{job_id} $c->{batch_no}", 'set');
}

sub free { my ($scope) = @_; return $e->value(free_slots => $scope) }

# parallelism

my $job = $e->submit(1000, parallelism => 5);
my @others = map { $e->beside } 1 .. 6;
for my $o (@others) {
    $o->{session}->send("do \$\$ declare c igjobs.claimed; begin loop"
        . " c := igjobs.claim('default', '$job', '{scrape_followers}',"
        . " 'w', 60000); exit when c.answer <> 'batch'; commit; end loop;"
        . ' end $$');
}
$_->{session}->wait for @others;
is $e->sql('select count(*) from igjobs.batches'
    . " where job_id = '$job' and state = 'leased'"), 5,
    '6 sessions lease exactly as many batches as the parallelism';

# a cap on the runs of an actor

$e->sql("select igjobs.set_cap('$actor', 2)");
$job = $e->submit(400);
my @c = map { claim($job) } 1 .. 2;
is_deeply [map { $_->{answer} } @c], ['batch', 'batch'], 'two runs';
is $c[0]{scope}, "kind:scrape_followers,tenant:default,$actor,memory:apify",
    'a batch knows whose turns may try after it';
my $full = claim($job);
is_deeply [@$full{qw(answer scope)}], ['capped', $actor], 'the third is full';
is $e->claim($job)->{answer}, 'batch', 'a batch without a run is not held up';

# whose worker is killed

start($_) for @c;
$e->run_out($job);
$e->call(sweep_job => 'default', $job);
is free($actor), 0, 'a run goes on without a lease, and counts';
is claim($job)->{batch_no}, $c[0]{batch_no}, 'a successor needs no other slot';
is claim($job)->{batch_no}, $c[1]{batch_no}, 'nor does the second';
is claim($job)->{scope}, $actor, 'but a third batch does';

# the ends of runs

@c = map { { %$_, attempt => $_->{attempt} + 1 } } @c;
$e->store($c[0], 0, ids => ['1'], close => 1);
is free($actor), 1, 'a run that is closed counts no more';
$e->fail($c[1], 'retry', 'error', 0);
is free($actor), 1, 'an open run does, though its batch waits';
$e->call(stop_job => 'default', $job, 'cancel');
is free($actor), 1, 'also after a cancel';
$e->run_out($job);
$e->call(sweep_job => 'default', $job);
my @orphans = $e->all(orphan_runs => 10);
is scalar @orphans, 1, 'until it is found an orphan';
$e->call(book_run => 'default', $job, $c[1]{batch_no}, 0, 'aborted', 0.5,
         $orphans[0]{run_id});
is free($actor), 2, 'and booked';

# a paused job's run, which ends meanwhile

$job = $e->submit(100);
my $idle = claim($job);
start($idle);
$e->call(stop_job => 'default', $job, 'pause');
$e->call(give_back => Igjobs::Engine::held($idle));
is free($actor), 1, 'the run of a paused job counts';
is_deeply [map { $_->{batch_no} } $e->all(idle_runs => 10)], [0],
    'and is looked at';
is $e->value(run_is_over => 'default', $job, 0), 1, 'until it is over';
is free($actor), 2, 'then it counts no more';
is_deeply [$e->all(idle_runs => 10)], [], 'nor is it looked at';

# nothing was started

$job = $e->submit(100);
my $c = claim($job);
$e->call(run_refused => Igjobs::Engine::held($c), 0);
$e->call(give_back => Igjobs::Engine::held($c));
is free($actor), 2, 'a start that was refused leaves nothing';

# a lower cap: what is above it must end first

$e->sql("select igjobs.set_cap('$actor', 3)");
@c = map { claim($job) } 1 .. 2;
push @c, claim($job = $e->submit(200));
$e->sql("select igjobs.set_cap('$actor', 2)");
$e->store_all($c[1], ids => ['1']);
is free($actor), 0, 'one of three ends: still two';
is claim($job)->{answer}, 'capped', 'as many as the new cap allows';
$e->sql("select igjobs.set_cap('$actor', null)");

# memory, in slots of 128 MB

$e->sql("select igjobs.set_cap('memory:apify', 4096)");
$job = $e->submit(400);
@c = map { claim($job, memory => [$_]) } 1024, 2048, 1000;
is_deeply [map { $_->{answer} } @c], [('batch') x 3], '1024 + 2048 + 1000';
is claim($job, memory => [128])->{answer}, 'capped', 'nothing is left';
$e->store($c[2], 0, ids => ['2'], close => 1);
is free('memory:apify'), 8, 'a run gives all of its memory back';
is claim($job, memory => [1025])->{answer}, 'capped', 'too much';
is claim($job, memory => [1024])->{answer}, 'batch', 'just right';
$e->sql("select igjobs.set_cap('memory:apify', 4096 + 4095)");
is claim($job, memory => [0])->{answer}, 'capped',
    'memory that is not said counts as the setting';
$e->sql("select igjobs.set_cap('memory:apify', 4096 + 4096)");
is claim($job, memory => [0])->{answer}, 'batch', 'and fits';
is $e->error(set_cap => 'tenants:a', 1), '22023', 'a scope that is none';

# weights

$e = Igjobs::Engine->new;
$e->submit(5000, tenant => $_, parallelism => 32) for qw(heavy light);
$e->sql("select igjobs.set_weight('heavy', 3)");
is_deeply { map { $_->{tenant} => $_->{weight} }
            $e->all(runnable => '', '0' x 8 . '-0000-0000-0000-' . '0' x 12,
                    10) }, { heavy => 3, light => 1 },
    'the sweeper learns of weights';
my %claimed;
$claimed{ $e->call(claim_any => Igjobs::Engine::KINDS, 'w', 60000)->{tenant} }++
    for 1 .. 16;
is_deeply \%claimed, { heavy => 12, light => 4 },
    'without Redis they get three to one';
is $e->error(set_weight => 'a', 0), '23514', 'no weight is not a weight';

done_testing;
