#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# igjobs, the command, with a server that is busy, is lost, refuses, or is none.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Encode 'decode';
use JSON::PP ();
use Test::More;
use Igjobs::Command;
use Igjobs::Port 'free_port';
use Igjobs::HttpServer qw(answer problem stream);
use Igjobs::Wait;

my $id = '01a201d8-19b5-708c-91f7-822d043cf5e2';
my $json = JSON::PP->new->utf8;

# with_server(sub handler, sub test): the test gets the command and the server
sub with_server {
    my ($handler, $test) = @_;
    my $server = Igjobs::HttpServer->new($handler);

    $test->(Igjobs::Command->new($server->url), $server);
    $server->stop;
    return;
}

# in_turn(@answers): a handler that gives one after the other, the last for ever
sub in_turn {
    my (@answers) = @_;

    return sub { $answers[$_[1] < @answers ? $_[1] : -1]->() };
}

sub status_document {
    my ($status, $version, $progress) = @_;

    return { success => JSON::PP::true(), job_id => $id, status => $status,
             state => $status eq 'processing' ? 'running' : $status,
             version => $version, progress => $progress, total_batches => 4,
             current_batch => $progress / 25, profiles_scraped => 1234567 };
}

sub accepted {
    return { job_id => $id, total_batches => 1,
             accounts => { given => 2, accepted => 2 } };
}

my $busy = sub { problem(503, 'IGJ0801',
    'The database is not reachable', 'Retry-After' => 0) };
my $cut = sub { '' };
my $done = sub { answer(200, status_document('completed', 9,
                                                           100)) };

subtest 'what may pass is tried again' => sub {
    with_server(in_turn($busy, $cut, $done), sub {
        my ($igjobs, $server) = @_;
        my $r = $igjobs->run(['status', $id]);
        is $r->{status}, 0, 'answered in the end' or diag $r->{err};
        is scalar @{ $server->requests }, 3, 'by the third request';
        like $r->{err}, qr/not able to answer \(503\), next try in 0\.0 s/,
            'a busy server is named';
        like $r->{err}, qr/\Q${\$server->url}\E: .*, next try in 1\.0 s/,
            'and a lost connection';
    });
    with_server($busy, sub {
        my ($igjobs, $server) = @_;
        my $r = $igjobs->run(['status', '--patience', 0, $id]);
        is $r->{status}, 3, 'no patience';
        like $r->{err}, qr/not reachable \(503 IGJ0801\)\n +What to do/,
            'the problem is shown';
    });
    my $nobody = Igjobs::Command->new('http://127.0.0.1:' . free_port());
    my $r = $nobody->run(['status', '--patience', 1, $id]);
    is $r->{status}, 3, 'nobody listens';
    like $r->{err}, qr/next try in 0\.5 s\n.*: Couldn't connect/, 'said so';
};

subtest 'a submission is not' => sub {
    for my $answer ($busy, $cut) {
        with_server($answer, sub {
            my ($igjobs, $server) = @_;
            my $r = $igjobs->run(['submit', 'a', 'b']);
            is $r->{status}, 3, 'failed';
            is scalar @{ $server->requests }, 1, 'asked once';
            like $r->{err}, qr/not known whether the job was accepted/,
                'what that means' if $answer == $cut;
        });
    }
};

subtest 'unless it has a key' => sub {
    my $in_progress = sub { problem(409, 'IGJ0603', 'Not yet',
                                                  'Retry-After' => 0) };
    my $replayed = sub { answer(202, accepted(),
                                         'Idempotent-Replayed' => 'true') };
    with_server(in_turn($cut, $busy, $in_progress, $replayed), sub {
        my ($igjobs, $server) = @_;
        my $r = $igjobs->run([qw(submit - --idempotency-key k-1)],
                             in => "one\ntwo\n");
        is $r->{status}, 0, 'accepted in the end' or diag $r->{err};
        is $r->{out}, "$id\n", 'the id';
        like $r->{err}, qr/this key was used before/, 'which was stored before';
        my @requests = @{ $server->requests };
        is scalar @requests, 4, 'by the fourth request';
        is $_->{headers}{'idempotency-key'}, '"k-1"', 'the same key'
            for @requests;
        is_deeply $json->decode($_->{body}), { accounts => ['one', 'two'] },
            'and the same body' for @requests;
    });
    with_server($busy, sub {
        my ($igjobs, $server) = @_;
        my $r = $igjobs->run([qw(submit a --idempotency-key auto
                                 --patience 0)]);
        my ($key) = $server->requests->[0]{headers}{'idempotency-key'}
            =~ /^"([0-9a-f-]{36})"$/;
        ok $key, 'a key is made';
        like $r->{err}, qr/--idempotency-key $key$/m, 'and told at the end';
    });
};

subtest 'an answer without a job' => sub {
    with_server(sub { answer(200, { data => {} }) }, sub {
        my ($igjobs, $server) = @_;
        my $r = $igjobs->run(['submit', 'a']);
        is $r->{status}, 3, 'is a failure';
        like $r->{err}, qr/names no job \(200\)/, 'said so';
        is $server->requests->[0]{headers}{prefer}, 'respond-async',
            'the job was asked for';
    });
};

subtest 'watching by events' => sub {
    my $event = sub {
        my ($name, $end, @document) = @_;
        return join $end, "id: $document[1]", "event: $name", 'data: '
            . $json->encode(status_document(@document)), '', '';
    };
    my @first = split /(?<=a)/, "retry: 1\n\n:\n\n"
        . $event->('state', "\n", 'queued', 1, 0)
        . $event->('progress', "\r\n", 'processing', 2, 50) . 'id: 77';
    my @second = stream(
        $event->('done', "\r", 'completed', 3, 100) . ":\n\n", 'hold');


    with_server(in_turn(sub { stream(@first) }, $cut,
                      sub { @second }), sub {
        my ($igjobs, $server) = @_;
        my $r = $igjobs->run(['watch', $id]);
        is $r->{status}, 0, 'to the end' or diag $r->{err};
        is_deeply [$r->{err} =~ /\] +(\d+ %  batches.*)$/mg],
            ['0 %  batches 0/4  kept 1,234,567  queued',
             '50 %  batches 2/4  kept 1,234,567',
             '100 %  batches 4/4  kept 1,234,567'], 'each step once';
        is_deeply [map { $_->{headers}{'last-event-id'} }
                   @{ $server->requests }], [undef, 2, 2],
            'each connection goes on behind the last event';
    });

    with_server(sub {
        return $_[0]{path} =~ /events/ ? answer(204) : $done->();
    }, sub {
        my $r = $_[0]->run(['watch', $id, '--json']);
        is $json->decode($r->{out})->{version}, 9,
            'a job that has ended has no events';
    });
};

subtest 'watching without events' => sub {
    my $no_path = sub { problem(404, 'IGJ0201', 'Nothing') };
    my $status = in_turn(map { my @document = @$_; sub {
        answer(200, status_document(@document),
                             'Retry-After' => 0) } }
        ['queued', 1, 0], ['queued', 1, 0], ['processing', 2, 25],
        ['failed', 3, 25]);

    for my $none ($no_path, sub { answer(405, 'no') },
                  sub { answer(200, 'a page',
                                             'Content-Type' => 'text/html') })
    {
        my $polled = 0;
        with_server(sub {
            return $_[0]{path} =~ /events/ ? $none->()
                                           : $status->($_[0], $polled++);
        }, sub {
            my $r = $_[0]->run(['--json', 'watch', $id]);
            is $r->{status}, 1, 'the job failed';
            is_deeply [map { $json->decode($_)->{version} }
                       split /\n/, $r->{out}], [1, 2, 3], 'each version once';
        });
    }
    with_server(sub { problem(404, 'IGJ0401', 'Job not found') },
              sub {
        my ($igjobs, $server) = @_;
        is $igjobs->run(['watch', $id])->{status}, 4, 'no such job';
        is scalar @{ $server->requests }, 1, 'is not asked for twice';
    });
};

subtest 'an interrupt leaves the job alone' => sub {
    with_server(sub { stream('data: ' . $json->encode(
        status_document('processing', 2, 50)) . "\n\n", 'hold') }, sub {
        my ($igjobs, $server) = @_;
        my $process = $igjobs->start(['watch', $id]);
        wait_for { $igjobs->said($process) =~ /50 %/ } 20, 'progress';
        kill 'INT', $process->{pid};
        my $r = $igjobs->end($process);
        is $r->{status}, 130, 'ends by the signal';
        like $r->{err}, qr/the job goes on.*igjobs watch $id\n\z/,
            'and says how to go on';
    });
};

subtest 'servers that are something else' => sub {
    for my $case ([301, qr/leads to another address/],
                  [401, qr/asks for credentials; see -H/],
                  [404, qr/does not answer as igjobs does \(404\)/],
                  [200, qr/does not answer as igjobs does \(text\/html\)/]) {
        with_server(sub { answer($case->[0], '<html>',
                        'Content-Type' => 'text/html; charset=utf-8') }, sub {
            my $r = $_[0]->run(['status', $id]);
            is $r->{status}, 3, "$case->[0] is a failure";
            like $r->{err}, $case->[1], 'with a reason';
            is $r->{out}, '', 'without output';
        });
    }
};

subtest 'headers and credentials' => sub {
    with_server($done, sub {
        my ($igjobs, $server) = @_;
        my $file = Igjobs::Command::write_file($igjobs->dir . '/headers',
            "# ours\r\nAuthorization: Bearer s3cret\r\n\r\nX-One: 1\r\n");
        my %env = (IGJOBS_HEADER => "X-Two: 2\nX-Three: 3");

        is $igjobs->run(['status', '-H', "\@$file", '-HX-Four: 4', $id],
                        env => \%env)->{status}, 0, 'from everywhere';
        my $headers = $server->requests->[0]{headers};
        is_deeply [@$headers{qw(authorization x-one x-two x-three x-four)}],
            ['Bearer s3cret', 1 .. 4], 'are sent';

        for my $words (['-H', 'authorization: Bearer s3cret'],
                       ['--url', 'http://me:s3cret@127.0.0.1:1']) {
            my $r = $igjobs->run(['status', @$words, $id]);
            is $r->{status}, 2, 'no secret on the command line';
            unlike $r->{err}, qr/s3cret/, 'nor in an error';
        }

        (my $url = $server->url . '/some/where/') =~ s{//}{//me:s3cret@};
        $igjobs->run(['status', $id], env => { IGJOBS_URL => $url });
        my $request = $server->requests->[1];
        is $request->{headers}{authorization}, 'Basic bWU6czNjcmV0',
            'a password in IGJOBS_URL';
        is $request->{path}, "/some/where/api/job-status/$id", 'and a path';
    });
    my $r = Igjobs::Command->new('http://me:s3cret@127.0.0.1:' . free_port())
        ->run(['status', '--patience', 0, $id]);
    like $r->{err}, qr{http://127\.0\.0\.1:\d+/?: Couldn't},
        'is not shown';
};

subtest 'control characters of others' => sub {
    my $evil = "a\e]0;x\a\x{9b}31m\x{202e}b\tc\nd";
    my @profiles = { id => '1', username => $evil, full_name => $evil,
                     created_at => '' };
    my $control = qr/[\x00-\x08\x0b-\x1f\x7f-\x9f\x{202e}]/;

    with_server(sub { answer(200, { total => 1,
                                         profiles => \@profiles }) }, sub {
        my ($igjobs) = @_;
        my %plain = (env => { NO_COLOR => 1 });
        for my $format ([], ['--csv'], ['--json']) {
            my $r = $igjobs->on_terminal(['results', $id, @$format], %plain);
            my $out = decode('UTF-8', $r->{out}) =~ s/\r\n/\n/gr;
            unlike $out, $control, "results @$format on a terminal";
        }
        my $r = $igjobs->run(['results', $id, '--json']);
        unlike decode('UTF-8', $r->{out}), $control, 'nor in JSON';
        is $json->decode($r->{out})->{username}, $evil, 'which says the same';
        $r = $igjobs->run(['results', $id]);
        is $r->{out} =~ tr/\n\t//, 4, 'a row is a line, a cell a cell';
    });
    with_server(sub { problem(400, 'IGJ0110', $evil) }, sub {
        my $r = $_[0]->run(['results', $id]);
        is $r->{status}, 2, 'refused';
        unlike decode('UTF-8', $r->{err}), $control, 'in an error';
    });
};

subtest 'a reader that goes away' => sub {
    my @profiles = map { { id => "$_", username => 'x' x 30, full_name =>
        'y' x 100, created_at => '' } } 1 .. 1000;
    with_server(sub { answer(200, { total => 1e6,
                                         profiles => \@profiles }) }, sub {
        my ($igjobs) = @_;
        pipe my $reader, my $writer or die "pipe: $!";
        my $process = $igjobs->start(['results', '--all', $id],
            out_file => '/dev/fd/' . fileno $writer);
        close $writer;
        sysread $reader, my $text, 100;
        close $reader;
        my $r = $igjobs->end($process);
        is $r->{status}, 128 + 13, 'ends it as any filter';
        is $r->{err}, '', 'in silence';
    });
    my $r = Igjobs::Command->new('http://127.0.0.1:1')->run(['--help'],
        out_file => '/dev/full');
    is $r->{status}, 3, 'a full disk';
    like $r->{err}, qr/cannot write: No space/, 'is said';
};

done_testing;
