#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# What docs/migrating.md gives to copy works: nginx in front of both servers,
# call by call (the former one is a stub that says what it sees); another
# database; the way back, and there again.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Socket::INET;
use Test::More;
use Igjobs::Env;
use Igjobs::Http;
use Igjobs::Nginx;
use Igjobs::Port 'free_port';
use Igjobs::Postgres;

my $root = Igjobs::Env::root();
my $page = slurp("$root/docs/migrating.md");
my ($config) = $page =~ /^```nginx\n(.*?)^```/ms;
my ($way_back) = $page =~ /^```sql\n(.*?)^```/ms;
my $pg = Igjobs::Postgres->new(migrated => 0)->start;

sub slurp {
    my ($path) = @_;

    open my $in, '<', $path or die "$path: $!";
    local $/;
    return scalar <$in>;
}

sub dsn { return $pg->dsn(user => 'postgres', dbname => $_[0]) }

sub migrate {
    my ($database, @arguments) = @_;
    my $dsn = dsn($database);

    is system("'$root/sql/migrate' --dsn '$dsn' @arguments >/dev/null 2>&1"),
        0, "sql/migrate @arguments in $database";
    return;
}

$pg->psql('create database former', dbname => 'postgres');
$pg->psql(slurp("$root/t/sql/former/v1.sql"), dbname => 'former');
my $pool = $pg->psql('select count(*), sum(hashtextextended(t::text, 0))'
    . ' from global_usernames t', dbname => 'former');
migrate('former', '--adopt', '--former-server', 'anon');

# nginx in front of both: the first groups of lines moved

my $former = free_port();
my @groups = split /^$/m, $config;

sub front {
    my ($moved) = @_;
    my $rest = $moved;
    my $text = join '', map {
        /^ *#move/m && $rest-- > 0 ? s/^( *)#move /$1/mgr : $_
    } @groups;

    $text =~ s/127\.0\.0\.1:5001/127.0.0.1:$former/;
    $text =~ s/listen 80;/listen 127.0.0.1:%%PORT%%;/;
    $text =~ s/^    location \/ \{.*?^    \}\n//ms if $moved == 4;
    my $postgres = $pg->dsn(user => 'igjobs_api', dbname => 'former');
    return <<"CONFIG";
    igjobs_postgres "$postgres";
    server {
        listen 127.0.0.1:$former;
        client_max_body_size 0;
        location / {
            return 200 "former \$remote_addr \$http_host \$request_method \$uri";
        }
    }
$text
CONFIG
}

my $nginx = Igjobs::Nginx->new(config => front(0), ready_path => '/health')
    ->start;
my $http = Igjobs::Http->new($nginx->port);
my @calls = (
    ['POST /api/scrape-followers', 'GET /api/job-status/x',
     'GET /api/job-results/x.csv', 'GET /api/jobs', 'GET /api/jobs/x/explain',
     'GET /api/operations/x', 'POST /api/schedules'],
    ['POST /api/ingest', 'GET /api/ingest/x', 'POST /api/daily-selection',
     'POST /api/distribute/x', 'GET /api/campaigns', 'GET /api/campaigns/x',
     'GET /api/source-profiles', 'DELETE /api/source-profiles/x',
     'GET /api/global-usernames/stats'],
    ['POST /api/airtable-sync/x', 'POST /api/airtable/create-base',
     'POST /api/sync-airtable-statuses', 'POST /api/mark-unfollow-due',
     'POST /api/delete-completed-after-delay', 'POST /api/run-daily'],
    ['POST /api/cleanup', 'GET /health', 'GET /healthz', 'GET /api/docs']);

for my $moved (0 .. @calls) {
    $nginx->configure(config => front($moved))->reload if $moved;
    $http->cut;
    for my $group (0 .. $#calls) {
        my %at;

        for my $call (@{ $calls[$group] }) {
            # OPTIONS, so that nothing happens
            my ($path) = $call =~ / (.*)/;
            my $response = $http->request('OPTIONS', $path);
            my $by = $response->{body} =~ /^former / ? 'former' : 'igjobs';

            push @{ $at{$by} }, $call;
            $at{wrong} = $response->{body} if $by eq 'former'
                && $response->{body} !~ / 127\.0\.0\.1:\d+ OPTIONS \Q$path\E$/;
        }
        is_deeply \%at,
            { $group < $moved ? 'igjobs' : 'former' => $calls[$group] },
            "$moved groups moved: where group " . ($group + 1) . ' is answered';
    }
}

my ($schedule) = $page =~ /-d '(\{"name": "daily", .*?\})'$/m;
my $answer = $http->post_json('/api/schedules', $schedule);
is $answer->{status}, 201, 'a schedule instead of cron' or diag $answer->{body};

$nginx->configure(config => front(0))->reload;
my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port,
    LocalAddr => '127.1.2.77', Timeout => 10) or die "connect: $@";
print $socket "GET /api/x HTTP/1.0\r\nHost: me\r\n\r\n";
like do { local $/; <$socket> }, qr/^former 127\.1\.2\.77 me GET/m,
    'the former server sees as many addresses as there are clients';
my $large = $http->request('POST', '/api/ingest', body => 'x' x 3e6,
    headers => ['Content-Type' => 'application/json']);
is $large->{status}, 200, 'and large bodies';
ok $nginx->stop, 'nginx ends';

# another database

$pg->psql('create database another', dbname => 'postgres');
my ($dump) = $page =~ /^    (pg_dump .*)$/m;
{
    local @ENV{qw(OLD NEW)} = (dsn('former'), dsn('another'));
    is system('bash', '-o', 'pipefail', '-c', "($dump) >/dev/null 2>&1"), 0,
        'the old tables are brought to another database';
}
migrate('another', '--adopt');
is $pg->psql('select sum(taken) from igjobs.adoption', dbname => 'another'),
    $pg->psql('select sum(taken) from igjobs.adoption', dbname => 'former'),
    'and adopted there as well';

# the way back, with what has been done since

$pg->psql(<<'SQL', dbname => 'former');
insert into global_usernames (id, username) values ('later', 'later');
update global_usernames set used = true, used_at = now() where id = 'id1';
insert into campaigns (campaign_id, campaign_date) values
    ('22222222-2222-4222-8222-00000000000a', '2025-12-01');
insert into daily_assignments (campaign_id, id, username) values
    ('22222222-2222-4222-8222-00000000000a', 'id1', 'user_1');
SQL
$pg->psql($way_back, dbname => 'former');
is $pg->psql("select count(*) from global_usernames where id = 'later' or"
    . " id = 'id1' and used", dbname => 'former'), 2,
    'back: the pool has what came since';
is $pg->psql('select count(*) from daily_assignments join campaigns using'
    . ' (campaign_id)', dbname => 'former'), 250, 'and assignments';
$pg->psql("insert into scrape_jobs (status, accounts) values ('queued', '{a}');"
    . " insert into scrape_results (job_id, profile_id) select job_id, '1'"
    . ' from scrape_jobs limit 1; update daily_assignments set status ='
    . " 'followed'", dbname => 'former');
is $pg->psql('select count(*) from daily_assignments where updated_at >'
    . " now() - interval '1 minute'", dbname => 'former'), 250,
    'its own triggers are at work';
is $pg->psql('set role anon; select count(*) from campaigns',
             dbname => 'former'), 4, 'its own policies, too';
$pg->psql("delete from global_usernames where id = 'later'; update"
    . " global_usernames set used = false, used_at = null where id = 'id1'",
    dbname => 'former');
is $pg->psql('select count(*), sum(hashtextextended(t::text, 0))'
    . ' from global_usernames t', dbname => 'former'), $pool,
    'otherwise the pool is what it was';

$pg->psql('drop schema igjobs, igjobs_away cascade', dbname => 'former');
migrate('former', '--adopt');
is $pg->psql('select count(*) from daily_assignments', dbname => 'former'),
    250, 'and there again';

done_testing;
