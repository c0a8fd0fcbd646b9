#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Requests that are wrong, each with the answer that docs/api.md promises:
# status, code and text; none reaches 500, none leaves a job.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Stack;

my $stack = Igjobs::Stack->new(
    nginx => { redis => undef, locations => <<'LOCATIONS' });
        location / { igjobs; }
        location /small/ {
            rewrite ^/small(/.*)$ $1 break;
            igjobs;
            igjobs_max_body_size 1k;
        }
LOCATIONS
$stack->start(qw(postgres nginx));

my $submit = '/api/scrape-followers';
my $job = '01890000-0000-7000-8000-000000000000';
my @json = ('Content-Type' => 'application/json');

# a submission: body => status, code, part of the error or detail
my @bodies = (
    ['empty body', '', 400, 'IGJ0102'],
    ['white space only', "  \n ", 400, 'IGJ0102'],
    ['not JSON', 'accounts=one', 400, 'IGJ0101'],
    ['cut in an object', '{"accounts":["one"', 400, 'IGJ0101'],
    ['cut in a string', '{"accounts":["on', 400, 'IGJ0101'],
    ['cut in an escape', '{"accounts":["o\u00', 400, 'IGJ0101'],
    ['text behind the end', '{"accounts":["one"]} x', 400, 'IGJ0101'],
    ['two documents', '{"accounts":["one"]}{}', 400, 'IGJ0101'],
    ['comma before the end', '{"accounts":["one",]}', 400, 'IGJ0101'],
    ['no comma', '{"accounts":["one" "two"]}', 400, 'IGJ0101'],
    ['single quotes', "{'accounts':['one']}", 400, 'IGJ0101'],
    ['a comment', '{"accounts":["one"]/* */}', 400, 'IGJ0101'],
    ['leading zero', '{"accounts":["one"],"totalScrapeCount":05}', 400,
     'IGJ0101'],
    ['NaN', '{"accounts":["one"],"totalScrapeCount":NaN}', 400, 'IGJ0101'],
    ['raw line feed in a string', "{\"accounts\":[\"o\nne\"]}", 400,
     'IGJ0101'],
    ['unknown escape', '{"accounts":["o\qne"]}', 400, 'IGJ0101'],
    ['lone surrogate', '{"accounts":["o\ud800ne"]}', [400, 422]],
    ['NUL escape', '{"accounts":["o\u0000ne"]}', [400, 422]],
    ['NUL byte', "{\"accounts\":[\"o\0ne\"]}", 400, 'IGJ0101'],
    ['invalid UTF-8', "{\"accounts\":[\"o\xff\xfene\"]}", 400, 'IGJ0103'],
    ['overlong UTF-8', "{\"accounts\":[\"\xc0\xafone\"]}", 400, 'IGJ0103'],
    ['cut UTF-8', "{\"accounts\":[\"\xe2\x82\"]}", 400, 'IGJ0103'],
    ['nesting', '{"x":' . '[' x 20 . ']' x 20 . ',"accounts":["one"]}', 400,
     'IGJ0105'],
    ['deep nesting', '[' x 100_000, 400],
    ['duplicate key', '{"accounts":["one"],"accounts":["two"]}', 400,
     'IGJ0106'],
    ['duplicate key, escaped',
     '{"accounts":["one"],"account\u0073":["two"]}', 400, 'IGJ0106'],
    ['null', 'null', 400],
    ['array', '[]', 400],
    ['array of names', '["one"]', 400],
    ['number', '17', 400, 'IGJ0104'],
    ['string', '"one"', 400, 'IGJ0104'],
    ['true', 'true', 400, 'IGJ0104'],
    ['empty object', '{}', 400, 'IGJ0301',
     qr/Missing "accounts" field in request body/],
    ['other fields only', '{"targetGender":"male"}', 400, 'IGJ0301'],
    ['accounts null', '{"accounts":null}', 400, undef,
     qr/Accounts must be a non-empty list|Missing "accounts"/],
    ['accounts empty', '{"accounts":[]}', 400, 'IGJ0302',
     qr/^Accounts must be a non-empty list$/],
    ['accounts a string', '{"accounts":"one"}', 400, 'IGJ0302'],
    ['accounts an object', '{"accounts":{"one":1}}', 400, 'IGJ0302'],
    ['accounts a number', '{"accounts":1}', 400, 'IGJ0302'],
    ['element a number', '{"accounts":["one",2]}', 422, 'IGJ0304'],
    ['element null', '{"accounts":["one",null]}', 422, 'IGJ0304'],
    ['element an array', '{"accounts":[["one"]]}', 422, 'IGJ0305'],
    ['element empty', '{"accounts":[""]}', 422, 'IGJ0305'],
    ['element too long', '{"accounts":["' . 'x' x 31 . '"]}', 422, 'IGJ0305'],
    ['element much too long', '{"accounts":["' . 'x' x 100_000 . '"]}', 422,
     'IGJ0305'],
    ['element with a blank', '{"accounts":["one two"]}', 422, 'IGJ0305'],
    ['element with an umlaut', '{"accounts":["m\u00fcller"]}', 422,
     'IGJ0305'],
    ['element a foreign link',
     '{"accounts":["https://example.com/one"]}', 422, 'IGJ0305'],
    ['element a post', '{"accounts":["https://instagram.com/p/Cxyz/"]}', 422,
     'IGJ0305'],
    ['nothing valid left',
     '{"accounts":["!!","??"],"skip_invalid":true}', 422, 'IGJ0305'],
    ['gender unknown', '{"accounts":["one"],"targetGender":"both"}', 400,
     'IGJ0310'],
    ['gender null', '{"accounts":["one"],"targetGender":null}', 400,
     'IGJ0310'],
    ['gender a number', '{"accounts":["one"],"targetGender":1}', 400,
     'IGJ0310'],
    ['total a string', '{"accounts":["one"],"totalScrapeCount":"100"}', 400,
     'IGJ0306'],
    ['total true', '{"accounts":["one"],"totalScrapeCount":true}', 400,
     'IGJ0306'],
    ['total zero', '{"accounts":["one"],"totalScrapeCount":0}', 400,
     'IGJ0307', qr/^totalScrapeCount must be positive$/],
    ['total negative', '{"accounts":["one"],"totalScrapeCount":-5}', 400,
     'IGJ0307'],
    ['total below the accounts',
     '{"accounts":["one","two","six"],"totalScrapeCount":2}', 400, 'IGJ0308',
     qr/^totalScrapeCount too small for number of accounts$/],
    ['total huge', '{"accounts":["one"],"totalScrapeCount":1e300}', 400,
     'IGJ0309'],
    ['skip_invalid a string', '{"accounts":["one"],"skip_invalid":"yes"}',
     400, 'IGJ0109'],
    ['keep_unknown a number', '{"accounts":["one"],"keep_unknown":1}', 400,
     'IGJ0109'],
    ['platform unknown', '{"accounts":["one"],"platform":"myspace"}', 400,
     'IGJ0311'],
);

# any request: name, method, path, headers, body, status, code, text
my @requests = (
    ['no media type', 'POST', $submit, [], '{}', 415, 'IGJ0112'],
    ['wrong media type', 'POST', $submit,
     ['Content-Type' => 'text/plain'], '{"accounts":["one"]}', 415,
     'IGJ0112', qr/application\/json/],
    ['a form', 'POST', $submit,
     ['Content-Type' => 'application/x-www-form-urlencoded'], 'accounts=one',
     415, 'IGJ0112'],
    ['a compressed body', 'POST', $submit,
     [@json, 'Content-Encoding' => 'gzip'], 'xxxx', 415, 'IGJ0113'],
    ['no body', 'POST', $submit, [@json], undef, 400, 'IGJ0102'],
    ['too large', 'POST', "/small$submit", [@json], 'x' x 2000, 413,
     'IGJ0111'],
    ['GET of the submission', 'GET', $submit, [], undef, 405, 'IGJ0202'],
    ['DELETE of the submission', 'DELETE', $submit, [], undef, 405,
     'IGJ0202'],
    ['POST of a status', 'POST', "/api/job-status/$job", [@json], '{}', 405,
     'IGJ0202'],
    ['PUT of results', 'PUT', "/api/job-results/$job", [@json], '{}', 405,
     'IGJ0202'],
    ['POST of health', 'POST', '/health', [], '', 405, 'IGJ0202'],
    ['unknown path', 'GET', '/api/nothing', [], undef, 404, 'IGJ0201'],
    ['path below', 'GET', "/api/job-status/$job/more", [], undef, 404,
     'IGJ0201'],
    ['trailing slash', 'GET', "/api/job-status/$job/", [], undef, 404,
     'IGJ0201'],
    ['upper-case path', 'GET', "/API/job-status/$job", [], undef, 404,
     'IGJ0201'],
    ['no id', 'GET', '/api/job-status/', [], undef, 404],
    ['unknown job', 'GET', "/api/job-status/$job", [], undef, 404,
     'IGJ0401', qr/^Job \Q$job\E not found$/],
    ['no UUID', 'GET', '/api/job-status/17', [], undef, 404, 'IGJ0401',
     qr/^Job 17 not found$/],
    ['an id of markup', 'GET', '/api/job-status/%3Cb%3E%22', [], undef, 404,
     'IGJ0401'],
    ['results of an unknown job', 'GET', "/api/job-results/$job", [], undef,
     404, 'IGJ0401', qr/^Job \Q$job\E not found$/],
    ['results, no UUID', 'GET', '/api/job-results/x', [], undef, 404,
     'IGJ0401'],
    (map { ["page $_", 'GET', "/api/job-results/$job?page=$_", [], undef, 400,
            'IGJ0501'] } qw(0 -1 x 1.5 1e3 99999999999999999999 %00), ''),
    (map { ["limit $_", 'GET', "/api/job-results/$job?limit=$_", [], undef,
            400, 'IGJ0502'] } qw(-1 x 0x10 10%20000)),
    ['partial maybe', 'GET', "/api/job-results/$job?partial=maybe", [],
     undef, 400, 'IGJ0110'],
);
push @requests, map {
    my ($name, $body, @rest) = @$_;
    [$name, 'POST', $submit, [@json], $body, @rest]
} @bodies;

cmp_ok(scalar @requests, '>=', 60, 'a good number of bad requests');
check(@$_) for @requests;

# more than 500,000 accounts, refused while the body is read
my $many = '{"accounts":[' . join(',', map { "\"a$_\"" } 0 .. 500_000) . ']}';
check('too many accounts', 'POST', $submit, [@json], $many, 422, 'IGJ0303');

my $pointers = $stack->client->post_json($submit,
    { accounts => ['good', (map { "bad name $_" } 1 .. 150), 7] });
my $errors = $pointers->json->{errors};
is(scalar @$errors, 100, 'the first 100 faulty elements are named');
is($errors->[0]{pointer}, '#/accounts/1', 'by their place');
ok($errors->[0]{detail}, 'with what is wrong');

my $problem = $stack->client->request('POST', $submit, body => '{',
    headers => [@json, Accept => 'application/problem+json']);
like($problem->header('Content-Type'), qr{^application/problem\+json},
    'problem documents for those who ask');
is($problem->json->{status}, 400, 'with the status in them');

my $broken = $stack->client;
$broken->send("POST $submit HTTP/1.1\r\nHost: x\r\n"
    . "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    . "zz\r\n");
my $answer = $broken->read_response;
is($answer->{status}, 400, 'broken chunked coding');

is($stack->psql('select count(*) from public.scrape_jobs'), 0,
    'no bad request left a job');

$stack->finish;
done_testing();


sub check {
    my ($name, $method, $path, $headers, $body, $status, $code, $text) = @_;
    my $r = $stack->client->request($method, $path, headers => $headers,
        (defined $body ? (body => $body) : ()));
    my $doc = eval { $r->json } // {};
    my @allowed = ref $status ? @$status : $status;
    my $ok = ok((grep { $r->{status} == $_ } @allowed)
        && (!defined $code || ($doc->{code} // '') eq $code)
        && (!defined $text || "$doc->{error}\n$doc->{detail}" =~ $text
            || $doc->{error} =~ $text)
        && !$doc->{success} && $doc->{error} && $doc->{type} && $doc->{title}
        && $doc->{detail} && $doc->{status} == $r->{status}
        && $r->header('Content-Type') =~ m{^application/json}
        && ($r->{status} != 405 || $r->header('Allow')), $name);

    diag("$r->{status} " . substr $r->{body}, 0, 400) if !$ok;
    return;
}
