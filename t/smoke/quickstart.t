#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# quickstart.sh: up, up again, demo, a part killed and brought back, down.
#
# run: alone

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Igjobs::Env;
use Igjobs::Port 'free_port';
use Igjobs::Process;
use Igjobs::Wait;

plan skip_all => 'runs the ordinary build, not the sanitized one'
    if Igjobs::Env::sanitized();

my $root = Igjobs::Env::root();
my $dir = Igjobs::Env::run_dir() . '/a stack';
my $port = free_port();

# quickstart(@words): (exit status, output)
sub quickstart {
    my @words = @_;

    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1 </dev/null', 'sh',
        "$root/quickstart.sh", '--dir', $dir, @words or die "quickstart: $!";
    my $text = do { local $/; <$out> };
    close $out;
    return ($? >> 8, $text);
}

sub pid_of {
    my ($name) = @_;

    open my $in, '<', "$dir/data/pid/$name" or return 0;
    return 0 + <$in>;
}

my ($status, $text) = quickstart('status');
is $status, 3, 'status before';
like $text, qr/nothing runs/, 'says so';
($status, $text) = quickstart('sideways');
is $status, 2, 'a wrong word';
like $text, qr/sideways.*--port/s, 'is named, with the help';

($status, $text) = quickstart('up', '--port', $port);
is $status, 0, 'up' or diag $text;
like $text, qr{ready: http://127\.0\.0\.1:$port}, 'says where';
my @targets = map { readlink "$dir/$_" } qw(data run);
my $worker = pid_of('worker-1');

($status, $text) = quickstart('up');
is $status, 0, 'up again';
like $text, qr/runs already/, 'does nothing';
is pid_of('worker-1'), $worker, 'and the worker is the same';

($status, $text) = quickstart('up', '--provider', 'nobody');
isnt $status, 0, 'an unknown provider is refused';
($status, $text) = quickstart('status');
is $status, 0, 'status' or diag $text;
like $text, qr/worker-2 +pid \d+ .*worker-2\.log/, 'names pids and logs';

($status, $text) = quickstart('demo');
is $status, 0, 'demo' or diag $text;
like $text, qr/100 %/, 'to the end';
like $text, qr/right \d\d\.\d % of the \d+ decided/, 'with its accuracy';
like $text, qr/^\$ igjobs watch (\S+)\n.*^job +\1\nstatus +completed/ms,
    'by the command igjobs';
like $text, qr/Do it yourself:\n( +curl .*\n(?: .*-d .*\n)?){3}/,
    'and the three curl lines';

kill 'KILL', $worker;
wait_for { !kill 0, $worker } 10, 'the worker to be gone';
($status, $text) = quickstart('status');
isnt $status, 0, 'status shows that a part is missing';
like $text, qr/worker-1 +not running/, 'which one';
($status, $text) = quickstart('up');
is $status, 0, 'up mends it' or diag $text;
isnt pid_of('worker-1'), $worker, 'with a new worker';

($status, $text) = quickstart('down');
is $status, 0, 'down' or diag $text;
ok !-e $dir, 'the directory is gone';
ok !-e $_, "$_ is gone" for grep { defined } @targets;
ok !Igjobs::Process::listens($port), 'nobody listens';
is_deeply [map { Igjobs::Env::processes_in($_) } grep { defined } @targets],
    [], 'no process is left';
($status, $text) = quickstart('down');
is $status, 0, 'down again is no error';

done_testing;
