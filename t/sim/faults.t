#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Fault rules: which requests they meet, and what each does on the wire.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use IO::Uncompress::Gunzip qw(gunzip $GunzipError);
use JSON::PP ();
use Igjobs::Http;
use Igjobs::Wait;
use SimTest;

my $sim = new_sim('--seed', 11);
my $actor = '/v2/acts/igjobs~followers-with-source/runs';
my $input = '{"usernames":["alice","bob"],"max_count":50}';
my $run = start_run($sim, ['alice', 'bob'], max_count => 50);
my $path = "/v2/actor-runs/$run->{id}";
my $page = "/v2/datasets/$run->{defaultDatasetId}/items?format=jsonl";
my $whole = api($sim, 'GET', $page)->{body};

# replaces all rules
sub rules {
    my (@rules) = @_;

    $sim->call('DELETE', '/_sim/faults');
    $sim->faults(@rules == 1 ? $rules[0] : \@rules);
    return;
}

sub started { return $sim->ledger->{runs_started} }

# statuses of so many GETs of the run
sub statuses {
    my ($count) = @_;

    return join ' ', map { api($sim, 'GET', $path)->{status} } 1 .. $count;
}

# which requests: counting
rules({ match => { op => 'run', nth => 2 }, action => { status => 503 } });
is statuses(4), '200 503 200 200', 'nth';
rules({ match => { op => 'run', every => 3 }, action => { status => 503 } });
is statuses(7), '200 200 503 200 200 503 200', 'every';
rules({ match => { op => 'run', after => 2, times => 2 },
        action => { status => 503 } });
is statuses(6), '200 200 503 503 200 200', 'after and times';
my $chance = { match => { op => 'run', probability => 0.5 },
               action => { status => 503 } };
rules($chance);
my $some = statuses(40);
like $some, qr/200.*503|503.*200/, 'probability';
rules($chance);
is statuses(40), $some, 'is seeded';
rules({ match => { probability => 0 }, action => { status => 503 } });
is statuses(3), '200 200 200', 'never';
rules({ match => { probability => 1 }, action => { status => 503 } });
is statuses(3), '503 503 503', 'always';

# which requests: what they are
for my $case (
    [{}, 1], [{ provider => 'apify' }, 1], [{ provider => 'gemini' }, 0],
    [{ op => 'run' }, 1], [{ op => 'items' }, 0], [{ method => 'get' }, 1],
    [{ method => 'POST' }, 0], [{ path => '/v2/actor-runs/*' }, 1],
    [{ path => '/v2/datasets/*' }, 0], [{ run => $run->{id} }, 1],
    [{ run => 'other' }, 0], [{ account => 'ali*' }, 1],
    [{ account => 'carol' }, 0], [{ offset_from => 0 }, 0],
) {
    my ($match, $met) = @$case;
    rules({ match => $match, action => { status => 503 } });
    is statuses(1), $met ? 503 : 200,
        'match ' . JSON::PP->new->canonical->encode($match);
}
rules({ match => { offset_from => 10, offset_to => 20 },
        action => { status => 503 } });
is join(' ', map { api($sim, 'GET', "$page&offset=$_")->{status} }
             9, 10, 20, 21), '200 503 503 200', 'offsets';
rules({ match => { op => 'start', account => 'bad_*' },
        action => { status => 400 } });
is api($sim, 'POST', $actor, body => '{"usernames":["a","bad_b"]}')->{status},
    400, 'an account in the input of a start';
is api($sim, 'POST', $actor, body => '{"usernames":["a"]}')->{status}, 201,
    'and without it';

# the first rule that fires wins
rules({ match => { nth => 1 }, action => { status => 501 } },
      { action => { status => 502 } });
is statuses(2), '501 502', 'the first rule that fires';
my $list = $sim->call('GET', '/_sim/faults');
is_deeply [map { [@$_{qw(seen fired)}] } @$list], [[2, 1], [1, 1]], 'counters';
is_deeply $list->[1]{rule}, { action => { status => 502 } }, 'as it was given';
$sim->call('DELETE', '/_sim/faults');
is_deeply $sim->call('GET', '/_sim/faults'), [], 'cleared';

# rules that are not understood
for my $case (
    ['{', qr/not valid JSON/], ['[3]', qr/must be an object/],
    ['{}', qr/\\"action\\" must be there/],
    ['{"action":{"nonsense":1}}', qr/unknown member \\"nonsense\\"/],
    ['{"match":{"nht":1},"action":{}}', qr/unknown member \\"nht\\"/],
    ['{"action":{"status":"x"}}', qr/\\"code\\" must be a number/],
    ['{"action":{"status":42}}', qr/\\"code\\" must be a number from 200/],
    ['{"action":{"drip":-1}}', qr/\\"drip\\" must be a number/],
    ['{"action":{"mutate_item":"x"}}', qr/\\"how\\" must be one of none type/],
    ['{"action":{"drop_before":1}}', qr/\\"drop_before\\" must be true/],
    ['{"action":{"headers":[1]}}', qr/\\"headers\\" must be an object/],
    ['{"action":{},"x":1}', qr/a rule has name/],
    ['[{"action":{}},{}]', qr/\\"action\\" must be there/],
) {
    my ($text, $why) = @$case;
    my $response = Igjobs::Http->new($sim->port)->post_json('/_sim/faults',
                                                           $text);
    is $response->{status}, 400, "refused: $text";
    like $response->{body}, $why, 'and why';
}
is_deeply $sim->call('GET', '/_sim/faults'), [], 'all or none are taken';

# status: the provider's shape, or any body
rules({ action => { status => 429, headers => { 'Retry-After' => '7' } } });
my $response = api($sim, 'GET', $path);
is $response->json->{error}{type}, 'rate-limit-exceeded', 'status 429';
is $response->header('Retry-After'), 7, 'with a header';
rules({ action => { status => { code => 402, message => 'No.',
        type => 'not-enough-usage-to-run-paid-actor' } } });
$response = api($sim, 'POST', $actor, body => $input);
is_deeply $response->json->{error},
    { type => 'not-enough-usage-to-run-paid-actor', message => 'No.' },
    'type and message';
rules({ action => { status => { code => 502, body => '<html>bad</html>' } } });
$response = api($sim, 'GET', $path);
is "$response->{status} $response->{body} " . $response->header('Content-Type'),
    '502 <html>bad</html> text/html', 'a body of its own';
my $runs = started();
rules({ action => { status => 500 } });
api($sim, 'POST', $actor, body => $input);
is started(), $runs, 'a status has no effect';
rules({ action => { status => 500, effect => JSON::PP::true } });
is api($sim, 'POST', $actor, body => $input)->{status}, 500, 'unless it is';
is started(), $runs + 1, 'told so';
rules({ match => { op => 'items' },
        action => { headers => { 'X-Apify-Pagination-Count' => '1' } } });
$response = api($sim, 'GET', $page);
is $response->header('X-Apify-Pagination-Count'), 1, 'a header replaced';
is $response->{body}, $whole, 'in an answer that is right otherwise';
rules({ action => { redirect => 'http://127.0.0.1:1/' } });
$response = api($sim, 'GET', $path);
is "$response->{status} " . $response->header('Location'),
    '302 http://127.0.0.1:1/', 'redirect';

# lost requests and lost answers
$runs = started();
rules({ action => { drop_before => JSON::PP::true } });
my $wire = wire($sim, 'POST', $actor, body => $input);
is "$wire->{bytes}/$wire->{end}", '/closed', 'drop_before: not a byte';
is started(), $runs, 'no effect';
rules({ action => { drop_after => JSON::PP::true } });
$wire = wire($sim, 'POST', $actor, body => $input);
is "$wire->{bytes}/$wire->{end}", '/closed', 'drop_after: not a byte';
is started(), $runs + 1, 'but the effect';
rules({ action => { rst => JSON::PP::true } });
$wire = wire($sim, 'POST', $actor, body => $input);
is "$wire->{bytes}/$wire->{end}", '/reset', 'rst: a reset';
is started(), $runs + 2, 'after the effect';
rules({ action => { rst => JSON::PP::true, effect => JSON::PP::false } });
wire($sim, 'POST', $actor, body => $input);
is started(), $runs + 2, 'or without';
rules({ action => { delay_ms => 1, effect => JSON::PP::false } });
$wire = wire($sim, 'POST', $actor, body => $input);
is "$wire->{bytes}/$wire->{end}", '/closed', 'neither effect nor answer';
is started(), $runs + 2, 'a request lost on its way';
rules({ action => { rst => 1000 } });
$wire = wire($sim, 'GET', $page);
is $wire->{end}, 'reset', 'rst in the body';
like $wire->{head}, qr{^HTTP/1.1 200}, 'after the head';
cmp_ok length $wire->{body}, '<', 1100, 'and a thousand bytes at most';
rules({ action => { raw => "SSH-2.0-nonsense\r\n" } });
$wire = wire($sim, 'GET', $path);
is "$wire->{bytes}/$wire->{end}", "SSH-2.0-nonsense\r\n/closed", 'raw bytes';
rules({ action => { raw => 'HTTP/1.1 200 OK' . "\r\nX-Big: " . 'x' x 400000 } });
$wire = wire($sim, 'GET', $path);
cmp_ok length $wire->{bytes}, '>', 400000, 'and many of them';

# bodies that end early
my $user = length api($sim, 'GET', '/v2/users/me', token => 'x')->{body}
    if $sim->call('DELETE', '/_sim/faults');
rules({ action => { truncate_at => 40 } });
$wire = wire($sim, 'GET', '/v2/users/me');
like $wire->{head}, qr/^Content-Length: $user\r?$/m, 'truncate_at: a length';
is length $wire->{body}, 40, 'that is not kept';
$wire = wire($sim, 'GET', $page);
like $wire->{head}, qr/^Transfer-Encoding: chunked/m, 'in chunks';
unlike $wire->{body}, qr/\r\n0\r\n\r\n\z/, 'without the last';
is substr($wire->{body}, -2), "\r\n", 'after whole chunks';
rules({ action => { truncate_at => 0 } });
is wire($sim, 'GET', '/v2/users/me')->{body}, '', 'at the first byte';
rules({ action => { truncate_at => { bytes => 1000,
                                     clean => JSON::PP::true } } });
$response = api($sim, 'GET', $page);
is $response->{body}, substr($whole, 0, 1000), 'clean: the framing is right';
is length(api($sim, 'GET', '/v2/users/me')->{body}), $user, 'nothing to cut';
rules({ action => { no_length => JSON::PP::true } });
$wire = wire($sim, 'GET', $page);
unlike $wire->{head}, qr/Content-Length|Transfer-Encoding/, 'no_length';
is $wire->{body}, $whole, 'the connection ends the body';
rules({ action => { no_length => JSON::PP::true, truncate_at => 1000 } });
$wire = wire($sim, 'GET', $page);
is $wire->{body}, substr($whole, 0, 1000), 'even an early one';
unlike $wire->{head}, qr/Content-Length|Transfer-Encoding/, 'unnoticed';

# compression
sub zipped {
    my ($response) = @_;

    is $response->header('Content-Encoding'), 'gzip', 'called gzip';
    my $ok = gunzip(\$response->{body}, \my $text);
    return $ok ? $text : "error: $GunzipError";
}

rules({ action => { gzip => JSON::PP::true } });
is zipped(api($sim, 'GET', $page)), $whole, 'gzip unasked';
rules({ action => { bad_gzip => 'plain' } });
$response = api($sim, 'GET', $page);
is $response->{body}, $whole, 'plain bytes';
is $response->header('Content-Encoding'), 'gzip', 'called gzip';
rules({ action => { bad_gzip => 'crc' } });
$response = api($sim, 'GET', $page);
my $wrong = $response->{body};
rules({ action => { gzip => JSON::PP::true } });
my $right = api($sim, 'GET', $page)->{body};
is length $wrong, length $right, 'a wrong check sum';
is substr($wrong, 0, -8), substr($right, 0, -8), 'alone';
isnt substr($wrong, -8, 4), substr($right, -8, 4), 'is wrong';
rules({ action => { bad_gzip => 'cut' } });
$response = api($sim, 'GET', $page);
is $response->{body}, substr($right, 0, length($right) / 2),
    'half of the bytes, framing right';
rules({ action => { gzip => JSON::PP::true,
                    truncate_at => { bytes => 1000,
                                     body => JSON::PP::true } } });
is zipped(api($sim, 'GET', $page)), substr($whole, 0, 1000),
    'a cut body in whole gzip';

# slow answers: told by the journal, not by the clock
for my $case (['before the head', undef], ['in the body', 500]) {
    my ($where, $at) = @$case;
    rules({ name => "hang $where", match => { op => 'items' },
            action => { hang => { ms => 3600000,
                                  defined $at ? (at => $at) : () } } });
    my $http = Igjobs::Http->new($sim->port);
    $http->connect;
    $http->send_request('GET', $page);
    my $entry = wait_for {
        (grep { ($_->{fault} // '') eq "hang $where" && !$_->{ended} }
            @{ $sim->journal })[0] } 20, "hang $where";
    ok $entry, "hang $where";
    if (defined $at) {
        $http->fill while $http->{buffer} !~ /\r\n\r\n.{500}/s;
        cmp_ok length $http->{buffer}, '<', 1000, 'after the first bytes';
    }
    $http->cut;
}
rules({ action => { hang => 1 } });
is api($sim, 'GET', $path)->{status}, 200, 'a short hang ends';
rules({ action => { delay_ms => 1 } });
is api($sim, 'GET', $path)->{status}, 200, 'a delay, too';
rules({ action => { drip => 20000 } });
$wire = wire($sim, 'GET', '/v2/users/me');
is length $wire->{body}, $user, 'drip';

# items
sub mutated {
    my ($rule) = @_;

    rules({ match => { op => 'items' }, action => $rule });
    my @lines = split /\n/, api($sim, 'GET', $page)->{body}, -1;
    is pop @lines, '', 'the last line ended';
    return @lines;
}

my @lines = split /\n/, $whole;
my @got = mutated({ mutate_item => { how => 'null', every => 10 } });
is scalar @got, 100, 'null';
is_deeply [grep { $got[$_] ne $lines[$_] } 0 .. 99],
    [map { $_ * 10 } 0 .. 9], 'every tenth item';
is_deeply [values %{ JSON::PP->new->decode($got[0]) }], [(undef) x 8],
    'is null';
@got = mutated({ mutate_item => { how => 'type', from => 5, to => 6 } });
is_deeply [grep { $got[$_] ne $lines[$_] } 0 .. 99], [5, 6], 'from and to';
like $got[5], qr/"sourceUsername":12345,"type":\{"x":1\},"userId":\["x"\]/,
    'type';
@got = mutated({ mutate_item => { how => 'duplicate', from => 5, to => 5 } });
is $got[5], $got[4], 'duplicate';
for my $case (
    ['unicode', qr/"fullName":"Zo\xcc\x88e/],
    ['surrogate', qr/"fullName":"half \\ud83d of a pair"/],
    ['nul', qr/"fullName":"before\\u0000after"/],
    ['utf8', qr/"fullName":"wrong \xc3\x28 \xff bytes"/],
    ['deep', qr/"fullName":\[{2000}\]{2000}/],
    ['number_id', qr/"userId":17841409391783763,/],
    ['garbage', qr/^\{"id":"1","username":oops$/],
) {
    my ($how, $expected) = @$case;
    @got = mutated({ mutate_item => { how => $how, from => 3, to => 3 } });
    like $got[3], $expected, $how;
    is_deeply [@got[2, 4]], [@lines[2, 4]], 'between whole ones';
}
@got = mutated({ mutate_item => { how => 'huge', from => 3, to => 3,
                                  bytes => 1000000 } });
cmp_ok length $got[3], '>', 1000000, 'huge';
is_deeply [@got[2, 4]], [@lines[2, 4]], 'between whole ones';
my $array = api($sim, 'GET', $page =~ s/jsonl/json/r)->json;
is scalar @$array, 100, 'in an array, too';
@got = mutated({ error_item => { kind => 'missing', every => 50 } });
is_deeply [map { JSON::PP->new->decode($got[$_])->{error} } 0, 50],
    ['not_found', 'not_found'], 'error_item';
is $got[1], $lines[1], 'among others';
@got = mutated({ error_item => 'blocked' });
is scalar(grep { /Request blocked/ } @got), 100, 'nothing but errors';
rules({ match => { op => 'items' }, action => { lag_items => 30 } });
$response = api($sim, 'GET', "$page&offset=60");
is $response->header('X-Apify-Pagination-Total'), 70, 'lag_items';
is scalar(split /\n/, $response->{body}), 10, 'hides the newest';

# runs
sub fated {
    my ($action) = @_;

    rules({ match => { op => 'start', times => 1 }, action => $action });
    return start_run($sim, ['alice', 'bob', 'carol'], max_count => 10);
}

my $fated = fated({ fail_run => 'FAILED' });
is $fated->{status}, 'FAILED', 'fail_run';
is $fated->{exitCode}, 1, 'exit code';
is scalar items($sim, $fated), 30, 'after all items';
$fated = fated({ fail_run => { after_accounts => 2, message => 'Oh.' } });
is_deeply [map { $_->{sourceUsername} } items($sim, $fated)],
    [('alice') x 10, ('bob') x 10], 'after two accounts';
is $fated->{statusMessage}, 'Oh.', 'with a message';
$fated = fated({ fail_run => { status => 'TIMED-OUT', after_items => 7 } });
is "$fated->{status} " . items($sim, $fated), 'TIMED-OUT 7', 'after 7 items';
$fated = fated({ fail_run => { status => 'SUCCEEDED', after_items => 7 } });
is "$fated->{status} " . items($sim, $fated), 'SUCCEEDED 7',
    'cut short without a word';

rules({ match => { op => 'start' }, action => { stay_running => JSON::PP::true }
      });
$fated = start_run($sim, ['alice'], max_count => 10, query => '');
$sim->call('POST', '/_sim/advance?ms=86400000', '');
is api($sim, 'GET', "/v2/actor-runs/$fated->{id}")->json->{data}{status},
    'RUNNING', 'stay_running';
is scalar items($sim, $fated), 10, 'with all items';
is api($sim, 'POST', "/v2/actor-runs/$fated->{id}/abort")
    ->json->{data}{status}, 'ABORTED', 'until it is aborted';
rules({ match => { op => 'start' },
        action => { stay_running => { status => 'MIGRATING', ms => 3600000 } } });
$fated = start_run($sim, ['alice'], query => '');
is api($sim, 'GET', "/v2/actor-runs/$fated->{id}")->json->{data}{status},
    'MIGRATING', 'an unknown status';
$sim->call('POST', '/_sim/advance?ms=7200000', '');
is api($sim, 'GET', "/v2/actor-runs/$fated->{id}")->json->{data}{status},
    'SUCCEEDED', 'for some time';

$runs = started();
rules({ match => { op => 'start' }, action => { twice => JSON::PP::true } });
start_run($sim, ['twice']);
is started(), $runs + 2, 'twice: two runs';
rules({ match => { op => 'start' }, action => { run_404 => 2 } });
$fated = start_run($sim, ['alice'], query => '');
is join(' ', map { api($sim, 'GET', "/v2/actor-runs/$fated->{id}")->{status} }
             1 .. 3), '404 404 200', 'run_404';
rules({ match => { op => 'start' },
        action => { run_404 => { calls => 0, ms => 3600000 } } });
$fated = start_run($sim, ['zora'], query => '');
is api($sim, 'GET', "/v2/actor-runs/$fated->{id}")->{status}, 404, 'by time';
my $newest = api($sim, 'GET', '/v2/actor-runs?desc=1&limit=1')
    ->json->{data}{items}[0]{id};
isnt $newest, $fated->{id}, 'nor in a list';

# limits
rules({ match => { op => 'run' },
        action => { limit => { per_second => 0.001, burst => 2 } } });
is statuses(4), '200 200 429 429', 'a token bucket';
is api($sim, 'GET', $path)->json->{error}{type}, 'rate-limit-exceeded',
    'says so';
reset_sim($sim);
$sim->faults([
    { match => { op => 'start' }, action => { limit => {
        concurrent_runs => 2 } } },
    { match => { op => 'start', account => 'big' }, action => { limit => {
        memory_mb => 2048 } } },
    { match => { op => 'start' }, action => { stay_running => JSON::PP::true } },
]);

sub try_start {
    my ($account, $query) = @_;
    my $response = api($sim, 'POST', "$actor?" . ($query // ''),
                       body => { usernames => [$account] });

    return $response->{status} == 201 ? 201 : $response->json->{error}{type};
}

is try_start('a'), 201, 'a run';
is try_start('big', 'memory=2048'), 'actor-memory-limit-exceeded', 'memory';
is try_start('b'), 201, 'another run';
is try_start('c'), 'concurrent-runs-limit-exceeded', 'runs';

# rules from a file
my $file = Igjobs::Env::new_dir('rules') . '/rules.json';
open my $out, '>', $file or die $!;
print {$out} '[{"name":"from file","action":{"status":418}}]';
close $out;
my $other = new_sim('--faults', $file);
is api($other, 'GET', '/v2/users/me')->{status}, 418, '--faults';
is $other->journal->[0]{fault}, 'from file', 'named in the journal';

finish();
done_testing;
