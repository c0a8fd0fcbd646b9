#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# sql/migrate --adopt: databases of the system that igjobs replaces, in its
# first form and in its last (t/sql/former), are taken over, once, whatever
# interrupts it; what was read through the API then, is now.

use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Env;
use Igjobs::Http;
use Igjobs::Json;
use Igjobs::Nginx;
use Igjobs::Postgres;
use Igjobs::Session;

my $pg = Igjobs::Postgres->new(migrated => 0)->start;
my $database;
my $user = 'postgres';

# a database filled by the former system: NAME.sql
sub former {
    my ($name, $owner) = @_;
    my $path = "$FindBin::Bin/former/$name.sql";

    ($database, $user) = ($name, $owner);
    $pg->psql("create database $name owner $owner", dbname => 'postgres');
    open my $in, '<', $path or die "$path: $!";
    $pg->psql(do { local $/; <$in> }, dbname => $name, user => $owner);
    return;
}

# migrate(@arguments): its output and exit status
sub migrate {
    my (@arguments) = @_;
    my $dsn = $pg->dsn(user => $user, dbname => $database);
    my $command = join ' ', map { "'$_'" }
        Igjobs::Env::root() . '/sql/migrate', '--dsn', $dsn, @arguments;
    my $text = `$command 2>&1`;

    return ($text, $? >> 8);
}

sub sql {
    my ($sql, %option) = @_;

    return $pg->psql($sql, dbname => $database, %option);
}

# "found taken left" of a table, as it was printed
sub printed {
    my ($text, $table) = @_;

    return join ' ', $text =~ /^ $table +\| +(\d+) \| +(\d+) \| +(\d+) \|/m;
}

sub checksum {
    my (@tables) = @_;

    return join ' ', map {
        sql("select count(*) || ':' || coalesce(sum(hashtextextended("
            . "t::text, 0)), 0) from $_ t")
    } @tables;
}

my @ours = map { "public.$_" } qw(scrape_jobs scrape_results campaigns
    daily_assignments global_usernames raw_scraped_profiles source_profiles
    scraping_jobs);
push @ours, map { "igjobs.$_" } qw(batches batch_accounts chunks);

# refused, and nothing changed

$pg->psql('create role plain login createrole', dbname => 'postgres');
former('v1', 'postgres');
my @old = map { "public.$_" } qw(scrape_jobs scrape_results campaigns
    daily_assignments global_usernames raw_scraped_profiles source_profiles);
my $as_it_was = checksum(@old);
my ($text, $status) = migrate();
isnt $status, 0, 'a database of the former system is refused';
like $text, qr/tables of the system that igjobs replaces: campaigns, .*scrape_jobs.*Nothing was changed.*sql\/migrate --adopt/s,
    'which names the tables, and says what to do';
is sql("select to_regnamespace('igjobs'), to_regclass('public.campaigns')"),
    '|campaigns', 'nothing was changed';

my $busy = Igjobs::Session->new($pg, dbname => $database);
$busy->run('begin; select count(*) from public.campaigns');
sql("alter database $database set lock_timeout = '10ms'");
like +(migrate('--adopt'))[0],
    qr/table campaigns is in use\. Nothing was changed: stop the/,
    'nor when a table is being used';
sql("alter database $database reset lock_timeout");
$busy->run('rollback');
$busy->close;

# adopted

($text, $status) = migrate('--adopt');
is $status, 0, 'it is adopted' or diag $text;
is printed($text, 'scrape_jobs'), '6 6 0', 'jobs';
is printed($text, 'scrape_results'), '2505 2502 3', 'results';
is printed($text, 'campaigns'), '3 3 0', 'campaigns';
is printed($text, 'daily_assignments'), '250 249 1', 'assignments';
is printed($text, 'global_usernames'), '5000 5000 0', 'the pool';
is printed($text, 'raw_scraped_profiles'), '3000 2999 1', 'the history';
is printed($text, 'source_profiles'), '5 5 0', 'source profiles';
for my $line ('the job has the profile already: 2',
              'no profile_id and no username: 1',
              'unfinished, so marked failed: 2',
              'the campaign has the profile already: 1',
              'place taken, now at the end of the table: 20',
              'status to_unfollow, now unfollow: 40',
              'no id or no username: 1') {
    like $text, qr/(left out|taken over), \Q$line\E/, "says: $line";
}
for my $line (qr/foreign key notes_campaign_id_fkey of notes/,
              qr/function cleanup_old_jobs.*names scrape_jobs/,
              qr/policy everybody_reads of campaigns/,
              qr/publication changes/,
              qr/role reporting .*rights on campaigns, daily_assignments/,
              qr/trigger set_updated_at of daily_assignments/,
              qr/view campaign_overview .*reads campaigns/) {
    like $text, qr/$line/, "names: $line";
}
is checksum(map { s/public/igjobs_before/r } @old), $as_it_was,
    'the old tables stand in igjobs_before as they were';

# values

is sql('select count(*), count(*) filter (where used), min(created_at),'
    . ' max(used_at), count(*) filter (where full_name = $$$$) from'
    . ' global_usernames'), '5000|1665|2025-10-01 00:00:01+00|'
    . '2025-10-10 00:00:00+00|1', 'the pool';
is sql('select count(*) from global_usernames g join'
    . ' igjobs_before.global_usernames o using (id, username, created_at)'
    . ' where g.used = coalesce(o.used, false) and g.full_name ='
    . ' coalesce(o.full_name, $$$$) and g.used_at is not distinct from'
    . " o.used_at and tenant = 'default' and base_id = 'default_instagram'"),
    5000, 'each row of it';
is sql('select string_agg(concat_ws(chr(32), campaign_date, total_assigned,'
    . ' status, created_at), chr(44) order by campaign_date) from campaigns'),
    '2025-10-14 200 t 2025-10-15 01:00:00+00,2025-10-15 50 f 2025-10-16'
    . ' 01:00:00+00,2025-10-16 0 f 2025-10-17 01:00:00+00', 'campaigns';
is sql('select va_table_number, count(*), min(position), max(position),'
    . ' count(distinct position) from daily_assignments where campaign_id ='
    . " '22222222-2222-4222-8222-000000000001' group by 1 order by 1"),
    "0|30|0|0|1\n1|70|1|70|70\n2|50|1|50|50\n3|50|1|50|50",
    'places, each once';
is sql('select status, count(*), count(*) filter (where updated_at ='
    . " '2025-10-16 02:00:00+00'), count(*) filter (where updated_at ="
    . ' assigned_at), count(*) filter (where updated_at > now()'
    . " - interval '1 hour') from daily_assignments where campaign_id ="
    . " '22222222-2222-4222-8222-000000000001' group by 1 order by 1"),
    "completed|40|20|0|20\nfollowed|40|20|20|0\npending|40|20|20|0\n"
    . 'unfollow|80|40|40|0', 'statuses and their times';

# through the API

my $nginx = Igjobs::Nginx->new(postgres => $pg->dsn(
    user => 'igjobs_api', dbname => $database, tcp => 1))->start;
my $http = Igjobs::Http->new($nginx->port);

sub ask {
    my ($path) = @_;
    my $response = $http->get($path);

    return { %{ Igjobs::Json::decode($response->{body}) }, code => $response->{status} };
}

sub id { return "11111111-1111-4111-8111-00000000000$_[0]" }

my $first = ask('/api/job-status/' . id(1));
is_deeply { map { $_ => $first->{$_} } qw(code status state progress
        profiles_scraped total_filtered total_batches current_batch
        error_message created_at started_at completed_at) },
    { code => 200, status => 'completed', state => 'completed',
      progress => 100, profiles_scraped => 2500, total_filtered => 2500,
      total_batches => 3, current_batch => 3, error_message => undef,
      created_at => '2025-10-14T10:05:11.123456+00:00',
      started_at => '2025-10-14T10:05:12.000000+00:00',
      completed_at => '2025-10-14T10:35:11.500000+00:00' },
    'a finished job has its status';

my @profiles;
for my $page (1 .. 4) {
    my $answer = ask('/api/job-results/' . id(1) . "?page=$page&limit=700");
    is "$answer->{code} $answer->{total}", '200 2498', "page $page";
    push @profiles, @{ $answer->{profiles} };
}
is_deeply [map { $_->{id} } @profiles], [1 .. 2498],
    'all of its results, each once, in order';
is_deeply $profiles[1001], { id => '1002', username => 'user_1002',
    full_name => 'José 1002', created_at => '2025-10-14T10:35:02.000000+00:00' },
    'with their values';
is $profiles[1000]{full_name}, '', 'and no null';
my $second = ask('/api/job-results/' . id(2));
is_deeply [map { "$_->{id} $_->{username}" } @{ $second->{profiles} }],
    ['a anna', 'c carl', 'dora dora'], 'one without an id has its name';
is ask('/api/job-status/' . id(2))->{error_message}, undef,
    'an error from before a job was completed is forgotten';

my %message = (
    3 => qr/^Aggregation failed: 503$/,
    4 => qr/^The job had not ended \(processing\) when igjobs took over/,
    5 => qr/^The job had not ended \(queued\) when igjobs took over/);
for my $n (sort keys %message) {
    my $job = ask('/api/job-status/' . id($n));
    is "$job->{code} $job->{status}", '200 failed', "job $n has failed";
    like $job->{error_message}, $message{$n}, 'and says why';
    is $job->{profiles_scraped}, $n == 3 ? 1 : 0, 'with what it has';
}
is_deeply [map { $_->{username} } @{ ask('/api/job-results/' . id(3)
        . '?partial=true')->{profiles} }], ['bert'], 'which can be read';
is_deeply [map { "$_->{account} $_->{outcome}" } @{ ask('/api/jobs/' . id(4)
        . '/accounts')->{accounts} }], ['anna.b skipped', 'carl skipped'],
    'its accounts are user names';
is scalar @{ ask('/api/jobs')->{jobs} }, 6,
    'all are listed';

my $redrive = $http->post_json('/api/jobs/' . id(4) . '/redrive', {});
is $redrive->{status}, 200, 'an unfinished one can be redriven'
    or diag $redrive->{body};
is sql('select state, total_batches, batches_done, account_count from'
    . " scrape_jobs where job_id = '" . id(4) . "'"), 'running|1|0|2',
    'and waits for a worker';
my $stats = ask('/api/global-usernames/stats');
is "$stats->{total} $stats->{used}", '5000 1665', 'the pool is counted';
is_deeply [map { "$_->{campaign_date} $_->{total_assigned}" }
           @{ ask('/api/campaigns')->{campaigns} }],
    ['2025-10-16 0', '2025-10-15 50', '2025-10-14 200'],
    'campaigns are listed';
my $campaign = $http->post_json('/api/daily-selection',
                                { profiles_per_table => 1 })->json;
is $campaign->{total_selected}, 80, 'a new one is selected';
is sql('select min(created_at), max(created_at) from global_usernames where'
    . " used_at > now() - interval '1 hour'"), '2025-10-01 00:00:01+00|'
    . '2025-10-01 00:01:58+00', 'from the oldest that nobody has used';
is $http->post_json("/api/distribute/$campaign->{campaign_id}", {})
    ->json->{total_distributed}, 80, 'and distributed';

my $estimate = Igjobs::Json::decode($http->post_json(
    '/api/scrape-followers', { accounts => ['a'], dry_run => JSON::PP::true }
)->{body});
is $estimate->{success} && $estimate->{estimate}{seconds}, undef,
    'how long they took says nothing about jobs of igjobs';
is_deeply ask('/api/jobs/' . id(6) . '/accounts')->{accounts}, [],
    'a job without accounts';
is $http->request('DELETE', '/api/jobs/' . id(6))->{status}, 202,
    'can be erased';
ok $nginx->stop, 'nginx ends';

# again

my $taken_over = checksum(@ours);
($text, $status) = migrate('--adopt');
is $status, 0, 'again';
is printed($text, 'global_usernames'), '5000 5000 0', 'says the same';
is checksum(@ours), $taken_over, 'and changes nothing';
is join('|', migrate()), '|0', 'without --adopt there is nothing to say';

# the front-end's reads, and nothing else

is sql("select string_agg(oid::regclass || ' ' || p, ', ' order by relname, p)"
    . " from pg_class, unnest('{select,insert,update,delete}'::text[]) p"
    . " where relnamespace in ('igjobs'::regnamespace,"
    . " 'public'::regnamespace) and relkind in ('r', 'p', 'v')"
    . " and has_table_privilege('anon', oid, p)"),
    'campaigns select, global_usernames select, source_profiles delete,'
    . ' source_profiles insert, source_profiles select,'
    . ' source_profiles update', 'anon may what a front-end does';
sql('set role anon; select * from campaigns; select id, username, used from'
    . " global_usernames where not used; insert into source_profiles (id,"
    . " username) values ('x', 'new'); update source_profiles set username ="
    . " 'newer' where id = 'x'; delete from source_profiles where id = 'x'");
for my $table (qw(daily_assignments raw_scraped_profiles scrape_jobs
                  scrape_results scraping_jobs igjobs_before.campaigns)) {
    eval { sql("set role anon; select * from $table") };
    like $@, qr/permission denied/, "anon: not $table";
}

# the former server goes on with campaigns, in the new tables

$pg->psql('create role server login', dbname => 'postgres');
($text, $status) = migrate('--former-server', 'server');
is "$status $text", '0 ', 'sql/migrate --former-server';
is sql(<<'SQL', user => 'server'), '1|1', 'it selects and distributes';
insert into campaigns (campaign_id, campaign_date, total_assigned, status,
    created_at) values ('22222222-2222-4222-8222-000000000009', '2025-11-20',
    0, false, now());
update global_usernames set used = true, used_at = now() where id = 'id1';
insert into daily_assignments (assignment_id, campaign_id, va_table_number,
    position, id, username, full_name, status, assigned_at)
values (gen_random_uuid(), '22222222-2222-4222-8222-000000000009', 0, 0,
    'id1', 'user_1', 'Name 1', 'pending', now());
update daily_assignments set va_table_number = 1, position = 1
where campaign_id = '22222222-2222-4222-8222-000000000009';
insert into raw_scraped_profiles (id, username, full_name, scraped_at)
values ('new', 'new', '', now());
insert into global_usernames (id, username, full_name, used, created_at)
values ('new', 'new', '', false, now());
select va_table_number, position from daily_assignments
where campaign_id = '22222222-2222-4222-8222-000000000009';
SQL
eval { sql('select * from scrape_jobs', user => 'server') };
like $@, qr/permission denied/, 'but has nothing to do with jobs';

# the later form, as a user with few privileges; a row that stops it half way

former('v3', 'plain');
sql("update global_usernames set created_at = 'long ago' where id = '39000'");
($text, $status) = migrate('--adopt');
isnt $status, 0, 'a row that cannot be read';
like $text, qr/table igjobs_before\.global_usernames, blocks \d+ to \d+: .*"long ago".*run sql\/migrate --adopt again/s,
    'is shown, with its place';
my $half = sql('select count(*) from global_usernames');
ok $half > 0 && $half < 39000, "what came before it is there: $half rows";
like +(migrate())[0], qr/rows of global_usernames, source_profiles, scraping_jobs are not taken over yet/,
    'without --adopt that is said';
sql("update igjobs_before.global_usernames set created_at = null"
    . " where id = '39000'");
($text, $status) = migrate('--adopt');
is $status, 0, 'corrected, it goes on' or diag $text;
is printed($text, 'global_usernames'), '40006 40001 5',
    'and no row was taken twice';
is sql('select count(*) from global_usernames'), 40001, 'which are there';
for my $line ('no id or no username: 2', 'the profile is there: 1',
              'the user name is there under another id: 1',
              'the id is there under another user name: 1',
              'of a job that is not there: 1', 'no campaign_id: 1',
              'there is a campaign of this id: 1', 'no username: 1',
              'the id or user name is there: 1') {
    like $text, qr/left out, \Q$line\E/, "says: $line";
}
is sql('select base_id, count(*) from global_usernames group by 1 order by 1'),
    "appOne|10000\nappTwo|10001\ndefault_instagram|20000", 'bases';
is sql("select used, used_at from global_usernames where username = 'user_4'"
    . " and base_id = 'appOne'"), 't|2025-10-10 00:00:00+00',
    'one of two was used: the one that stays is';
is sql('select campaign_date, status, base_id, airtable_base_id from campaigns'
    . ' order by 1'), "2025-11-01|t|appOne|appAir\n2025-11-02|f|appOne|",
    'campaigns, whose status was a word';
is sql('select va_table_number, position, id, status, base_id from'
    . ' daily_assignments order by 1, 2'), "1|1|12|pending|appOne\n"
    . "1|2|16|pending|appOne\n2|1|20|completed|default_instagram",
    'assignments have the base of their campaign';
is sql('select influencer_name, platform, airtable_base_id, num_vas from'
    . ' scraping_jobs order by 1'), "Anna|instagram|appAir|40\n"
    . 'Bert|instagram||', 'set-ups';
is sql('select platform, kind, state, total_scraped, max_count_per_account,'
    . ' next_row from scrape_jobs'),
    'tiktok|scrape_followers.tiktok|completed|90|50|2', 'a job';
is sql('select string_agg(profile_id, chr(32) order by idx) from'
    . ' scrape_results'), '1 2', 'its results';

# nothing to adopt

$database = 'empty';
$pg->psql('create database empty', dbname => 'postgres');
$user = 'postgres';
sql('create view public.campaigns as select 1 as one');
like +(migrate('--adopt'))[0], qr/public\.campaigns is no ordinary table: rename/,
    'a view is not moved';
sql('drop view public.campaigns; create table public.campaigns ();'
    . ' create schema igjobs_before; create table igjobs_before.campaigns ()');
like +(migrate('--adopt'))[0],
    qr/schema igjobs_before has a table campaigns already, from an earlier/,
    'nor what has been adopted';
sql('drop table public.campaigns; drop schema igjobs_before cascade');
like +(migrate('--adopt'))[0], qr/nothing to adopt/, 'an empty database';

done_testing;
