#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# igjobs export against a running stack, also over a line that is cut again and
# again.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Test::More;
use Igjobs::Command;
use Igjobs::Stack;

my $stack = Igjobs::Stack->new(nginx => { http => 'gzip on; gzip_types *;' });
$stack->start;
my $url = 'http://127.0.0.1:' . $stack->nginx->port;
my $igjobs = Igjobs::Command->new($url);
my $json = JSON::PP->new->utf8;

my $r = $igjobs->run(['submit', '--gender', 'any', '--per-account', 1000,
                      '--watch', map { "account_$_" } 1 .. 20]);
is $r->{status}, 0, 'a job' or diag $r->{err};
my ($id) = $r->{out} =~ /\A(\S+)/;
my @rows = $stack->jobs->results($id, limit => 5000);
my @ids = map { $_->{id} } @rows;
cmp_ok scalar @rows, '>', 5000, 'of more than a page';

# a line to the server that breaks after so many bytes, the first $times
sub cut_line {
    my ($times, $bytes) = @_;
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 4,
                                       ReuseAddr => 1) or die "line: $@";
    my $pid = fork // die "fork: $!";

    return ($listen->sockport, $pid) if $pid;
    $SIG{PIPE} = 'IGNORE';
    while (my $client = $listen->accept) {
        my $left = $times-- > 0 ? $bytes : 1e12;
        my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
            PeerPort => $stack->nginx->port) or last;
        my $both = IO::Select->new($client, $server);
        while ($left > 0) {
            my ($from) = $both->can_read;
            sysread $from, my $piece, 4096 or last;
            syswrite $from == $client ? $server : $client, $piece;
            $left -= length $piece if $from == $server;
        }
        close $_ for $client, $server;
    }
    POSIX::_exit(0);
}

my $file = $igjobs->dir . '/rows';

subtest 'formats' => sub {
    $r = $igjobs->run(['export', $id, '-o', $file]);
    is $r->{status}, 0, 'CSV' or diag $r->{err};
    my ($titles, @lines) = split /\r\n/, Igjobs::Command::read_file($file);
    is $titles,
        'id,username,full_name,gender,confidence,source_account,created_at',
        'titles';
    is_deeply [map { /^(\d+),/ } @lines], \@ids, 'every row, in order';

    $r = $igjobs->run(['export', $id, '--format', 'ndjson']);
    my @read = map { $json->decode($_) } split /\n/, $r->{out};
    is_deeply [map { my $row = $_; +{ map { $_ => $row->{$_} }
                     qw(id username full_name created_at) } } @read], \@rows,
        'JSON Lines';
    like $read[0]{gender}, qr/^(?:male|female|unknown)$/, 'with the gender';
    ok exists $read[0]{source_account}, 'and the source, if known';

    $r = $igjobs->run(['export', $id, '--format', 'json']);
    is_deeply $json->decode($r->{out}), \@read, 'one array';
};

subtest 'a line that is cut' => sub {
    my ($port, $pid) = cut_line(4, 40_000);

    $r = $igjobs->run(['export', $id, '-o', $file],
                      env => { IGJOBS_URL => "http://127.0.0.1:$port" });
    is $r->{status}, 0, 'is no hindrance' or diag $r->{err};
    is scalar(() = $r->{err} =~ /next try in/g), 4, 'it was cut';
    my @read = map { /^(\d+),/ } split /\r\n/,
        Igjobs::Command::read_file($file);
    is_deeply \@read, \@ids, 'every row once, in order';
    kill 'KILL', $pid;
    waitpid $pid, 0;
};

subtest 'a job that runs' => sub {
    $stack->worker->stop;
    my $other = $stack->jobs->submit(accounts => ['later']);
    is $igjobs->run(['export', $other])->{status}, 2, 'has no export yet';
    $r = $igjobs->run(['export', $other, '--partial', '-o', $file]);
    is $r->{status}, 0, 'but a part of it';
    like $r->{err}, qr/^igjobs: 0 rows so far; the job goes on$/m, 'of no rows';
    like Igjobs::Command::read_file($file), qr/\Aid,.*\r\n\z/, 'with titles';
};

is $igjobs->run(['export', '01a201d8-19b5-708c-91f7-822d043cf5e2'])->{status},
    4, 'no such job';

$stack->finish;
done_testing;
