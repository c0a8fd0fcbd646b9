#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Exports: what is in them in each form, fields, tokens to go on with, filters,
# a job that runs, gzip; clients that read slowly, stall and leave; Postgres
# lost in the middle.

use strict;
use warnings;
use utf8;
use Test::More;
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;
use Igjobs::Port 'free_port';
use Igjobs::Rows;
use Igjobs::Stack;
use Igjobs::Wait;

my $h2 = free_port();
my $stack = Igjobs::Stack->new(nginx => { http => <<"HTTP", server => <<"SERVER" });
    igjobs_postgres_queue_timeout 30s;
    server {
        listen 127.0.0.1:$h2 http2;
        location /api/ { igjobs; limit_rate 300k; }
    }
HTTP
        gzip on;
        gzip_types text/csv application/x-ndjson application/json;
SERVER
$stack->start(qw(postgres redis nginx));

my $http = $stack->client;
my $json = JSON::PP->new->utf8;
my @all = qw(id username full_name gender confidence source_account evidence
             created_at token);

my $job = $stack->jobs->submit(accounts => ['one', 'two']);
my @names = ('Ana María', '=1+1', 'comma, and "quotes"', "two\r\nlines", '',
             '日本語 🎉', "\ttab", "x\x1fy");
add_rows($stack, $job, map { {
    name => $names[$_], gender => $_ % 2 ? 'male' : 'female',
    confidence => $_ % 4 ? "0.$_" : undef,
    source => $_ % 3 ? 'one' : undef, evidence => $_ == 1 ? 'name' : undef,
} } 0 .. $#names);

subtest 'a job that runs' => sub {
    is(export('csv')->{status}, 400, 'not before the end');
    my $rows = ndjson('partial=true&footer=1');
    my $footer = pop @$rows;
    is(scalar @$rows, scalar @names, 'what there is');
    is_deeply([@$footer{qw(_end rows total complete)}],
        [JSON::PP::true, 8, 8, JSON::PP::false], 'is not complete');

    add_rows($stack, $job, { name => 'last' });
    my $more = ndjson("partial=true&footer=1&after=$footer->{token}");
    is_deeply([map { $_->{full_name} } @$more[0 .. $#$more - 1]], ['last'],
        'later rows stand behind it');
    push @names, 'last';
    end_job($stack, $job);
    is(ndjson('footer=1')->[-1]{complete}, JSON::PP::true,
        'after the end it is complete');
};

subtest 'CSV' => sub {
    my $r = export('csv');

    is($r->{status}, 200, 'is answered') or diag $r->{body};
    is($r->header('Content-Type'), 'text/csv; charset=utf-8; header=present',
        'its type');
    is($r->header('Content-Disposition'),
        qq{attachment; filename="job-$job.csv"}, 'a file');
    is($r->header('X-Total-Count'), scalar @names, 'how many there are');
    is($r->header('Cache-Control'), 'private, no-cache', 'for nobody else');
    my @records = csv($r->{body});
    is_deeply(shift @records, [qw(id username full_name gender confidence
        source_account created_at)], 'a header');
    is_deeply([map { $_->[2] } @records], \@names, 'names as they are');
    is_deeply($records[1], [$records[1][0], 'user.2', '=1+1', 'male', '0.1',
        'one', $records[1][6]], 'a record');
    is_deeply([@{ $records[0] }[3 .. 5]], ['female', '', ''],
        'what is unknown is empty');
    unlike($r->{body}, qr/(?<!\r)\n(?!lines)/, 'lines end with CR LF');

    like(export('csv', 'bom=1')->{body}, qr/^\xef\xbb\xbfid,/, 'bom=1');
    my @safe = csv(export('csv', 'safe=1&fields=full_name')->{body});
    is_deeply([map { $_->[0] } @safe[2, 3, 7]],
        [q{'=1+1}, 'comma, and "quotes"', "'\ttab"], 'safe=1');
    is(export('csv', 'footer=1')->{status}, 400, 'no footer');
};

subtest 'NDJSON and JSON' => sub {
    my $r = export('ndjson');
    is($r->header('Content-Type'), 'application/x-ndjson', 'NDJSON');
    my @rows = map { $json->decode($_) } split /\n/, $r->{body};
    is_deeply([map { $_->{full_name} } @rows], \@names, 'names as they are');
    is_deeply([@{ $rows[0] }{qw(confidence source_account gender)}],
        [undef, undef, 'female'], 'what is unknown is null');
    like($r->{body}, qr/"confidence":0\.1,/, 'a number is one');

    $r = export('json', 'footer=1');
    is($r->header('Content-Type'), 'application/json', 'JSON');
    my $doc = $r->json;
    is_deeply($doc->{profiles}, \@rows, 'the same rows');
    is_deeply([@$doc{qw(success job_id total rows complete)}],
        [JSON::PP::true, $job, 9, 9, JSON::PP::true], 'and its members');
    is($json->decode(export('json')->{body})->{_end}, undef, 'no footer');
};

subtest 'by Accept' => sub {
    my $form = sub {
        my ($accept) = @_;
        my $r = $http->get("/api/job-results/$job",
                           headers => [Accept => $accept]);
        is($r->header('Vary'), 'Accept', "varies: $accept");
        return $r->header('Content-Type');
    };
    like($form->('text/csv; header=present'), qr{^text/csv}, 'CSV');
    is($form->('application/x-ndjson'), 'application/x-ndjson', 'NDJSON');
    is($form->($_), 'application/json', "$_: a page")
        for '*/*', 'application/json, text/csv;q=0.5';
    is($http->get("/api/job-results/$job?page=2",
        headers => [Accept => 'text/csv'])->{status}, 400, 'without pages');
};

subtest 'fields' => sub {
    my $rows = ndjson('fields=' . join ',', @all);
    is_deeply([sort keys %{ $rows->[0] }], [sort @all], 'all');
    is($rows->[1]{evidence}, 'name', 'evidence');
    my @records = csv(export('csv', 'fields=token,id')->{body});
    is_deeply($records[0], ['token', 'id'], 'as ordered');
    is($records[1][0], $rows->[0]{token}, 'the same tokens');
    is(export('csv', "fields=$_")->json->{code}, 'IGJ0110', "not '$_'")
        for 'ids', 'id,', 'id,id', ',', 'id+username';
};

subtest 'tokens' => sub {
    my $rows = ndjson('fields=id,token');
    my $other = $stack->jobs->submit(accounts => ['one']);

    end_job($stack, $other);
    for my $n (0, 3, $#$rows) {
        my $rest = ndjson("fields=id,token&after=$rows->[$n]{token}");
        is_deeply($rest, [@$rows[$n + 1 .. $#$rows]], "behind row $n");
    }
    is(ndjson('footer=1')->[-1]{token}, $rows->[-1]{token},
        'the footer has the last one');
    my $token = $rows->[0]{token};
    is($http->get("/api/job-results/\U$job\E.csv?after=$token")->{status}, 200,
        'an id in capitals is the same');
    for my $bad ($token . 'A', substr($token, 1), 'x', 'A' x 200,
                 substr($token, 0, -1) . ($token =~ /A\z/ ? 'B' : 'A'),
                 substr($token, 0, -2) . '%3D%3D')
    {
        is(export('csv', "after=$bad")->json->{code}, 'IGJ0503', "not $bad");
    }
    is($http->get("/api/job-results/$other.csv?after=$token")->json->{code},
        'IGJ0503', 'nor for another job');
    is(export('csv', "gender=male&after=$token")->json->{code}, 'IGJ0503',
        'nor for a filter');
    my $sql = $stack->psql(
        "select igjobs.token(e'results\\ndefault\\n$job\\n\\n\\n', '1')");
    is($token, $sql, 'made in SQL it is the same');
};

subtest 'filters' => sub {
    my $all = ndjson('fields=id,gender,confidence,source_account');
    my %filter = (
        'gender=male' => sub { $_->{gender} eq 'male' },
        'source_account=@One' => sub { ($_->{source_account} // '') eq 'one' },
        'min_confidence=0.5' => sub { ($_->{confidence} // 0) >= 0.5 },
        'min_confidence=0.2&gender=female' => sub {
            ($_->{confidence} // 0) >= 0.2 && $_->{gender} eq 'female' },
        'gender=unknown' => sub { 0 },
    );
    for my $query (sort keys %filter) {
        my $rows = ndjson("$query&fields=id,gender,confidence,source_account"
                          . '&footer=1');
        my $footer = pop @$rows;
        is_deeply($rows, [grep { $filter{$query}->() } @$all], $query);
        is($footer->{rows}, scalar @$rows, 'counted');
    }
    my $rows = ndjson('gender=male&fields=id,token');
    is_deeply(ndjson("gender=male&fields=id,token&after=$rows->[1]{token}"),
        [@$rows[2 .. $#$rows]], 'with tokens');
    is(export('csv', $_)->json->{code}, 'IGJ0110', $_)
        for 'gender=men', 'min_confidence=2', 'min_confidence=x',
            'min_confidence=nan', 'source_account=a%20b';
};

subtest 'others' => sub {
    my $head = $http->head("/api/job-results/$job.csv");
    is("$head->{status}$head->{body}", '200', 'HEAD');
    like($head->header('Content-Type'), qr{^text/csv}, 'its type');
    is($http->get('/livez')->{status}, 200, 'and its connection is kept');
    is($http->get("/api/job-results/$_")->{status}, 404, $_)
        for 'x.csv', '.csv', "$job.tsv",
            '018f0000-0000-7000-8000-000000000000.csv';
    my $empty = $stack->jobs->submit(accounts => ['one']);
    end_job($stack, $empty);
    is($http->get("/api/job-results/$empty.ndjson")->{body}, '', 'no rows');
    is_deeply([csv($http->get("/api/job-results/$empty.csv")->{body})],
        [[qw(id username full_name gender confidence source_account
             created_at)]], 'but a header');
    my $options = $http->request('OPTIONS', "/api/job-results/$job.csv");
    like($options->header('Allow'), qr/GET/, 'OPTIONS');
};

my $long = $stack->jobs->submit(accounts => ['one']);
add_many($stack, $long, 30_000, 'Name "… ');
end_job($stack, $long);
my $whole = $http->get("/api/job-results/$long.ndjson?footer=1")->{body};

subtest 'many rows' => sub {
    my @lines = split /\n/, $whole;
    my $footer = $json->decode(pop @lines);
    is($footer->{rows}, 30_000, 'the footer counts them');
    is(scalar @lines, 30_000, 'all are there');
    my %ids = map { $json->decode($_)->{id} => 1 } @lines[0 .. 99, -100 .. -1];
    is(scalar keys %ids, 200, 'each once');
    is(scalar(csv($http->get("/api/job-results/$long.csv")->{body})), 30_001,
        'as CSV');
    my $last = ndjson_of($long, 'gender=male&fields=id')->[-1]{id};
    is($last, 'long29999', 'the last row that passes a filter');

    my $zipped = curl("http://127.0.0.1:@{[$stack->nginx->port]}"
        . "/api/job-results/$long.ndjson?footer=1", '--compressed', '-D',
        $stack->nginx->{dir} . '/head');
    ok($zipped eq $whole, 'with gzip');
    open my $in, '<', $stack->nginx->{dir} . '/head' or die;
    like(join('', <$in>), qr/Content-Encoding: gzip/, 'which it was');
};

subtest 'a client that stalls' => sub {
    my $worker = ($stack->nginx->workers)[0];

    $http->get("/api/job-results/$long.ndjson") for 1 .. 2;
    my $rss = Igjobs::Env::rss($worker);
    my @slow = map { Igjobs::Http->slow($stack->nginx->port) } 1 .. 4;
    for (@slow) {
        $_->send("GET /api/job-results/$long.ndjson?footer=1 HTTP/1.1\r\n"
                 . "Host: x\r\n\r\n");
        $_->read_head;
    }
    wait_for { $stack->psql(q{select count(*) from pg_stat_activity
        where usename = 'igjobs_api' and (state <> 'idle'
              or xact_start is not null)}) == 0 } 20,
        'Postgres to be waited for by nobody';
    pass('leaves no statement and no transaction');
    my $more = Igjobs::Env::rss($worker) - $rss;
    cmp_ok($more, '<', 4 * 1024, "nginx holds $more KiB more for 4")
        if !Igjobs::Env::sanitized();
    is($http->get("/api/job-status/$long")->{status}, 200,
        'others are served');
    my $text = '';
    $text .= $slow[0]->chunked(65_536) until $slow[0]{ended};
    ok($text eq $whole, 'and gets all once it reads');
    $_->cut(reset => 1) for @slow[1 .. 3];
};

subtest 'Postgres is lost in the middle' => sub {
    my $slow = Igjobs::Http->slow($stack->nginx->port);
    my $begin = sub {
        $slow->send("GET /api/job-results/$long.ndjson?footer=1 HTTP/1.1\r\n"
                    . "Host: x\r\n\r\n");
        $slow->read_head;
        return $slow->chunked(10_240);
    };
    my $text = $begin->();

    $stack->postgres->cut_sessions;
    $text .= $slow->chunked(65_536) until $slow->{ended};
    ok($text eq $whole, 'the rest comes over a new connection');

    my $url = "http://127.0.0.1:$h2/api/job-results/$long.ndjson?footer=1";
    my $file = $stack->nginx->{dir} . '/h2';
    my $pid = fork // die "fork: $!";
    exec('curl', '-sS', '--http2-prior-knowledge', '--limit-rate', '200k',
         '--max-time', 100, '-o', $file, $url) if !$pid;
    wait_for { -s $file } 20, 'HTTP/2 to begin';

    $slow = Igjobs::Http->slow($stack->nginx->port);
    $text = $begin->();
    $stack->psql("revoke execute on function igjobs.whole_rows(text, uuid,
        bigint, integer, text, boolean) from igjobs_api");
    eval { $text .= $slow->chunked(65_536) until $slow->{ended} };
    ok(!$slow->{ended}, 'without a last chunk');
    unlike($text, qr/_end/, 'and without a footer');
    ok(index($whole, $text) == 0, 'what has come is right');
    waitpid $pid, 0;
    isnt($? >> 8, 0, 'an error over HTTP/2');
    is($http->get("/api/job-results/$long.csv")->{status}, 500,
        'one that has not begun says so');
    $stack->psql("grant execute on function igjobs.whole_rows(text, uuid,
        bigint, integer, text, boolean) to igjobs_api");
    is($http->get("/api/job-results/$long.csv")->{status}, 200,
        'and the next is good');
};

$stack->finish;
done_testing;


sub export {
    my ($ending, $query) = @_;

    return $http->get("/api/job-results/$job.$ending"
                      . ($query ? "?$query" : ''));
}

sub ndjson { return ndjson_of($job, @_) }

sub ndjson_of {
    my ($id, $query) = @_;
    my $r = $http->get("/api/job-results/$id.ndjson?$query");

    $r->{status} == 200 or diag $r->{body};
    return [map { $json->decode($_) } split /\n/, $r->{body}];
}

sub curl {
    my ($url, @options) = @_;

    open my $in, '-|', 'curl', '-sS', '--max-time', 100, @options, $url
        or die "curl: $!";
    local $/;
    return scalar <$in>;
}

# records of CSV as lists of fields
sub csv {
    my ($text) = @_;
    my (@records, @fields);

    utf8::decode($text);
    while ($text =~ /\G(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gc) {
        my ($field, $end) = ($1 // $2, $3);
        $field =~ s/""/"/g;
        push @fields, $field;
        next if $end eq ',';
        push @records, [@fields];
        @fields = ();
    }
    is(pos($text) // 0, length $text, 'RFC 4180');
    return @records;
}
