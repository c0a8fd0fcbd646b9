#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Pages: what one commit writes, counters and progress, repeats after an
# unknown COMMIT, the end of runs and batches, duplicates, final jobs.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;

# a page

my $job = $e->submit(100, max_count => 2);
my $c = $e->claim($job);
my $run = $e->start_run($c);
my @page = (ids => [3, 1, 2], items => 10, seen => 8, genders => [3, 4, 1]);
my $s = $e->store($c, $run, @page);
is_deeply [@$s{qw(answer kept batch_closed version final state)}],
    ['stored', 3, JSON::PP::false, 3, JSON::PP::false, 'running'], 'stored';
is $s->{doc}, $e->row($job)->{doc}, 'with the new document';

my $row = $e->row($job);
is_deeply [@$row{qw(profiles_scraped next_row seen female_count male_count
                    unknown_count batches_done total_scraped)}],
    [3, 3, 8, 3, 4, 1, 0, undef], 'counters';
is $row->{progress}, 5, 'a tenth of one of two batches is 5 %';
is_deeply [@{ ($e->runs($job, 0))[0] }{qw(cursor items state)}],
    [10, 10, 'started'], 'the cursor';
is $e->sql('select idx, profile_id, username, full_name, gender, confidence,'
    . ' evidence, source_account, tenant, platform from public.scrape_results'
    . " where job_id = '$job' and idx = 0"),
    '0|1|user_1|Name 1|female|0.9|name|account_1|default|instagram', 'a row';
is $e->sql('select string_agg(profile_id, \' \' order by idx)'
    . " from public.scrape_results where job_id = '$job'"), '1 2 3',
    'rows lie in the order of their keys';
is $e->sql("select first_row, n from igjobs.chunks"
    . " where job_id = '$job'"), '0|3', 'one chunk';

# repeats

$s = $e->store($c, $run, @page);
is_deeply [@$s{qw(answer kept version)}], ['repeated', 0, 3],
    'a repeat after an unknown COMMIT';
is $e->row($job)->{seen}, 8, 'counts nothing again';
is $e->store($c, $run, from => 20, ids => [9])->{answer}, 'lost',
    'a page with a gap before it is refused';
is $e->store($c, 7, ids => [9])->{answer}, 'lost', 'so is an unknown run';

# a second page with known profiles

$s = $e->store($c, $run, from => 10, ids => [1 .. 6], outcomes =>
    { account_1 => 'ok', account_2 => 'private' }, accounts_failed => 1);
is $s->{kept}, 3, 'only new profiles are kept';
is $e->sql("select first_row, n from igjobs.chunks"
    . " where job_id = '$job' order by first_row desc limit 1"), '3|3',
    'the chunk has no holes';
is $e->row($job)->{accounts_failed}, 1, 'a failed account';
is $e->sql("select outcomes from igjobs.batch_accounts"
    . " where job_id = '$job' and batch_no = 0"),
    '{"account_1": "ok", "account_2": "private"}', 'outcomes';
$s = $e->store($c, $run, from => 16, ids => [6, 7], items => 500,
               outcomes => { account_3 => 'ok' });
is $s->{kept}, 1, 'after a page with known profiles as well';
is $e->row($job)->{progress}, 49.5, 'progress stays below the batch\'s end';
is $e->sql('select count(*) from igjobs.batch_accounts,'
    . " jsonb_object_keys(outcomes) where job_id = '$job'"), 3,
    'outcomes are merged';

# profiles twice in one page

$s = $e->store($c, $run, from => 516, ids => [8, 8, 9]);
is $s->{kept}, 2, 'a profile twice in a page is kept once';
is $e->sql("select string_agg(profile_id, ' ' order by chunk_no, idx)"
    . " from public.scrape_results where job_id = '$job' and idx < 2"
    . " and profile_id in ('8', '9')"), '8 9', 'and its chunk has no hole';

# rows that the caller takes for new

$s = $e->store($c, $run, from => 519, ids => [11 .. 15], new => 5);
is $s->{kept}, 5, 'all are new';
$s = $e->store($c, $run, from => 524, ids => [15 .. 18], new => 4);
is $s->{kept}, 3, 'one was known after all';
my @split = ($e->page($c, $run, from => 528, ids => [1 .. 5], new => 2));
$split[15] = $split[16] = $split[17] = [20, 21, 18, 19, 22];
is $e->call(store_page => @split)->{kept}, 4, 'two new, then one known of three';
is $e->sql('select string_agg(idx || \':\' || profile_id, \' \' order by idx)'
    . " from public.scrape_results where job_id = '$job' and chunk_no ="
    . " (select max(chunk_no) from igjobs.chunks where job_id = '$job')"),
    '0:20 1:21 2:19 3:22', 'their places have no holes';

# a page of more rows than a chunk holds, 400 of which are known

my $large = $e->submit(1);
my $l = $e->claim($large);
my $large_run = $e->start_run($l);
my @known = map { sprintf 'k%04d', $_ } 1 .. 200;
my @fresh = map { sprintf 'n%04d', $_ } 1 .. 551;
my @rest = (@known, 'r1', 'r2');
$e->store($l, $large_run, ids => \@known);
my @mixed = ($e->page($l, $large_run, from => 200, new => scalar @fresh,
                      ids => [@fresh, @rest]));
is $e->call(store_page => @mixed)->{kept}, 553, 'all that is new is kept';
is $e->sql("select string_agg(first_row || '+' || n, ' ' order by first_row)"
    . " from igjobs.chunks where job_id = '$large'"),
    '0+200 200+250 450+250 700+53', 'in chunks of 250 rows at most';
is join(' ', map { $_->{profile_ids} }
        $e->all(result_rows => 'default', $large, 198, 3, ';'),
        $e->all(result_rows => 'default', $large, 750, 10, ';')),
    'k0199;k0200 n0001 n0551;r1;r2', 'in the order in which they came';
is $e->sql("select count(*) from igjobs.job_profiles"
    . " where job_id = '$large'"), 753, 'each is noted';

# the end of the run: an empty page

my @close = (from => 533, close => 1, cost => 0.5);
$s = $e->store($c, $run, @close);
is_deeply [@$s{qw(answer batch_closed)}], ['stored', JSON::PP::true],
    'the last open run closes the batch';
is_deeply [@{ ($e->runs($job, 0))[0] }{qw(state cost_usd)}],
    ['succeeded', 0.5], 'the run is closed and booked';
is_deeply [@{ $e->batch($job, 0) }{qw(state progress worker lease_until)}],
    ['done', 1, undef, undef], 'the batch is done';
$row = $e->row($job);
is_deeply [@$row{qw(progress batches_done current_batch)}], [50, 1, 1],
    'half the job';
$s = $e->store($c, $run, @close);
is_deeply [@$s{qw(answer batch_closed)}], ['repeated', JSON::PP::true],
    'a repeat of the close finds the run closed';
is $e->row($job)->{batches_done}, 1, 'the batch counts once';
is $e->store($c, $run, from => 533, ids => [10])->{answer}, 'lost',
    'nothing more for a closed run';

# the job's last page

$c = $e->claim($job);
$run = $e->start_run($c);
@page = (ids => [31, 32], genders => [1, 0, 1], close => 1);
$s = $e->store($c, $run, @page);
is_deeply [@$s{qw(answer kept final state)}],
    ['stored', 2, JSON::PP::true, 'completed'], 'the last page ends the job';
my $doc = $e->doc($job);
is_deeply [@$doc{qw(status progress completion_reason total_scraped
                    total_filtered profiles_scraped error_message)}],
    ['completed', 100, 'all_done', 8 + 6 + 2 + 3 + 5 + 4 + 5 + 2, 23, 23,
     '1 of 100 accounts could not be scraped'], 'its document';
ok defined $doc->{completed_at}, 'with the time of its end';
is $e->store($c, $run, @page)->{answer}, 'repeated', 'a repeat of that page';
is $e->row($job)->{version}, $s->{version}, 'changes nothing';

# an empty dataset: from = to = 0

$job = $e->submit(1);
$c = $e->claim($job);
$run = $e->start_run($c);
is $e->store($c, $run, close => 1)->{state}, 'completed',
    'an empty dataset ends its batch';
is $e->store($c, $run, close => 1)->{answer}, 'repeated', 'once';

# nothing is stored after the end

$job = $e->submit(50);
$c = $e->claim($job);
$run = $e->start_run($c);
$e->sql("update public.scrape_jobs set state = 'failed',"
    . " completed_at = now() where job_id = '$job'");
$s = $e->store($c, $run, ids => [1, 2]);
is_deeply [@$s{qw(answer kept batch_closed final)}],
    ['final', 0, JSON::PP::false, JSON::PP::true], 'final';
is $e->sql("select count(*) from public.scrape_results"
    . " where job_id = '$job'"), 0, 'no row';
is_deeply [@{ ($e->runs($job, 0))[0] }{qw(cursor state)}], [0, 'started'],
    'no cursor, the whole page is undone';

# a page meets profiles that another session has not committed yet

$job = $e->submit(100);
my @c = map { $e->claim($job) } 1, 2;
my @run = map { $e->start_run($_) } @c;
for my $end (qw(commit rollback)) {
    my $from = $end eq 'commit' ? 0 : 3;
    my $s = $e->session;
    $s->run('begin');
    $s->run(Igjobs::Engine::statement(store_page => $e->page($c[0], $run[0],
        from => $from, ids => [map { "$end $_" } 1 .. 3])));
    my $other = $e->beside;
    $other->send(store_page => $e->page($c[1], $run[1],
        from => $from, ids => [map { "$end $_" } 3 .. 5]));
    $other->{session}->wait_blocked;
    $s->run($end);
    is $other->answer->{kept}, $end eq 'commit' ? 2 : 3,
        "the other page waits for the $end and keeps what is right";
}

done_testing;
