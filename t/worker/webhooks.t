#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# run: early
#
# Webhooks as their receivers see them: signatures, tries after every kind of
# failure, order, tenants; endpoints that hang beside others; workers that are
# killed or drained in the middle.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib",
    "$FindBin::Bin/../sql/lib";
use IPC::Open2;
use JSON::PP ();
use Test::More;
use Igjobs::Env;
use Igjobs::Openapi;
use Igjobs::Port 'free_port';
use Igjobs::Process;
use Igjobs::Queue;
use Igjobs::Receiver;
use Igjobs::Schema;
use Igjobs::Session;
use Igjobs::Stack;
use Igjobs::Wait;

my @quick = ('--webhook-poll=20ms', '--webhook-timeout=4s', '--sweep=200ms',
             '--lanes=4', '--drain=3s', '--log-level=debug');
my @open = (@quick, '--webhook-allow-private');
my $stack = Igjobs::Stack->new(sim => { args => ['--run-ms', 50] },
                               worker => { args => \@open });
$stack->start(qw(postgres redis sim worker));
my $queue = Igjobs::Queue->new($stack);
my $receiver = Igjobs::Receiver->new;
my $session = Igjobs::Session->new($stack->postgres);    # for what is polled

# nine delays as short as a test needs them
sub delays {
    my (@delays) = @_;

    $stack->psql("update igjobs.settings set value = '"
        . join(',', @delays) . "' where name = 'webhook_retry_s'");
    return;
}

sub submit {
    my ($url, %option) = @_;

    return $queue->submit(accounts => [names(1 .. 2)], max_count => 2,
                          options => { callback_url => $url }, %option);
}

sub deliveries {
    my ($job) = @_;

    return $session->run("select string_agg(type || ' ' || state, ', '"
        . " order by seq) from igjobs.deliveries where job_id = '$job'");
}

sub wait_deliveries {
    my ($job, $wanted) = @_;

    wait_for { deliveries($job) eq $wanted } 30, "deliveries: $wanted";
    return;
}

sub tries {
    my ($job, $type) = @_;

    return $stack->psql("select string_agg(coalesce(t ->> 'error', 'ok'),"
        . " ', ') from igjobs.deliveries, jsonb_array_elements(tries) t"
        . " where job_id = '$job' and type = '$type'");
}

sub secret { return $stack->psql("select igjobs.webhook_secret('$_[0]')") }

use constant BOTH => 'job.started delivered, job.completed delivered';

delays((0.1) x 9);

subtest 'what arrives' => sub {
    my $job = submit($receiver->url('/plain'));
    my $doc = $queue->wait_end($job);
    my ($started, $completed) = $receiver->wait_events('/plain', 2);

    is($receiver->types('/plain'), 'job.started job.completed', 'in order');
    is_deeply($completed->{event}{data}, $doc, 'with the final document');
    is($started->{event}{data}{state}, 'running', 'and that of the start');
    my %header = %{ $completed->{headers} };
    is($header{'content-type'}, 'application/json', 'JSON');
    like($header{'webhook-id'}, qr/^msg_[0-9a-f]{32}\z/, 'an id');
    isnt($header{'webhook-id'}, $started->{headers}{'webhook-id'},
        'of its own');
    ok(abs($header{'webhook-timestamp'} - $completed->{at}) < 5, 'a time');
    ok(length $completed->{body} < 20_000, 'not large');
    ok(!exists $header{expect}, 'no 100-continue');
    is(Igjobs::Receiver::signed_with($_, secret('default')), 1, 'signed')
        for $started, $completed;
    my $fits = Igjobs::Schema->new(Igjobs::Openapi::document(), strict => 1)
        ->compile({ '$ref' => '#/components/schemas/Event' });
    is_deeply([$fits->($_->{event})], [], 'as it is described')
        for $started, $completed;
    $completed->{body} .= ' ';
    is(Igjobs::Receiver::signed_with($completed, secret('default')), 0,
        'what is changed is not');
    wait_deliveries($job, BOTH);
};

# the sample of docs/api.md, asked about an event
sub is_genuine {
    my ($event, $secret) = @_;
    my ($sample) = do { open my $in, '<', Igjobs::Env::root() . '/docs/api.md'
                            or die "docs/api.md: $!"; local $/; <$in> }
        =~ /<!-- sample: verify -->\n```python\n(.*?)```/s;
    my $pid = open2 my $out, my $in, 'python3', '-c', "$sample\n"
        . "import json, sys\nevent = json.load(sys.stdin)\n"
        . "print(is_genuine(event['secret'], event['headers'],"
        . " event['body'].encode()))";

    print $in JSON::PP->new->utf8->encode({ %$event, secret => $secret });
    close $in;
    my $answer = <$out>;
    waitpid $pid, 0;
    chomp $answer;
    return $answer;
}

subtest 'the sample for receivers' => sub {
    submit($receiver->url('/sample'));
    my ($event) = $receiver->wait_events('/sample', 1);
    my $secret = secret('default');

    is(is_genuine($event, $secret), 'True', 'takes what is genuine');
    is(is_genuine({ %$event, body => $event->{body} . ' ' }, $secret),
        'False', 'not what was changed');
    is(is_genuine($event, secret('stranger')), 'False', 'or signed by others');
    my %header = %{ $event->{headers} };
    is(is_genuine({ %$event, headers => { %header,
        'webhook-signature' => "v1,x $header{'webhook-signature'} v1,y" } },
        $secret), 'True', 'one signature of several must fit');
    $header{'webhook-timestamp'} -= 3600;
    is(is_genuine({ %$event, headers => \%header }, $secret), 'False',
        'nor what is old');
};

subtest 'a rotated secret' => sub {
    my $old = secret('default');
    my $new = $stack->psql("select igjobs.rotate_webhook_secret('default')");

    submit($receiver->url('/rotated'));
    my ($event) = $receiver->wait_events('/rotated', 2);
    is_deeply([Igjobs::Receiver::signed_with($event, $old, $new)],
        [$old, $new], 'signed with both');
    $stack->psql("select igjobs.rotate_webhook_secret('default', '0 s')");
    submit($receiver->url('/ended'));
    ($event) = $receiver->wait_events('/ended', 2);
    is_deeply([Igjobs::Receiver::signed_with($event, $old, $new,
        secret('default'))], [secret('default')], 'then with the new one');
};

subtest 'tenants' => sub {
    $stack->psql("select igjobs.set_callback('acme', '"
        . $receiver->url('/acme') . "')");
    my $job = $queue->submit(accounts => [names(1)], tenant => 'acme');
    $queue->submit(accounts => [names(1)], tenant => 'other');
    my ($event) = $receiver->wait_events('/acme', 2);

    is($event->{event}{data}{job_id}, $job, 'the default of one');
    is(Igjobs::Receiver::signed_with($event, secret('acme')), 1,
        'is signed with its secret');
    is(Igjobs::Receiver::signed_with($event, secret('default')), 0,
        'not with another\'s');
};

subtest 'tried again' => sub {
    my %because = (
        500 => qr/^HTTP status 500/, hang => qr/timed out|Timeout/i,
        close => qr/Empty reply/i, 302 => qr/^redirects are not followed/,
        400 => qr/^HTTP status 400/,
    );
    for my $answer (sort keys %because) {
        my $path = "/again-$answer";
        $receiver->answers($path, $answer eq '302'
            ? [302, { Location => $receiver->url('/elsewhere') }] : $answer,
            200);
        my $job = submit($receiver->url($path));
        my @events = $receiver->wait_events($path, 3);

        is($receiver->types($path), 'job.started job.started job.completed',
            "$answer: again, and nothing overtakes it");
        is($events[0]{headers}{'webhook-id'}, $events[1]{headers}{'webhook-id'},
            'the same id');
        is($events[0]{body}, $events[1]{body}, 'the same body');
        is(Igjobs::Receiver::signed_with($events[1], secret('default')), 1,
            'signed for its time');
        wait_deliveries($job, BOTH);
        like(tries($job, 'job.started'), $because{$answer}, 'in the log');
    }
    is(scalar $receiver->events('/elsewhere'), 0, 'no redirect was followed');

    my $port = free_port();
    my $job = submit("http://127.0.0.1:$port/");
    wait_deliveries($job, 'job.started failed, job.completed failed');
    like(tries($job, 'job.started'), qr/^(?:Failed to connect [^,]*(?:, |$)){10}$/,
        'ten tries where nobody listens') or diag tries($job, 'job.started');

    $receiver->answers('/half', 'half');
    $job = submit($receiver->url('/half'));
    wait_deliveries($job, BOTH);
    is(scalar $receiver->events('/half'), 2,
        'a status counts, though the body does not come');

    $receiver->answers('/long', [500, {}, "caf\xe9 \0" . 'x' x 5000], 200);
    $job = submit($receiver->url('/long'));
    wait_deliveries($job, BOTH);
    my $kept = $stack->psql("select tries -> 0 ->> 'answer' from"
        . " igjobs.deliveries where job_id = '$job' and type = 'job.started'");
    like($kept, qr/^caf\xef\xbf\xbd  x{494}$/, 'the beginning of an answer');
};

subtest 'certificates' => sub {
    my $dir = Igjobs::Env::new_dir('tls');
    my $port = free_port();

    system("openssl req -x509 -newkey rsa:2048 -nodes -days 2"
        . " -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        . " -keyout '$dir/key.pem' -out '$dir/cert.pem' 2>/dev/null") == 0
        or plan skip_all => 'no certificate could be made';
    Igjobs::Env::give("$dir/key.pem", "$dir/cert.pem");
    my $server = Igjobs::Process->new(name => 's_server', dir => $dir,
        command => ['openssl', 's_server', '-quiet', '-accept', $port,
                    '-cert', "$dir/cert.pem", '-key', "$dir/key.pem"])->spawn;
    wait_for { Igjobs::Process::listens($port) } 10, 's_server';
    my $job = submit("https://localhost:$port/");
    wait_deliveries($job, 'job.started failed, job.completed failed');
    like(tries($job, 'job.started'), qr/certificate/,
        'that nobody vouches for are not taken');
    unlike($server->log_text, qr/webhook|job_id/, 'and nothing is sent');
    $server->kill9;
};

subtest 'Retry-After' => sub {
    $receiver->answers('/later', [503, { 'Retry-After' => 3600 }], 200);
    my $job = submit($receiver->url('/later'));
    $receiver->wait_events('/later', 1);
    my $due = wait_for { $stack->psql("select (next_at - now() > '50 min')"
        . " from igjobs.deliveries where job_id = '$job' and step = 1") };

    is($due, 't', 'an hour later');
};

subtest 'gone' => sub {
    $receiver->answers('/gone', 410);
    my $job = submit($receiver->url('/gone'));
    $queue->wait_end($job);

    wait_deliveries($job, 'job.started gone, job.completed failed');
    is(scalar $receiver->events('/gone'), 1, 'nothing more is sent');
};

subtest 'endpoints that hang' => sub {
    $receiver->answers('/hang', 'hang');
    my @jobs = map { submit("http://localhost:$receiver->{port}/hang") }
        1 .. 8;
    $receiver->wait_events('/hang', 4);
    my $job = submit($receiver->url('/beside'));
    wait_deliveries($job, BOTH);
    is($receiver->count('/hang'), 4, 'hold nobody up');
    $stack->psql("delete from igjobs.deliveries where url like '%/hang'");
    $receiver->answers('/hang', 200);
};

subtest 'a worker is killed' => sub {
    my $worker = $stack->worker;

    $receiver->answers('/kill', 'hang', 200);
    my $job = submit($receiver->url('/kill'));
    $receiver->wait_events('/kill', 1);
    $worker->kill9;
    is(deliveries($job) =~ s/,.*//r, 'job.started sending',
        'between the sending and the record');
    $worker->start;
    my @events = $receiver->wait_events('/kill', 3);
    is($events[0]{headers}{'webhook-id'}, $events[1]{headers}{'webhook-id'},
        'comes again under its id');
    wait_deliveries($job, BOTH);
    like(tries($job, 'job.started'), qr/^the worker was lost.*, ok$/,
        'which the log says');

    $receiver->answers('/drain', 'hang', 200);
    $job = submit($receiver->url('/drain'));
    $receiver->wait_events('/drain', 1);
    ok($worker->stop, 'one that drains');
    isnt(deliveries($job) =~ s/,.*//r, 'job.started sending',
        'leaves nothing that is being sent');
    $worker->start;
    wait_deliveries($job, BOTH);
};

subtest 'Postgres is away' => sub {
    my $job = submit($receiver->url('/away'));

    $queue->wait_end($job);
    $receiver->wait_events('/away', 1);
    undef $session;
    $stack->postgres->restart;
    $session = Igjobs::Session->new($stack->postgres);
    wait_deliveries($job, BOTH);
    pass('goes on');
};

subtest 'private addresses' => sub {
    $stack->worker->stop;
    my $worker = $stack->add_worker(args => \@quick, name => 'closed');
    my $port = $receiver->{port};

    for my $url ($receiver->url('/private'), "http://localhost:$port/private",
                 "http://[::1]:$port/private", "http://0:$port/private",
                 "http://2130706433:$port/private",
                 "http://[::ffff:127.0.0.1]:$port/private",
                 "http://[64:ff9b::7f00:1]:$port/private",
                 'http://169.254.169.254/latest/', 'http://127.0.0.1:22/') {
        my $job = submit($url);
        wait_deliveries($job, 'job.started failed, job.completed failed');
        like(tries($job, 'job.started'),
            qr/^(?:the address is not one of the open|the port is neither)/,
            "refused: $url");
    }
    is(scalar $receiver->events('/private'), 0, 'nothing was sent');
    unlike($worker->log_text . $stack->worker->log_text,
        qr/whsec_|webhook-signature/, 'no secret is in a log');
    is($stack->psql("select count(*) from igjobs.deliveries"
        . " where tries::text like '%whsec_%'"), 0, 'nor in the table');
};

undef $session;
$receiver->stop;
$stack->finish;
done_testing;
