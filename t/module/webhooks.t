#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The log of a job's webhooks over HTTP, and sending one again. No worker runs:
# what a worker would do is done by SQL.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Stack;

use constant URL => 'https://hooks.example.com/x?secret=1';

my $stack = Igjobs::Stack->new(nginx => { locations => <<'LOCATIONS' });
        location / { igjobs; igjobs_tenant $tenant; }
LOCATIONS
$stack->{option}{nginx}{http} = <<'HTTP';
    map $http_x_tenant $tenant { "" default; default $http_x_tenant; }
HTTP
$stack->start(qw(postgres redis nginx));
my $http = $stack->client;

sub submit {
    my (%field) = @_;
    my $r = $http->post_json('/api/scrape-followers',
                             { accounts => ['natgeo'], %field });

    return $r->json->{job_id} // die "submit: $r->{status} $r->{body}";
}

sub get {
    my ($path, $tenant) = @_;

    return $http->get($path, headers => ['X-Tenant' => $tenant // 'default']);
}

sub deliveries { return get("/api/jobs/$_[0]/deliveries")->json->{deliveries} }

# leases what is due and records this outcome
sub send_all {
    my ($outcome, $status) = @_;

    return $stack->psql('select igjobs.delivery_result(d.job_id, d.seq,'
        . " d.attempt, '$outcome', $status, 5, null, 'hello', 0)"
        . " from igjobs.lease_deliveries('w', 10, 60000, '', '') d");
}

sub resend {
    my ($path, $tenant) = @_;

    return $http->request('POST', $path,
                          headers => ['X-Tenant' => $tenant // 'default']);
}

sub is_problem {
    my ($r, $status, $code, $name) = @_;

    is("$r->{status} " . ($r->json_kept->{code} // ''), "$status $code", $name)
        or diag $r->{body};
    return;
}

my $job = submit(callback_url => URL);
my $quiet = submit();

subtest 'nothing has happened' => sub {
    for ([$job, URL], [$quiet, undef]) {
        my ($id, $url) = @$_;
        my $r = get("/api/jobs/$id/deliveries");

        is($r->{status}, 200, 'is answered');
        is_deeply($r->json, { success => JSON::PP::true(), job_id => $id,
            callback_url => $url, deliveries => [], page_size => 50,
            next_page_token => '' }, 'no events');
    }
    is(get("/api/jobs/$job")->json->{deliveries_url},
        "/api/jobs/$job/deliveries", 'the job says where');
};

subtest 'the log' => sub {
    $http->post_json("/api/jobs/$job/pause", {});
    $http->post_json("/api/jobs/$job/resume", {});
    my ($paused, $resumed) = @{ deliveries($job) };

    is("$paused->{type} $resumed->{type}", 'job.paused job.resumed', 'events');
    is("$paused->{state} $paused->{attempts}", 'waiting 0', 'wait');
    is($paused->{url}, URL, 'where to');
    ok($paused->{next_at}, 'when');
    like($paused->{id}, qr/^msg_[0-9a-f]{32}\z/, 'the id');
    is(send_all('delivered', 204), 'ok', 'one after the other');
    is(send_all('failed', 500), 'ok', 'the next');
    ($paused, $resumed) = @{ deliveries($job) };
    is("$paused->{state} $resumed->{state}", 'delivered waiting', 'states');
    is($paused->{next_at}, undef, 'no next try');
    is_deeply([map { "$_->{status} $_->{ms} $_->{answer}" }
        map { @{ $_->{tries} } } $paused, $resumed],
        ['204 5 hello', '500 5 hello'], 'tries');
    unlike(get("/api/jobs/$job/deliveries")->{body}, qr/whsec_/, 'no secret');
    is_deeply(deliveries($quiet), [], 'another job has none');

    $http->post_json("/api/jobs/$job/cancel", {});
    my ($token, @seen) = ('');
    do {
        my $page = get("/api/jobs/$job/deliveries?page_size=1&page_token=$token")
            ->json;
        $token = $page->{next_page_token};
        push @seen, map { $_->{type} } @{ $page->{deliveries} };
    } while ($token ne '');
    is("@seen", 'job.paused job.resumed job.canceled', 'by pages');
    ($token) = get("/api/jobs/$job/deliveries?page_size=1")
        ->json->{next_page_token};
    is_problem(get("/api/jobs/$quiet/deliveries?page_token=$token"), 400,
        'IGJ0503', 'a token of another list');
    is_problem(get("/api/jobs/$job/deliveries?page_size=x"), 400, 'IGJ0110',
        'a bad size');
    is_problem(get("/api/jobs/$job/deliveries", 'other'), 404, 'IGJ0401',
        'another tenant');
    is_problem($http->post_json("/api/jobs/$job/deliveries", {}), 405,
        'IGJ0202', 'POST');
    is($http->head("/api/jobs/$job/deliveries")->{status}, 200, 'HEAD');
};

subtest 'sent again' => sub {
    my ($paused, $resumed) = @{ deliveries($job) };
    my $r = resend($paused->{resend_url});

    is($r->{status}, 202, 'what was delivered');
    my $doc = $r->json;
    is("$doc->{delivery}{id} $doc->{delivery}{state} $doc->{job_id}",
        "$paused->{id} waiting $job", 'waits again, the same');
    is(resend($paused->{resend_url})->{status}, 202, 'once more');
    is($http->post_json($resumed->{resend_url}, { any => 1 })->{status}, 202,
        'what waits for another try');
    is(send_all('gone', 410), 'ok', 'the first is sent');
    my ($first, $second, $third) = @{ deliveries($job) };
    is("$first->{state} $second->{state} $third->{state}",
        'gone failed failed', '410 ends all of the job');
    is(scalar @{ $first->{tries} }, 2, 'both tries are in the log');
    is(resend($first->{resend_url})->{status}, 202, 'one that is gone');
    is(send_all('delivered', 200), 'ok', 'can be sent');
    is(resend($third->{resend_url})->{status}, 202, 'one that was given up');
    is(send_all('delivered', 200), 'ok', 'as well');
    is(join(' ', map { $_->{state} } @{ deliveries($job) }),
        'delivered failed delivered', 'in the end');

    my $unknown = "/api/jobs/$job/deliveries/msg_" . '0' x 32 . '/resend';
    is_problem(resend($unknown), 404, 'IGJ0404', 'an unknown one');
    is_problem(resend($unknown =~ s/msg_0+/x/r), 404, 'IGJ0404', 'no id');
    is_problem(resend($first->{resend_url} =~ s/$job/$quiet/r), 404,
        'IGJ0404', 'of another job');
    is_problem(resend($first->{resend_url}, 'other'), 404, 'IGJ0401',
        'of another tenant');
    is_problem(get($first->{resend_url}), 405, 'IGJ0202', 'GET');
};

$stack->finish;
done_testing;
