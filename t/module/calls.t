#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Endpoints that are SQL functions: the list of jobs, a whole job, its accounts.
# Parameters good and bad, tokens, tenants; Postgres away, slow and unwilling.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Load;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(nginx => { locations => <<'LOCATIONS' });
        location / { igjobs; igjobs_tenant $tenant; }
LOCATIONS
$stack->{option}{nginx}{http} = <<'HTTP';
    map $http_x_tenant $tenant { "" default; default $http_x_tenant; }
HTTP
$stack->start(qw(postgres redis nginx));

my $http = $stack->client;
my @jobs = map { submit(default => 3) } 1 .. 7;
my $of_other = submit(other => 1);

sub submit {
    my ($tenant, $accounts, $from) = @_;
    my $r = ($from // $http)->post_json('/api/scrape-followers',
        { accounts => [map { "name_$_" } 1 .. $accounts] },
        headers => ['X-Tenant' => $tenant]);

    return $r->json->{job_id} // die "submit: $r->{status} $r->{body}";
}

sub get {
    my ($path, $tenant) = @_;

    return $http->get($path, headers => ['X-Tenant' => $tenant // 'default']);
}

sub ids { return map { $_->{job_id} } @{ $_[0]->json->{jobs} } }

sub is_problem {
    my ($r, $status, $code, $name) = @_;

    is("$r->{status} " . ($r->json->{code} // ''), "$status $code", $name)
        or diag $r->{body};
    return $r->json;
}

subtest 'the list' => sub {
    my $r = get('/api/jobs');
    my $doc = $r->json;

    is($r->{status}, 200, 'is answered');
    is($r->header('Content-Type'), 'application/json', 'JSON');
    is($r->header('Cache-Control'), 'private, no-cache', 'for nobody else');
    is_deeply([sort keys %$doc], [qw(jobs next_page_token page_size success)],
        'members');
    is_deeply([ids($r)], [reverse @jobs], 'newest first');
    is("$doc->{page_size} '$doc->{next_page_token}'", "50 ''", 'whole');
    my $job = $doc->{jobs}[0];
    is(get($job->{$_})->{status}, $_ eq 'results_url' ? 400 : 200, "its $_")
        for qw(job_url status_url results_url);
    my $status = get($job->{status_url})->json;
    delete @$job{qw(job_url status_url)};
    is_deeply($job, $status, 'otherwise it is the status');

    is_deeply([ids(get('/api/jobs', 'other'))], [$of_other],
        'another tenant sees its own');
    is_deeply(get('/api/jobs', 'nobody')->json->{jobs}, [], 'or none');
    my $head = $http->head('/api/jobs');
    is("$head->{status}$head->{body}", '200', 'HEAD');
    is(get('/api/jobs/')->{status}, 404, 'no slash at its end');
    is_problem($http->post_json('/api/jobs', {}), 405, 'IGJ0202', 'POST');
};

subtest 'pages of the list' => sub {
    my ($token, $size, @seen) = ('', '');

    do {
        my $r = get("/api/jobs?page_size=3&page_token=$token");
        push @seen, ids($r);
        $token = $r->json->{next_page_token};
        $size .= @{ $r->json->{jobs} };

        # newer ones stand before what is being read
        push @jobs, submit(default => 1);
    } while ($token ne '');
    is_deeply(\@seen, [reverse @jobs[0 .. 6]], 'each once, in order');
    is($size, '331', 'by three');
    is_deeply([ids(get('/api/jobs?page_size=2'))],
        [@jobs[-1, -2]], 'the new ones came first');
    is(get('/api/jobs?page_size=100000')->json->{page_size}, 500,
        'a size is lowered');
    is(get("/api/jobs?page_size=$_")->json->{page_size}, 50,
        "'$_' is the default") for 0, '', '+0';
    is(get('/api/jobs?page_size=99999999999999999999')->json->{page_size},
        500, 'however large');
};

subtest 'filters' => sub {
    $stack->psql("select igjobs.stop_job('default', '$jobs[$_->[0]]',"
        . " '$_->[1]')") for [0, 'cancel'], [1, 'pause'], [2, 'budget'];

    # what is not claimed ends at once
    my %of = ('status=queued' => [3 .. $#jobs], 'status=failed' => [0],
              'status=processing' => [1], 'status=completed' => [2],
              'state=canceled' => [0], 'state=paused' => [1],
              'state=canceled,paused' => [0, 1], 'state=running' => [],
              'status=failed&state=canceled' => [0],
              'status=failed&state=failed' => [],
              'status=&state=&kind=' => [0 .. $#jobs],
              'kind=scrape_followers' => [0 .. $#jobs], 'kind=operation' => [],
              'kind=operation,scrape_followers&state=paused' => [1],
              'status=failed%2Cprocessing' => [0, 1]);
    for my $query (sort keys %of) {
        is_deeply([ids(get("/api/jobs?$query"))],
            [reverse @jobs[@{ $of{$query} }]], $query);
    }

    my $at = (grep { $_->{job_id} eq $jobs[4] }
              @{ get('/api/jobs')->json->{jobs} })[0]{created_at};
    (my $zulu = $at) =~ s/\+00:00/Z/;
    (my $escaped = $at) =~ s/\+/%2B/;
    for my $time ($at, $zulu, $escaped, $zulu =~ s/Z//r) {
        is_deeply([ids(get("/api/jobs?created_after=$time"))],
            [reverse @jobs[5 .. $#jobs]], "after $time");
        is_deeply([ids(get("/api/jobs?created_before=$time"))],
            [reverse @jobs[0 .. 3]], "before $time");
    }
    is_deeply([ids(get("/api/jobs?created_before=$zulu&created_after=2020-01-01"
        . '&status=queued'))], [$jobs[3]], 'all together');
    is_deeply([ids(get('/api/jobs?created_after=2999-12-31T23:59%2B01:00'))],
        [], 'none in the future');
    is_deeply([ids(get('/api/jobs?nothing=x&created_before='))],
        [reverse @jobs], 'what is unknown is ignored');
};

subtest 'bad parameters' => sub {
    my $long = 'x' x 300;
    my %bad = (
        'page_size=-1' => qr/^page_size /, 'page_size=x' => qr/^page_size /,
        'page_size=1.5' => qr/^page_size /, 'page_size=1e3' => qr/^page_size /,
        'status=running' => qr/^status /, 'status=Queued' => qr/^status /,
        'status=queued,' => qr/^status /, 'status=queued%20' => qr/^status /,
        'state=processing' => qr/^state /, "state=%27" => qr/^state /,
        'kind=scrape' => qr/^kind /,
        'created_after=yesterday' => qr/^created_after /,
        'created_after=now' => qr/^created_after /,
        'created_after=infinity' => qr/^created_after /,
        'created_after=2025-13-01' => qr/^created_after /,
        'created_after=2025-02-30' => qr/^created_after /,
        'created_before=2025-01-01T25:00Z' => qr/^created_before /,
        'created_before=2025-01-01T00:00:00%2B99:00' => qr/^created_before /,
        'created_before=1700000000' => qr/^created_before /,
        'page_size=1&page_size=1' => qr/^page_size is there twice\.$/,
        'status=queued&state=queued&status=failed' => qr/^status is there twice/,
        "status=$long" => qr/^status is too long/,
        'status=%zz' => qr/^status has a %/, 'status=%00' => qr/^status has a %/,
        'status=%ff' => qr/^status /, 'state=%01%22%5c' => qr/^state /,
    );

    for my $query (sort keys %bad) {
        my $doc = is_problem(get("/api/jobs?$query"), 400, 'IGJ0110', $query);
        like($doc->{detail}, $bad{$query}, 'says which');
        is($doc->{instance}, '/api/jobs', 'and where');
    }
    my $path = "/api/jobs/$jobs[0]/accounts";
    is_problem(get("$path?$_"), 400, 'IGJ0110', $_)
        for 'outcome=good', 'outcome=ok,,empty', 'page_size=-5',
            'outcome=ok&outcome=ok';
};

subtest 'tokens' => sub {
    my $token = get('/api/jobs?page_size=2&status=queued')
        ->json->{next_page_token};
    my $path = "/api/jobs?status=queued&page_size=1&page_token=";

    like($token, qr/^[A-Za-z0-9_-]+\z/, 'plain in a URL');
    is(get("$path$token")->{status}, 200, 'goes on, in pages of any size');
    is_problem(get("/api/jobs?$_&page_token=$token"), 400, 'IGJ0503', $_)
        for 'status=failed', '', 'status=queued&state=queued',
            'status=queued&created_after=2020-01-01';
    is_problem(get("$path$token", 'other'), 400, 'IGJ0503', 'another tenant');
    is_problem(get("$path$_"), 400, 'IGJ0503', "not a token: '$_'")
        for 'x', 'x' x 200, "${token}A", substr($token, 0, -1),
            substr($token, 4), lc $token, $token =~ tr/A-Za-z/B-ZAb-za/r,
            '....', '%00%01' =~ s/%00//r, 'A' x 21, 'A' x 22, 'A' x 23,
            'A' x 24, '%C3%A9' x 30;
    is(get($path)->{status}, 200, 'an empty one begins anew');

    my $accounts = get("/api/jobs/$jobs[0]/accounts?page_size=1")
        ->json->{next_page_token};
    is_problem(get("$path$accounts"), 400, 'IGJ0503', 'of another list');
    is_problem(get("/api/jobs/$jobs[1]/accounts?page_token=$accounts"), 400,
        'IGJ0503', 'of another job');
    is_problem(get("/api/jobs/$jobs[0]/accounts?outcome=ok"
        . "&page_token=$accounts"), 400, 'IGJ0503', 'of another filter');
    is(get("/api/jobs/$jobs[0]/accounts?page_token=$accounts")->{status}, 200,
        'of this one');
};

subtest 'a whole job' => sub {
    my $doc = get("/api/jobs/$jobs[3]")->json;
    my $status = get("/api/job-status/$jobs[3]")->json;

    is_deeply($doc->{$_}, $status->{$_}, "$_ is that of the status")
        for grep { $_ ne 'batches' } sort keys %$status;
    is_deeply($doc->{batches}, { queued => 1, running => 0, done => 0,
                                 failed => 0 }, 'batches by state');
    is($doc->{request}{target_gender}, 'male', 'what was asked for');
    cmp_ok($doc->{timings}{queued_seconds}, '>', 0, 'how long it waits');
    is(exists $doc->{$_} && $doc->{$_}, undef, "$_ is not known")
        for qw(eta stalled_since cost_usd);
    is($doc->{events_url}, "/api/jobs/$jobs[3]/events", 'events_url');
    is(get($doc->{$_})->{status}, $_ eq 'results_url' ? 400 : 200, $_)
        for qw(job_url status_url accounts_url results_url);
    is(get('/api/jobs/' . uc $jobs[3])->json->{job_id}, $jobs[3],
        'in upper case');
};

subtest 'jobs that are not there' => sub {
    for my $id ($of_other, '01920000-0000-7000-8000-000000000000', 'x',
                "{$jobs[0]}", $jobs[0] =~ s/-//gr, "$jobs[0]0", '%22%5C%0a',
                '%ff', 'y' x 2000, '..%2f') {
        for my $path ("/api/jobs/$id", "/api/jobs/$id/accounts") {
            my $r = get($path);
            next if $r->{status} == 404 && $r->json->{code} eq 'IGJ0201'
                && $id =~ /%2f/;
            my $doc = is_problem($r, 404, 'IGJ0401', substr $path, 0, 60);
            is($doc->{error}, "Job $id not found", 'says which')
                if $id !~ /%/;
        }
    }
    is_problem(get("/api/jobs/$jobs[0]", 'other'), 404, 'IGJ0401',
        'the same for another tenant');
};

subtest 'accounts' => sub {
    my $job = submit(default => 120);
    my $path = "/api/jobs/$job/accounts";
    my $doc = get($path)->json;
    my @names = map { "name_$_" } 1 .. 120;

    is_deeply([map { $_->{account} } @{ $doc->{accounts} }], \@names,
        'in the order of submission');
    is_deeply($doc->{outcomes}, { pending => 120 }, 'all are pending');
    is("$doc->{total} $doc->{page_size} '$doc->{next_page_token}'",
        "120 500 ''", 'one page');

    my ($token, @seen) = ('');
    do {
        my $page = get("$path?page_size=7&page_token=$token")->json;
        push @seen, map { $_->{account} } @{ $page->{accounts} };
        $token = $page->{next_page_token};
    } while ($token ne '');
    is_deeply(\@seen, \@names, 'by pages');
    is(get("$path?page_size=9999")->json->{page_size}, 5000,
        'a size is lowered');
    is_deeply(get("$path?outcome=failed,ok")->json->{accounts}, [],
        'none with this outcome');
};

subtest 'connections' => sub {
    my $sessions = () = $stack->postgres->sessions;
    my $load = Igjobs::Load->new(port => $stack->nginx->port, clients => 60,
        path => '/api/jobs?page_size=5', keep => 1)->start;

    $load->wait_for_requests(600);
    is(scalar(my @now = $stack->postgres->sessions), $sessions,
        '60 clients use no further sessions');
    is_deeply({ $load->finish, 200 => 1 }, { 200 => 1 }, 'all are answered');
};

# a function in the place of api_job, for what the real one never does
sub api_job_does {
    my ($text) = @_;

    $stack->psql(<<"SQL");
        create or replace function igjobs.api_job(caller jsonb, params jsonb)
            returns igjobs.api_answer
            language plpgsql volatile
            security definer set search_path = pg_catalog, pg_temp
        as \$\$ begin $text end \$\$
SQL
    return;
}

my $real = $stack->psql(
    "select pg_get_functiondef('igjobs.api_job'::regproc)");
my $path = "/api/jobs/$jobs[3]";

subtest 'functions that misbehave' => sub {
    api_job_does(q{raise 'secret'; });
    is_problem(get($path), 500, 'IGJ0803', 'an error');
    unlike(get($path)->{body}, qr/secret/, 'that nobody reads');
    my @answers = (q{null::integer, null}, q{200, null}, q{400, null}, q{0, 'x'},
        q{404, '{"problem":"none"}'}, q{500, '[]'}, q{418, '{"problem":1}'});
    for my $answer (@answers) {
        api_job_does('return (' . $answer =~ s/(,.*)/$1::text/r . ');');
        is_problem(get($path), 500, 'IGJ0803', $answer);
    }
    is(scalar(() = $stack->nginx->log_text =~ /an api function answered/g),
        scalar @answers, 'each is logged');

    api_job_does(q{return igjobs.api_problem(400, 'invalid-parameter',
        e'a "detail"\n', 'ü');});
    my $doc = is_problem(get($path), 400, 'IGJ0110', 'a problem');
    is_deeply([@$doc{qw(error detail title)}],
        ["\x{fc}", qq{a "detail"\n},
         'A parameter of the query string has a wrong value'], 'its texts');
    api_job_does(q{return igjobs.with_members(
        igjobs.api_problem(400, 'invalid-parameter', null),
        '{"step":"x","none":null,"at":{"n":[1,true,"\u00e9"]}}');});
    $doc = $stack->client->get($path, openapi => 0)->json;
    is_deeply([@$doc{qw(code step at)}, exists $doc->{none}],
        ['IGJ0110', 'x', { n => [1, JSON::PP::true, "\x{e9}"] }, ''],
        'members of its own');
    api_job_does(q{return (201, repeat('x', 3000000));});
    my $r = $stack->client->get($path, openapi => 0);
    is("$r->{status} " . length $r->{body}, '201 3000001', 'a large answer');
    is(get('/api/jobs')->{status}, 200, 'and the next');
};

subtest 'a slow function' => sub {
    $stack->nginx->configure(http => $stack->{option}{nginx}{http} . <<'HTTP');
    igjobs_postgres_timeout 1s;
    igjobs_postgres_queue_timeout 20s;
    igjobs_postgres_pool calls=1;
HTTP
    $stack->nginx->reload;
    api_job_does(q{perform pg_sleep(60); return (200, '');});
    $http->cut;
    is_problem(get($path), 503, 'IGJ0802', 'ends at its time-out');
    is($http->get('/livez')->{status}, 200, 'nginx goes on');

    # one client waits for the connection that another one's call has
    my @clients = map { $stack->client } 1 .. 2;
    $clients[0]->connect->send("GET $path HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for { $stack->psql("select count(*) from pg_stat_activity
        where wait_event = 'PgSleep'") == 1 } 20, 'the call to begin';
    is($clients[1]->get('/api/jobs')->{status}, 200, 'a call waits its turn');
    is($clients[0]->read_response->{status}, 503, 'behind the slow one');

    # clients that leave: the one whose call runs, and one that waits
    @clients = map { $stack->client } 1 .. 3;
    $_->connect->send("GET $path HTTP/1.1\r\nHost: x\r\n\r\n") for @clients;
    wait_for { $stack->psql("select count(*) from pg_stat_activity
        where wait_event = 'PgSleep'") == 1 } 20, 'the call to begin';
    $_->cut for @clients[0, 1];
    is(get('/api/jobs')->{status}, 200, 'the others are served');
    is($clients[2]->read_response->{status}, 503, 'in their order');
    $stack->psql($real);
    is(get($path)->{status}, 200, 'and with the real one');
};

subtest 'Postgres away' => sub {
    $stack->nginx->configure(http => $stack->{option}{nginx}{http}
                             . 'igjobs_postgres_queue_timeout 1s;');
    $stack->nginx->reload;
    $http->cut;
    my $load = Igjobs::Load->new(port => $stack->nginx->port,
                                 path => '/api/jobs')->start;
    for (1 .. 3) {
        $load->wait_for_requests(50);
        $stack->postgres->cut_sessions;
    }
    $load->wait_for_requests(50);
    is_deeply({ $load->finish, 200 => 1 }, { 200 => 1 },
        'sessions that are cut are noticed by nobody');

    $stack->postgres->stop;
    my $r = get('/api/jobs');
    is_problem($r, 503, 'IGJ0801', 'away');
    is($r->header('Retry-After'), 2, 'with Retry-After');
    $stack->postgres->start;
    ok((wait_for { get('/api/jobs')->{status} == 200 } 20), 'back again');
};

$stack->finish;
done_testing;
