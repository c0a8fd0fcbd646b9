#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Webhooks in the database: which changes are told, leases and what becomes of
# a delivery, fairness between endpoints, the order of a job's events, secrets.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use MIME::Base64 'decode_base64';
use Test::More;
use Igjobs::Engine;
use Igjobs::Json;

use constant URL => 'https://hooks.example.com/igjobs?x=1';

my $e = Igjobs::Engine->new;
my $worker = $e->session(user => 'igjobs_worker');

sub submit {
    my ($url, %option) = @_;

    return $e->submit(50, %option, options => { callback_url => $url });
}

# the leased batch of a job as a claim tells it
sub row_of {
    my ($job) = @_;

    return { tenant => 'default', job_id => $job, batch_no => 0,
             attempt => $e->batch($job, 0)->{attempt} };
}

sub types {
    my ($job) = @_;

    return $e->sql("select string_agg(type, ' ' order by seq)"
        . " from igjobs.deliveries where job_id = '$job'");
}

# rows of a lease as [job, type]
sub lease {
    my ($limit, %option) = @_;

    return $e->all(lease_deliveries => 'w', $limit,
                   $option{lease_ms} // 60_000, @{ $option{after} // ['', ''] });
}

sub result {
    my ($d, $outcome, %option) = @_;

    return $e->value(delivery_result => @$d{qw(job_id seq attempt)}, $outcome,
        @option{qw(status ms error answer wait_ms)});
}

sub delivery {
    my ($d) = @_;

    return Igjobs::Json::decode($e->sql('select row_to_json(d) from'
        . " igjobs.deliveries d where seq = $d->{seq}"));
}

# seconds from now until a delivery is due
sub due_in {
    my ($d) = @_;

    return $e->sql('select extract(epoch from next_at - clock_timestamp())'
        . " from igjobs.deliveries where seq = $d->{seq}");
}

sub due_now {
    $e->sql('update igjobs.deliveries set next_at = clock_timestamp()'
        . " where state = 'waiting'");
    return;
}

sub forget { $e->sql('delete from igjobs.deliveries'); return }

subtest 'what is told' => sub {
    my $job = submit(URL);
    is(types($job), '', 'nothing of a submission');
    my $c = $e->claim($job);
    is(types($job), 'job.started', 'the first claim');
    my $run = $e->start_run($c);
    $e->store($c, $run, ids => [1, 2]);
    is(types($job), 'job.started', 'not a page');
    $e->store($c, $run, from => 2, ids => [3], close => 1);
    is(types($job), 'job.started job.completed', 'the end');

    my ($event) = map { Igjobs::Json::decode($_) } $e->sql('select payload'
        . " from igjobs.deliveries where type = 'job.completed'");
    is_deeply($event->{data}, $e->doc($job),
        'with the document of that moment');
    is($event->{timestamp}, $event->{data}{updated_at}, 'and its time');
    is($event->{type}, 'job.completed', 'and the type');

    my %stopped = (cancel => 'job.canceled', deadline => 'job.failed',
                   target => 'job.completed', pause => 'job.paused',
                   budget => 'job.budget_exhausted');
    for my $reason (sort keys %stopped) {
        $job = submit(URL);
        $e->claim($job);
        $e->call(stop_job => 'default', $job, $reason);
        is(types($job), 'job.started', "$reason: not while it stops");
        $e->run_out($job);
        $e->call(sweep_job => 'default', $job);
        is(types($job), "job.started $stopped{$reason}", "$reason: the end");
    }

    $job = submit(URL);
    $e->call(stop_job => 'default', $job, 'pause');
    $e->call(stop_job => 'default', $job, 'cancel');
    is(types($job), 'job.paused job.canceled', 'one that never ran');

    my $control = sub {
        $e->call("api_$_[0]" => { tenant => 'default' },
                 { job => $job, body => {} })->{status};
    };
    $job = submit(URL);
    $control->($_) for qw(pause resume);
    $e->claim($job);
    $control->($_) for qw(pause resume);
    is(types($job), 'job.paused job.resumed job.started',
        'a pause that is taken back before it came is none');
    $e->fail(row_of($job), 'dead', 'x');
    is($control->('redrive') =~ s/^20.$/taken/r, 'taken', 'opened again');
    $e->store_all($e->claim($job), ids => [3]);
    is(types($job), 'job.paused job.resumed job.started job.failed'
        . ' job.resumed job.completed', 'and ended again');

    $job = $e->submit(50);
    $e->store_all($e->claim($job), ids => [3]);
    is(types($job), '', 'nothing without a callback_url');

    $job = submit(URL);
    $e->sql('begin');
    $e->claim($job);
    $e->sql('rollback');
    is(types($job), '', 'nothing that was rolled back');
};

subtest 'a tenant\'s default' => sub {
    $e->sql("select igjobs.set_callback('acme', 'http://acme.example/')");
    my $url = sub { $e->row($_[0])->{callback_url} };

    is($url->($e->submit(50, tenant => 'acme')), 'http://acme.example/',
        'is that of its jobs');
    is($url->(submit(URL, tenant => 'acme')), URL, 'unless one has its own');
    is($url->(submit(undef, tenant => 'acme')), undef, 'or wants none');
    is($url->($e->submit(50)), undef, 'and of nobody else\'s');
    $e->sql("select igjobs.set_callback('acme', null)");
    is($url->($e->submit(50, tenant => 'acme')), undef, 'until it is gone');

    for my $bad ('ftp://x/', 'http:///x', 'http://x/#y', 'http://u@x/', 'http://u:p@x/',
                 'http://x/ y', "http://x/\t", 'x', '', 'http://',
                 'https://ex\\@evil/',
                 'http://x/' . 'y' x 2000) {
        is($e->error(set_callback => 'acme', $bad), '22023',
            'refused: ' . substr $bad, 0, 30);
    }
    is($e->error(set_callback => 'acme', $_), '', "taken: $_")
        for 'HTTP://x', 'https://[::1]:8443/a?b', 'http://x?y=a@b';
};

subtest 'delivered' => sub {
    forget();
    my $job = submit(URL);
    $e->claim($job);
    my ($d, @more) = lease(10);

    is(scalar @more, 0, 'one is due');
    is("$d->{job_id} $d->{type} $d->{url}", "$job job.started " . URL, 'it');
    is($d->{origin}, 'https://hooks.example.com', 'where it goes');
    like($d->{event_id}, qr/^msg_[0-9a-f]{32}\z/, 'its id');
    like($d->{secrets}, qr/^whsec_[A-Za-z0-9+\/]{43}=\z/, 'its secret');
    is(length decode_base64($d->{secrets} =~ s/whsec_//r), 32, 'of 32 bytes');
    is(scalar lease(10), 0, 'nobody else takes it');
    is(result($d, 'delivered', status => 204, ms => 12), 'ok', 'is recorded');
    my $row = delivery($d);
    is("$row->{state} $row->{attempts}", 'delivered 1', 'once');
    is_deeply([map { "$_->{status} $_->{ms}" } @{ $row->{tries} }], ['204 12'],
        'with its try');
    is(result($d, 'failed', status => 500), 'lost', 'and stays so');
};

subtest 'tried again' => sub {
    forget();
    my $job = submit(URL);
    $e->claim($job);
    my @wanted = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400);
    my ($d, $id);

    for my $n (0 .. $#wanted) {
        ($d) = lease(1);
        $id //= $d->{event_id};
        is("$d->{attempt} $d->{event_id}", $n + 1 . " $id", "try $n");
        result($d, 'failed', status => 500, error => 'such');
        my $due = due_in($d);
        ok($due > $wanted[$n] * 0.9 - 1 && $due <= $wanted[$n] * 1.1,
            "again after about $wanted[$n] s") or diag $due;
        is(scalar lease(1), 0, 'not before');
        due_now();
    }
    result((lease(1))[0], 'failed', error => 'time-out');
    is(delivery($d)->{state}, 'failed', 'then given up');
    is(scalar @{ delivery($d)->{tries} }, 10, 'after ten tries');
    is($e->sql("select count(*) from igjobs.deliveries where state ="
        . " 'waiting'"), 0, 'nothing is left');

    forget();
    $job = submit(URL);
    $e->claim($job);
    ($d) = lease(1);
    result($d, 'failed', status => 503, wait_ms => 100_000);
    my $due = due_in($d);
    ok($due > 95 && $due <= 100, 'Retry-After: later') or diag $due;
    due_now();
    ($d) = lease(1);
    result($d, 'failed', status => 503, wait_ms => 1);
    ok(due_in($d) > 200, 'not sooner than it would be');
    due_now();
    ($d) = lease(1);
    result($d, 'failed', status => 503, wait_ms => 9e12);
    ok(due_in($d) <= 86400, 'not later than a day');
};

subtest 'a worker that is lost' => sub {
    forget();
    my $job = submit(URL);
    $e->claim($job);
    my ($d) = lease(1, lease_ms => 0);
    my ($again) = lease(1);

    is($again->{event_id}, $d->{event_id}, 'another one takes it');
    is($again->{attempt}, 2, 'under another fence');
    is(result($d, 'failed', status => 500), 'lost', 'a failure comes late');
    is(delivery($d)->{state}, 'sending', 'and changes nothing');
    is(result($d, 'delivered', status => 200), 'ok', 'a success counts');
    is(result($again, 'failed', status => 500), 'lost', 'against all others');
    is(delivery($d)->{state}, 'delivered', 'for good');

    $job = submit(URL);
    $e->claim($job);
    ($d) = lease(1);
    is(result($d, 'returned'), 'ok', 'one that is given back');
    ($again) = lease(1);
    is($again->{seq}, $d->{seq}, 'is due at once');
    is(delivery($d)->{step}, 0, 'and it counts for nothing');
    is(scalar @{ delivery($d)->{tries} }, 0, 'nor is it in the log');
};

subtest '410 and refused' => sub {
    forget();
    $e->sql("select igjobs.set_callback('default', '" . URL . "')");
    my $job = $e->submit(50);
    my $c = $e->claim($job);
    my ($d) = lease(1);
    $e->store($c, $e->start_run($c), ids => [1]);
    $e->call(stop_job => 'default', $job, 'pause');
    $e->call(give_back => Igjobs::Engine::held($c));
    result($d, 'gone', status => 410);
    is(delivery($d)->{state}, 'gone', 'gone');
    is(scalar lease(10), 0, 'nothing else of the job is sent');
    $e->call(stop_job => 'default', $job, 'cancel');
    is(scalar lease(10), 0, 'nor what comes later');
    is(types($job), 'job.started job.paused job.canceled', 'but all is told');
    is($e->sql("select string_agg(state, ' ' order by seq)"
        . ' from igjobs.deliveries'), 'gone failed failed', 'in the log');
    is($e->row($e->submit(50))->{callback_url}, undef, 'no default any more');
    is($e->row(submit(URL))->{callback_url}, URL, 'unless it is asked for');
    $e->sql("select igjobs.set_callback('default', '" . URL . "')");
    is($e->row($e->submit(50))->{callback_url}, URL, 'or set again');
    $e->sql("select igjobs.set_callback('default', null)");

    forget();
    $job = submit(URL);
    $c = $e->claim($job);
    ($d) = lease(1);
    result($d, 'refused', error => 'a private address');
    is(delivery($d)->{state}, 'failed', 'refused: no other try');
    $e->store_all($c, ids => [1]);
    is(scalar lease(1), 1, 'the next event is tried all the same');
};

subtest 'order' => sub {
    forget();
    my $job = submit(URL);
    $e->store_all($e->claim($job), ids => [1]);
    my ($d, @more) = lease(10);

    is("$d->{type} @more", 'job.started ', 'the first alone');
    due_now();
    is(scalar lease(10), 0, 'while it is sent');
    result($d, 'failed', status => 500);
    is(scalar lease(10), 0, 'nothing overtakes it');
    for my $n (2, 3) {
        due_now();
        ($d, @more) = lease(10);
        is("$d->{type} @more", 'job.started ', "try $n");
        result($d, 'failed', status => 500);
    }
    my ($next) = lease(10);
    is($next->{type}, 'job.completed', 'but after three tries');

    forget();
    $job = submit(URL);
    $e->store_all($e->claim($job), ids => [1]);
    ($d) = lease(10);
    is(scalar lease(10), 0, 'one waits');
    result($d, 'delivered', status => 200);
    is((lease(10))[0]{type}, 'job.completed', 'and goes at once then');
};

subtest 'fair' => sub {
    forget();
    my @slow = map { submit("http://slow.example/$_") } 1 .. 30;
    my $other = submit('http://other.example/');
    my $same = submit('http://slow.example/', tenant => 'other');
    $e->claim($_) for @slow, $other;
    $e->claim($same, tenant => 'other');

    my @taken = lease(64);
    my %of;
    $of{"$_->{tenant} $_->{origin}"}++ for @taken;
    is_deeply(\%of, { 'default http://slow.example' => 4,
                      'default http://other.example' => 1,
                      'other http://slow.example' => 1 },
        'four at once for each tenant and endpoint');
    is(scalar lease(64), 0, 'no more of them');
    result($taken[-2], 'failed', status => 500)
        if $taken[-2]{origin} =~ /slow/;
    is(scalar lease(64), 1, 'until one has ended');

    forget();
    my $waits = submit('http://a.example/', tenant => 'a waits');
    my $goes = submit('http://b.example/', tenant => 'b goes');
    $e->claim($_->[0], tenant => $_->[1])
        for [$waits, 'a waits'], [$goes, 'b goes'];
    $e->sql("update igjobs.deliveries set next_at = now() + '1 h'"
        . " where job_id = '$waits'");
    is(join(' ', map { $_->{job_id} } lease(64)), $goes,
        'what waits does not hide what is due');

    forget();
    my @jobs = map { submit("http://host$_.example/") } 1 .. 6, 1 .. 6;
    $e->claim($_) for @jobs;
    my (@round, $last);
    for (1 .. 6) {
        my ($d) = lease(1, after => $last // ['', '']);
        $last = [@$d{qw(tenant origin)}];
        push @round, $d->{origin} =~ /(\d)/;
    }
    is("@round", '1 2 3 4 5 6', 'goes round');
    my @rest = lease(64, after => $last);
    is(join(' ', map { $_->{origin} =~ /(\d)/ } @rest), '1 2 3 4 5 6',
        'and begins anew');
    is(scalar lease(64, after => ['default', 'http://host3.example']), 0,
        'until nothing is left');
};

subtest 'an erased job' => sub {
    forget();
    my $job = submit(URL);
    my $other = submit(URL);
    $e->claim($other);
    $e->call(api_delete_job => { tenant => 'default' },
             { job => $job, body => {} });
    is(types($job), 'job.canceled', 'is told as canceled');
    1 while $e->value(erase_step => 100);
    is(types($job), '', 'and takes its log along');
    is(types($other), 'job.started', 'but no other\'s');
};

subtest 'secrets' => sub {
    my $secrets = sub {
        $e->sql("select igjobs.valid_secrets('$_[0]')");
    };
    my $first = $e->sql("select igjobs.webhook_secret('s')");

    is($secrets->('s'), $first, 'the present one signs');
    is($e->sql("select igjobs.webhook_secret('s')"), $first, 'and stays');
    isnt($e->sql("select igjobs.webhook_secret('t')"), $first,
        'another tenant has another');
    my $second = $e->sql("select igjobs.rotate_webhook_secret('s')");
    is($secrets->('s'), "$second $first", 'rotated: both');
    my $third = $e->sql("select igjobs.rotate_webhook_secret('s', '0 s')");
    is($secrets->('s'), $third, 'without overlap: only the new one');
    is($e->sql("select igjobs.webhook_secret('s')"), $third, 'which is told');

    my %refused = (igjobs_api => [qw(webhook_secret valid_secrets
        make_webhook_secret rotate_webhook_secret set_callback)],
        igjobs_worker => [qw(webhook_secret valid_secrets
        make_webhook_secret rotate_webhook_secret set_callback)]);
    for my $role (sort keys %refused) {
        my $session = $e->session(user => $role);
        like($session->try("select igjobs.$_('s'"
                . (/rotate/ ? ", '1 s')" : /set/ ? ", 'x')" : ')')),
            qr/42501/, "$role: not $_") for @{ $refused{$role} };
        like($session->try("select * from igjobs.$_"), qr/42501/,
            "$role: not $_") for qw(webhook_secrets deliveries);
    }
};

subtest 'the log is cut' => sub {
    forget();
    my $job = submit(URL);
    $e->claim($job);
    my ($d) = lease(1);
    $e->sql("update igjobs.deliveries set tries = (select jsonb_agg(n) from"
        . ' generate_series(1, 20) n)');
    result($d, 'failed', status => 500);
    is(scalar @{ delivery($d)->{tries} }, 20, 'twenty tries');
    is(delivery($d)->{tries}[0], 2, 'the newest');
    due_now();
    ($d) = lease(1);
    result($d, 'delivered', status => 200);
    is($e->value(drop_old_deliveries => 10), 0, 'what is new is kept');
    $e->sql("update igjobs.deliveries set finished_at = now() - '31 d'::"
        . 'interval');
    is($e->value(drop_old_deliveries => 10), 1, 'what is old goes');
};

done_testing;
