#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Everything through PgBouncer in transaction mode, set up as
# docs/operations.md says, with fewer connections to Postgres than igjobs has to
# the pooler: jobs, their statuses from Postgres alone, submissions at the same
# time, with keys and by COPY, pages, exports, waits, control.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Expected;
use Igjobs::Load;
use Igjobs::Population;
use Igjobs::Proxy;
use Igjobs::Stack;
use Igjobs::Wait;

use constant { CONNECTIONS => 3, COUNT => 8 };

my $stack = Igjobs::Stack->new(
    pgbouncer => { connections => CONNECTIONS },
    nginx => { redis => undef, http => 'igjobs_prepared off;'
                   . ' igjobs_postgres_statement_timeout off;' },
    worker => { args => ['--pg-prepare=off', '--lanes=6'] });
$stack->start(qw(postgres pgbouncer redis sim nginx worker));
$stack->add_worker(%{ $stack->{option}{worker} }, name => 'second');

my ($http, $jobs, $port) = ($stack->client, $stack->jobs, $stack->nginx->port);
my @names = map { sprintf 'source_%05d', $_ } 1 .. 600;
my $expected = Igjobs::Expected->new(Igjobs::Population->new, \@names, COUNT);

# processes that ask as fast as they are answered, and what they were answered
sub load {
    my ($path, %option) = @_;

    return Igjobs::Load->new(port => $port, path => $path, clients => 8,
                             keep => 1, %option)->start;
}

sub answers {
    my ($load) = @_;
    my %count = $load->finish;

    return join ' ', sort keys %count;
}

my $job = $jobs->submit(accounts => \@names, targetGender => 'any',
                        totalScrapeCount => COUNT * @names);
my @loads = (load("/api/job-status/$job"), load('/api/jobs?page_size=5'));
is $jobs->wait_done($job)->{status}, 'completed', 'a job of 12 batches';
$_->wait_for_requests(200) for @loads;
is answers($_), '200', "$_->{path}: all are answered meanwhile" for @loads;
my $ids = join ' ', sort map { $_->{id} } $jobs->results($job, limit => 700);
ok $ids eq join(' ', sort keys %{ $expected->people }),
    'each person once, page by page';
my $csv = $http->get("/api/job-results/$job.csv");
is scalar(() = $csv->{body} =~ /\n/g), 1 + keys %{ $expected->people },
    'exported';

my $before = $stack->psql('select count(*) from public.scrape_jobs');
my $body = '{"accounts":["one.name"],"totalScrapeCount":1}';
my $load = load('/api/scrape-followers', body => $body);
$load->wait_for_requests(200);
my %count = $load->finish;
is join(' ', keys %count), '202', 'submissions at the same time';
is $stack->psql('select count(*) from public.scrape_jobs') - $before,
    $count{202}, 'each of them is a job';

my @key = (headers => ['Idempotency-Key', '"once"']);
my @twice = map { $http->post_json('/api/scrape-followers', $body, @key) } 1, 2;
is "$twice[0]{status} " . $twice[0]->json->{job_id},
    "$twice[1]{status} " . $twice[1]->json->{job_id}, 'a key';

my $large = $jobs->submit(accounts => [map {"large.$_"} 1 .. 20_000]);
is $stack->psql('select sum(cardinality(string_to_array(accounts, e\'\n\')))'
    . " from igjobs.batch_accounts where job_id = '$large'"), 20_000,
    'a large submission';
my $r = $http->post_json("/api/jobs/$large/cancel", {});
like "$r->{status} " . $r->json->{state}, qr/^20[02] (?:canceled|stopping)$/,
    'canceled';
is $jobs->wait_done($large)->{state}, 'canceled', 'ends';

$r = $http->get('/api/job-status/' . $jobs->submit(accounts => ['a.b'])
                . '?wait=30');
is $r->json->{status}, 'completed', 'a wait';

# a pooler that hands on the answer to one transaction at a time

my $proxy = Igjobs::Proxy->new($stack->postgres)->start;
my $nginx = $stack->add_nginx(%{ $stack->{option}{nginx} },
                              postgres => $proxy->dsn(user => 'igjobs_api'));
$port = $nginx->port;
my $page = "/api/job-results/$job?limit=100";
@loads = (load($page), load('/api/scrape-followers', body => $body));
$_->wait_for_requests(200) for @loads;
is join(', ', map { answers($_) } @loads), '200, 202', 'all are answered';
is $proxy->overlaps, 0, 'no statement is sent before the last is answered';
$nginx->configure(http => '');
$nginx->reload;
$load = load($page);
$load->wait_for_requests(200);
is answers($load), '200', 'with prepared statements';
cmp_ok $proxy->overlaps, '>', 0, 'they are';
$nginx->stop;
$proxy->stop;

cmp_ok scalar(my @sessions = $stack->postgres->sessions), '<=',
    2 * CONNECTIONS, 'few connections to Postgres';
is join("\n", $stack->{pgbouncer}->complaints), '', 'no complaint of PgBouncer';
$stack->finish;
done_testing;
