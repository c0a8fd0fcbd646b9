#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Connections to Postgres that are lost at every point of a submission: 202
# says that exactly one job is stored, a 503 that none is, and only IGJ0805
# says that nobody knows. No job is stored twice.
#
# IGJOBS_CUTS: connections lost in each of the two ways of storing (40).

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Proxy;
use Igjobs::Stack;
use Igjobs::Wait;

use constant TRIES => 3;    # of a large submission

my $cuts = $ENV{IGJOBS_CUTS} || 40;
my $submit = '/api/scrape-followers';
my $stack = Igjobs::Stack->new;
$stack->start(qw(postgres redis));

my $proxy = Igjobs::Proxy->new($stack->postgres)->start;
$stack->add_nginx(postgres => $proxy->dsn(user => 'igjobs_api'),
                  http => <<'HTTP');
    igjobs_postgres_timeout 10s;
    igjobs_postgres_queue_timeout 10s;
HTTP
$stack->{nginx} = ($stack->of_kind('Nginx'))[0];

my $number = 0;
my %sent;       # first account of a submission => [status, code, job id]
my @small = map { $stack->client } 1 .. 3;
my $large = $stack->client;

subtest 'small submissions' => sub {
    my @actions = qw(lose before middle forward);

    for my $n (1 .. $cuts) {
        $proxy->rule(point => 'submit', action => $actions[$n % 4],
                     times => 1, reset => $n % 3 == 0 || 0);
        submit(3, @small);
    }
    is($proxy->fired, $cuts, "$cuts connections were lost");
    check('one loss', qr/^202$/);
};

# the first goes out at once, the others in a call behind it
subtest 'a call behind another' => sub {
    my @many = map { $stack->client } 1 .. 16;
    my $before = $proxy->fired;
    my @actions = qw(lose before middle forward);

    for my $action (@actions) {
        $proxy->rule(point => 'submit', action => $action, times => 1);
        submit(3, @many);
    }
    is($proxy->fired - $before, @actions, 'both were lost');
    check('one loss', qr/^202$/);
};

subtest 'large submissions' => sub {
    my @points = (['commit', 'lose'], ['commit', 'forward'],
                  ['commit', 'before'], ['copy', 'middle'],
                  ['copy', 'before'], ['copied', 'forward'],
                  ['begin', 'lose'], ['commit', 'lose']);
    my $before = $proxy->fired;

    for my $n (1 .. $cuts) {
        my ($point, $action) = @{ $points[$n % @points] };
        $proxy->rule(point => $point, action => $action, times => 1,
                     skip => $point eq 'copy' ? $n % 2 : 0,
                     reset => $n % 3 == 0 || 0);
        submit(6000, $large);
    }
    is($proxy->fired - $before, $cuts, "$cuts connections were lost");
    check('one loss', qr/^202$/);
};

subtest 'losses without end' => sub {
    for my $action (qw(before middle lose forward)) {
        $proxy->rule(point => 'submit', action => $action, times => 1000);
        submit(3, @small);
    }
    check('small', qr/^(?:202|503)$/);

    $proxy->rule(point => 'commit', action => 'before', times => TRIES);
    submit(6000, $large);
    $proxy->rule(point => 'copy', action => 'middle', times => TRIES);
    my ($answer) = submit(6000, $large);
    is("@$answer[0, 1]", '503 IGJ0801', 'before the COMMIT: a plain 503');
    $proxy->rule(point => 'commit', action => 'lose', times => TRIES);
    ($answer) = submit(6000, $large);
    is($answer->[0], 202, 'the second try finds what the first has stored');
    check('large', qr/^(?:202|503)$/);
};

subtest 'the answer is lost, then the statement is refused' => sub {
    for my $way ([submit => 3, $small[0]], [commit => 6000, $large]) {
        my ($point, $count, $client) = @$way;

        $proxy->rule(point => $point, action => 'hold', times => 1);
        start($count, $client);
        $proxy->wait_held;
        $stack->psql(<<'SQL');
            create function public.refuse() returns trigger language plpgsql
                as $$ begin raise exception 'no' using errcode = '53100';
                end $$;
            create trigger refuse before insert on public.scrape_jobs
                for each row execute function public.refuse();
SQL
        $proxy->drop;
        my ($answer) = answers($client);
        is("@$answer[0, 1]", '503 IGJ0805', "$point: nobody knows");
        $stack->psql('drop trigger refuse on public.scrape_jobs;
                      drop function public.refuse()');
    }
    check('both', qr/^503$/);
};

subtest 'answers that come late' => sub {
    for my $way ([submit => 3, @small], [commit => 6000, $large],
                 [begin => 6000, $large], [copied => 6000, $large])
    {
        my ($point, $count, @clients) = @$way;

        $proxy->rule(point => $point, action => 'hold', times => 1);
        start($count, @clients);
        $proxy->wait_held;
        $proxy->release;
        my @answers = answers(@clients);
        is(join(' ', map { $_->[0] } @answers), join(' ', (202) x @clients),
            $point);
    }
    check('all', qr/^202$/);
};

subtest 'a late answer holds nobody up' => sub {
    my ($first, $second) = @small;

    $proxy->rule(point => 'submit', action => 'hold', times => 1);
    start(3, $first);
    $proxy->wait_held;
    my ($answer) = submit(3, $second);
    is($answer->[0], 202, 'another goes past it');
    $proxy->release;
    ($answer) = answers($first);
    is($answer->[0], 202, 'and the late one comes');
    check('both', qr/^202$/);
};

subtest 'answers that never come' => sub {
    $stack->nginx->configure(http => <<'HTTP')->reload;
    igjobs_postgres_timeout 500ms;
    igjobs_postgres_bulk_timeout 500ms;
HTTP
    $_->connect for $small[0], $large;
    for my $way ([submit => 3, $small[0]], [commit => 6000, $large],
                 [begin => 6000, $large])
    {
        my ($point, $count, $client) = @$way;

        $proxy->rule(point => $point, action => 'hold', times => 1000);
        my ($answer) = submit($count, $client);
        like($answer->[0], qr/^(?:202|503)$/, "$point: $answer->[0]");
        $proxy->rule(point => 'none', action => 'hold');
        $proxy->drop;
    }
    check('all', qr/^(?:202|503)$/);
};

undef $proxy;
$stack->finish;
done_testing;


# One submission of $count accounts from each client at once; the answers.
sub submit {
    my ($count, @clients) = @_;

    start($count, @clients);
    return answers(@clients);
}

sub start {
    my ($count, @clients) = @_;

    for my $client (@clients) {
        my $first = 'first.' . ++$number;
        my @more = map { ",\"another.account.$_\"" } 2 .. $count;
        my $body = "{\"accounts\":[\"$first\"@more]}";

        $client->{first} = $first;
        $client->connect if !$client->usable;
        $client->send_request('POST', $submit, body => $body,
            headers => ['Content-Type', 'application/json']);
    }
    return;
}

sub answers {
    my (@clients) = @_;
    my @answers;

    for my $client (@clients) {
        my $r = $client->read_response('POST');
        my $doc = $r->json;
        my $answer = [$r->{status}, $doc->{code} // '', $doc->{job_id} // ''];

        $sent{ $client->{first} } = $answer;
        push @answers, $answer;
    }
    return @answers;
}

# holds every answer since the last check against what is stored
sub check {
    my ($name, $status) = @_;
    my (%stored, %answers, @lies);

    wait_for { !$stack->psql("select count(*) from pg_stat_activity
        where usename = 'igjobs_api' and state <> 'idle'") } 20,
        'Postgres to be done';

    for my $row ($stack->postgres->rows(<<'SQL')) {
        select split_part(a.accounts, chr(10), 1), j.job_id
        from public.scrape_jobs j
        join igjobs.batch_accounts a on a.job_id = j.job_id and a.batch_no = 0
        where j.total_batches = (select count(*) from igjobs.batches b
                                 where b.job_id = j.job_id)
            and j.total_batches = (select count(*) from igjobs.batch_accounts b
                                   where b.job_id = j.job_id)
SQL
        push @{ $stored{ $row->[0] } }, $row->[1];
    }

    for my $first (keys %sent) {
        my ($code, $problem, $job) = @{ $sent{$first} };
        my $jobs = join ' ', @{ $stored{$first} // [] };

        $answers{ $code . ($problem && " $problem") }++;
        push @lies, "$first: $code $problem $job, stored: $jobs"
            if $code !~ $status
               || ($code == 202 ? $jobs ne $job
                   : $problem eq 'IGJ0805' ? $jobs =~ / / : $jobs ne '');
    }
    is("@lies", '', "$name: each answer is true");
    note "$name: ", join ', ', map { "$answers{$_} x $_" } sort keys %answers;

    my $jobs = $stack->psql('select count(*) from public.scrape_jobs');
    my $whole = map { @$_ } values %stored;
    is($jobs, $whole, "$name: every job is whole");
    $stack->psql('truncate public.scrape_jobs, igjobs.batches,
        igjobs.batch_accounts cascade');
    %sent = ();
    return;
}
