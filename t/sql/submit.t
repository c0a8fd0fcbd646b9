#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Submission: the rows that it writes, repeats, the large path, the document.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Igjobs::Engine;

my $e = Igjobs::Engine->new;

# a small one

my @call = $e->submission(120, max_count => 7, gender => 'male');
my $job = $call[2];
my $s = $e->call(submit => @call);
is_deeply [@$s{qw(inserted class parallelism)}],
    [JSON::PP::true, 'small', 8], 'a job is accepted';
my $doc = $e->row($job)->{doc};

my $again = $e->call(submit => @call);
ok !$again->{inserted}, 'a repeat inserts nothing';
is $e->row($job)->{doc}, $doc, 'and changes no document';

my $time = '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00';
like $doc, qr/\A\{"version":1,"success":true,"job_id":"$job",
    "status":"queued","state":"queued","completion_reason":null,
    "phase":"collect","progress":0,"profiles_scraped":0,
    "total_scraped":null,"total_filtered":null,"total_batches":3,
    "current_batch":0,"error_message":null,"created_at":"$time",
    "started_at":null,"completed_at":null,"updated_at":"$time",
    "accounts":\{"total":120,"failed":0\},
    "genders":\{"female":0,"male":0,"unknown":0\},
    "batches":\{"done":0,"failed":0\},
    "cost":\{"usd":0,"reserved_usd":0,"max_usd":null\},
    "results_url":"\/api\/job-results\/$job"\}\z/x,
    'the document has its members in their order';
is $e->sql("select doc from igjobs.job_documents where job_id = '$job'"),
    $doc, 'and is what the module reads';

is $e->sql('select string_agg(concat_ws(\' \', batch_no, account_count,'
    . ' expected, state, attempt), \',\' order by batch_no)'
    . " from igjobs.batches where job_id = '$job'"),
    '0 50 350 queued 0,1 50 350 queued 0,2 20 140 queued 0',
    'three batches are queued';
is $e->sql("select accounts from igjobs.batch_accounts where job_id = '$job'"
    . ' and batch_no = 2'), join("\n", map { "account_$_" } 101 .. 120),
    'with their accounts';

my $row = $e->row($job);
is_deeply [@$row{qw(tenant platform kind target_gender keep_unknown
                    max_count_per_account status accounts)}],
    ['default', 'instagram', 'scrape_followers', 'male', JSON::PP::true, 7,
     'queued', undef], 'the columns of the job row';

is $e->row($e->submit(400))->{class}, 'small', '8 batches are small';
is $e->row($e->submit(401))->{class}, 'bulk', '9 are bulk';

$e->sql("update igjobs.settings set value = '3' where name = 'parallelism'");
is $e->row($e->submit(1))->{parallelism}, 3,
    'settings become columns at submission';
is $e->row($job)->{parallelism}, 8, 'and change no earlier job';

# options

my @asked = $e->submission(1);
@{ $asked[4] }{qw(target_count half_width max_cost_usd max_seconds max_age
                  max_failed_ratio parallelism callback_url)} = (
    9007199254740992, 0.4999999, '12345678.123456', 2592000, 7776000, 0.25,
    10000, 'https://a.example/x');
$e->call(submit => @asked);
is $e->sql('select concat_ws(\' \', target_count, half_width, max_cost_usd,'
    . ' deadline - created_at, max_age_seconds, max_failed_ratio, parallelism,'
    . " callback_url) from public.scrape_jobs where job_id = '$asked[2]'"),
    '9007199254740992 0.4999999 12345678.123456 30 days 7776000 0.25 32'
    . ' https://a.example/x',
    'options become columns; parallelism has a limit';
my ($request) = map { $_->{request} } JSON::PP::decode_json($e->call(
    api_job => { tenant => 'default' }, { job => $asked[2] })->{body});
is_deeply [@$request{qw(target_count stop_when max_cost_usd max_seconds
                        max_age max_failed_ratio parallelism callback_url)}],
    [9007199254740992, { half_width => 0.4999999 }, 12345678.123456, 2592000,
     7776000, 0.25, 32, 'https://a.example/x'], 'and are told';
my $none = $e->submit(1, options => { max_age => 0 });
is $e->row($none)->{max_age_seconds}, undef, 'an age of 0 is none';

# what the module should never send

my %wrong = (
    'another kind' => sub { $_[0][3] = 'wash_dishes' },
    'no gender' => sub { $_[0][4] = { max_count_per_account => 5 } },
    'another gender' => sub { $_[0][4]{target_gender} = 'men' },
    'a count of 0' => sub { $_[0][4]{max_count_per_account} = 0 },
    'no accounts' => sub { @{ $_[0] }[5, 6, 7] = (0, 0, []) },
    'too few batches' => sub { $_[0][6] = 2 },
    'too few texts' => sub { pop @{ $_[0][7] } },
);
for my $what (sort keys %wrong) {
    my @bad = $e->submission(120);
    $wrong{$what}->(\@bad);
    is $e->error(submit => @bad), '22023', "$what is refused";
}
is $e->error(submit => $e->submission(1, job => $job, tenant => 'other')),
    'P0002', "another tenant's job id is nobody's business";

# many at once

my $api = $e->session(user => 'igjobs_api');
my @ids = map { Igjobs::Engine::job_id() } 1 .. 3;
my @texts = map { join "\n\n", Igjobs::Engine::batches($_) } 1, 120, 450;
my @many = ('scrape_followers', [('default') x 3], [('instagram') x 3],
            [@ids], [qw(male any female)], [1, 2, 3], ['t', undef, 'f'],
            [1, 120, 450], [@texts],
            [undef, '{"target_count":7}', '{"max_age":60}']);
my @rows = $e->all(submit_all => @many);
is_deeply [map { "@$_{qw(inserted class parallelism)}" } @rows],
    ['1 small 3', '1 small 3', '1 bulk 3'],
    'three in one statement are answered in their order';
for my $n (0 .. 2) {
    is_deeply [map { $e->row($ids[$n])->{$_} }
               qw(target_gender max_count_per_account account_count)],
        [map { $_->[$n] } @many[4, 5, 7]], "columns of job $n";
    is $e->sql('select string_agg(accounts, e\'\\n\\n\' order by batch_no)'
        . " from igjobs.batch_accounts where job_id = '$ids[$n]'"),
        $texts[$n], 'and its accounts';
}
is_deeply [map { $e->row($_)->{keep_unknown} } @ids],
    [JSON::PP::true, JSON::PP::true, JSON::PP::false],
    'unknown is kept unless said otherwise';
is_deeply [map { @{ $e->row($_) }{qw(target_count max_age_seconds)} } @ids],
    [undef, undef, 7, undef, undef, 60], 'options of one are not another\'s';
is $e->sql('select string_agg(account_count || \' \' || expected, \',\''
    . " order by batch_no) from igjobs.batches where job_id = '$ids[1]'"),
    '50 100,50 100,20 40', 'batches of a job among others';

$many[3][1] = Igjobs::Engine::job_id();
is_deeply [map { "@$_{qw(inserted class)}" } $e->all(submit_all => @many)],
    ['0 small', '1 small', '0 bulk'], 'those that are there are repeats';
$many[3] = [map { Igjobs::Engine::job_id() } 1 .. 3];
$many[4][2] = 'men';
is $e->error(submit_all => @many), '22023', 'one that is wrong';
$many[4][2] = undef;
is $e->error(submit_all => @many), '22023', 'or not there';
is $e->sql("select count(*) from public.scrape_jobs where job_id in ("
    . join(', ', map { "'$_'" } @{ $many[3] }) . ')'), 0,
    'lets none of them in';
$many[4][2] = 'any';
$many[1][1] = 'other';
$many[3][1] = $job;
is $e->error(submit_all => @many), 'P0002', 'nor does a strange id';

# two at once with one id

my $other = $e->beside;
my @twice = $e->submission(60);
my $first = $e->session;
$first->run('begin');
$first->run(Igjobs::Engine::statement(submit => @twice));
$other->send(submit => @twice);
$other->{session}->wait_blocked;
$first->run('commit');
ok !$other->answer->{inserted}, 'the second of two at once waits and repeats';
is $e->sql("select count(*) from igjobs.batches where job_id = '$twice[2]'"),
    2, 'one set of batches';

# a large one: rows copied in the same transaction

sub copy_in {
    my ($id, $batches) = @_;
    my @batches = Igjobs::Engine::batches(1050);

    return 'copy igjobs.batch_accounts (tenant, platform, job_id, batch_no,'
        . ' accounts) from stdin' . ";\n"
        . join('', map { "default\tinstagram\t$id\t$_\t"
                         . $batches[$_] =~ s/\n/\\n/gr . "\n" } @$batches)
        . "\\.\n";
}

my @large = $e->submission(1050);
my $id = $large[2];
$large[7] = undef;
my $sql = Igjobs::Engine::statement(submit => @large);
my $end = Igjobs::Engine::statement(submit_copied => 'default', $id);

$api->run("begin; $sql");
$api->run(copy_in($id, [0 .. 19]));
like $api->try($end), qr/has accounts for 20 of 21 batches/,
    'a missing batch is noticed';
$api->run('rollback');

$api->run("begin; $sql");
$api->run(copy_in($id, [0 .. 20]));
like $api->run($end), qr/"inserted":true.*"class":"bulk"/, 'a large job';
$api->run('commit');
is $e->sql('select count(*), sum(account_count), min(batch_no), max(batch_no)'
    . " from igjobs.batches where job_id = '$id'"), '21|1050|0|20',
    'all its batches are queued';
like $api->run($sql), qr/"inserted":false/, 'a repeat finds it';

done_testing;
