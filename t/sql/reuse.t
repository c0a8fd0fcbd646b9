#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Reuse: what is noted of jobs that have ended, and what a later job's batches
# find of it when they are claimed.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my @paid = (providers => ['apify'], actors => ['a~b']);

sub held { return Igjobs::Engine::held($_[0]) }

# noted(): all that ended is noted
sub noted {
    $e->sql('update public.scrape_jobs set completed_at = completed_at'
        . " - interval '2 s' where completed_at is not null");
    return $e->value(note_purchases => 1000);
}

# bought($accounts, $word or {name => word}, option...): a job that has ended,
# and the ids of its first run
sub bought {
    my ($accounts, $words, %option) = @_;
    my $job = $e->submit($accounts, max_count => 10, %option);
    my $c = $e->claim($job, %option);
    my $run = $e->start_run($c, run_id => "run $job");

    $e->store($c, $run, ids => [1], close => 1,
              outcomes => ref $words ? $words
                  : { map { ("account_$_" => $words) } 1 .. $accounts },
              run_state => $option{run_state} // 'succeeded');
    return $job;
}

# again($accounts, ...): the first claim of a job with max_age
sub again {
    my ($accounts, %option) = @_;
    my @call = $e->submission($accounts, max_count => 10, %option);

    $call[4]{max_age} = $option{max_age} // 3600;
    $e->call(submit => @call);
    return $e->claim($call[2], @paid, %option);
}

# runs($claim): state, origin and accounts of each
sub runs {
    my ($c) = @_;

    return [map { join ' ', $_->{state}, $_->{origin} // '-',
                  $_->{accounts} // 'all' } $e->runs($c->{job_id}, 0)];
}

# the set of accounts, where the items do not name them

my $old = bought(3, 'ok');
is $e->value(note_purchases => 10), 0, 'an end is noted a moment later';
is noted(), 1, 'one batch';
is $e->value(note_purchases => 10), 0, 'once';
my $c = again(3);
is $c->{token}, undef, 'nothing is to be bought';
is_deeply runs($c), ['reading reused all'], 'the set as a whole is read';
is_deeply [map { [@$_{qw(run_id dataset_id state origin cursor)}] }
           @{ $c->{runs} }], [["run $old", 'set', 'reading', 'reused', 0]],
    'the claim brings it';
ok again(4)->{token}, 'another set is bought';
ok again(3, max_count => 9)->{token}, 'and another number of followers';
ok again(3, tenant => 'other')->{token}, 'and for another tenant';
ok $e->claim($e->submit(3), @paid)->{token}, 'and without max_age';
is again(3, actors => ['a~c'])->{token} ne '', 1, 'and by another actor';
$e->sql("update igjobs.purchases set bought_at = now() - interval '2 h'");
ok again(3)->{token}, 'and when it is too old';
is_deeply runs(again(3, max_age => 7300)), ['reading reused all'],
    'as old as is asked for';

# accounts by themselves

bought(3, { account_1 => 'full', account_2 => 'whole',
            account_3 => 'private' });
my $second = bought(6, { account_4 => 'whole', account_5 => 'ok',
                         account_6 => 'empty' });
noted();
$c = again(6);
is_deeply runs($c), ["reading reused account_1\naccount_2",
    'reading reused account_4', "planned - account_3\naccount_5\naccount_6"],
    'those that are known are read, the others are bought';
is_deeply runs(again(6, max_count => 11)), ['reading reused account_2',
    'reading reused account_4',
    "planned - account_1\naccount_3\naccount_5\naccount_6"],
    'who has no more followers serves any number of them';
is_deeply runs(again(2, max_count => 5)), ['reading reused all'],
    'less of them does, too';
is_deeply runs(again(1)), ['reading reused all'], 'one of them';

# what is not taken

for my $state (qw(failed aborted timed_out)) {
    bought(1, 'full', run_state => $state, tenant => $state);
    noted();
    ok again(1, tenant => $state)->{token}, "a run that $state is not read";
}
bought(2, { account_1 => 'blocked', account_2 => 'ok' }, tenant => 'blocked');
noted();
ok again(2, tenant => 'blocked')->{token}, 'a set with a failure is not';

# a run that only reads

$c = again(2);
my ($run) = $e->runs($c->{job_id}, 0);
$e->call(stop_job => 'default', $c->{job_id}, 'cancel');
$e->call(give_back => held($c));
is $e->row($c->{job_id})->{state}, 'canceled', 'canceled';
is_deeply [grep { $_->{job_id} eq $c->{job_id} } $e->all(orphan_runs => 99)],
    [], 'there is nothing to be aborted or booked';

$c = again(2);
$e->store($c, 0, ids => [1, 2], items => 2, to => 100, close => 1,
          cost => 0, outcomes => { account_1 => 'full',
                                   account_2 => 'whole' });
is $e->row($c->{job_id})->{state}, 'completed', 'read to its end';
is_deeply runs($c), ['succeeded reused all'], 'the run says what it was';
is $e->value(reused_accounts => 'default', $c->{job_id}), 2, 'two accounts';
is_deeply [map { [@$_{qw(n origin)}] } $e->all(whole_rows => 'default',
    $c->{job_id}, 0, 10, ';', 'f')], [[2, 'reused']], 'so do its rows';
is_deeply [map { [@$_{qw(n origin)}] } $e->all(whole_rows => 'default',
    $old, 0, 10, ';', 'f')], [[1, undef]], 'and those that were bought';
noted();
is $e->sql("select count(*) from igjobs.purchases where job_id ="
    . " '$c->{job_id}'"), 0, 'it is no purchase';

# gone: bought, without a failure

$c = again(2);
my $split = $e->call(split_run => held($c), 0, 'absent', 0,
                     ["account_1\naccount_2"], undef, 0);
is_deeply $split, { answer => 'split', run_nos => [1] }, 'gone';
is $e->batch($c->{job_id}, 0)->{reruns}, 0, 'that is no rerun';
is $e->value(reused_accounts => 'default', $c->{job_id}), 0, 'nor a reuse';

# erased, and forgotten

my $erased = bought(1, 'full', tenant => 'eraser');
noted();
is_deeply runs(again(1, tenant => 'eraser')), ['reading reused all'],
    'it could be read again';
my $open = again(1, tenant => 'eraser');
sub erase {
    return $e->call(api_delete_job => { tenant => 'eraser' },
                    { job => $_[0], body => {} })->{status};
}
is erase($erased), 202, 'erased';
ok again(1, tenant => 'eraser')->{token}, 'what is erased is not read';
$e->value(erase_step => 100) for 1 .. 9;
is $e->sql("select count(*) from igjobs.purchases where tenant = 'eraser'"),
    0, 'nor known any more';
$e->call(give_back => held($open));
erase($open->{job_id});
$e->call(give_back => held($open));
$e->value(erase_step => 100) for 1 .. 9;
is erase($open->{job_id}), 200, 'a run that only reads holds nothing up';

$e->sql("delete from igjobs.runs where job_id = '$second'");
is_deeply runs(again(6)), ["reading reused account_1\naccount_2",
    "planned - account_3\naccount_4\naccount_5\naccount_6"],
    'an erased job gives nothing';
$e->sql('update igjobs.purchases set bought_at = now() - interval \'8 d\'');
ok again(2, max_age => 10_000_000)->{token}, 'kept for a week';
cmp_ok $e->value(drop_old_purchases => 100), '>', 3, 'then forgotten';
is $e->sql('select count(*) from igjobs.purchases'), 0, 'all';
$e->sql("update igjobs.settings set value = '0' where name = 'reuse_days'");
bought(1, 'full');
noted();
is $e->sql('select count(*) from igjobs.purchases'), 0,
    'nothing is noted where nothing is to be kept';

# large jobs are noted in parts

$e->sql("update igjobs.settings set value = '7' where name = 'reuse_days'");
noted();
my $large = $e->submit(250, tenant => 'large');
while (($c = $e->claim($large, tenant => 'large'))->{answer} eq 'batch') {
    $e->store_all($c, ids => [], outcomes => { map { ($_ => 'full') }
                                  split /\n/, $c->{accounts} });
}
$e->sql('update public.scrape_jobs set completed_at = completed_at'
    . " - interval '2 s' where job_id = '$large'");
is $e->value(note_purchases => 2), 2, 'two batches';
is $e->sql("select count(*) from igjobs.purchases where tenant = 'large'"),
    100, 'of fifty accounts';
is $e->value(note_purchases => 4), 3, 'the others';
is $e->sql("select count(*) from igjobs.purchases where tenant = 'large'"),
    250, 'all';

done_testing;
