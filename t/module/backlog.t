#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Submissions while too much waits: refused before anything is written, each
# for itself, and accepted again once there is room.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Stack;
use Igjobs::Wait;

my $submit = '/api/scrape-followers';
my $stack = Igjobs::Stack->new(nginx => {
    http => 'igjobs_tenant $http_tenant;' });
$stack->start(qw(postgres redis nginx));
my $http = $stack->client;

is(post('a', 1)->{status}, 202, 'a tenant submits a job');
is(post('b', 1)->{status}, 202, 'another one, too');

subtest 'a full queue' => sub {
    limit(max_queued_jobs => 2);
    my $before = written();

    for my $n (1, 1500) {
        for my $key ([], ['Idempotency-Key' => "full-$n"]) {
            my $r = post('a', $n, headers => $key);
            is($r->{status}, 503, "$n accounts" . (@$key ? ', a key' : ''));
            is($r->json->{code}, 'IGJ0704', 'its code');
            is($r->header('Retry-After'), 10, 'Retry-After');
        }
    }
    my $r = post('a', 1, headers => [Prefer => 'igjobs-sync']);
    is($r->{status}, 503, 'a client that waits for its profiles');
    $r = post('a', 1, members => '"dry_run":true');
    is($r->{status}, 200, 'a dry run is answered');
    is($r->json->{refusal}, 'queue-full', 'and says so');
    is(written(), $before, 'nothing was written, no key is left');

    limit(max_queued_jobs => 3);
    is(post('a', 1, headers => ['Idempotency-Key' => 'full-1'])->{status},
        202, 'with room, the same key is accepted');
    count();
    is(post('b', 1)->{status}, 503, 'full again');
    $r = post('a', 1, headers => ['Idempotency-Key' => 'full-1']);
    is($r->{status}, 202, 'but what was accepted is answered again');
    is($r->header('Idempotent-Replayed'), 'true', 'as a repeat');
    limit(max_queued_jobs => 0);
};

subtest 'batches' => sub {
    is(post('a', 1500)->{status}, 202, 'a large one');
    limit(max_queued_batches => 30);
    is(post('a', 1500)->{status}, 503, 'another one is too much');
    is(post('a', 1)->{status}, 503, 'so is a small one');
    limit(max_queued_batches => 0);
    is(post('a', 1)->{status}, 202, 'room again');
};

subtest 'a tenant with its own limit' => sub {
    $stack->psql("insert into igjobs.tenants (tenant, max_queued_jobs)
        values ('a', 1)");
    count();
    for my $n (1, 1500) {
        my $r = post('a', $n);
        is($r->{status}, 429, "$n accounts");
        is($r->json->{code}, 'IGJ0701', 'its code');
        is($r->header('Retry-After'), 10, 'Retry-After');
    }
    is(post('b', 1)->{status}, 202, 'others have room');
};

# all of them go out in a few calls
subtest 'one that is refused takes no other along' => sub {
    my @tenants = map { $_ % 3 ? 'b' : 'a' } 1 .. 48;
    my $before = jobs();
    my @clients = map { $stack->client } @tenants;

    $clients[$_]->send(request($tenants[$_])) for 0 .. $#tenants;
    my @answers = map { $_->read_response } @clients;
    is(join(' ', map { $_->{status} } @answers),
        join(' ', map { $_ eq 'a' ? 429 : 202 } @tenants), 'each its own');
    is(jobs() - $before, grep({ $_ eq 'b' } @tenants) + 0, 'all are stored');
    is(join(' ', map { $stack->psql("select tenant from public.scrape_jobs
            where job_id = '" . $_->json->{job_id} . "'") }
            grep { $_->{status} == 202 } @answers),
        join(' ', grep { $_ eq 'b' } @tenants), 'for who sent them');
};

subtest 'a leading worker counts' => sub {
    $stack->psql("delete from igjobs.tenants");
    $stack->psql("update igjobs.settings set value = '1'
        where name = 'max_queued_jobs_per_tenant'");
    $stack->psql("insert into igjobs.tenants (tenant, max_queued_jobs)
        values ('b', 0)");
    $stack->start(qw(sim worker));
    wait_for { $stack->psql('select count(*) from public.scrape_jobs
                             where state = \'queued\'') == 0 } 60,
        'all jobs to begin';
    wait_for { post('a', 1)->{status} == 202 } 20, 'room for the next one';
    pass('what has begun makes room');
};

$stack->finish;
done_testing();


sub post {
    my ($tenant, $n, %option) = @_;

    return $http->post_json($submit, body($n, $option{members} // '"x":1'),
        headers => [Tenant => $tenant, @{ $option{headers} // [] }]);
}

sub body {
    my ($n, $members) = @_;

    return '{"accounts":[' . join(',', map { "\"account.$_\"" } 0 .. $n - 1)
        . "],$members}";
}

sub request {
    my ($tenant) = @_;
    my $body = body(1, '"x":1');

    return "POST $submit HTTP/1.1\r\nHost: x\r\nTenant: $tenant\r\n"
        . "Content-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body";
}

sub limit {
    my (%limit) = @_;

    $stack->psql("update igjobs.settings set value = '$limit{$_}'
        where name = '$_'") for keys %limit;
    count();
    return;
}

sub count { return $stack->psql("select igjobs.count_backlog('0')") }

sub jobs { return $stack->psql('select count(*) from public.scrape_jobs') }

sub written {
    return join ' ', map { $stack->psql("select count(*) from $_") }
        qw(public.scrape_jobs igjobs.batches igjobs.batch_accounts
           igjobs.idempotency_keys);
}
