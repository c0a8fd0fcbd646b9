#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# igjobs, the command, against a running stack: submit, watch, status, results.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Igjobs::Command;
use Igjobs::Env;
use Igjobs::Stack;
use Igjobs::Wait;

my $officials = Igjobs::Env::staged(
    Igjobs::Env::root() . '/data/public-officials.jsonl');
my $stack = Igjobs::Stack->new(sim => { args => ['--officials', $officials] });
$stack->start;
my $url = 'http://127.0.0.1:' . $stack->nginx->port;
my $igjobs = Igjobs::Command->new($url);
my $json = JSON::PP->new->utf8;
my $uuid = qr/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/;

my $id;

subtest 'submit and watch' => sub {
    my $r = $igjobs->run([qw(submit public_officials --gender female --count
                             407 --watch)]);

    is $r->{status}, 0, 'the job completed' or diag $r->{err};
    ($id) = $r->{out} =~ /\A($uuid)\n/;
    ok $id, 'the id stands on the first line';
    like $r->{out}, qr/^status +completed \(all_done\)$/m, 'then the summary';
    like $r->{out}, qr/^kept +132$/m, 'with counts';
    like $r->{err}, qr/1 account in 1 batch\n/, 'what was accepted';
    like $r->{err}, qr/^\[#{30}\] 100 %  batches 1\/1  kept 132$/m,
        'progress as lines';
    unlike $r->{out} . $r->{err}, qr/[\e\r]/, 'nothing for terminals';
};

subtest 'status' => sub {
    my $r = $igjobs->run(['status', $id]);

    is $r->{status}, 0, 'ended well';
    like $r->{out}, qr/^created +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/m, 'times';

    $r = $igjobs->run(['status', '--json', $id]);
    is $r->{out} =~ tr/\n//, 1, 'one line of JSON';
    is_deeply $json->decode($r->{out}), $stack->jobs->status($id),
        'the document of the server';

    $r = $igjobs->run(['--json', 'watch', $id]);
    is $json->decode($r->{out})->{status}, 'completed', 'watch --json';
};

subtest 'results' => sub {
    my @rows = $stack->jobs->results($id);
    my $r = $igjobs->run(['results', $id]);

    is $r->{out}, join('', map { join("\t", @$_{qw(id username full_name
        created_at)}) . "\n" } @rows[0 .. 19]), '20 lines with tabs';
    like $r->{err}, qr/20 of 132 results; --all/, 'and that there are more';

    $r = $igjobs->run(['results', $id, '--all', '--ndjson']);
    is_deeply [map { $json->decode($_) } split /\n/, $r->{out}], \@rows,
        'all, as JSON Lines';
    is $r->{err}, '', 'nothing else is said';

    $r = $igjobs->run(['results', $id, '--csv', '--limit', 2]);
    is $r->{out}, "id,username,full_name,created_at\r\n" . join('', map {
        join(',', @$_{qw(id username full_name created_at)}) . "\r\n" }
        @rows[0, 1]), 'CSV';

    $r = $igjobs->run(['results', $id, '--limit', 0, '--csv']);
    is $r->{out}, "id,username,full_name,created_at\r\n", 'no rows';
};

subtest 'a file of accounts' => sub {
    my $file = Igjobs::Command::write_file($igjobs->dir . '/names.txt',
        "\xEF\xBB\xBF# ours\r\n\r\nfirst.one  # of two\r\n\@First.One\r\n"
        . "   https://www.instagram.com/second_one/?hl=en#top  \r\n\n"
        . 'third');
    my $r = $igjobs->run(['submit', '-f', $file, '--per-account', 7,
                          '--gender', 'any', '--drop-unknown', '--json']);
    my $answer = $json->decode($r->{out});

    is_deeply $answer->{accounts}, { given => 4, accepted => 3,
        duplicates => 1, invalid => 0 }, 'its lines';
    is $stack->psql('select target_gender, keep_unknown, '
                    . 'max_count_per_account from scrape_jobs '
                    . "where job_id = '$answer->{job_id}'"),
        'any|f|7', 'with the options';

    $r = $igjobs->run([qw(submit -)], in => "good\n\n#\nbad name\n");
    is $r->{status}, 2, 'a faulty one is refused';
    is $r->{out}, '', 'without output';
    like $r->{err}, qr/\(422 IGJ0304\)/, 'with the code';
    like $r->{err}, qr{#/accounts/1 \(standard input:4\): The account},
        'and the line';

    $r = $igjobs->run(['submit', '-f', $file, '--skip-invalid'],
                      in => "good\nbad name\n");
    is $r->{status}, 0, 'skip-invalid';
    for my $case (["\n# none\n", qr/standard input: no accounts in it/],
                  ['x' x 5000, qr/standard input:1: the line is longer/]) {
        $r = $igjobs->run([qw(submit -)], in => $case->[0]);
        is $r->{status}, 2, 'refused here';
        like $r->{err}, $case->[1], 'with the reason';
    }
};

subtest 'a key' => sub {
    my @words = (qw(submit - --idempotency-key), "k-$$");
    my ($first, $again) = map { $igjobs->run(\@words, in => "one\ntwo\n") }
        1, 2;

    is $again->{status}, 0, 'submitted twice' or diag $again->{err};
    is $again->{out}, $first->{out}, 'is one job';
    like $again->{err}, qr/this key was used before/, 'which is said';

    $again = $igjobs->run(\@words, in => "three\n");
    is $again->{status}, 2, 'with other accounts';
    like $again->{err}, qr/422 IGJ0602/, 'it is refused';
};

subtest 'jobs' => sub {
    my $r = $igjobs->run([qw(jobs --status completed --limit 1 --json)]);
    my $job = $json->decode($r->{out});

    is $job->{status}, 'completed', 'the newest one';
    is $r->{out} =~ tr/\n//, 1, 'on one line';

    $r = $igjobs->run(['jobs']);
    my ($line) = $r->{out} =~ /^($id\t.*)$/m;
    is_deeply [(split /\t/, $line)[1 .. 4]], ['completed', 100, 1, 132],
        'a line a job';
    like $igjobs->on_terminal(['jobs'], env => { NO_COLOR => 1 })->{out},
        qr/\AJOB +STATE +% +ACCOUNTS +KEPT +CREATED.*\r\n.*^$id/ms,
        'a table on a terminal';

    $r = $igjobs->run([qw(jobs --limit 2 --csv)]);
    is $r->{out} =~ tr/\n//, 3, 'CSV with titles';

    $r = $igjobs->run([qw(jobs --status sleeping)]);
    is $r->{status}, 2, 'an unknown status';
    like $r->{err}, qr/IGJ0110/, 'is refused by the server';
};

subtest 'many accounts' => sub {
    my $file = Igjobs::Command::write_file($igjobs->dir . '/many.txt',
        join '', map { "account_number_$_\n" } 1 .. 100_000);
    my $r = $igjobs->run(['submit', '--json', '--count', 100_000, '-f', $file]);
    is $json->decode($r->{out})->{accounts}{accepted}, 100_000, 'from a file';

    $r = $igjobs->run([qw(submit --json --per-account 1 -)],
                      in_file => $file);
    is $json->decode($r->{out})->{accounts}{accepted}, 100_000, 'from a pipe';
};

subtest 'nothing there' => sub {
    my $none = '01a201d8-19b5-708c-91f7-822d043cf5e2';

    for my $words (['status', $none], ['watch', $none], ['results', $none]) {
        my $r = $igjobs->run($words);
        is $r->{status}, 4, "$words->[0]: not found";
        like $r->{err}, qr/^igjobs: Job $none not found \(404 IGJ0401\)$/m,
            'said so';
        is $r->{out}, '', 'without output';
    }
};

subtest 'nginx reloads while a job is watched' => sub {
    $stack->worker->stop;
    my $other = $stack->jobs->submit(accounts => ['later'],
                                     totalScrapeCount => 100);
    my $process = $igjobs->start(['watch', $other]);
    wait_for { $igjobs->said($process) =~ /queued/ } 20, 'the first document';
    my $early = $igjobs->run(['results', $other]);
    is $early->{status}, 2, 'its results are not there';
    like $early->{err}, qr/\(400 IGJ0402\)\n.*--partial reads/s,
        'with advice';
    is $igjobs->run(['results', $other, '--partial'])->{out}, '', 'none yet';
    $stack->nginx->reload;
    $stack->worker->start;
    my $r = $igjobs->end($process);
    is $r->{status}, 0, 'it is seen to its end' or diag $r->{err};
    like $r->{out}, qr/^status +completed/m, 'with the summary';
};

subtest 'on a terminal' => sub {
    my $r = $igjobs->on_terminal(['watch', $id], columns => 60);

    is $r->{status}, 0, 'watched';
    like $r->{out}, qr/\r\e\[K\[#+\] 100 %  batches 1\/1  kept 132\r\n/,
        'the bar';
    like $r->{out}, qr/^status +\e\[32mcompleted\e\[0m/m, 'colour';
    ok((60 > length $_), 'fits: ' . length)
        for map { s/\e\[\w*//gr } split /\r\n|\r/, $r->{out};

    $r = $igjobs->on_terminal(['results', $id, '--limit', 3], columns => 40,
                              env => { NO_COLOR => 1 });
    my ($titles, @lines) = split /\r\n/, $r->{out};
    like $titles, qr/^ID +USERNAME +FULL NAME/, 'a table with titles';
    is scalar @lines, 3, 'and lines';
    unlike $r->{out}, qr/\e/, 'NO_COLOR';
    ok((40 >= length $_), 'fits: ' . length) for $titles, @lines;
};

subtest 'usage' => sub {
    for my $case ([[], qr/which command/], [['sing'], qr/"sing" is no command/],
                  [['status'], qr/usage: igjobs status ID/],
                  [['status', 'a'], qr/"a" is no job id/],
                  [['status', $id, 'b'], qr/what is "b"\?/],
                  [['status', $id, '--all'], qr/"--all" is no option/],
                  [['submit'], qr/which accounts/],
                  [['submit', 'a', '--count'], qr/--count needs a value/],
                  [['submit', 'a', '--count', '1x'], qr/a number from 1 to/],
                  [['submit', 'a', '--gender', 'x'], qr/any\|male\|female/],
                  [['submit', 'a', '-f', 'b'], qr/not both/],
                  [['submit', '-f', '/none/at/all'], qr/No such file/],
                  [['submit', 'a', '--count', 5, '--per-account', 5],
                   qr/one of them/],
                  [['submit', 'a', '--idempotency-key', 'a b'], qr/visible/],
                  [['results', $id, '--all', '--limit', 1], qr/exclude/],
                  [['--url', 'ftp://x', 'status', $id], qr/not the URL/],
                  [['-H', 'nonsense', 'status', $id], qr/"Name: value"/]) {
        my $r = $igjobs->run($case->[0]);
        is $r->{status}, 2, join ' ', 'igjobs', @{ $case->[0] };
        like $r->{err}, $case->[1], 'says why';
        is $r->{out}, '', 'without output';
    }
};

$stack->finish;
done_testing;
