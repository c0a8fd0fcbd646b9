#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# igjobs export over connections that break: every row once, or no file.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Igjobs::Command;
use Igjobs::HttpServer qw(answer problem);

my $id = '01a201d8-19b5-708c-91f7-822d043cf5e2';
my $json = JSON::PP->new->utf8->canonical;
my @rows = map { { id => "$_", username => "user_$_", full_name =>
    $_ == 2 ? "Two, \"the\" Second" : "N. $_", gender => 'female',
    confidence => 0.9, source_account => 'a', created_at => 'now' } } 1 .. 5;
my @lines = map { $json->encode({ %$_, token => "t$_->{id}" }) . "\n" } @rows;

sub footer {
    my ($rows, %more) = @_;

    return $json->encode({ _end => JSON::PP::true(), rows => $rows,
                           complete => JSON::PP::true(), %more }) . "\n";
}

# what a server sends from a row on; only so many bytes of it
sub rest {
    my ($from, $bytes) = @_;
    my $text = join '', @lines[$from .. $#lines], footer(@lines - $from);

    return answer(200, defined $bytes ? substr $text, 0, $bytes
        : $text, 'Content-Type' => 'application/x-ndjson',
        'Content-Length' => length $text);
}

# lost in a row, lost between two, busy; then all that is missing
my @answers = (
    rest(0, length("@lines[0, 1]") + 20),
    rest(2, length $lines[2]),
    problem(503, 'IGJ0702', 'Busy', 'Retry-After' => 0),
    rest(3),
);

for my $format (qw(csv ndjson json)) {
    my $server = Igjobs::HttpServer->new(sub { $answers[$_[1]] });
    my $igjobs = Igjobs::Command->new($server->url);
    my $file = $igjobs->dir . '/out';
    my $r = $igjobs->run(['export', $id, '-o', $file, '--format', $format]);
    my $text = Igjobs::Command::read_file($file);

    is $r->{status}, 0, "$format is exported" or diag $r->{err};
    is $r->{out}, '', 'to the file';
    ok !-e "$file.part", 'which has its name';
    like $r->{err}, qr/^igjobs: 5 rows$/m, 'and all rows';
    is_deeply [map { $_->{path} =~ /&after=(.*)/ ? $1 : '' }
               @{ $server->requests }], ['', 't2', 't3', 't3'],
        'read on behind the last row each time';
    is_deeply $format eq 'json' ? $json->decode($text)
        : [map { $json->decode($_) } split /\n/, $text], \@rows, 'each once'
        if $format ne 'csv';
    is $text, join('', map { "$_\r\n" }
        'id,username,full_name,gender,confidence,source_account,created_at',
        map { "$_,user_$_," . ($_ == 2 ? '"Two, ""the"" Second"' : "N. $_")
              . ',female,0.9,a,now' } 1 .. 5), 'each once'
        if $format eq 'csv';
    $server->stop;
}

subtest 'what is not whole is no file' => sub {
    for my $case ([rest(0, 100), qr/next try|: /],
                  [answer(200, $lines[0] . footer(2)),
                   qr/1 rows came of 2/],
                  [answer(200, "{}\n"), qr/what is no row/],
                  [answer(200, 'x' x 300_000), qr/longer than/],
                  [problem(400, 'IGJ0402', 'Not completed'),
                   qr/Not completed \(400 IGJ0402\)/])
    {
        my $server = Igjobs::HttpServer->new(sub { $case->[0] });
        my $igjobs = Igjobs::Command->new($server->url);
        my $file = $igjobs->dir . '/out';
        my $r = $igjobs->run(['export', $id, '-o', $file, '--patience', 0]);

        ok $r->{status} >= 2, 'failed';
        like $r->{err}, $case->[1], 'with a reason';
        ok !-e $file && !-e "$file.part", 'and nothing is left';
        $server->stop;
    }
};

subtest 'elsewhere than to a file' => sub {
    my $server = Igjobs::HttpServer->new(sub { answer(200,
        $lines[0] . footer(1, complete => JSON::PP::false())) });
    my $igjobs = Igjobs::Command->new($server->url);

    my $r = $igjobs->run(['export', $id, '--partial', '--json']);
    is_deeply $json->decode($r->{out}), $rows[0], 'standard output';
    is $r->{err}, '', 'and nothing else';
    like $server->requests->[0]{path}, qr/&partial=true/, 'of a running job';

    $r = $igjobs->run(['export', $id, '-o', '/dev/null']);
    is $r->{status}, 0, 'a device';
    ok -c '/dev/null', 'stays one';
    like $r->{err}, qr/1 rows so far; the job goes on/, 'a job that goes on';

    $r = $igjobs->run(['export', $id, '-o', '/no/such/directory/out']);
    is $r->{status}, 2, 'no such directory';
    $server->stop;
};

done_testing;
