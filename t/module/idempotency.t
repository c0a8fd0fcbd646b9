#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Idempotency-Key: of all requests with one key, to whichever nginx and
# whatever is restarted or cut meanwhile, one stores a job, and all get its
# answer.
#
# IGJOBS_PAIRS: pairs of requests that are sent at once to two nginx (100).

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../sql/lib";
use Igjobs::Proxy;
use Igjobs::Session;
use Igjobs::Stack;
use Igjobs::Wait;

use constant SMALL => 3;
use constant LARGE => 6000;
use constant LARGEST => 500_000;

my $pairs = $ENV{IGJOBS_PAIRS} || 100;
my $submit = '/api/scrape-followers';
my $number = 0;
my $stack = Igjobs::Stack->new(nginx => { http => <<'HTTP' });
    map $http_x_tenant $tenant { default $http_x_tenant; '' default; }
    igjobs_tenant $tenant;
HTTP
$stack->start(qw(postgres redis nginx));
my $other = $stack->add_nginx;
my $http = $stack->client;

subtest 'the first answer again' => sub {
    my $body = '{"accounts":["one","two","one","not good"],'
        . '"skip_invalid":true}';
    my $first = post('key', $body);
    my $again = post('key', $body);

    is(seen($first), '202', 'accepted');
    is(seen($again), '202 replayed', 'so is the second, which says so');
    is($again->{body}, $first->{body}, 'with the same body');
    is($again->header($_), $first->header($_), "the same $_")
        for qw(Location Retry-After Content-Type);
    is(post('"key"', $body)->{body}, $first->{body},
        'quotes are no part of a key');
    is(jobs(), 1, 'one job');
};

subtest 'what is another request' => sub {
    my $body = accounts(SMALL);

    is(seen(post('a', $body)), '202', 'a key');
    is(seen(post('b', $body)), '202', 'another key');
    is(seen(post('a', $body, headers => ['X-Tenant', 'acme'])), '202',
        'another tenant');
    is(seen($http->post_json($submit, $body)), '202', 'no key');
    is(seen($http->post_json($submit, $body)), '202', 'and again none');
    is(jobs(), 6, 'are five more jobs');

    is(seen(post('a', accounts(SMALL))), '422 IGJ0602', 'another body');
    is(seen(post('a', "$body ")), '422 IGJ0602', 'also one that says the same');
    is(seen(post('a', accounts(LARGE))), '422 IGJ0602', 'or a large one');
    is(seen(post('a', $body)), '202 replayed', 'do not harm the first');
    is(jobs(), 6, 'and store nothing');
};

subtest 'what is no key' => sub {
    my $body = accounts(SMALL);

    for my $key ('', '""', 'a b', '"a', 'a,b', "\xc3\xa4", 'k' x 256) {
        is(seen(post($key, $body)), '400 IGJ0601', "<$key>");
    }
    is(seen(post('a', $body, headers => ['idempotency-key', 'a'])),
        '400 IGJ0601', 'more than one');
    is(seen(post('k' x 255, $body)), '202', 'the longest');
    is(seen($http->get('/api/jobs', headers => ['Idempotency-Key', ''])),
        '200', 'a route that takes none does not look');
};

subtest 'what is refused leaves no key' => sub {
    is(seen(post('bad', '{"accounts":[]}')), '400 IGJ0302', 'refused');
    is(seen(post('bad', '{"accounts":["a","a b"]}')), '422 IGJ0304',
        'refused later');
    is(seen(post('bad', accounts(SMALL))), '202', 'the key is free');
};

subtest 'pages of other origins' => sub {
    my $r = $http->request('OPTIONS', $submit, headers => [
        Origin => 'http://page.test', 'Access-Control-Request-Method', 'POST',
        'Access-Control-Request-Headers', 'content-type,idempotency-key']);

    is($r->header('Access-Control-Allow-Headers'),
        'Content-Type, Idempotency-Key', 'may send a key');
    like(post('o', accounts(SMALL), headers => [Origin => 'http://page.test'])
         ->header('Access-Control-Expose-Headers'), qr/Idempotent-Replayed/,
        'and see what became of it');
};

subtest 'the first is in progress' => sub {
    my $lock = Igjobs::Session->new($stack->postgres);

    for my $count (SMALL, LARGE) {
        my $body = accounts($count);
        my $first = $other->client;

        $lock->run('begin; lock igjobs.batches in share mode');
        start($first, "busy-$count", $body);
        wait_for { kept_waiting() } 20, 'the first to be on its way';
        my $second = post("busy-$count", $body);
        is(seen($second), '409 IGJ0603', "$count accounts: the second");
        like($second->header('Retry-After'), qr/^\d+$/, 'is to come again');
        $lock->run('rollback');
        is(seen($first->read_response('POST')), '202', 'the first is stored');
        is(seen(post("busy-$count", $body)), '202 replayed', 'and seen then');
    }
};

subtest 'two nginx at once' => sub {
    my $large = 1 + int $pairs / 20;
    my $before = jobs();

    at_once(SMALL, $pairs, 8);
    at_once(LARGE, $large, 2);
    is(jobs(), $before + $pairs + $large, 'each key has one job');
};

subtest 'two bodies at once' => sub {
    my @keys = map { [SMALL, SMALL], [SMALL, LARGE], [LARGE, SMALL] } 1 .. 3;
    my $before = jobs();

    for my $counts (@keys) {
        my $key = 'bodies-' . ++$number;
        my @clients = map { $_->client } $stack->nginx, $other;
        my @bodies = map { accounts($_) } @$counts;

        start($clients[$_], $key, $bodies[$_]) for 0, 1;
        my @answers = map { settled($clients[$_], $key, $bodies[$_]) } 0, 1;
        is(join(', ', sort map { seen($_) } @answers), '202, 422 IGJ0602', "@$counts accounts");
    }
    is(jobs(), $before + @keys, 'one of both has a job');
};

subtest 'a replay waits like the first' => sub {
    my $body = accounts(SMALL);
    my $first = post('wait', $body)->json->{job_id};
    my $r = post('wait', $body, headers => ['Prefer', 'wait=1']);

    is(seen($r), '202 replayed', 'the job has not ended');
    is($r->header('Preference-Applied'), 'wait=1', 'it was waited for');
    $stack->psql("select igjobs.stop_job('default', '$first', 'cancel')");
    $r = post('wait', $body, headers => ['Prefer', 'wait=20']);
    is(seen($r), '200 replayed', 'then it has ended');
    is($r->json->{state}, 'canceled', 'as its status says');
};

subtest 'restarts' => sub {
    my $body = accounts(SMALL);
    my $first = post('restarts', $body);
    my %restart = (
        nginx => sub { $stack->nginx->stop; $stack->nginx->start },
        redis => sub {
            $stack->redis->command('FLUSHALL');
            $stack->redis->stop;
            $stack->redis->start;
        },
        postgres => sub { $stack->postgres->stop; $stack->postgres->start },
    );

    for my $what (sort keys %restart) {
        $restart{$what}->();
        for my $nginx ($stack->nginx, $other) {
            $http = $nginx->client;
            wait_for { $http->get('/readyz')->{status} == 200 } 20, 'Postgres';
            my $again = post('restarts', $body);
            is(seen($again), '202 replayed', "after one of $what");
            is($again->{body}, $first->{body}, 'the first answer');
        }
    }
    $stack->redis->stop;
    is(post('restarts', $body)->{body}, $first->{body}, 'without Redis');
    $stack->redis->start;
};

subtest 'restarts on the way' => sub {
    my %restart = (
        nginx => sub { kill 'KILL', map { $_->workers } $stack->nginx },
        redis => sub { $stack->redis->stop; $stack->redis->start },
        postgres => sub { $stack->postgres->stop; $stack->postgres->start },
        sessions => sub { $stack->postgres->cut_sessions },
    );
    my $before = jobs();
    my $keys = 0;

    $stack->nginx->allow_alerts(qr/exited on signal 9/);
    for my $what (sort keys %restart) {
        my $lock = Igjobs::Session->new($stack->postgres);
        my @sent = map { {
            key => 'restart-' . ++$keys,
            body => accounts($_ % 4 ? SMALL : LARGE),
            clients => [map { $_->client } $stack->nginx, $other],
        } } 1 .. 8;
        my (@wrong, %seen);

        $lock->run('begin; lock igjobs.batches in share mode');
        for my $s (@sent) {
            start($_, @$s{qw(key body)}) for @{ $s->{clients} };
        }
        wait_for { kept_waiting() >= 4 } 20, 'some to be on their way';
        $restart{$what}->();
        eval { $lock->run('rollback') };
        for my $s (@sent) {
            my @answers = map { eval { $_->read_response('POST') } }
                @{ $s->{clients} };
            my %jobs = map { $_->json->{job_id} => 1 }
                grep { $_->{status} == 202 } @answers;

            $seen{ seen($_) }++ for @answers;
            $jobs{ repeated(@$s{qw(key body)})->json->{job_id} } = 1;
            push @wrong, "$s->{key}: " . join ' ', keys %jobs
                if keys %jobs != 1;
        }
        is("@wrong", '', "$what: one answer a key");
        note join ', ', map { "$seen{$_} x $_" } sort keys %seen;
    }
    is(jobs(), $before + $keys, 'one job a key');
};

subtest 'connections that are lost' => sub {
    my $proxy = Igjobs::Proxy->new($stack->postgres)->start;
    my $nginx = $stack->add_nginx(
        postgres => $proxy->dsn(user => 'igjobs_api'));
    my %points = (submit => SMALL, commit => LARGE);
    my $before = jobs();
    my $keys = 0;

    for my $point (sort keys %points) {
        for my $action (qw(lose before middle forward) x 3) {
            my $key = "lost-$point-" . ++$keys;
            my $body = accounts($points{$point});

            $http = $nginx->client;
            $proxy->rule(point => $point, action => $action, times => 1);
            my $first = post($key, $body);
            like(seen($first), qr/^(?:202|409 IGJ0603)$/,
                "$point, $action: " . seen($first));
            $first = repeated($key, $body) if $first->{status} == 409;
            is(repeated($key, $body)->{body}, $first->{body},
                'the repeat has its job');
        }
    }
    is($proxy->fired, $keys, "$keys connections were lost");
    is(jobs(), $before + $keys, 'one job a key');
    $http = $stack->client;
};

subtest 'the largest' => sub {
    my $body = accounts(LARGEST);
    my $first = post('largest', $body);
    my $again = post('largest', $body);

    is(seen($first), '202', 'is stored');
    is($first->json->{total_batches}, LARGEST / 50, 'whole');
    is(seen($again), '202 replayed', 'once');
    is($again->{body}, $first->{body}, 'with its answer');
};

subtest 'the end of a key' => sub {
    my $body = accounts(SMALL);
    my $first = post('old', $body)->json->{job_id};

    $stack->psql("update igjobs.idempotency_keys
        set created_at = now() - interval '25 hours'");
    my $next = post('old', accounts(SMALL));
    is(seen($next), '202', 'after 24 hours a key is new');
    isnt($next->json->{job_id}, $first, 'with a job of its own');
    $stack->psql('truncate public.scrape_jobs, igjobs.batches,
        igjobs.batch_accounts cascade');
    $stack->start(qw(sim worker));
    wait_for { $stack->psql('select count(*) from igjobs.idempotency_keys')
        == 1 } 30, 'old keys to be removed';
    pass('a worker removes old ones');
};

$stack->finish;
done_testing;


# a body with so many accounts that no other has
sub accounts {
    my ($count) = @_;
    my $first = 'first.' . ++$number;

    return "{\"accounts\":[\"$first\""
        . join('', map { ",\"another.account.$_\"" } 2 .. $count) . ']}';
}

# submissions that wait for a lock of the test's
sub kept_waiting {
    return $stack->psql("select count(*) from pg_locks where not granted
        and relation = 'igjobs.batches'::regclass");
}

sub jobs { return $stack->psql('select count(*) from public.scrape_jobs') }

sub start {
    my ($client, $key, $body) = @_;

    $client->connect if !$client->usable;
    $client->send_request('POST', $submit, body => $body, headers => [
        'Content-Type', 'application/json', 'Idempotency-Key', $key]);
    return;
}

sub post {
    my ($key, $body, %option) = @_;

    return $http->post_json($submit, $body,
        headers => ['Idempotency-Key', $key, @{ $option{headers} // [] }]);
}

# the status of an answer and what makes it another than the first
sub seen {
    my ($r) = @_;
    my $replayed = $r->header('Idempotent-Replayed');
    my $code = $r->{status} >= 400 ? $r->json->{code} : '';

    return join ' ', $r->{status}, $code || (),
        ($replayed // '') eq 'true' ? 'replayed' : ();
}

# posted again until it is known what became of the first
sub repeated {
    my ($key, $body) = @_;
    my $r;

    wait_for {
        $r = post($key, $body);
        $r->{status} != 409 && $r->{status} < 500
    } 30, "the first with $key";
    return $r;
}

# the answer to what a client has started, when it is final
sub settled {
    my ($client, $key, $body) = @_;
    my $r = $client->read_response('POST');

    wait_for {
        $r->{status} != 409 or do {
            start($client, $key, $body);
            $r = $client->read_response('POST');
            0;
        }
    } 20, "the other request with $key";
    return $r;
}

# $pairs keys, each with two requests at once to two nginx, $width keys at once
sub at_once {
    my ($count, $pairs, $width) = @_;
    my @clients = map { [map { $_->client } $stack->nginx, $other] } 1 .. $width;
    my @wrong;

    while ($pairs > 0) {
        my @sent = map { [$_, 'pair-' . ++$number, accounts($count)] }
            @clients[0 .. ($pairs < $width ? $pairs : $width) - 1];

        for my $s (@sent) {
            start($_, @$s[1, 2]) for @{ $s->[0] };
        }
        for my $s (@sent) {
            my ($pair, $key, $body) = @$s;
            my @answers = map { settled($_, $key, $body) } @$pair;
            my $answers = join ', ', sort map { seen($_) } @answers;
            my @jobs = map { $_->json->{job_id} // '' } @answers;

            push @wrong, "$key: $answers, jobs @jobs"
                if $answers ne '202, 202 replayed' || $jobs[0] ne $jobs[1];
        }
        $pairs -= @sent;
    }
    is("@wrong", '', "$count accounts: one is the first, both have one job");
    return;
}
