#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Jobs of each platform, end to end: the actor that was asked, its input and its
# items, the bill, what is reused; and platforms that nobody has an actor for:
# refused where that is known, else failed with an error that says so.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Queue ();
use Igjobs::Stack;
use Igjobs::Wait;

my @quick = ('--lanes=4', '--sweep=200ms', '--beat=100ms', '--lease=2s',
             '--start-timeout=1s', '--blocked-retry=100ms');
my %actor = (
    instagram => 'igjobs~followers', tiktok => 'igjobs~tiktok-followers',
    threads => 'igjobs~threads-followers', x => 'igjobs~x-followers');
my %env = (
    APIFY_ACTOR_ID => 'nobody~nothing',
    INSTAGRAM_APIFY_ACTOR_ID => $actor{instagram},
    map { uc . '_APIFY_ACTOR_ID' => $actor{$_} } qw(tiktok threads x));
my $stack = Igjobs::Stack->new(sim => { args => ['--seed', 7] });
$stack->start(qw(postgres redis sim nginx));
my $sim = $stack->sim;
my $queue = Igjobs::Queue->new($stack);
my $client = $stack->client;
my @accounts = map { "source_$_" } 1 .. 60;

sub submit {
    my ($platform, %more) = @_;

    return $client->post_json('/api/scrape-followers', {
        accounts => \@accounts, targetGender => 'any',
        totalScrapeCount => 600, platform => $platform, %more });
}

sub accepted {
    my $answer = submit(@_);

    is $answer->{status}, 202, "a job for $_[0]";
    return $answer->json->{job_id};
}

sub kinds_served {
    return $stack->psql("select string_agg(k, ' ' order by k) from"
        . ' igjobs.workers w, unnest(w.kinds) k where k like'
        . " 'scrape%' and w.until > now()");
}

# as long as nobody is there, nobody knows who will come

my $early = accepted('x');

# all four

my $worker = $stack->add_worker(args => \@quick, env => \%env);
wait_for { kinds_served() eq join ' ', map { "scrape_followers$_" }
           '', '.threads', '.tiktok', '.x' } 20, 'a worker of all platforms';
my %job = map { $_ => accepted($_) } sort keys %actor;
my %rows;
$queue->wait_end($_) for values %job, $early;

for my $platform (sort keys %job) {
    my $id = $job{$platform};
    my $doc = $client->get("/api/job-status/$id")->json;
    is "@$doc{qw(state total_scraped)}", 'completed 600', "$platform is done";
    is $stack->psql('select string_agg(distinct actor, \' \') from igjobs.runs'
        . " where job_id = '$id'"), $actor{$platform}, 'by its actor';
    is $client->get("/api/jobs/$id")->json->{request}{kind},
        'scrape_followers', 'of the one kind that clients know';
    $rows{$platform} = $client->get(
        "/api/job-results/$id?limit=5000")->json->{profiles};
    cmp_ok scalar(@{ $rows{$platform} }), '>', 500, 'with its profiles';
    is scalar(grep { !length $_->{username} || !length $_->{id} }
        @{ $rows{$platform} }), 0, 'that have ids and names';
}
my %started = map { $_->{actor} => 1 }
    grep { $_->{op} eq 'start' && $_->{started} } @{ $sim->journal };
is_deeply [sort keys %started], [sort values %actor],
    'nobody else\'s actor was asked';
is $sim->ledger->{accounts_repeated} // 0, 0, 'nothing was bought twice'
    if !ref $sim->ledger->{accounts_repeated};
is_deeply [map { $_->{id} eq $_->{username} } @{ $rows{tiktok} }[0, 1]],
    [1, 1], 'no id: the user name';
is_deeply [map { "$_->{id} $_->{username} $_->{full_name}" }
           sort { $a->{id} cmp $b->{id} } @{ $rows{x} }],
    [map { "$_->{id} $_->{username} $_->{full_name}" }
     sort { $a->{id} cmp $b->{id} } @{ $rows{instagram} }],
    'and X\'s members say the same as Instagram\'s';
is $stack->psql('select count(*) from public.scrape_results r join'
    . ' public.scrape_jobs j using (job_id) where r.platform <> j.platform'), 0,
    'each row says its platform';

# what is bought for one platform is not another one's

wait_for { $queue->count('purchases', 'true') >= 8 } 20, 'the purchases to be noted';
my $before = $sim->ledger->{runs_started};
my $again = accepted('tiktok', max_age => 3600);
$queue->wait_end($again);
is $sim->ledger->{runs_started}, $before, 'followers on TikTok are read again';
is $stack->psql("select count(distinct actor) from igjobs.purchases"), 4,
    'and kept by actor';

# recurring

my $schedule = $client->post_json('/api/schedules', {
    name => 'hourly', cron => '@hourly', accounts => \@accounts,
    platform => 'x' })->json;
$stack->psql("update igjobs.schedules set next_at = now() - interval '1 s'");
wait_for { $stack->psql('select last_job from igjobs.schedules') ne '' } 20,
    'the schedule to run';
my $ticked = $client->get("/api/schedules/$schedule->{schedule_id}")
    ->json->{last_job_id};
is $queue->wait_end($ticked)->{state}, 'completed', 'a schedule of X';
is $stack->psql("select kind from public.scrape_jobs where job_id = '$ticked'"),
    'scrape_followers.x', 'is one of X';

# its own breaker

$sim->faults([{ match => { op => 'start', path => "*$actor{x}*" },
                action => { status => 401 } }]);
my $refused = accepted('x');
wait_for { $stack->psql("select state from igjobs.breaker_states where scope"
           . " = 'actor:apify/$actor{x}'") eq 'open' } 20, 'X to be refused';
$queue->wait_end(accepted('tiktok'));
is $queue->state($refused) =~ /queued|running/ ? 'waits' : '', 'waits',
    'one that is refused stands in nobody\'s way';
is $client->get("/api/jobs/$refused/explain")->json->{cause}, 'circuit_open',
    'and is explained';
$sim->call('DELETE', '/_sim/faults');
$client->post_json("/api/jobs/$refused/cancel", {});
$worker->stop;

# without an actor

$stack->psql('delete from igjobs.workers');
$stack->psql("update igjobs.settings set value = '0'"
    . " where name = 'unserved_grace_seconds'");
my $late = accepted('tiktok');
$stack->psql("update igjobs.settings set value = '3600'"
    . " where name = 'unserved_grace_seconds'");
$worker = $stack->add_worker(name => 'instagram', args => \@quick);
wait_for { $stack->psql('select array_to_string(platforms, \' \') from'
           . ' igjobs.backlog') eq 'instagram' } 20, 'what is served to be told';
my $answer = submit('tiktok');
is $answer->{status}, 501, 'known: refused';
is $answer->json->{code}, 'IGJ0314', 'as a problem of its own';
like $answer->json->{detail}, qr/TIKTOK_APIFY_ACTOR_ID/, 'with what is missing';
is submit('tiktok', dry_run => \1)->json->{refusal}, 'platform-not-served',
    'a dry run says so';
is $client->post_json('/api/scrape-followers',
        { accounts => \@accounts, platform => 'x' },
        headers => ['Idempotency-Key', 'k1'])->{status}, 501, 'with a key likewise';
is $stack->psql('select count(*) from igjobs.idempotency_keys'), 0,
    'which stays free';
my $explained = $client->get("/api/jobs/$late/explain")->json;
is $explained->{cause}, 'no_actor', 'accepted before it was known: explained';
like $explained->{explanation}, qr/TIKTOK_APIFY_ACTOR_ID is not set/,
    'with what is missing';
$stack->psql("update igjobs.settings set value = '0'"
    . " where name = 'unserved_grace_seconds'");
my $doc = $queue->wait_end($late);
is $doc->{state}, 'failed', 'and failed';
like $doc->{error_message}, qr/no worker has an actor for platform tiktok/,
    'with an error that says so';
$queue->wait_end(accepted('instagram'));

$stack->finish;
done_testing();
