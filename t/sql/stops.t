#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Stops by what a job has reached: target, precision, deadline; the figures of
# an interval; what the document says of limits and of what was not spent.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;

sub held { return Igjobs::Engine::held($_[0]) }

# limited($accounts, \%options, ...): a job with options of a submission
sub limited {
    my ($accounts, $options, %option) = @_;
    my @call = $e->submission($accounts, %option);

    %{ $call[4] } = (%{ $call[4] }, %$options);
    $e->call(submit => @call)->{inserted} or die 'not inserted';
    return $call[2];
}

# an interval, with four decimals
sub interval {
    my ($hits, $n, $population) = @_;
    my $i = $e->call(estimate_share => $hits, $n, $population);

    return join ' ', map { defined ? sprintf '%.4f', $_ : '-' }
        @$i{qw(ci_low ci_high)};
}

# Wilson's interval

is interval(5, 10, undef), '0.2366 0.7634', '5 of 10';
is interval(3, 30, undef), '0.0346 0.2562', '3 of 30';
is interval(620, 1000, undef), '0.5895 0.6496', '620 of 1000';
is interval(0, 10, undef), '0.0000 0.2775', '0 of 10';
is interval(10, 10, undef), '0.7225 1.0000', '10 of 10';
is interval(0, 0, undef), '- -', 'of nothing';
is interval(7, 20, 20), '0.3500 0.3500', 'all of a population';
is interval(7, 20, 5), '0.3500 0.3500', 'more than a population';
is interval(620, 1000, 10_000_000), '0.5895 0.6496',
    'a large population is like an endless one';
is interval(620, 1000, 2000), interval(1240, 2000, undef),
    'half of a population is worth twice as many';

# the check value: n0 = z^2 / 4 e^2, n = n0 / (1 + (n0 - 1) / N)
my $n0 = 1.959963984540054 ** 2 / (4 * 0.01 ** 2);
is int($n0 / (1 + ($n0 - 1) / 500_000) + 0.5), 9423, 'the check value';

sub half_width {
    my ($hits, $n) = @_;
    return $e->call(estimate_share => $hits, $n, 500_000)->{half_width};
}
cmp_ok half_width(4711, 9423), '<=', 0.01, 'narrow enough there';
cmp_ok half_width(4650, 9300), '>', 0.01, 'not yet before';

# target: kept profiles

my $job = limited(200, { target_count => 5 }, gender => 'female');
is_deeply $e->doc($job)->{limits}, { target_count => 5 },
    'a new job says what was asked for';
ok !exists $e->doc($job)->{unspent}, 'and nothing yet of what is left';
my @c = map { $e->claim($job) } 1 .. 3;
$e->store_all($c[0], ids => [1 .. 4]);
is $e->row($job)->{state}, 'running', 'one below the target';
my $run = $e->start_run($c[1]);
my $other = $e->start_run($c[2]);
my $s = $e->store($c[1], $run, ids => [4, 5, 6]);
is_deeply [@$s{qw(answer kept state reason)}], ['stored', 2, 'stopping',
    'target'], 'the page that reaches it stops the job, and says so';
is $e->claim($job)->{answer}, 'none', 'nothing is claimed any more';
$s = $e->store($c[2], $other, ids => [7], close => 1);
is_deeply [@$s{qw(answer state)}], ['stored', 'stopping'],
    'a page that was on its way is kept';
is $e->call(give_back => held($c[1]))->{state}, 'completed',
    'the last lease ends it';
my $doc = $e->doc($job);
is_deeply [@$doc{qw(status completion_reason profiles_scraped progress)}],
    ['completed', 'target_reached', 7, 100], 'with the reason';
is_deeply $doc->{unspent}, { batches => 2, accounts => 100,
    followers => 500 }, 'what was not spent';

# a target that the last batch reaches is the target's end
$job = limited(50, { target_count => 2 });
$e->store_all($e->claim($job), ids => [1, 2]);
$doc = $e->doc($job);
is $doc->{completion_reason}, 'target_reached', 'reached by the last page';
is_deeply $doc->{unspent}, { batches => 0, accounts => 0, followers => 0 },
    'nothing was left';

# a target out of reach
$job = limited(50, { target_count => 100 });
$e->store_all($e->claim($job), ids => [1, 2]);
$doc = $e->doc($job);
is $doc->{completion_reason}, 'all_done', 'out of reach';
ok !exists $doc->{unspent}, 'nobody stopped it';
is_deeply $doc->{limits}, { target_count => 100 }, 'its limit is still told';

# a pause yields to the target
$job = limited(100, { target_count => 2 });
my $c = $e->claim($job);
$run = $e->start_run($c);
$e->call(stop_job => 'default', $job, 'pause');
$e->store($c, $run, ids => [1, 2, 3]);
is $e->call(give_back => held($c))->{state}, 'completed',
    'a target that is reached while a job is being paused ends it';

# cancel overrides
$job = limited(100, { target_count => 2 });
$c = $e->claim($job);
$run = $e->start_run($c);
$e->store($c, $run, ids => [1, 2]);
is $e->call(stop_job => 'default', $job, 'cancel')->{answer}, 'stopped',
    'a job that stops at its target can be canceled';
is $e->call(give_back => held($c))->{state}, 'canceled', 'and is';
is_deeply $e->doc($job)->{unspent}, { batches => 2, accounts => 100,
    followers => 498 }, 'what a cancel left';

# the short last batch
$job = limited(70, { target_count => 1 });
$c = $e->claim($job);
my $last = $e->claim($job);
$e->store_all($last, ids => [1]);
$e->call(give_back => held($c));
is_deeply $e->doc($job)->{unspent}, { batches => 1, accounts => 50,
    followers => 250 }, 'the short last batch is done';
$job = limited(70, { target_count => 1 });
$e->store_all($e->claim($job), ids => [1]);
is_deeply $e->doc($job)->{unspent}, { batches => 1, accounts => 20,
    followers => 100 }, 'only the short last batch is open';

# jobs without limits, and a stop of theirs

$job = $e->submit(50);
ok !grep({ exists $e->doc($job)->{$_} } qw(limits unspent precision)),
    'no new members for a job that asked for nothing';
$e->call(stop_job => 'default', $job, 'cancel');
is_deeply $e->doc($job)->{unspent}, { batches => 1, accounts => 50,
    followers => 250 }, 'but a stop says what it left';

# precision

# several batches of 100 of which as many are female
sub collect {
    my ($id, $batches, $female, $unknown) = @_;
    my $done;

    for (1 .. $batches) {
        $done = $e->claim($id);
        last if $done->{answer} ne 'batch';
        $e->store_all($done, ids => [], items => 100, seen => 100,
                      genders => [$female, 100 - $female - ($unknown // 0),
                                  $unknown // 0]);
    }
    return $e->doc($id);
}

$job = limited(5000, { half_width => 0.05 }, max_count => 2);
$doc = $e->doc($job);
is_deeply $doc->{limits}, { half_width => 0.05 }, 'a half-width is asked for';
$doc = collect($job, 100, 50, 10);
is_deeply [@$doc{qw(state completion_reason)}],
    ['completed', 'precision_reached'], 'it stops';
is_deeply $doc->{genders}, { female => 250, male => 200, unknown => 50 },
    'with the first page that is enough';
my $p = $doc->{precision};
is_deeply [@$p{qw(gender classified population sampling inference method
                  confidence)}],
    ['female', 450, 10_000, 'prefix', 'not_probability_sample', 'wilson',
     0.95], 'an honest share';
is sprintf('%.6f %.4f', @$p{qw(share half_width)}), '0.555556 0.0447',
    'and its interval';
cmp_ok $p->{ci_low}, '<', $p->{share}, 'below';
cmp_ok $p->{ci_high}, '>', $p->{share}, 'above';
is $doc->{unspent}{batches}, 95, 'what was not spent';

$job = limited(5000, { half_width => 0.05, random_seed => '2026-11' },
               max_count => 2, gender => 'male');
$doc = collect($job, 100, 80);
is_deeply [@{ $doc->{precision} }{qw(gender share sampling inference)}],
    ['male', 0.2, 'random', 'probability_sample'],
    'accounts drawn at random; a share far from a half needs less';
is $doc->{precision}{classified}, 300, 'three batches of it';

is $e->call(reopen_job => 'default', $job, 'resume', undef, undef, undef)
    ->{answer}, 'precision', 'that needs no further batch';
is $e->call(reopen_job => 'default', $job, 'resume', undef,
    { stop_when => { half_width => 0.01 } }, undef)->{answer}, 'reopened',
    'but for a narrower interval';

$job = limited(100, { half_width => 0.001 }, max_count => 2);
my %whole = map { ("account_$_" => 'whole') } 1 .. 100;
$c = $e->claim($job);
is $e->doc($job)->{precision}{share}, undef, 'of nothing';
$e->store_all($c, ids => [], items => 30, seen => 30, genders => [10, 20, 0],
              outcomes => \%whole);
is $e->doc($job)->{precision}{population}, 130,
    'a batch that brought less makes the audience smaller';
$e->store_all($e->claim($job), ids => [], items => 20, seen => 20,
              genders => [10, 8, 2], outcomes => \%whole);
$doc = $e->doc($job);
is $doc->{completion_reason}, 'all_done', 'all was looked at';
is_deeply [@{ $doc->{precision} }{qw(classified population sampling)}],
    [48, 50, 'census'], 'every follower of every account: a census';
is $doc->{accounts}{failed}, 0, 'whole is no failure';

$job = limited(50, { half_width => 0.001 }, max_count => 2);
$e->store_all($e->claim($job), ids => [], items => 100, seen => 99,
              genders => [50, 40, 9], outcomes => { %whole,
              account_7 => 'ok' });
is $e->doc($job)->{precision}{sampling}, 'prefix',
    'one list that was cut makes it a prefix';

# deadline

$job = limited(100, { max_seconds => 3600 });
like $e->doc($job)->{limits}{deadline}, qr/^\d{4}-\d\d-\d\dT.*\+00:00$/,
    'the deadline is told';
is $e->sql("select (doc::jsonb #>> '{limits,deadline}')::timestamptz"
    . " = deadline from public.scrape_jobs where job_id = '$job'"), 't',
    'as it is in the row';
is_deeply [$e->all(overdue_jobs => 10)], [], 'not over yet';
is $e->call(stop_overdue => 'default', $job)->{answer}, 'unchanged',
    'put off meanwhile';
$e->sql("update public.scrape_jobs set deadline = now() - interval '1 s'"
    . " where job_id = '$job'");
is_deeply [map { $_->{job_id} } $e->all(overdue_jobs => 10)], [$job], 'over';
$c = $e->claim($job);
is_deeply [@{ $e->call(stop_overdue => 'default', $job) }{qw(answer state)}],
    ['stopped', 'stopping'], 'stopped';
is_deeply [$e->all(overdue_jobs => 10)], [], 'once';
$e->call(give_back => held($c));
is_deeply [@{ $e->doc($job) }{qw(status completion_reason)}],
    ['failed', 'deadline'], 'and ended';
is $e->call(stop_overdue => 'other', $job)->{answer}, 'unknown',
    'not for another tenant';
like $e->sql('set enable_seqscan = off; explain select tenant from'
    . ' public.scrape_jobs where deadline is not null and deadline <= now()'
    . " and state in ('queued', 'running') order by deadline limit 9"),
    qr/scrape_jobs_deadline/, 'an index of their own';

$job = limited(100, { max_seconds => 3600 });
$e->call(stop_job => 'default', $job, 'pause');
$e->sql("update public.scrape_jobs set deadline = now() - interval '1 s'"
    . " where job_id = '$job'");
is_deeply [$e->all(overdue_jobs => 10)], [], 'a paused job waits';

done_testing;
