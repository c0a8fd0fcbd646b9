#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Server-sent events of a job: what is in a stream, and that nothing is missed
# or told twice, whatever happens to Redis, Postgres, nginx and the client.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;
use Igjobs::Events;
use Igjobs::Stack;
use Igjobs::Wait;

# news come from Redis, unless a subtest has it otherwise
my $usual = <<'HTTP';
    igjobs_status_cache_time 0;
    igjobs_redis_timeout 20s;
    igjobs_reread_time 600s;
    igjobs_events_interval 1ms;
HTTP

my $stack = Igjobs::Stack->new(nginx => { http => $usual });
$stack->start(qw(postgres redis nginx));

my $nginx = $stack->nginx;
my $redis = $stack->redis;
my $http = $stack->client;

subtest 'a job from its beginning to its end' => sub {
    my $job = submit();
    my $stream = stream($job);
    my $response = $stream->{response};

    is($response->{status}, 200, 'answered');
    is($response->header('Content-Type'), 'text/event-stream', 'type');
    is($response->header('Cache-Control'), 'no-cache, no-transform',
        'not to be kept');
    is($response->header('X-Accel-Buffering'), 'no', 'nor held back');
    is_deeply($stream->next, { retry => 3000 }, 'retry comes first');

    my $first = $stream->next;
    is("$first->{event} $first->{id}", 'state 1', 'the present document');
    is("$first->{data}\n", $http->get("/api/job-status/$job")->{body},
        'is that of the status');

    subscribed($job);
    publish($job, change($job, 2, state => 'running',
                         status => 'processing'));
    is(told($stream), 'state 2', 'a new state');
    publish($job, change($job, 3, progress => 10));
    is(told($stream), 'progress 3', 'progress');
    publish($job, change($job, 4, phase => 'classify'));
    is(told($stream), 'state 4', 'a new phase');
    publish($job, change($job, 5, state => 'completed',
                         status => 'completed'));
    is(told($stream), 'done 5', 'the end');
    is($stream->next, undef, 'then the server ends the stream');

    is(told(stream($job)), 'done 5', 'a late client gets the end at once');
    is(stream($job, last => 4)->event->{event}, 'done',
        'one that missed it, too');
    my $again = stream($job, last => 5)->{response};
    is($again->{status}, 204, 'who has it need not come back');
    is($again->header('Content-Length'), undef, '204 without a length');
    is($again->header('Content-Type'), undef, 'and without a type');
};

subtest 'Last-Event-ID' => sub {
    my $job = submit();

    change($job, 7, progress => 3);
    my $stream = stream($job, last => 7);
    is_deeply($stream->next, { retry => 3000 }, 'retry');
    subscribed($job);
    publish($job, change($job, 8, progress => 4));
    is(told($stream), 'progress 8', 'nothing that the client has');
    is(told(stream($job, last => 3)), 'state 8', 'what was missed, as one');
    is(told(stream($job, query => 'last_event_id=3')), 'state 8',
        'in the query');
    publish($job, change($job, 9, progress => 5));
    is(told(stream($job, last => 8, query => 'last_event_id=99')), 'state 9',
        'the header goes before the query');
    is(told(stream($job, last => 'rubbish')), 'state 9',
        'a header that is no id of ours is none');
    my $bad = $http->get("/api/jobs/$job/events?last_event_id=x");
    is("$bad->{status} " . $bad->json->{code}, '400 IGJ0110', 'a bad query');
};

subtest 'other answers' => sub {
    my $job = submit();
    my $none = '00000000-0000-7000-8000-000000000000';

    for my $id ($none, 'rubbish') {
        my $r = $http->get("/api/jobs/$id/events");
        is("$r->{status} " . $r->json->{error}, "404 Job $id not found", $id);
    }
    my $head = $http->head("/api/jobs/$job/events");
    is($head->{status} . $head->header('Content-Type'),
        '200text/event-stream', 'HEAD');
    is($http->head("/api/jobs/$none/events")->{status}, 404,
        'HEAD of nothing');
    is($http->post_json("/api/jobs/$job/events", {})->{status}, 405, 'POST');
    my $origin = stream($job, headers => [Origin => 'https://a.example'])
        ->{response};
    is($origin->header('Access-Control-Allow-Origin'), 'https://a.example',
        'CORS');
    my $coded = stream($job, headers => ['Accept-Encoding' => 'gzip']);
    is($coded->{response}->header('Content-Encoding'), undef, 'not coded');
};

subtest 'a change between snapshot and subscription' => sub {
    my @jobs = map { submit() } 1 .. 20;
    my $first = stream(submit());

    is(told($first), 'state 1', 'the subscriber is connected');
    $redis->pause;
    my @streams = map { Igjobs::Events->start($nginx->port, path($_)) } @jobs;
    is($http->get('/livez')->{status}, 200, 'nginx has them');
    change($_, 2, progress => 1) for @jobs;
    $redis->resume;
    is(join(' ', map { told($_->answered) } @streams),
        join(' ', ('state 2') x 20),
        'what nobody was told is read after the acknowledgement');
    for my $job (@jobs) {
        publish($job, change($job, 3, progress => 2));
    }
    is(join(' ', map { told($_) } @streams), join(' ', ('progress 3') x 20),
        'and messages come');
};

subtest 'messages that are late, early or rubbish' => sub {
    my $job = submit();
    my $stream = stream($job);
    my $one = document($job);

    is(told($stream), 'state 1', 'the first');
    subscribed($job);
    my $three = change($job, 3, progress => 3);
    publish($job, $_) for 'x' x 100_000, '', '{"version":0}', $one, $three,
        $three, $one;
    publish($job, change($job, 4, progress => 4));
    is(told($stream), 'progress 3', 'a higher version, once');
    is(told($stream), 'progress 4', 'then the next');
};

subtest 'Redis is emptied, restarted, off' => sub {
    my $job = submit();
    my $stream = stream($job);

    is(told($stream), 'state 1', 'the first');
    subscribed($job);
    $redis->command('FLUSHALL');
    publish($job, change($job, 2, progress => 2));
    is(told($stream), 'progress 2', 'emptied');

    $redis->stop;
    change($job, 3, progress => 3);
    is(told($stream), 'progress 3', 'while it is away: read from Postgres');
    is(told(stream($job)), 'state 3', 'by a new client, too');
    $redis->start;
    subscribed($job);
    publish($job, change($job, 4, progress => 4));
    is(told($stream), 'progress 4', 'when it is back');

    $redis->command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    subscribed($job);
    publish($job, change($job, 5, progress => 5));
    is(told($stream), 'progress 5', 'after a cut connection');

    $nginx->configure(redis => undef)->reload;
    $stream = stream($job);
    is(told($stream), 'state 5', 'off');
    change($job, 6, progress => 6);
    is(told($stream), 'progress 6', 'read from Postgres');
    $nginx->configure(redis => 'unix:' . $redis->socket_path)->reload;
};

subtest 'nobody tells' => sub {
    $nginx->configure(http => $usual =~ s/600s/1s/r)->reload;
    my $job = submit();
    my $stream = stream($job);

    is(told($stream), 'state 1', 'the first');
    subscribed($job);
    change($job, 2, progress => 2);
    is(told($stream), 'progress 2', 'a slow read finds it');

    $stack->postgres->stop;
    $stack->postgres->start;
    change($job, 3, progress => 3);
    is(told($stream), 'progress 3', 'after a restart of Postgres');
    $nginx->configure(http => $usual)->reload;
};

subtest 'how often' => sub {
    $nginx->configure(http => $usual =~ s/1ms/600s/r
                              . 'igjobs_events_heartbeat 100ms;')->reload;
    my $job = submit();
    my $stream = stream($job);

    is(told($stream), 'state 1', 'the first');
    subscribed($job);
    publish($job, change($job, $_, progress => $_)) for 2 .. 5;
    is_deeply($stream->next, { comment => '' }, 'no progress so soon');
    is_deeply($stream->next, { comment => '' }, 'only heartbeats');
    publish($job, change($job, 6, phase => 'classify'));
    my $event;
    do { $event = $stream->next } while exists $event->{comment};
    is("$event->{event} $event->{id}", 'state 6', 'a new phase at once');
    $nginx->configure(http => $usual)->reload;
};

subtest 'clients that leave' => sub {
    my $job = submit();
    my ($worker) = $nginx->workers;
    my ($files, $rss);

    for my $round (1 .. 12) {
        my @streams = map { stream($job) } 1 .. 50;
        told($_) for @streams;
        $_->cut(reset => $round % 2) for @streams;
        wait_for { subscribers($job) == 0 } 20, 'nobody to watch the job';
        next if $round != 2 && $round != 12;
        my @now = (files_of($worker), Igjobs::Env::rss($worker));
        ($files, $rss) = @now if $round == 2;
        is($now[0], $files, 'no socket is left');
        cmp_ok($now[1] - $rss, '<', 256, 'no memory is left')
            if $round == 12 && !Igjobs::Env::sanitized();
    }
};

subtest 'a client that does not read' => sub {
    my $job = submit();
    my $pad = 'x' x 200_000;
    my $slow = stream($job);
    my $quick = stream($job);
    my ($worker) = $nginx->workers;
    my $one = document($job);
    my ($rss, @told, @ids);

    is(told($quick), 'state 1', 'the first');
    subscribed($job);
    for my $version (2 .. 60) {
        publish($job, $one =~ s/"version":1,(.*)\}$/"version":$version,$1,/r
                      . qq("pad":"$pad"}));
        push @told, $quick->event->{id};
        $rss = Igjobs::Env::rss($worker) if $version == 10;
    }
    is("@told", "@{[2 .. 60]}", 'another client is told each version');
    cmp_ok(Igjobs::Env::rss($worker) - $rss, '<', 1024,
        'nothing is kept for the slow one') if !Igjobs::Env::sanitized();
    do { push @ids, $slow->event->{id} } while $ids[-1] < 60;
    cmp_ok(scalar @ids, '<', 60, 'which skips some, and ends with the latest');

    $nginx->configure(http => "$usual send_timeout 500ms;")->reload;
    $slow = stream($job);
    is(told($slow), 'state 1', 'another slow one');
    subscribed($job);
    wait_for {
        my $version = ++$ids[-1];
        publish($job, $one =~ s/"version":1,(.*)\}$/"version":$version,$1,/r
                      . qq("pad":"$pad"}));
        $nginx->log_text =~ /client timed out/;
    } 30, 'the end of its time';
    pass('does not stay for ever');
    $nginx->configure(http => $usual)->reload;
};

subtest 'igjobs_max_watches' => sub {
    $nginx->configure(http => "$usual igjobs_max_watches 2;")->reload;
    my $job = submit();
    my @streams = map { stream($job) } 1 .. 2;

    told($_) for @streams;
    my $r = $http->connect->get(path($job));
    is("$r->{status} " . $r->json->{code}, '503 IGJ0702', 'one too many');
    ok($r->header('Retry-After'), 'Retry-After');
    $streams[0]->cut;
    wait_for { stream($job)->{response}{status} == 200 } 20, 'room';
    pass('there is room when one has left');
    $nginx->configure(http => $usual)->reload;
};

subtest 'a reload with 1,000 streams' => sub {
    my @jobs = map { submit() } 1 .. 10;
    my @streams = map { stream($jobs[$_ % 10]) } 1 .. 1000;
    my (%first, %retry, %ends, %next);

    $first{told($_)}++ for @streams;
    is_deeply(\%first, { 'state 1' => 1000 }, 'all are told');
    $nginx->reload;
    change($_, 2, progress => 2) for @jobs;
    for my $n (1 .. 1000) {
        my $stream = $streams[$n - 1];
        $ends{told($stream)}++;
        $retry{$stream->{retry}} = 1;
        $next{told(stream($jobs[$n % 10], last => 1))}++;
    }
    is_deeply(\%ends, { end => 1000 }, 'all are ended cleanly');
    is_deeply([grep { $_ < 1000 || $_ >= 5000 } keys %retry], [],
        'and told when to come back');
    cmp_ok(scalar keys %retry, '>', 500, 'at different times');
    is_deeply(\%next, { 'state 2' => 1000 }, 'which misses nothing');
    wait_for { Igjobs::Env::children($nginx->pid) == 1 } 20,
        'the old worker to end';

    @streams = map { stream($jobs[0]) } 1 .. 10;
    told($_) for @streams;
    $nginx->signal('QUIT');
    is(join(' ', map { told($_) } @streams), 'end ' x 9 . 'end', 'quit');
    is($nginx->wait_end, 0, 'nginx ends');
    $nginx->start;
    @streams = map { stream($jobs[0]) } 1 .. 10;
    told($_) for @streams;
    $nginx->signal('TERM');
    is($nginx->wait_end, 0, 'at once, when told so');
    $nginx->start;
};

$stack->finish;
done_testing;


sub submit { return $stack->jobs->submit(accounts => ['one.name']) }

sub path { return "/api/jobs/$_[0]/events" }

# stream($job, last => id, query => text, headers => [...])
sub stream {
    my ($job, %option) = @_;
    my $path = path($job);
    my @headers = @{ $option{headers} // [] };

    $path .= "?$option{query}" if defined $option{query};
    push @headers, 'Last-Event-ID' => $option{last} if defined $option{last};
    return Igjobs::Events->open($nginx->port, $path, headers => \@headers);
}

# the next event as "name id"
sub told {
    my ($stream) = @_;
    my $event = $stream->event // return 'end';

    return "$event->{event} $event->{id}";
}

# change($job, $version, member => value ...): the document in Postgres
sub change {
    my ($job, $version, %member) = @_;
    my $doc = 'doc';

    for my $name (keys %member) {
        my $value = $member{$name} =~ /^\d+$/ ? $member{$name}
                                              : qq("$member{$name}");
        $doc = qq{regexp_replace($doc, '"$name":[^,]*', '"$name":$value')};
    }
    return $stack->psql(<<"SQL");
update public.scrape_jobs set version = $version, doc =
    regexp_replace($doc, '"version":[0-9]+', '"version":$version')
where job_id = '$job'
returning doc
SQL
}

sub document {
    my ($job) = @_;

    return $stack->psql("select doc from public.scrape_jobs"
        . " where job_id = '$job'");
}

# open files of a process
sub files_of {
    my ($pid) = @_;
    my @files = glob "/proc/$pid/fd/*";

    return scalar @files;
}

sub channel { return "igjobs:events:default:$_[0]" }

# publish($job, $document): as a worker does after it has committed
sub publish {
    my ($job, $doc) = @_;

    return $redis->command('PUBLISH', channel($job), $doc);
}

# waits until nginx hears what is published of the job
sub subscribed {
    my ($job) = @_;

    return wait_for { eval { subscribers($job) > 0 } } 20,
        "a subscription to $job";
}

sub subscribers {
    my ($job) = @_;

    return $redis->command('PUBSUB', 'NUMSUB', channel($job))->[1];
}
