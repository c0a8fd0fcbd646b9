#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Schedules over HTTP: their bodies good and bad, with accounts or those of a
# job, pause, resume, delete, and what a worker makes of them.

use strict;
use warnings;
use JSON::PP ();
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new;
$stack->start(qw(postgres redis sim nginx));
my $http = $stack->client;
my $json = JSON::PP->new->utf8;
my %daily = (cron => '0 6 * * *', time_zone => 'Europe/Berlin');

sub create {
    my (%body) = @_;

    return $http->post_json('/api/schedules', $json->encode(\%body));
}

sub said {
    my ($r) = @_;

    return "$r->{status} " . ($r->json->{state} // $r->json->{code} // '');
}

sub path { return "/api/schedules/$_[0]{schedule_id}" . ($_[1] // '') }

my $mine = create(%daily, name => 'mine', targetGender => 'any',
                  accounts => ['@NatGeo', 'nasa', 'natgeo'], target_count => 9);

subtest 'with accounts' => sub {
    is(said($mine), '201 active', 'is made');
    my $s = $mine->json;
    is_deeply([@$s{qw(name accounts time_zone missed overlap)}],
        ['mine', 2, 'Europe/Berlin', 'once', 'skip'], 'as it says');
    is_deeply([@{ $s->{job} }{qw(target_gender target_count)}], ['any', 9],
        'with the wishes of a submission');
    is(scalar @{ $s->{next} }, 5, 'it says when it will run');
    is(said($http->get(path($s))), '200 active', 'can be read');
    is(said(create(%daily, name => 'mine', targetGender => 'any',
        accounts => ['@NatGeo', 'nasa', 'natgeo'], target_count => 9)),
        '200 active', 'sent again: the same');
    is(said(create(%daily, name => 'mine', accounts => ['other'])),
        '409 IGJ1003', 'another one of this name');
};

subtest 'what is refused' => sub {
    my $r = create(%daily, name => 'x', accounts => ['ok', 'not ok']);
    is(said($r), '422 IGJ0304', 'a faulty account');
    is($r->json->{errors}[0]{pointer}, '#/accounts/1', 'named');
    is(said(create(%daily, name => 'x', accounts => ['a'],
                   targetGender => 'x')), '400 IGJ0310', 'a wrong wish');
    is(said(create(name => 'x', cron => 'x', accounts => ['a'])),
        '400 IGJ1001', 'a wrong expression');
    is(said(create(%daily, name => 'x')), '400 IGJ1001', 'no accounts');
    like(create(%daily, name => 'x')->json->{detail}, qr/"accounts"/,
        'which is said');
    is(said(create(%daily, name => 'x', job_id => 'x')), '404 IGJ0401',
        'no such job');
    is(said($http->post_json('/api/schedules', '{"name":')), '400 IGJ0101',
        'no JSON');
    is(said($http->post_json('/api/schedules', '')), '400 IGJ1001',
        'no body');
    is(said(create(%daily, name => 'x' x 262_144, accounts => ['a'])),
        '413 IGJ0111', 'too large');
    is(said($http->get('/api/schedules/nothing')), '404 IGJ1002', 'unknown');
    is(said($http->request('DELETE', '/api/schedules')), '405 IGJ0202',
        'not all of them');
};

subtest 'many accounts' => sub {
    my @accounts = map { sprintf 'account.%06d', $_ } 1 .. 14_000;
    my $r = create(%daily, name => 'many', accounts => \@accounts);

    is(said($r), '201 active', 'close to the limit');
    is($r->json->{accounts}, 14_000, 'all of them');
    is($stack->psql('select count(*), sum(length(accounts)) from'
        . ' igjobs.schedule_accounts where schedule_id = '
        . "'" . $r->json->{schedule_id} . "'"),
        '280|' . (14_000 * 15 - 280), 'kept in batches');
};

subtest 'pause, resume, list, delete' => sub {
    my $s = $mine->json;
    is(said($http->request('POST', path($s, '/pause'))), '200 paused',
        'paused');
    is(said($http->request('POST', path($s, '/resume'))), '200 active',
        'resumed');
    my $page = $http->get('/api/schedules?page_size=1')->json;
    is($page->{schedules}[0]{name}, 'many', 'by name');
    $page = $http->get("/api/schedules?page_token=$page->{next_page_token}")
        ->json;
    is_deeply([map { $_->{name} } @{ $page->{schedules} }], ['mine'],
        'page by page');
    is(said($http->get('/api/schedules?page_token=x')), '400 IGJ0503',
        'a bad token');
    is(said($http->request('DELETE', path($page->{schedules}[0]))),
        '200 deleted', 'deleted');
    is(said($http->get(path($s))), '404 IGJ1002', 'gone');
};

subtest 'a job of it' => sub {
    my $job = $stack->jobs->submit(accounts => [map { "acc.$_" } 1 .. 60],
                                   targetGender => 'any');
    my $r = create(name => 'again', cron => '@daily', job_id => $job);
    is(said($r), '201 active', 'of a job');
    is($r->json->{accounts}, 60, 'with its accounts');

    # the tick is now; a worker finds it
    $stack->psql("update igjobs.schedules set next_at = now()"
        . " where name = 'again'");
    $stack->add_worker for 1 .. 2;
    my $tick = wait_for {
        ($http->get(path($r->json))->json->{ticks} // [])->[0]
    } 20, 'a tick';
    is($tick->{outcome}, 'started', 'a job is started');
    my $end = $stack->jobs->wait_done($tick->{job_id});
    is_deeply([$end->{status}, $end->{accounts}{total}], ['completed', 60],
        'and ends');
    is(scalar @{ $http->get(path($r->json))->json->{ticks} }, 1, 'once');
};

$stack->finish;
done_testing;
