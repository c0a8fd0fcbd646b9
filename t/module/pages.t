#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Pages of results: what is in them, over HTTP/1.0, 1.1 and 2, to clients that
# read slowly or at a limited rate, while rows are added, through the engine's
# functions and written by SQL; Postgres waits for no client.

use strict;
use warnings;
use utf8;
use Test::More;
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;
use Igjobs::Load;
use Igjobs::Port 'free_port';
use Igjobs::Rows;
use Igjobs::Stack;
use Igjobs::Wait;

my ($h2, $limited) = (free_port(), free_port());
my $stack = Igjobs::Stack->new(nginx => { http => <<"HTTP", server => <<"SERVER" });
    igjobs_postgres_queue_timeout 30s;
    server {
        listen 127.0.0.1:$limited sndbuf=32k;
        listen 127.0.0.1:$h2 http2;
        location /api/ { igjobs; limit_rate 1m; limit_rate_after 10k; }
        location /full/ { rewrite ^/full(/.*)\$ \$1 break; igjobs; }
    }
HTTP
        postpone_output 1460;
SERVER
$stack->start(qw(postgres redis nginx));

my $http = $stack->client;
my $json = JSON::PP->new->utf8;

subtest 'what a page says' => sub {
    my $job = new_job();
    my @names = ('Ana María', '日本語 🎉', q{"quoted" \\ / 'single'},
                 "tab\tnew\nline\r\x01\x1f\x7f", '', '👩‍👩‍👧‍👦' x 20, '</script>',
                 "\x{2028}\x{fffd}\x{10ffff}");

    add_rows($stack, $job, map { { name => $_ } } @names);
    is(page($job)->{status}, 400, 'not before the end');
    end_job($stack, $job);

    my $r = page($job);
    my $doc = $r->json;
    is($r->{status}, 200, 'then 200') or diag $r->{body};
    like($r->header('Content-Type'), qr{^application/json}, 'JSON');
    is_deeply([sort keys %$doc],
        [qw(job_id limit page profiles success total)], 'the contract\'s fields');
    is($doc->{total}, scalar @names, 'total');
    is_deeply([map { $_->{full_name} } @{ $doc->{profiles} }], \@names,
        'names as they are');
    is_deeply([sort keys %{ $doc->{profiles}[0] }],
        [qw(created_at full_name id username)], 'the contract\'s members');
    is($doc->{profiles}[0]{created_at}, $stack->psql(
        "select to_char(created_at at time zone 'UTC',
                        'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00')
         from public.scrape_results where job_id = '$job' and idx = 0"),
        'created_at to the microsecond');

    is_deeply(page($job, 'page=2&limit=3')->json->{profiles},
        [@{ $doc->{profiles} }[3 .. 5]], 'a page in the middle');
    my $past = page($job, 'page=9&limit=3');
    is("$past->{status} @{$past->json->{profiles}}", '200 ',
        'a page past the end is empty');
    is($past->json->{total}, scalar @names, 'with its total');
    is(page($job, 'page=1000000000&limit=5000')->{status}, 200,
        'the last page there can be');
    is(page($job, 'limit=99999')->json->{limit}, 5000,
        'the limit is lowered');
    my $zero = page($job, 'limit=0');
    is_deeply([$zero->{status}, $zero->json->{total},
               $zero->json->{profiles}], [200, scalar @names, []],
        'a page of nothing says how many there are');

    my $head = $http->head("/api/job-results/$job");
    is("$head->{status}$head->{body}", '200', 'HEAD');
    is($http->get('/livez')->{status}, 200, 'and its connection is kept');
};

subtest 'a job without rows' => sub {
    my $job = new_job();

    end_job($stack, $job);
    is_deeply(page($job)->json->{profiles}, [], 'an empty list');
    is(page($job)->json->{total}, 0, 'of 0');
};

# what divides the rows in Postgres' answer may stand in a name
subtest 'names with separators' => sub {
    my $job = new_job();
    my @names = map { "$_" } 0 .. 4999;

    add_rows($stack, $job, map { { name => $_ } } @names);
    add_rows($stack, $job, map { { name => $_ } } "\x1f", "a\x1fb\x1f", "\x1f\x1fc");
    end_job($stack, $job);
    my $page = page($job, 'limit=3&page=1667');
    is_deeply([map { $_->{full_name} } @{ $page->json->{profiles} }],
        ['4998', '4999', "\x1f"], 'in a short page');
    push @names, "\x1f", "a\x1fb\x1f", "\x1f\x1fc";
    $page = page($job, 'limit=5000&page=1');
    is_deeply([map { $_->{full_name} } @{ $page->json->{profiles} }],
        [@names[0 .. 4999]], 'not in these');
    $stack->psql("update igjobs.chunk_rows set full_names[3001] = E'x\\x1fy'
                  where job_id = '$job' and cardinality(full_names) > 3000");
    $names[3000] = "x\x1fy";
    $page = page($job, 'limit=5000&page=1');
    is_deeply([map { $_->{full_name} } @{ $page->json->{profiles} }],
        [@names[0 .. 4999]], 'in the middle of a long one');
};

subtest 'rows longer than a buffer' => sub {
    my $job = new_job();
    my @names = map { chr(65 + $_ % 26) . '🎉"' . 'é' x $_ }
                0, 32_700 .. 32_702, 10, 50_000, 3, 20_000;

    add_rows($stack, $job, map { { name => $_ } } @names);
    end_job($stack, $job);
    is_deeply([map { $_->{full_name} } @{ page($job)->json->{profiles} }],
        \@names, 'each as it is');
    is_deeply([map { $_->{full_name} } @{ h2_page($job)->{profiles} }],
        \@names, 'over HTTP/2');
};

subtest 'rows stored by the engine' => sub {
    my $job = new_job();
    my $claimed = $stack->psql(<<"SQL", user => 'igjobs_worker');
        select attempt from igjobs.claim('default', '$job',
            array['scrape_followers'], 'w', 60000);
SQL
    my $run = $stack->psql(<<"SQL", user => 'igjobs_worker');
        select run_no from igjobs.run_intent('default', '$job', 0, $claimed,
            'apify', 'actor', null, 100);
SQL
    $stack->psql(<<"SQL", user => 'igjobs_worker');
        select igjobs.run_started('default', '$job', 0, $claimed, $run,
            'run', 'dataset');
SQL
    my @rows = map { [$_, "user.$_", "Näme \"$_\""] } 'p1', 'p3', 'p2';
    my $store = sub {
        my ($from, $to, $close, @part) = @_;
        my $array = sub {
            my ($text) = @_;
            return 'array[' . join(',', map { "'" . $text->($_) . "'" } @part)
                . ']::text[]';
        };
        my @texts = map { my $i = $_; $array->(sub { $_[0][$i] }) } 0 .. 2;
        utf8::encode($texts[2]);
        my $n = @part;
        my $state = $close eq 'true' ? q{'succeeded'} : 'null';
        return $stack->psql(<<"SQL", user => 'igjobs_worker');
            select answer from igjobs.store_page('default', '$job', 0,
                $claimed, $run, $from, $to, $close, $state, 0, $n, $n, $n, 0,
                0, $texts[0], $texts[1], $texts[2],
                @{[$array->(sub { 'female' })]},
                array_fill(0.9::real, array[$n]),
                @{[$array->(sub { 'name' })]}, @{[$array->(sub { 'one' })]},
                null, 0);
SQL
    };

    is($store->(0, 2, 'false', @rows[0, 1]), 'stored', 'a first page');
    my $partial = page($job, 'partial=true')->json;
    is_deeply([map { $_->{id} } @{ $partial->{profiles} }], ['p1', 'p3'],
        'is read while the job runs');
    is($store->(2, 3, 'true', $rows[2]), 'stored', 'a second ends the batch');
    my $whole = page($job)->json;
    is_deeply([map { $_->{id} } @{ $whole->{profiles} }], ['p1', 'p3', 'p2'],
        'comes behind it');
    is($whole->{profiles}[2]{full_name}, 'Näme "p2"', 'as it is');
    is($whole->{total}, 3, 'total');
};

subtest 'pages do not shift while rows are added' => sub {
    my $job = new_job();
    my (@before, @after);

    add_rows($stack, $job, map { { name => "first $_" } } 1 .. 2500);
    @before = map { page($job, "partial=1&limit=1000&page=$_")->json } 1 .. 3;
    is(scalar @{ $before[2]{profiles} }, 500, 'the last page is short');
    add_rows($stack, $job, map { { name => "second $_" } } 1 .. 2500);
    @after = map { page($job, "partial=1&limit=1000&page=$_")->json } 1 .. 5;
    is($after[0]{total}, 5000, 'total grows');
    is_deeply($after[$_]{profiles}, $before[$_]{profiles}, "page $_")
        for 0, 1;
    is_deeply([@{ $after[2]{profiles} }[0 .. 499]], $before[2]{profiles},
        'the short one goes on');

    my %seen;
    $seen{ $_->{id} }++ for map { @{ $_->{profiles} } } @after;
    is(scalar keys %seen, 5000, 'each profile once');
};

my $long = new_job();
add_chunk($stack, $long, 5000, <<'SQL');
    select i, 'long' || i, 'user.' || i, repeat('Name ' || i || '… ', 170),
        'female', null::real, null::text, null::text
    from generate_series(0, 4999) i
SQL
end_job($stack, $long);
my $whole = page($long, 'limit=5000')->{body};
my $size = length $whole;
ok($size > 8_000_000, "a page of $size bytes");

subtest 'a slow reader' => sub {
    my $worker = ($stack->nginx->workers)[0];
    my $slow = Igjobs::Http->slow($stack->nginx->port);

    # what the worker has once it has served such a page
    page($long, 'limit=5000') for 1 .. 2;
    my $rss = Igjobs::Env::rss($worker);
    $slow->send("GET /api/job-results/$long?limit=5000 HTTP/1.1\r\n"
                . "Host: x\r\n\r\n");
    my $response = $slow->read_head;
    my $text = '';

    for my $step (1 .. 60) {
        $text .= $slow->chunked(10_240);
        postgres_waits_for_nobody() if $step % 20 == 0;
    }
    my $more = Igjobs::Env::rss($worker) - $rss;
    cmp_ok($more, '<', 8192, "nginx holds $more KiB more")
        if !Igjobs::Env::sanitized();
    is($stack->client->get("/api/job-status/$long")->{status}, 200,
        'others are served');
    is(length page($long, 'limit=5000')->{body}, $size, 'with pages too');
    $text .= $slow->chunked(65_536) until $slow->{ended};
    ok($text eq $whole, 'the whole page arrives');

    # less than the page: one buffer of libpq may stay in the heap, where it
    # lies below something that lives
    my $left = Igjobs::Env::rss($worker) - $rss;
    cmp_ok($left, '<', 6144, "nginx keeps $left KiB")
        if !Igjobs::Env::sanitized();
};

subtest 'many slow readers that leave' => sub {
    my $worker = ($stack->nginx->workers)[0];
    my $connections = sockets($worker);

    for my $round (1 .. 3) {
        my @slow = map { Igjobs::Http->slow($stack->nginx->port) } 1 .. 20;
        $_->send("GET /api/job-results/$long?limit=5000 HTTP/1.1\r\n"
                 . "Host: x\r\n\r\n") for @slow;
        $_->read_head for @slow;
        $_->chunked(10_240) for @slow;
        postgres_waits_for_nobody();
        $_->cut(reset => $round % 2) for @slow;
        wait_for { sockets($worker) <= $connections } 20,
            'nginx to notice that they have left';
    }
    is(page($long)->{status}, 200, 'served after that');
};

subtest 'HTTP/1.0' => sub {
    my $slow = Igjobs::Http->slow($stack->nginx->port);

    $slow->send("GET /api/job-results/$long?limit=5000 HTTP/1.0\r\n\r\n");
    my $response = $slow->read_head;
    is($response->header('Transfer-Encoding'), undef, 'not chunked');
    is($response->header('Connection'), 'close', 'ends with the connection');
    ok($slow->read_body($response, 'GET') eq $whole, 'the whole page');
};

subtest 'a limited rate' => sub {
    for my $way ("http://127.0.0.1:$limited", "http://127.0.0.1:$h2") {
        my $got = curl("$way/api/job-results/$long?limit=500",
                       $way =~ /:$h2$/);
        is(scalar(() = $got =~ /"id":/g), 500, "500 rows over $way");
        like($got, qr/\]\}\n\z/, 'to the end');
    }
};

subtest 'HTTP/2' => sub {
    my $url = "http://127.0.0.1:$h2/full/api/job-results/$long?limit=5000";
    my $worker = ($stack->nginx->workers)[0];
    my $pid = open my $pipe, '-|', curl_words(1), $url or die "curl: $!";
    my $text = '';

    sysread $pipe, $text, 10_240, length $text;
    wait_for { busy_sessions() eq '' } 20, 'Postgres to be waited for by nobody';
    is(length curl($url, 1), $size, 'another reader is not hindered');
    while (sysread $pipe, $text, 65_536, length $text) { }
    close $pipe;
    ok($text eq $whole, 'the whole page arrives');
    like(curl($url, 1, '-I'), qr{^HTTP/2 200}, 'HEAD');

    # streams that end before their time
    for my $round (1 .. 10) {
        my $pid = open my $pipe, '-|', curl_words(1), $url, $url, $url
            or die "curl: $!";
        sysread $pipe, my $some, 10_240;
        kill 'KILL', $pid;
        close $pipe;
    }
    is(length curl($url, 1), $size, 'served after readers that left');
};

subtest 'Postgres is lost in the middle of a page' => sub {
    my $slow = Igjobs::Http->slow($stack->nginx->port);

    $slow->send("GET /api/job-results/$long?limit=5000 HTTP/1.1\r\n"
                . "Host: x\r\n\r\n");
    $slow->read_head;
    my $text = $slow->chunked(10_240);
    $stack->postgres->cut_sessions;
    $text .= $slow->chunked(65_536) until $slow->{ended};
    ok($text eq $whole, 'the rest comes over a new connection');

    $slow = Igjobs::Http->slow($stack->nginx->port);
    $slow->send("GET /api/job-results/$long?limit=5000 HTTP/1.1\r\n"
                . "Host: x\r\n\r\n");
    $slow->read_head;
    $text = $slow->chunked(10_240);
    $stack->psql('revoke execute on function
        igjobs.result_rows(text, uuid, bigint, integer, text)
        from igjobs_api');
    eval { $text .= $slow->chunked(65_536) until $slow->{ended} };
    ok(!$slow->{ended} && $text ne $whole, 'an answer that cannot be ended is cut');
    is(page($long)->{status}, 500, 'one that has not begun says so');
    $stack->psql('grant execute on function
        igjobs.result_rows(text, uuid, bigint, integer, text)
        to igjobs_api');
    is(page($long)->{status}, 200, 'and the next is good');
};

$stack->finish;
done_testing;


sub new_job {
    return $stack->jobs->submit(accounts => ['one', 'two']);
}

sub page {
    my ($job, $query) = @_;

    return $http->get("/api/job-results/$job" . ($query ? "?$query" : ''));
}

sub curl_words {
    my ($is_h2) = @_;

    return ('curl', '-sS', '--max-time', 120,
            $is_h2 ? '--http2-prior-knowledge' : ());
}

sub curl {
    my ($url, $is_h2, @more) = @_;

    open my $in, '-|', curl_words($is_h2), @more, $url or die "curl: $!";
    my $text = do { local $/; <$in> } // '';
    close $in;
    return $text;
}

sub h2_page {
    my ($job) = @_;

    return $json->decode(
        curl("http://127.0.0.1:$h2/full/api/job-results/$job", 1));
}

# it may be at work still, for clients that have just been served
sub postgres_waits_for_nobody {
    ok(eval { wait_for { busy_sessions() eq '' } 20 },
        'Postgres waits for nobody') or diag busy_sessions();
    return;
}

# what the module's sessions do, apart from nothing
sub busy_sessions {
    return $stack->psql("select string_agg(state || ' ' || query, ', ')
        from pg_stat_activity where usename = 'igjobs_api'
        and state <> 'idle'");
}

sub sockets {
    my ($pid) = @_;

    return scalar grep { (readlink($_) // '') =~ /^socket:/ }
           glob "/proc/$pid/fd/*";
}
