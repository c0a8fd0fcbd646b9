#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# What holds the answers of all tests to docs/openapi.json: reading JSON,
# checking by a schema, comparing an answer with its description.

use strict;
use warnings;
use JSON::PP ();
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Openapi;
use Igjobs::Http;
use Igjobs::Json;
use Igjobs::Schema;

my $pp = JSON::PP->new->utf8->canonical->allow_nonref;

subtest 'reading JSON' => sub {
    for my $text ('{"a":[1,-2.5e3,0,"x\u00e9\ud83d\ude00\n\\\\\"q\"",true,'
                  . 'false,null],"\u0061b":{}, "c" : [ ] }', ' [ ] ', '" "',
                  "[\"\xc3\xa4\\u00e4\", \"\xc3\xa4\"]", '5', '"\/"', "{\t}",
                  '{"":{"":[[],[[]]]}}', '"\u0000"', '12345678901234567') {
        is($pp->encode(Igjobs::Json::decode($text)),
            $pp->encode($pp->decode($text)), "read: $text");
    }
    for my $text ('', '[1,]', '{"a":1,"a":2}', '"\x"', '[01]', "[\"\xff\"]",
                  '[tru]', '[truex]', '["a" "b"]', '[1] x', '"\ud800"',
                  '"\udc00"', '{"a"}', '{a:1}', '[1', '{"a":1', '"', "\"\n\"",
                  '+1', '.5', '1.', "\xef\xbb\xbf1", "['a']") {
        ok(!eval { Igjobs::Json::decode($text); 1 }, "refused: $text");
        like($@, qr/^JSON: .* at byte \d+/, 'and said where');
    }
};

# schema, values that fit, values that do not
my @cases = (
    ['{"type":"integer"}', '1 -5 1e3', '1.5 "1" null true [] {}'],
    ['{"type":"number"}', '1 1.5', '"1" true'],
    ['{"type":"string"}', '"" "1"', '1 null true'],
    ['{"type":"boolean"}', 'true false', '0 "true"'],
    ['{"type":["string","null"]}', '"x" null', '1'],
    ['{"enum":["a",1,null,true]}', '"a" 1 null true', '"1" "b" 0 false "true"'],
    ['{"const":false}', 'false', 'true 0 null'],
    ['{"pattern":"^a+$"}', '"aa" 5', '"ab"'],
    ['{"format":"uuid"}', '"0199E1f5-7c1a-7b3e-9c55-3f8f6f0c2a01"',
        '"0199e1f5" "0199e1f57c1a7b3e9c553f8f6f0c2a01"'],
    ['{"format":"date-time"}', '"2026-03-02T09:05:31.904122+00:00" '
        . '"2026-03-02T09:05:31Z"', '"2026-03-02" "2026-13-02T09:05:31Z" '
        . '"2026-03-02T09:05:31" "2026-03-02T09:05Z"'],
    ['{"format":"uri-reference"}', '"/a/b?c=%20#d" ""', '"a\u0020b" "%2" "\""'],
    ['{"minLength":2,"maxLength":3}', '"ab" "\u00e4\u00e4\u00e4" 1', '"a" "abcd"'],
    ['{"minimum":1,"exclusiveMaximum":2}', '1 1.9 "0"', '0 2'],
    ['{"maximum":1,"exclusiveMinimum":0}', '1', '0 2'],
    ['{"minItems":1,"maxItems":2,"items":{"type":"integer"}}', '[1] [1,2] 5',
        '[] [1,2,3] ["1"]'],
    ['{"properties":{"a":{"type":"integer"}},"required":["a"]}',
        '{"a":1} [] 5', '{} {"a":"1"} {"a":1,"b":2}'],
    ['{"properties":{"a":{}},"additionalProperties":{"type":"integer"}}',
        '{"a":"x","b":1}', '{"b":"1"}'],
    ['{"properties":{"a":{}},"additionalProperties":true}', '{"b":1}', ''],
    ['{"additionalProperties":false}', '{}', '{"a":1}'],
    ['{"propertyNames":{"pattern":"^x"},"minProperties":1}', '{"x1":0}',
        '{} {"y":0}'],
    ['{"oneOf":[{"type":"integer"},{"minimum":5}]}', '1 7.5 "x"', '7 1.5'],
    ['{"anyOf":[{"type":"integer"},{"minimum":5}]}', '1 7.5 7', '1.5'],
    ['{"allOf":[{"properties":{"a":{"type":"integer"}}},'
        . '{"properties":{"b":{}},"required":["b"]}]}',
        '{"a":1,"b":2}', '{"a":1} {"b":1,"c":2} {"a":"1","b":1}'],
    ['{"not":{"type":"null"}}', '1', 'null'],
    ['{"items":{"$ref":"#/tree"}}', '[{"left":{"left":{}}}]',
        '[{"left":{"left":1}}] [{"right":{}}]'],
    ['{"description":"x","x-own":1}', 'null 1', ''],
);

subtest 'schemas' => sub {
    my $document = { tree => { type => 'object',
        properties => { left => { '$ref' => '#/tree' } } } };

    for my $case (@cases) {
        my ($text, $good, $bad) = @$case;
        my $check = Igjobs::Schema->new($document, strict => 1)
            ->compile(Igjobs::Json::decode($text));
        is_deeply([$check->(Igjobs::Json::decode($_))], [], "$text: $_")
            for split / /, $good;
        isnt(scalar(() = $check->(Igjobs::Json::decode($_))), 0,
            "$text: not $_") for split / /, $bad;
    }
    for my $bad ({ typo => 1 }, { type => 'int' }, { format => 'x' },
                 { '$ref' => '#/nothing' }, { '$ref' => 'other.json' }) {
        ok(!eval { Igjobs::Schema->new({})->compile($bad); 1 },
            'unknown: ' . $pp->encode($bad));
    }
    my $check = Igjobs::Schema->new({})->compile({
        items => { properties => { id => { type => 'string' } } } });
    is(join(';', $check->([{ id => 'x' }, { id => 5 }])),
        '/1/id: is not string: 5', 'the place is told');
    is_deeply([Igjobs::Schema->new({})->compile(
        { properties => {} })->({ a => 1 })], [], 'not strict: open');
};

subtest 'answers' => sub {
    my $id = '0199e1f5-7c1a-7b3e-9c55-3f8f6f0c2a01';
    my $openapi = Igjobs::Openapi->new;
    my $problem = '{"success":false,"error":"x","type":"/x","title":"x",'
        . '"status":404,"detail":"x","code":"IGJ0401"}';
    my @json = ('Content-Type' => 'application/json');

    for my $case (
        [qw(GET /healthz 200), ['Content-Type' => 'text/html'], 'ok', ''],
        [qw(HEAD /healthz 200), ['Content-Type' => 'text/html'], '', ''],
        [qw(GET /healthz 200), ['Content-Type' => 'text/html'], 'no',
            'not among "ok"'],
        [qw(GET /healthz 200), ['Content-Type' => 'text/plain'], 'ok',
            "the media type 'text/plain' is not described"],
        [qw(GET /healthz 418), [], '', 'the status is not described'],
        ['GET', "/api/job-status/$id?x=1", 404, \@json, $problem, ''],
        ['GET', "/x/api/job-status/$id", 404, \@json, $problem, ''],
        ['GET', "/api/job-status/$id", 404, \@json, $problem =~ s/IGJ/X/r,
            'body/code: "X0401" is not among'],
        ['GET', "/api/job-status/$id", 404, [@json, 'X-New' => 1], $problem,
            'x-new is not described'],
        ['GET', "/api/job-status/$id", 404, \@json, '{', 'is not JSON'],
        ['GET', "/api/job-status/$id", 503, \@json,
            $problem =~ s/404/503/r, 'Retry-After is missing'],
        ['GET', "/api/job-status/$id", 503, [@json, 'Retry-After' => 'soon'],
            $problem =~ s/404/503/r, 'Retry-After: is not integer'],
        ['GET', "/api/job-status/$id", 304, [ETag => 'W/"1"'], '',
            'Cache-Control is missing'],
        [qw(GET /api/none 404), \@json, $problem, ''],
        [qw(GET /api/none 200), \@json, '{}', 'the status is not 404'],
        [qw(GET /other 200), [], '', ''],
        [qw(OPTIONS /livez 200), [Allow => 'GET'], '', ''],
        [qw(OPTIONS /livez 200), [], '', 'Allow is missing'],
        [qw(PUT /livez 405), [@json, Allow => 'GET'],
            $problem =~ s/404/405/r, ''],
        [qw(PUT /livez 405), \@json, $problem, 'Allow is missing'],
    ) {
        my ($method, $path, $status, $headers, $body, $expected) = @$case;
        my %headers = @$headers;
        my $r = bless { status => $status, body => $body, headers => {
            map { lc() => [$headers{$_}] } keys %headers } },
            'Igjobs::Http::Response';
        my $errors = join '; ', $openapi->errors($method, $path, $r);

        if ($expected eq '') {
            is($errors, '', "$method $path $status is as described");
        } else {
            like($errors, qr/\Q$expected\E/, "$method $path: $expected");
        }
    }
};

done_testing;
