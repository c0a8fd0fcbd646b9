#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A job that has ended is opened again: what failed or was never done runs,
# nothing is counted or stored twice, and open runs are not forgotten.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;

sub reopen {
    my ($job, %option) = @_;
    return $e->call(reopen_job => $option{tenant} // 'default', $job,
        $option{action} // 'redrive', $option{class}, $option{limits},
        $option{reason});
}

sub accounts { return join "\n", map { "account_$_" } @_ }

sub words {
    my ($word, @numbers) = @_;
    return map { ("account_$_" => $word) } @numbers;
}

sub runs {
    my ($job, $batch) = @_;
    return join ', ', map { "$_->{run_no} $_->{state} "
        . ($_->{accounts} // 'all') =~ s/\n/+/gr } $e->runs($job, $batch // 0);
}

sub counters {
    my ($job) = @_;
    my $row = $e->row($job);
    return join ' ', @$row{qw(state batches_done batches_dead current_batch
                              accounts_failed)}, $row->{progress} + 0;
}

sub consistent {
    my ($job, $what) = @_;
    is $e->sql(<<"SQL"), 't', $what;
select j.batches_done = count(*) filter (where b.state = 'done')
    and j.batches_dead = count(*) filter (where b.state = 'dead')
    and abs(j.progress_sum - sum(b.progress)) < 1e-9
    and j.total_batches = count(*)
from public.scrape_jobs j join igjobs.batches b using (job_id)
where job_id = '$job' group by j.job_id
SQL
}

# a job with all sorts of failures: batch 0 done with failed accounts, batch 1
# dead, batch 2 dead half way, batch 3 done

sub failed_job {
    my $job = $e->submit(200, parallelism => 4, @_);
    my @c = map { $e->claim($job) } 0 .. 3;

    $e->store_all($c[0], ids => [1 .. 3], accounts_failed => 3, outcomes => {
        words(ok => 4 .. 50), words(blocked => 1, 2), words(failed => 3) });
    $e->start_run($c[1]);
    $e->fail($c[1], 'dead', 'no such actor', undef, 'rejected');
    my $run = $e->start_run($c[2]);
    $e->store($c[2], $run, ids => [4 .. 6],
              outcomes => { words(partial => 101) });
    $e->call(split_run => Igjobs::Engine::held($c[2]), $run, 'failed', 1,
             [accounts(101 .. 110), accounts(111 .. 120)],
             { words(ok => 121 .. 149), words(rejected => 150) }, 1);
    $e->fail($c[2], 'dead', '503', undef, 'unavailable');
    $e->store_all($c[3], ids => [7 .. 9],
                  outcomes => { words(ok => 151 .. 200) });
    return $job;
}

my $job = failed_job();
is counters($job), 'failed 2 2 4 74 100', 'a job that failed';
consistent($job, 'its counters are those of its batches');
is $e->row($job)->{completed_at} ? 1 : 0, 1, 'it has ended';
is $e->batch($job, 1)->{error_class}, 'rejected', 'a dead batch has a class';

my %class = map { split /=/, $_, 2 } split ' ', $e->sql(
    "select string_agg(a.account || '=' || coalesce(a.error_class, ''), ' ')"
    . ' from public.scrape_jobs j, igjobs.accounts_of(j, 0, 4) a'
    . " where j.job_id = '$job'");
is join(' ', map { $class{"account_$_"} // '' }
        1, 3, 4, 51, 101, 111, 121, 150),
    'blocked unfinished  rejected unavailable unavailable  rejected',
    'each failed account has a class';

# everything

my $version = $e->row($job)->{version};
my $a = reopen($job, reason => 'the provider is back');
is_deeply [@$a{qw(answer state batches accounts)}],
    ['reopened', 'running', 3, 74], 'three batches run again';
is $a->{version}, $version + 1, 'a new version';
is counters($job), 'running 1 0 1 0 63', 'what failed is open again';
consistent($job, 'the counters agree');
my $doc = $e->doc($job);
is_deeply [@$doc{qw(status state completed_at error_message total_scraped
                    completion_reason)}],
    ['processing', 'running', undef, undef, undef, undef],
    'old clients see a job at work';
is_deeply [@{ $e->row($job) }{qw(redrives reason)}], [1, undef], 'counted';
is runs($job, 0), '0 succeeded all, 1 planned account_1+account_2+account_3',
    'a further run for what failed';
is runs($job, 1), '0 started all', 'an open run goes on';
is runs($job, 2), '0 failed all, 1 planned ' . accounts(101 .. 110) =~ s/\n/+/gr
    . ', 2 planned ' . accounts(111 .. 120) =~ s/\n/+/gr
    . ', 3 planned account_150', 'planned runs stay';
is_deeply [map { $e->batch($job, $_)->{state} } 0 .. 3],
    [qw(queued queued queued done)], 'the good batch is left alone';
is $e->batch($job, 2)->{error_class}, undef, 'errors are forgiven';
is $e->sql("select action, reason, detail from igjobs.audit_log"
    . " where job_id = '$job'"), 'redrive|the provider is back|'
    . '{"batches": 3, "failed_accounts": 74}', 'an audit entry';

is reopen($job)->{answer}, 'active', 'a job at work is not redriven';

# it finishes again; what was stored is not doubled

my @c = map { $e->claim($job) } 1 .. 3;
is_deeply [map { $_->{attempt} } @c], [2, 2, 2], 'the fence rises';
is_deeply $c[0]{outcomes}, { words(ok => 4 .. 50) }, 'failed words are gone';
is_deeply $c[2]{outcomes},
    { words(ok => 121 .. 149), words(partial => 101) },
    'seen accounts stay seen';
my $run = $e->start_run($c[0], accounts => accounts(1 .. 3));
is $run, 1, 'an intent takes the planned run';
my $s = $e->store($c[0], $run, ids => [2 .. 10], close => 1,
                  outcomes => { words(ok => 1 .. 3) });
is_deeply [@$s{qw(answer kept batch_closed)}], ['stored', 1, JSON::PP::true],
    'only new profiles are added';
$e->store($c[1], 0, ids => [11], close => 1,
          outcomes => { words(ok => 51 .. 100) });
for my $part (accounts(101 .. 110), accounts(111 .. 120), 'account_150') {
    my $no = $e->start_run($c[2], accounts => $part);
    $s = $e->store($c[2], $no, close => 1,
                   outcomes => { map { $_ => 'ok' } split /\n/, $part });
}
is_deeply [@$s{qw(final state)}], [JSON::PP::true, 'completed'],
    'it ends again';
is counters($job), 'completed 4 0 4 0 100', 'completely';
consistent($job, 'the counters agree');
is $e->doc($job)->{error_message}, undef, 'without an error';
is $e->sql('select count(*), count(distinct profile_id) from'
    . " public.scrape_results where job_id = '$job'"), '11|11',
    'each profile once';
is $e->row($job)->{profiles_scraped}, 11, 'and counted once';
is $e->sql('select string_agg(first_row::text, \' \' order by first_row) from'
    . " igjobs.chunks where job_id = '$job'"), '0 3 6 9 10',
    'new rows stand behind the old ones';
is reopen($job)->{answer}, 'nothing', 'nothing is left to redrive';

# by class

$job = failed_job();
is reopen($job, class => 'lost')->{answer}, 'nothing', 'none of this class';
$a = reopen($job, class => 'blocked');
is_deeply [@$a{qw(answer batches accounts)}], ['reopened', 1, 2], 'blocked';
is runs($job, 0), '0 succeeded all, 1 planned account_1+account_2',
    'those accounts only';
is counters($job), 'running 1 2 3 72 99', 'the others stay failed';
consistent($job, 'the counters agree');
$e->store_all($e->claim($job), outcomes => { words(ok => 1, 2) });
is $e->row($job)->{state}, 'running', 'a run for all is not the planned one';

$job = failed_job();
$a = reopen($job, class => 'rejected');
is_deeply [@$a{qw(batches accounts)}], [1, 50],
    'a dead batch goes by its own class';
$job = failed_job();
$a = reopen($job, class => 'unavailable');
is_deeply [@$a{qw(batches accounts)}], [1, 20], 'without its other failures';
is runs($job, 2), '0 failed all, 1 planned ' . accounts(101 .. 110) =~ s/\n/+/gr
    . ', 2 planned ' . accounts(111 .. 120) =~ s/\n/+/gr,
    'which are not planned';

# a batch that died without an open run gets one

$job = $e->submit(50);
my $c = $e->claim($job);
$e->start_run($c, run_id => 'A');
$e->fail($c, 'dead');
$e->value(book_run => 'default', $job, 0, 0, 'aborted', 1, 'A');
is runs($job), '0 aborted all', 'its run was ended';
reopen($job);
is runs($job), '0 aborted all, 1 planned all', 'all of it is planned';
is $e->claim($job)->{runs}[1]{state}, 'planned', 'and handed out';

# lost leases

$job = $e->submit(50);
for (1 .. 5) {
    $e->claim($job);
    $e->run_out($job);
    $e->call(sweep_job => 'default', $job);
}
is_deeply [@{ $e->batch($job, 0) }{qw(state error_class)}], ['dead', 'lost'],
    'a batch that lost its workers';
is reopen($job, class => 'lost')->{answer}, 'reopened', 'runs again';
is $e->batch($job, 0)->{losses}, 0, 'with fresh luck';

# never-run batches of a job that was stopped

$job = $e->submit(150, parallelism => 2);
$e->store_all($e->claim($job), ids => [1]);
$c = $e->claim($job);
$e->call(stop_job => 'default', $job, 'cancel');
$e->fail($c, 'retry', 'x', 60000);
is $e->row($job)->{state}, 'canceled', 'canceled at a third';
is reopen($job, class => 'blocked')->{answer}, 'reopened',
    'what never ran runs whatever the class';
is counters($job), 'running 1 0 1 0 33.33', 'it goes on';
is_deeply [@{ $e->batch($job, 1) }{qw(not_before failures)}], [undef, 0],
    'nothing waits for an old error';
is $e->claim($job)->{batch_no}, $_, "batch $_" for 1, 2;

$job = $e->submit(100);
$e->call(stop_job => 'default', $job, 'cancel');
is reopen($job)->{state}, 'queued', 'a job that never began is queued';
is $e->claim($job)->{answer}, 'batch', 'and begins';

# open runs when the redrive comes

sub canceled_with_run {
    my $job = $e->submit(50);
    my $c = $e->claim($job);
    my $i = $e->call(run_intent => Igjobs::Engine::held($c), 'apify', 'a~b',
                     undef, 1000);
    $e->value(run_started => Igjobs::Engine::held($c), 0, 'A', 'D') if !$_[0];
    $e->call(stop_job => 'default', $job, 'cancel');
    $e->call(give_back => Igjobs::Engine::held($c));
    return ($job, $i->{token});
}

sub orphans {
    my ($job) = @_;
    return scalar grep { $_->{job_id} eq $job } $e->all(orphan_runs => 100);
}

($job) = canceled_with_run();
is orphans($job), 1, 'a run of a canceled job is to be aborted';
reopen($job);
is orphans($job), 0, 'no more when the job is open again';
is $e->value(book_run => 'default', $job, 0, 0, 'aborted', 1, 'A'), 'held',
    'an abort that was under way leaves it to the next holder';
is runs($job), '0 started all', 'nothing is planned beside it';

($job) = canceled_with_run();
is $e->value(book_run => 'default', $job, 0, 0, 'aborted', 1.5, 'A'), 'booked',
    'one that came before is booked';
is runs($job), '0 aborted all', 'as what it is';
is $e->row($job)->{cost_usd}, 1.5, 'with its cost';
reopen($job);
$c = $e->claim($job);
is_deeply [@{ $c->{runs}[0] }{qw(run_id state cursor)}], ['A', 'started', 0],
    'the holder reads it from where it was';
$e->store($c, 0, ids => [1], close => 1, run_state => 'aborted', cost => 1.5);
is_deeply [@{ $e->row($job) }{qw(state cost_usd)}], ['completed', 1.5],
    'and its cost is booked once';

($job) = canceled_with_run();
reopen($job);
$c = $e->claim($job);
is $c->{runs}[0]{run_id}, 'A', 'the holder goes on with the run';
is $e->value(book_run => 'default', $job, 0, 0, 'aborted', 1, 'A'), 'held',
    'and books it, whoever aborted it';

($job, my $token) = canceled_with_run('intent');
reopen($job);
$c = $e->claim($job);
is $e->value(book_run => 'default', $job, 0, 0, 'aborted', 1, 'A', $token),
    'held', 'a run that the holder will find, too';
is $e->value(book_run => 'default', $job, 0, 0, 'absent', undef, undef),
    'held', 'nor is its absence booked';
is runs($job), '0 intent all', 'the intent is the holder\'s';
$e->call(run_intent => Igjobs::Engine::held($c), 'apify', 'a~b', undef, 1000);
is $e->value(book_run => 'default', $job, 0, 0, 'aborted', 1, 'A', $token),
    'booked', 'a run of an earlier token is booked beside';
is runs($job), '0 intent all, 1 absent , 2 aborted ',
    'on a row of its own';

# limits

$job = $e->submit(100);
$e->claim($job);
$e->call(stop_job => 'default', $job, 'deadline');
$e->run_out($job);
$e->call(sweep_job => 'default', $job);
$e->sql("update public.scrape_jobs set deadline = now() - interval '1 s'"
    . " where job_id = '$job'");
is $e->row($job)->{state}, 'failed', 'stopped at its deadline';
is reopen($job, action => 'resume')->{answer}, 'deadline',
    'it would stop at once';
is reopen($job, action => 'resume', limits => { max_seconds => 60 })->{answer},
    'reopened', 'a later deadline lets it go on';
is $e->sql("select deadline between now() + interval '50 s' and"
    . " now() + interval '60 s' from public.scrape_jobs"
    . " where job_id = '$job'"), 't', 'from now';
is $e->row($job)->{redrives}, 0, 'to resume is no redrive';

$job = $e->submit(100);
$e->store_all($e->claim($job), ids => [1, 2]);
$e->sql('update public.scrape_jobs set max_cost_usd = 1, cost_usd = 1,'
    . " target_count = 2 where job_id = '$job'");
$e->call(stop_job => 'default', $job, 'budget');
is reopen($job, action => 'resume')->{answer}, 'budget', 'no money';
is reopen($job, limits => { max_cost_usd => 2 })->{answer}, 'target',
    'the target is reached';
is $e->row($job)->{max_cost_usd}, 1, 'nothing is changed then';
is reopen($job, limits => { max_cost_usd => undef, target_count => 3,
                            stop_when => { half_width => 0.05 } })->{answer},
    'reopened', 'new limits';
is_deeply [@{ $e->row($job) }{qw(max_cost_usd target_count half_width)}],
    [undef, 3, 0.05], 'are those of the job';

# resume leaves what failed

$job = $e->submit(100);
$e->fail($e->claim($job), 'dead');
$e->call(stop_job => 'default', $job, 'budget');
$a = reopen($job, action => 'resume');
is_deeply [@$a{qw(answer batches accounts)}], ['reopened', 1, 0],
    'resume goes on with what is left';
is $e->batch($job, 0)->{state}, 'dead', 'only';

# who may not

is reopen($job, tenant => 'other')->{answer}, 'unknown', 'another tenant';
is reopen('00000000-0000-7000-8000-000000000000')->{answer}, 'unknown',
    'no job';
$job = $e->submit(50);
is reopen($job)->{answer}, 'active', 'a queued job';
$e->call(stop_job => 'default', $job, 'pause');
is reopen($job)->{answer}, 'active', 'a paused job';

$e->sql("update igjobs.settings set value = '2' where name = 'max_redrives'");
$job = $e->submit(50);
for my $round (1 .. 3) {
    $e->fail($e->claim($job), 'dead');
    is reopen($job)->{answer}, $round < 3 ? 'reopened' : 'ceiling',
        "redrive $round";
}
is $e->sql("select count(*) from igjobs.audit_log where job_id = '$job'"), 2,
    'an entry each';

# two at a time

$e->sql("update igjobs.settings set value = '10' where name = 'max_redrives'");
$job = $e->submit(500, parallelism => 10);
$e->fail($_, 'dead') for map { $e->claim($job) } 1 .. 10;
my @both = map { $e->beside } 1, 2;
$_->send(reopen_job => 'default', $job, 'redrive', undef, undef, undef)
    for @both;
is join(' ', sort map { $_->answer->{answer} } @both), 'active reopened',
    'one of two redrives wins';
is $e->row($job)->{redrives}, 1, 'and is counted';
consistent($job, 'the counters agree');

# tolerance and parallelism as they were asked for

sub job_with {
    my ($failed, %options) = @_;
    my @call = $e->submission(100);
    $call[4] = { %{ $call[4] }, %options };
    $e->call(submit => @call);
    $e->store_all($e->claim($call[2]), accounts_failed => $failed,
                  outcomes => { words(blocked => 1 .. $failed) });
    $e->store_all($e->claim($call[2]));
    return $call[2];
}

my @tolerance = (
    [10, undef, 'completed'], [11, undef, 'failed'],
    [30, 0.3, 'completed'], [31, 0.3, 'failed'],
    [0, 0, 'completed'], [1, 0, 'failed'], [50, 1, 'completed']);
for (@tolerance) {
    my ($failed, $ratio, $state) = @$_;
    my $job = job_with($failed, defined $ratio
        ? (max_failed_ratio => $ratio) : ());
    is $e->row($job)->{state}, $state,
        "$failed of 100 failed, tolerated " . ($ratio // 'as usual');
}

my @call = $e->submission(200);
$call[4]{parallelism} = 2;
$e->call(submit => @call);
is_deeply [map { $e->claim($call[2])->{answer} } 1 .. 3],
    [qw(batch batch none)], 'a parallelism of 2';
@call = $e->submission(50);
$call[4]{parallelism} = 1000;
is $e->call(submit => @call)->{parallelism}, 32, 'is capped';

done_testing;
