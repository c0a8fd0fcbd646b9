#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Campaigns over HTTP: the bodies and headers that clients send, the texts that
# they know, pages, source profiles, and 20 selections at once.

use strict;
use warnings;
use JSON::PP ();
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Proxy;
use Igjobs::Stack;

my $stack = Igjobs::Stack->new;
$stack->start(qw(postgres redis nginx));
my $http = $stack->client;
my $json = JSON::PP->new->utf8;

sub fill {
    my ($base, $n) = @_;

    $stack->psql(<<"SQL");
insert into public.global_usernames (base_id, id, username, full_name,
    created_at)
select '$base', 'p' || n, 'user_' || n, 'Name ' || n,
    now() + n * interval '1 us' from generate_series(1, $n) n;
SQL
    return;
}

sub post {
    my ($path, $body, @headers) = @_;

    return $http->post_json($path, ref $body ? $json->encode($body) : $body,
                            @headers);
}

sub in_base {
    my ($base) = @_;

    return (headers => ['X-Base-Id', $base]);
}

sub said {
    my ($r) = @_;
    my $doc = $r->json;

    return "$r->{status} " . ($doc->{success} ? 'success' : $doc->{error});
}

# "table/position id" of all assignments, page by page
sub places {
    my ($path, $base) = @_;
    my ($token, @seen) = ('');

    do {
        my $page = $http->get("$path&page_token=$token", in_base($base))->json;
        push @seen, map { "$_->{va_table_number}/$_->{position} $_->{id}" }
            @{ $page->{assignments} };
        $token = $page->{next_page_token};
    } while ($token ne '');
    return \@seen;
}

subtest 'as clients of the original call' => sub {
    fill(default_instagram => 7);
    my $r = $http->request('POST', '/api/daily-selection');
    is(said($r), '200 success', 'selection without body and type');
    my $campaign = $r->json;
    is_deeply([sort keys %$campaign],
        [qw(campaign_date campaign_id success total_selected)],
        'has the contract\'s members');
    is($campaign->{total_selected}, 7, 'and profiles');

    $r = $http->request('POST', "/api/distribute/$campaign->{campaign_id}");
    is(said($r), '200 success', 'distribution without body and type');
    is_deeply($r->json, { success => JSON::PP::true, va_tables => 1,
        campaign_id => $campaign->{campaign_id}, assigned_per_table => 180,
        total_distributed => 7, total_available => 7 }, 'has its members');
    is(said(post("/api/distribute/$campaign->{campaign_id}", '{}')),
        '400 No unassigned profiles found for this campaign. '
        . 'Already distributed?', 'a second one is refused');
    is(said(post('/api/daily-selection', 'null')),
        '400 No unused profiles available in global_usernames',
        'nobody is left');
};

subtest 'bodies and headers' => sub {
    fill(appBodies => 80 * 6);
    my %good = ('null' => 'null', 'an empty array' => '[]',
                'an object' => '{}', 'white space' => " \n",
                'others' => '{"x":[1],"base_id":"appOther"}',
                'a date' => '{"campaign_date":"2025-1-2"}');
    for my $name (sort keys %good) {
        my $body = $good{$name};
        $body = '{"profiles_per_table":"1"}' if $body eq '{}';
        my $r = post('/api/daily-selection', $body, in_base('appBodies'));
        is(said($r), $r->{status} == 200 ? '200 success'
            : '400 No unused profiles available in global_usernames'
              . ' for base_id=appBodies', $name);
    }
    is($stack->psql("select sum(total_assigned) from public.campaigns"
        . " where base_id = 'appBodies'"), 80 * 6, 'the header counts');

    fill(appBody => 1);
    my $r = post('/api/daily-selection', { base_id => 'appBody' });
    is_deeply([@{ $r->json }{qw(total_selected base_id)}], [1, 'appBody'],
        'base_id in the body');
    for my $bad ('x', 'app', 'app-1') {
        is(said(post('/api/daily-selection', {}, in_base($bad))),
            "400 Invalid base_id format: $bad", "not $bad");
    }
    is(post('/api/daily-selection', '{')->{status}, 400, 'no JSON');
    is(said(post('/api/daily-selection', { profiles_per_table => 'x' })),
        '400 profiles_per_table must be a positive integer', 'no number');
    is(said(post('/api/daily-selection', { campaign_date => 'today' })),
        "400 time data 'today' does not match format '%Y-%m-%d'", 'no date');
    is(said(post('/api/distribute/x', {})), '404 Campaign x not found',
        'no campaign');
    is(said(post('/api/distribute/x', {}, in_base('appBody'))),
        '404 Campaign x not found for base_id=appBody', 'none of the base');
};

subtest 'reading' => sub {
    fill(appRead => 11);
    $stack->psql('insert into public.scraping_jobs (airtable_base_id, num_vas)'
        . " values ('appRead', 2)");
    my $id = post('/api/daily-selection', {}, in_base('appRead'))
        ->json->{campaign_id};
    my $one = $http->get("/api/campaigns/$id?base_id=appRead")->json;
    is_deeply([$one->{va_tables}, $one->{tables}], [undef, [{
        va_table_number => 0, assigned => 11, last_position => 0,
        in_airtable => 0, statuses => { pending => 11 } }]],
        'before distribution');

    is_deeply(places("/api/campaigns/$id/assignments?page_size=4",
        'appRead'), [map { "0/0 $_" } sort map { "p$_" } 1 .. 11],
        'assignments without a table, by id');

    post("/api/distribute/$id", { profiles_per_table => 5 },
         in_base('appRead'));
    $stack->psql("update public.daily_assignments set status = 'followed',"
        . " airtable_record_id = 'rec1'"
        . " where campaign_id = '$id' and va_table_number = 2"
        . ' and position = 3');
    $one = $http->get("/api/campaigns/$id", in_base('appRead'))->json;
    is_deeply([@$one{qw(total_assigned va_tables profiles_per_table)}],
        [10, 2, 5], 'after it');
    is_deeply($one->{statuses}, { pending => 9, followed => 1 }, 'statuses');
    is_deeply($one->{tables}[1], { va_table_number => 2, assigned => 5,
        last_position => 5, in_airtable => 1,
        statuses => { pending => 4, followed => 1 } }, 'a table');
    is(said($http->get("/api/campaigns/$id")), "404 Campaign $id not found",
        'of another base');

    is_deeply([map { s/ .*//r }
        @{ places("/api/campaigns/$id/assignments?page_size=3", 'appRead') }],
        [map({ "1/$_" } 1 .. 5), map { "2/$_" } 1 .. 5],
        'by table and position, page by page');
    $stack->psql('update public.daily_assignments set va_table_number = 0,'
        . " position = 0 where campaign_id = '$id' and position in (2, 4)");
    is(scalar @{ places("/api/campaigns/$id/assignments?page_size=3",
        'appRead') }, 10, 'also where some have none');
    is(scalar @{ places("/api/campaigns/$id/assignments?table=0", 'appRead') },
        4, 'these alone');
    my $some = $http->get("/api/campaigns/$id/assignments?table=2"
        . '&status=followed&base_id=appRead')->json->{assignments};
    is_deeply([map { @$_{qw(position airtable_record_id)} } @$some],
        [3, 'rec1'], 'of a table and a status');
    is($http->get("/api/campaigns/$id/assignments?table=x&base_id=appRead")
        ->{status}, 400, 'no table');
    is($http->get("/api/campaigns/$id/assignments?page_token=x"
        . '&base_id=appRead')->{status}, 400, 'no token');
};

subtest 'pages of campaigns' => sub {
    fill(appPages => 5);
    $stack->psql("insert into public.scraping_jobs (airtable_base_id, num_vas)"
        . " values ('appPages', 1)");
    my @made = map {
        post('/api/daily-selection', { profiles_per_table => 1 },
             in_base('appPages'))->json->{campaign_id}
    } 1 .. 5;
    my ($token, @seen) = ('');
    do {
        my $page = $http->get("/api/campaigns?page_size=2&page_token=$token",
                              in_base('appPages'))->json;
        push @seen, map { $_->{campaign_id} } @{ $page->{campaigns} };
        $token = $page->{next_page_token};
    } while ($token ne '');
    is_deeply(\@seen, [reverse @made], 'newest first, each once');
    is_deeply($http->get('/api/campaigns?base_id=appNone')->json->{campaigns},
        [], 'none');
    is($http->get('/api/campaigns?base_id=none')->{status}, 400, 'no base');
};

subtest 'figures of the pool' => sub {
    fill(appStats => 90);
    post('/api/daily-selection', { profiles_per_table => 1 },
         in_base('appStats'));
    my $stats = $http->get('/api/global-usernames/stats?base_id=appStats')
        ->json;
    is_deeply([@$stats{qw(total used unused base_id)}], [90, 80, 10,
        'appStats'], 'all');
    is_deeply([@{ $stats->{today} }{qw(added used)}], [90, 80], 'today');
    is_deeply([@{ $http->get('/api/global-usernames/stats?base_id=appNone')
        ->json }{qw(total used unused)}], [0, 0, 0], 'none');
};

subtest 'source profiles' => sub {
    my $path = '/api/source-profiles';
    my $r = post($path, { id => 'b7d1', username => ' @Nat.Geo ' });
    is_deeply([$r->{status}, $r->json->{created},
        @{ $r->json->{source_profile} }{qw(id username)}],
        [200, JSON::PP::true, 'b7d1', 'nat.geo'], 'made, normalised');
    $r = post($path, { id => 'b7d1',
        username => 'https://www.instagram.com/nat.geo/' });
    is_deeply([$r->{status}, $r->json->{created}], [200, JSON::PP::false],
        'again: the same');
    is(said(post($path, { id => 'other', username => 'nat.geo' })),
        '409 Source profile nat.geo already exists', 'under another id');
    is(said(post($path, { id => 'b7d1', username => 'other' })),
        '409 Source profile already exists', 'another one of this id');
    is(said(post($path, { username => 'nat.geo' }, in_base('appOne'))),
        '200 success', 'in another base, with an id of its own');

    is(said(post($path, $_->[0])), "400 $_->[1]", $_->[1])
        for [{}, 'Missing "username" field in request body'],
            [{ username => 5 }, 'Missing "username" field in request body'],
            [{ username => '' }, 'username is not valid'],
            [{ username => 'no name' }, 'username is not valid'],
            [{ username => 'a', id => 'a b' }, 'id is not valid'],
            [{ username => 'a', id => 'a/b' }, 'id is not valid'],
            [{ username => 'a', id => 7 }, 'id is not valid'];

    post($path, { username => "name_$_" }) for 1 .. 4;
    my $page = $http->get("$path?page_size=3")->json;
    is_deeply([map { $_->{username} } @{ $page->{source_profiles} }],
        [qw(name_1 name_2 name_3)], 'by name');
    $page = $http->get("$path?page_token=$page->{next_page_token}")->json;
    is_deeply([map { $_->{username} } @{ $page->{source_profiles} }],
        [qw(name_4 nat.geo)], 'page by page');

    is(said($http->request('DELETE', "$path/b7d1", in_base('appOne'))),
        '404 Source profile b7d1 not found', 'not of another base');
    is(said($http->request('DELETE', "$path/b7d1")), '200 success', 'gone');
    is(said($http->request('DELETE', "$path/b7d1")),
        '404 Source profile b7d1 not found', 'once');
};

subtest '20 selections at once' => sub {
    fill(appRace => 1000);
    my @clients = map { $stack->client } 1 .. 20;
    $_->send_request('POST', '/api/daily-selection', in_base('appRace'),
                     body => '') for @clients;
    my @answers = map { $_->read_response->json } @clients;
    my @won = grep { $_->{success} } @answers;
    is($stack->psql('select count(*), count(distinct id),'
        . ' count(distinct campaign_id) from public.daily_assignments'
        . " where base_id = 'appRace'"), '1000|1000|' . @won,
        'each profile once');
    is($stack->psql("select count(*) from public.campaigns"
        . " where base_id = 'appRace'"), scalar @won, 'no empty campaign');
    is_deeply([grep { $_ ne 'IGJ1104' } map { $_->{code} }
               grep { !$_->{success} } @answers], [],
        'the others hear that nobody is left');
};

subtest 'calls whose connection to Postgres is lost' => sub {
    my $proxy = Igjobs::Proxy->new($stack->postgres)->start;
    my $other = $stack->add_nginx(
        postgres => $proxy->dsn(user => 'igjobs_api'));
    my $client = Igjobs::Http->new($other->port, openapi => 1);
    my $base = 'appLost';
    my $n = 0;

    for my $action (qw(before middle forward lose)) {
        fill("$base$action" => 90);
        my @headers = in_base("$base$action");
        $proxy->rule(point => 'call', action => $action, times => 1);
        my $r = $client->request('POST', '/api/daily-selection', @headers);
        is($r->json->{total_selected}, 90, "$action: selected");
        my $id = $r->json->{campaign_id};
        $proxy->rule(point => 'call', action => $action, times => 1);
        $r = $client->request('POST', "/api/distribute/$id", @headers);
        is($r->json->{total_distributed}, 90, 'and distributed');
        is($proxy->fired, $n += 2, 'after one connection each');
        is($stack->psql('select count(*) from public.campaigns where base_id ='
            . " '$base$action'"), 1, 'once');
    }

    fill($base => 90);
    $proxy->rule(point => 'call', action => 'lose', times => 4);
    my $r = $client->request('POST', '/api/daily-selection', in_base($base));
    is("$r->{status} " . $r->json->{code}, '503 IGJ0806',
       'lost each time: nobody knows');
    is($stack->psql('select count(*) from public.campaigns where base_id ='
        . " '$base'"), 1, 'and it was done');
};

$stack->finish;
done_testing;
