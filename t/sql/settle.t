#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The end of a job: once, by whichever batch is last, with the right state and
# words; stopping, pausing, canceling; further phases.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;

sub held { return Igjobs::Engine::held($_[0]) }
sub stop { return $e->call(stop_job => 'default', @_) }
sub statement { return Igjobs::Engine::statement(@_) }

$e->note_ends;

sub ends {
    my ($job) = @_;
    return $e->sql("select string_agg(state, ',') from public.ends"
        . " where job_id = '$job'");
}

# words($job): status, state, completion_reason and error_message
sub words {
    my ($job) = @_;
    return join ' | ', map { $_ // '-' }
        @{ $e->doc($job) }{qw(status state completion_reason error_message)};
}

# tolerance: a tenth of the accounts

my @fates = (
    [100, 0, 'completed | completed | all_done | -'],
    [100, 10, 'completed | completed | all_done | 10 of 100 accounts'
        . ' could not be scraped'],
    [100, 11, 'failed | failed | - | 11 of 100 accounts could not be'
        . ' scraped'],
    [100, 100, 'failed | failed | - | 100 of 100 accounts could not be'
        . ' scraped'],
    [1, 1, 'failed | failed | - | 1 of 1 accounts could not be scraped'],
);
for my $fate (@fates) {
    my ($accounts, $failed, $words) = @$fate;
    my $job = $e->submit($accounts);
    while ((my $c = $e->claim($job))->{answer} eq 'batch') {
        my $here = $failed > 50 ? 50 : $failed;
        $failed -= $here;
        $e->store_all($c, ids => [], accounts_failed => $here);
    }
    is words($job), $words, "$fate->[1] of $accounts accounts failed";
    is $e->doc($job)->{progress}, 100, 'progress is 100';
}

my $job = $e->submit(100, max_failed_ratio => 0.5);
$e->fail($e->claim($job), 'dead');
$e->store_all($e->claim($job), ids => [1]);
is words($job), 'completed | completed | all_done | 50 of 100 accounts could'
    . ' not be scraped', 'the tolerance is the job\'s own';

# a dead batch loses the accounts that have no outcome yet

$job = $e->submit(50);
my $c = $e->claim($job);
my $run = $e->start_run($c);
$e->store($c, $run, ids => [1], accounts_failed => 1, outcomes =>
    { (map { ("account_$_" => 'ok') } 1 .. 44), account_45 => 'private',
      account_46 => 'partial' });
$e->fail($c, 'dead');
is words($job), 'failed | failed | - | 6 of 50 accounts could not be scraped',
    'one that had failed and five that nobody looked at';

# the last batch is dead

$job = $e->submit(1050);
for (1 .. 20) {
    $e->store_all($e->claim($job), ids => [$_]);
}
$c = $e->claim($job);
my $dead = $e->fail($c, 'dead', 'poison');
is_deeply [@$dead{qw(answer final state)}],
    ['dead', JSON::PP::true, 'completed'], 'the last batch given up ends it';
is_deeply [@{ $e->doc($job) }{qw(current_batch total_batches)},
           $e->doc($job)->{batches}],
    [21, 21, { done => 20, failed => 1 }], 'all batches are accounted for';
is $e->fail($c, 'dead', 'poison')->{answer}, 'dead', 'a repeat';
is ends($job), 'completed', 'one end';

# the last two batches at once: a close, a death, a sweep

my %last = (
    close => sub { my ($c) = @_; return [store_page =>
        $e->page($c, $e->start_run($c), ids => [1], close => 1)] },
    death => sub { return [fail_batch => held($_[0]), 'dead', 'x', undef] },
    sweep => sub { $e->sql('update igjobs.batches set losses = 9, lease_until'
        . " = now() - interval '1 s' where batch_no = $_[0]{batch_no}"
        . " and job_id = '$_[0]{job_id}'");
        return [sweep_job => 'default', $_[0]{job_id}] },
);
for my $pair (map { my $one = $_; map { [$one, $_] } sort keys %last }
              sort keys %last) {
    my $id = $e->submit(100, max_failed_ratio => 1);
    my @claims = map { $e->claim($id) } 1, 2;
    my @calls = map { $last{ $pair->[$_] }->($claims[$_]) } 0, 1;
    my $first = $e->session;
    my $second = $e->beside;
    $first->run('begin');
    $first->run(statement(@{ $calls[0] }));
    $second->send(@{ $calls[1] });
    $second->{session}->wait_blocked if $pair->[0] ne 'sweep'
        || $pair->[1] ne 'sweep';
    $first->run('commit');
    $second->answer;
    is ends($id), 'completed', "last two batches: $pair->[0] and $pair->[1]";
}

# stop: with nothing leased at once, else with the last lease

for my $stop (
    [cancel => 'failed | canceled | canceled | Job was canceled'],
    [target => 'completed | completed | target_reached | -'],
    [precision => 'completed | completed | precision_reached | -'],
    [budget => 'completed | completed | budget_exhausted | -'],
    [deadline =>
        'failed | failed | deadline | Job was stopped at its deadline'],
) {
    my ($reason, $words) = @$stop;
    my $idle = $e->submit(100);
    my $s = stop($idle, $reason);
    is_deeply [@$s{qw(answer final)}], ['stopped', JSON::PP::true],
        "$reason ends a job without leases at once";
    is words($idle), $words, "$reason in the original's words and ours";

    my $busy = $e->submit(150, parallelism => 3);
    my @held = map { $e->claim($busy) } 1 .. 3;
    $e->store_all(shift @held, ids => [1, 2]);
    my $run = $e->start_run($held[0]);
    is stop($busy, $reason)->{state}, 'stopping', 'a busy one is stopping';
    is words($busy), 'processing | stopping | - | -', 'processing outside';
    is $e->claim($busy)->{answer}, 'none', 'nothing is claimed any more';
    is $e->store($held[0], $run, ids => [3])->{answer}, 'stored',
        'a page that was fetched may still commit';
    $e->call(give_back => held($held[0]));
    is $e->row($busy)->{state}, 'stopping', 'one lease is left';
    $e->run_out($busy);
    is_deeply [map { $_->{job_id} } $e->all(expired_jobs => 10)], [$busy],
        'the housekeeper sees it';
    my $w = $e->call(sweep_job => 'default', $busy);
    ok $w->{final} && $w->{doc}, 'the last one ends it';
    is words($busy), $words, "ended by $reason";
    is_deeply [@{ $e->doc($busy) }{qw(profiles_scraped total_filtered)}],
        [3, 3], 'what was stored counts';
    is stop($busy, 'cancel')->{answer}, 'unchanged', 'final is final';
    cmp_ok $e->doc($busy)->{progress}, $words =~ /^completed/ ? '==' : '<',
        100, 'progress';
}

# pause

$job = $e->submit(150);
is stop($job, 'pause')->{state}, 'paused', 'paused at once';
is words($job), 'processing | paused | - | -', 'processing outside';
is $e->claim($job)->{answer}, 'none', 'nothing is claimed';
is stop($job, 'pause')->{answer}, 'unchanged', 'again changes nothing';
is stop($job, 'cancel')->{state}, 'canceled', 'a paused job can be canceled';

$job = $e->submit(100);
$c = $e->claim($job);
stop($job, 'pause');
is stop($job, 'budget')->{answer}, 'unchanged', 'the first reason stays';
is $e->call(give_back => held($c))->{state}, 'paused', 'with the last lease';
is_deeply [$e->all(expired_jobs => 10)], [], 'and stays so';

$job = $e->submit(100);
my @c = map { $e->claim($job) } 1, 2;
stop($job, 'pause');
is stop($job, 'cancel')->{answer}, 'stopped', 'cancel overrides a pause';
$e->call(give_back => held($_)) for @c;
is $e->row($job)->{state}, 'canceled', 'and ends the job';

$job = $e->submit(50);
$c = $e->claim($job);
$run = $e->start_run($c);
stop($job, 'pause');
$e->store($c, $run, ids => [1], close => 1);
is words($job), 'completed | completed | all_done | -',
    'a pause with nothing left to do is the end';

is stop(Igjobs::Engine::job_id(), 'cancel')->{answer}, 'unknown',
    'an unknown job';
is $e->call(stop_job => 'other', $job, 'cancel')->{answer}, 'unknown',
    'a job of another tenant';
is $e->error(stop_job => 'default', $job, 'mood'), '22023', 'an unknown reason';

# a stop and a claim at once

$job = $e->submit(50);
my $one = $e->session;
my $two = $e->beside;
$one->run('begin');
$one->run(statement(stop_job => 'default', $job, 'cancel'));
$two->send(claim => 'default', $job, Igjobs::Engine::KINDS, 'w', 1000);
$two->{session}->wait_blocked;
$one->run('commit');
is $two->answer->{answer}, 'none', 'a claim that waited for a stop';
is_deeply [@{ $e->batch($job, 0) }{qw(state attempt)}], ['queued', 0],
    'left no lease behind';

for my $started (0, 1) {
    $job = $e->submit(100);
    $e->claim($job) if $started;
    $one->run('begin');
    $one->run(statement(claim => 'default', $job, Igjobs::Engine::KINDS, 'w',
                        1000));
    $two->send(stop_job => 'default', $job, 'cancel');
    $two->{session}->wait_blocked;
    $one->run('commit');
    is $two->answer->{state}, 'stopping',
        'a stop that waited for a claim sees its lease';
}

# further phases

$e->sql(<<'SQL');
create function public.two_phases(j public.scrape_jobs)
    returns public.scrape_jobs language plpgsql as $$
begin
    if j.phase = 'collect' then
        insert into igjobs.batches (job_id, batch_no, tenant, platform, kind,
            phase, account_count, expected, payload)
        values (j.job_id, j.total_batches, j.tenant, j.platform, j.kind,
            'classify', 0, 1, '{"page": 1}');
        j.phase := 'classify';
        j.total_batches := j.total_batches + 1;
    end if;
    return j;
end
$$;
update igjobs.kinds set hook = 'public.two_phases(public.scrape_jobs)';
SQL
$job = $e->submit(100);
$c = $e->claim($job);
$e->store_all($c, ids => [1]);
my $s = $e->store_all($e->claim($job), ids => [2]);
is_deeply [@$s{qw(final state)}], [JSON::PP::false, 'running'],
    'the hook adds a phase, the job goes on';
is_deeply [@{ $e->doc($job) }{qw(phase total_batches current_batch)}],
    ['classify', 3, 2], 'seen in the document';
$c = $e->claim($job);
is_deeply [@$c{qw(phase payload)}], ['classify', { page => 1 }],
    'its batch is claimed';
is $e->store_all($c, ids => [3])->{state}, 'completed', 'the last phase ends';

$job = $e->submit(50);
$c = $e->claim($job);
$run = $e->start_run($c);
stop($job, 'pause');
$s = $e->store($c, $run, ids => [1], close => 1);
is $s->{state}, 'paused', 'a pause between two phases is a pause';
is $e->doc($job)->{phase}, 'classify', 'in front of the second';

done_testing;
