#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The functions behind endpoints: page tokens, outcomes of accounts, what a
# whole job tells, and that none of them reads more for larger tables.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my $json = JSON::PP->new->utf8;

# api($name, { params }, tenant): the body of a good answer
sub api {
    my ($name, $params, $tenant) = @_;
    my $answer = $e->call("api_$name" => { tenant => $tenant // 'default' },
                          $params);

    die "$name: $answer->{status} $answer->{body}" if $answer->{status} != 200;
    return $json->decode($answer->{body});
}

# all($name, { params }, tenant, member): that member of each element of the
# whole list, page by page, and the tokens. Without a parser: they are long.
sub all {
    my ($name, $params, $tenant, $member) = @_;
    my ($token, @tokens, @all) = ('');

    do {
        my $body = $e->sql('select body from igjobs.api_' . $name . '('
            . literal({ tenant => $tenant }) . ', '
            . literal({ %$params, page_token => $token }) . ')');
        push @all, $body =~ /[{]"$member":"([^"]*)"/g;
        push @tokens, $token;
        ($token) = $body =~ /"next_page_token":"([^"]*)"/;
    } while ($token ne '');
    return (\@all, \@tokens);
}

sub problem {
    my ($name, $params, $tenant) = @_;
    my $answer = $e->call("api_$name" => { tenant => $tenant // 'default' },
                          $params);

    return "$answer->{status} " . $json->decode($answer->{body})->{problem};
}

subtest 'tokens' => sub {
    for my $place ('', 'x', '0 1', 'ü€𐍈', 'long ' x 30,
                   map { 'y' x $_ } 40 .. 48) {
        my $token = $e->value(token => 'scope', $place);
        like $token, qr/^[A-Za-z0-9_-]+\z/, 'base64url';
        is $e->value(token_position => 'scope', $token), $place,
            'there and back' if $place ne '';
        is $e->value(token_position => 'scopf', $token), undef,
            'not for another scope';
        my $bad = 0;
        for my $i (0 .. length($token) - 2) {
            my $other = $token;
            substr($other, $i, 1) =~ tr/A-Za-z0-9_-/B-Za-z0-9_\-A/;
            $bad++ if defined $e->value(token_position => 'scope', $other);
        }
        is $bad, 0, 'no character of it may change';
    }
    is $e->value(token_position => 'scope', $_), undef,
        "'" . ($_ // 'null') . "' is none"
        for undef, '', '=', 'A' x 22, 'A' x 23, 'A' x 25, 'A' x 1000, 'a b c',
            '-' x 32, '____' x 9;
    is $e->value(setting => 'token_key'), undef, 'the key is not told';
    is $e->value(setting => 'parallelism'), 8, 'other settings are';
    like $e->sql("select value from igjobs.settings where name = 'token_key'"),
        qr/^[0-9a-f]{64}\z/, 'it is long';
    is $e->sql("select value = repeat('0', 64) from igjobs.settings"
        . " where name = 'token_key'"), 'f', 'and random';
    my $token = $e->value(token => 'scope', 'place');
    $e->sql("update igjobs.settings set value = 'other'"
        . " where name = 'token_key'");
    is $e->value(token_position => 'scope', $token), undef,
        'a new key ends all tokens';
};

subtest 'times' => sub {
    my %is = (
        '2025-10-14' => '2025-10-14 00:00:00+00',
        '2025-10-14T09:05' => '2025-10-14 09:05:00+00',
        '2025-10-14T09:05:11.5Z' => '2025-10-14 09:05:11.5+00',
        '2025-10-14T09:05:11.123456+00:00' => '2025-10-14 09:05:11.123456+00',
        '2025-10-14T09:05:11 02:00' => '2025-10-14 07:05:11+00',
        '2025-10-14T09:05-0130' => '2025-10-14 10:35:00+00',
    );
    for my $zone (qw(UTC Asia/Kolkata)) {
        $e->sql("set timezone = '$zone'");
        is $e->sql("select igjobs.parse_time('$_') = '$is{$_}'"), 't',
            "$_ where it is $zone" for sort keys %is;
    }
    $e->sql('reset timezone');
    is $e->value(parse_time => $_), undef,
        "'" . ($_ // 'null') =~ s/\n/\\n/r . "' is none"
        for undef, '', 'now', 'today', 'infinity', '2025-10-14 09:05',
            '2025-13-14', '2025-02-29', '2025-10-14T24:01Z', '20251014',
            '2025-10-14T09:05:11.1234567Z', "2025-10-14\n", '12025-10-14',
            '2025-10-14T09:05:11+16:00', '0000-01-01';
};

# jobs in every state, and what the accounts of each say

sub outcomes {
    my ($job, %param) = @_;
    my $doc = api(job_accounts => { job => $job, %param });

    return join ' ', map { $_->{outcome} } @{ $doc->{accounts} };
}

subtest 'outcomes' => sub {
    my $job = $e->submit(52);
    my $first = $e->claim($job);
    my $run = $e->start_run($first);
    my @words = qw(ok empty not_found private blocked failed partial);
    my %said = map { ('account_' . ($_ + 1) => $words[$_]) } 0 .. $#words;

    is outcomes($job), 'pending ' x 51 . 'pending', 'nothing is known';
    $e->store($first, $run, ids => ['1'], outcomes => \%said);
    my $known = 'ok empty not_found private blocked failed';
    is outcomes($job), "$known" . ' pending' x 46, 'what the worker has said';
    is_deeply api(job_accounts => { job => $job })->{outcomes},
        { map({ $_ => 1 } @words[0 .. 5]), pending => 46 }, 'counted';
    is outcomes($job, outcome => 'private,failed'), 'private failed',
        'by outcome';

    $e->call(stop_job => 'default', $job, 'cancel');
    is outcomes($job), "$known" . ' pending' x 46, 'while it is stopped';
    $e->call(give_back => Igjobs::Engine::held($first));
    is $e->row($job)->{state}, 'canceled', 'it has ended';
    is outcomes($job), "$known" . ' skipped' x 46, 'left out';

    $job = $e->submit(52);
    $first = $e->claim($job);
    $e->store($first, $e->start_run($first), ids => ['1'],
              outcomes => \%said);
    $e->fail($first, 'dead');
    is outcomes($job), "$known" . ' failed' x 44 . ' pending pending',
        'a batch that was given up';
    $e->store_all($e->claim($job), ids => ['2'],
                  outcomes => { account_51 => 'empty', account_52 => 'partial' });
    is outcomes($job, page_size => 3, outcome => 'ok,empty'), 'ok empty empty',
        'a batch that is done';
    like outcomes($job), qr/ empty ok\z/, 'in which profiles were seen';
};

subtest 'a whole job' => sub {
    my $job = $e->submit(120, max_count => 7, gender => 'female');
    my $doc = sub { return api(job => { job => $job }) };

    is_deeply $doc->()->{batches},
        { queued => 3, running => 0, done => 0, failed => 0 }, 'queued';
    is_deeply $doc->()->{request},
        { kind => 'scrape_followers', platform => 'instagram',
          target_gender => 'female', keep_unknown => JSON::PP::true,
          max_count_per_account => 7, parallelism => 8,
          max_failed_ratio => 0.1,
          map { $_ => undef } qw(target_count stop_when max_cost_usd
              max_seconds max_age random_seed callback_url) }, 'what was asked for';
    my @claims = map { $e->claim($job) } 1 .. 2;
    is_deeply $doc->()->{batches},
        { queued => 1, running => 2, done => 0, failed => 0 }, 'running';
    is $doc->()->{eta}, undef, 'nobody knows how long';
    is $doc->()->{cost_usd}, undef, 'or what it costs';
    $e->store_all($claims[0], ids => [1, 2], cost => '0.250000');
    $e->fail($claims[1], 'dead');
    is_deeply $doc->()->{batches},
        { queued => 1, running => 0, done => 1, failed => 1 }, 'one of each';
    is $doc->()->{cost_usd}, 0.25, 'the cost so far';
    is_deeply $doc->()->{runs},
        { succeeded => { count => 1, cost_usd => 0.25 } }, 'by states';

    # 100 s for two of three batches
    $e->sql("update public.scrape_jobs set created_at = now() - interval"
        . " '130 s', started_at = now() - interval '100 s' where job_id ="
        . " '$job'");
    my $got = $doc->();
    is_deeply [sort keys %{ $got->{eta} }], [qw(at method seconds)], 'an eta';
    is $got->{eta}{method}, 'progress_since_start', 'how it was made';
    cmp_ok abs($got->{eta}{seconds} - 50), '<=', 2, 'half of that is left';
    like $got->{eta}{at}, qr/^20\d\d-.*T.*\+00:00\z/, 'a time';
    is int $got->{timings}{queued_seconds}, 30, 'how long it was queued';
    cmp_ok $got->{timings}{running_seconds}, '>=', 100, 'and running';
    is $got->{stalled_since}, undef, 'it does not stand still';
    $e->sql("update public.scrape_jobs set updated_at = now() - interval"
        . " '61 s' where job_id = '$job'");
    is $doc->()->{stalled_since}, $e->sql('select trim(igjobs.json_time('
        . "updated_at), '\"') from public.scrape_jobs where job_id = '$job'"),
        'now it does';
    my $last = $e->claim($job);
    is $doc->()->{stalled_since}, undef, 'not while a batch is in work';

    $e->store_all($last, ids => [3], cost => '0.5');
    $got = $doc->();
    is_deeply [@$got{qw(state eta stalled_since cost_usd)}],
        ['failed', undef, undef, 0.75], 'ended';
    is $got->{version}, $e->doc($job)->{version}, 'the status\'s version';
    is problem(job => { job => $job }, 'other'), '404 job-not-found',
        'not for another tenant';
    is problem(job => {}), '404 job-not-found', 'nor without an id';
};

# how many buffers a call touches, once it has its plans
sub buffers {
    my ($name, $params, $tenant) = @_;
    my $text;

    $params = literal($params);
    $tenant //= 'default';
    for (1, 2) {
        $text = $e->sql('explain (analyze, buffers, timing off, costs off)'
            . " select * from igjobs.api_$name('{\"tenant\":\"$tenant\"}',"
            . " $params)");
    }
    my ($all) = $text =~ /(Buffers: .*)/;
    my $sum = 0;
    $sum += $1 while $all =~ /(?:hit|read)=(\d+)/g;
    note "$name $params: $sum buffers";
    return $sum;
}

# The plans are made while the tables are small, as on a new installation, and
# kept: nothing is analyzed in between.
$e->sql('set plan_cache_mode = force_generic_plan');
$e->sql($_) for 'analyze public.scrape_jobs', 'discard plans';
api(jobs => { status => 'failed' }, 'many');
api(job_accounts => { job => $e->submit(1, tenant => 'many') }, 'many');

$e->sql(<<'SQL');
insert into public.scrape_jobs (job_id, created_at, started_at, completed_at,
    total_batches, account_count, max_count_per_account, parallelism,
    max_failed_ratio, keep_unknown, tenant, platform, kind, class, phase,
    state, status, target_gender, doc)
select id, '2026-01-01'::timestamptz + i / 4 * interval '1 s',
    now(), case when s <> 'running' then now() end, 1, 50, 5, 8, 0.1, true,
    'many', 'instagram', 'scrape_followers', 'small', 'collect', s,
    igjobs.status_word(s), 'any',
    format('{"job_id":"%s","%s":1}', id, repeat('x', 800))
from (
    select i, gen_random_uuid() as id, case when i % 10000 = 7 then 'failed' when i % 10 = 0
        then 'running' else 'completed' end as s
    from generate_series(1, 40000) i) x
SQL

subtest 'a list of 40,000 jobs' => sub {
    my $wanted = $e->sql("select string_agg(job_id::text, ',' order by"
        . " created_at desc, job_id desc) from public.scrape_jobs"
        . " where tenant = 'many' and state <> 'queued'");
    my ($seen, $tokens) = all(jobs => {
        page_size => 500, state => 'running,completed,failed' }, 'many',
        'job_id');

    is join(',', @$seen), $wanted, 'each once, in order; many are as old';

    cmp_ok buffers(jobs => {}, 'many'), '<', 500, 'a page reads little';
    my $first = buffers(jobs => { page_size => 500 }, 'many');
    cmp_ok buffers(jobs => { page_size => 500, page_token => $tokens->[60],
                             state => 'running,completed,failed' }, 'many'),
        '<', 1.5 * $first, 'a deep one no more';
    my $failed = api(jobs => { status => 'failed' }, 'many');
    is scalar @{ $failed->{jobs} }, 4, 'a filter that few match';
    cmp_ok buffers(jobs => { status => 'failed' }, 'many'), '<', 200,
        'reads those few';
    cmp_ok buffers(jobs => { created_before => '2025-01-01' }, 'many'), '<',
        100, 'one that none matches next to nothing';
    cmp_ok buffers(jobs => { created_after => '2026-01-01T01:00',
                             created_before => '2026-01-01T01:01',
                             status => 'processing' }, 'many'),
        '<', 300, 'a time in the middle';
    my $operations = api(jobs => { kind => 'operation' }, 'many');
    is scalar @{ $operations->{jobs} }, 0, 'a kind that none is of';
    cmp_ok buffers(jobs => { kind => 'operation' }, 'many'), '<', 100,
        'reads next to nothing';
    my $one = api(jobs => { page_size => 1 }, 'many')->{jobs}[0]{job_id};
    cmp_ok buffers(job => { job => $one }, 'many'), '<', 100,
        'a job is looked up by its key';
    $e->sql('prepare doc(text, uuid) as select doc from igjobs.job_documents'
        . ' where tenant = $1 and job_id = $2');
    like $e->sql("explain execute doc('many', '$one')"),
        qr/scrape_jobs_pkey/, 'as before there was an index for the list';
};

my $large = Igjobs::Engine::job_id();
$e->sql(<<"SQL");
insert into public.scrape_jobs (job_id, started_at, total_batches,
    account_count, max_count_per_account, parallelism, max_failed_ratio,
    keep_unknown, tenant, platform, kind, class, phase, state, status,
    target_gender, doc, batches_done, batches_dead, progress_sum)
values ('$large', now(), 10000, 500000, 5, 8, 0.1, true, 'default',
    'instagram', 'scrape_followers', 'bulk', 'collect', 'running',
    'processing', 'any', '{}', 9000, 1, 9001);
insert into igjobs.batches (job_id, batch_no, tenant, platform, kind, phase,
    account_count, expected, state, finished_at)
select '$large', i, 'default', 'instagram', 'scrape_followers', 'collect', 50,
    250, case i when 7777 then 'dead' else 'done' end, now()
from generate_series(0, 9000) i;
insert into igjobs.batches (job_id, batch_no, tenant, platform, kind, phase,
    account_count, expected)
select '$large', i, 'default', 'instagram', 'scrape_followers', 'collect', 50,
    250
from generate_series(9001, 9999) i;
insert into igjobs.batch_accounts (job_id, batch_no, tenant, platform,
    accounts, outcomes)
select '$large', b, 'default', 'instagram',
    string_agg('user.name_' || b * 50 + k, e'\\n' order by k),
    case when b < 9001 and b <> 7777
        then jsonb_object_agg('user.name_' || b * 50 + k, 'ok') end
from generate_series(0, 9999) b, generate_series(0, 49) k group by b;
insert into igjobs.runs (job_id, batch_no, run_no, attempt, state, tenant,
    platform, cost_usd, token, run_id, closed_at, intent_at)
select '$large', b, 0, 1, 'succeeded', 'default', 'instagram', 0.01, 't', 'r',
    now(), now()
from generate_series(0, 9000) b
SQL

subtest 'a job of 500,000 accounts' => sub {
    my $doc = api(job => { job => $large });
    is_deeply $doc->{batches},
        { queued => 999, running => 0, done => 9000, failed => 1 },
        'its batches';
    is $doc->{cost_usd}, 90.01, 'its cost';
    cmp_ok buffers(job => { job => $large }), '<', 1500, 'read with little';

    my ($names, $tokens) = all(job_accounts => {
        job => $large, page_size => 4999 }, 'default', 'account');
    is scalar @$names, 500_000, 'all accounts';
    is scalar(grep { $names->[$_] ne "user.name_$_" } 0 .. $#$names), 0,
        'in order';
    my $page = api(job_accounts => { job => $large });
    is_deeply [@$page{qw(outcomes total)}], [undef, 500_000],
        'they are not counted';
    my $first = buffers(job_accounts => { job => $large });
    cmp_ok $first, '<', 200, 'a page reads little';
    cmp_ok buffers(job_accounts => { job => $large, page_token => $tokens->[90] }),
        '<', 1.5 * $first, 'a deep one no more';

    my %failed = (job => $large, outcome => 'failed');
    ($names, $tokens) = all(job_accounts => \%failed, 'default', 'account');
    is_deeply $names, [map { "user.name_$_" } 388_850 .. 388_899],
        'those of one batch are found';
    is scalar @$tokens, 50, '10,000 accounts a page';
    cmp_ok buffers(job_accounts => { %failed, page_token => $_ }), '<', 1500,
        'no page reads more' for @$tokens[0, 25, 49];
};

done_testing;
