#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The simulator's command line: help, mistakes, ports, signals.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Env;
use Igjobs::Wait;
use SimTest;

my $program = Igjobs::Env::built('igjobs-sim');

# output and exit status
sub run {
    my (@args) = @_;

    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', $program, @args
        or die "sh: $!";
    my $text = do { local $/; <$out> };
    close $out;
    return ($text, $? >> 8);
}

my ($help, $status) = run('--help');
is $status, 0, '--help';
like $help, qr/^usage: igjobs-sim/, 'a usage line';
my @options = $help =~ /^  --(\S+)/gm;
cmp_ok scalar @options, '>', 25, 'many options';

# every option is explained, no option is wider than a terminal
for my $option (@options) {
    like $help, qr/^  --\Q$option\E .*\n?.*\w/m, "--$option is explained";
}
is_deeply [grep { length > 100 } split /\n/, $help], [], 'no long line';

like +(run('--version'))[0], qr/^igjobs-sim \d+\.\d+\.\d+$/, '--version';

for my $case (
    [['--nonsense'], qr/unknown option "--nonsense"/],
    [['--seed'], qr/--seed needs a value/],
    [['--port', 'x'], qr/--port takes a whole number from 0 to 65535/],
    [['--port=70000'], qr/--port takes a whole number/],
    [['--overlap', '101'], qr/from 0 to 100/],
    [['--speed', '0'], qr/--speed must be above 0/],
    [['--speed', 'fast'], qr/--speed takes a number/],
    [['--no-gzip=1'], qr/--no-gzip takes no value/],
    [['--token', ''], qr/--token must not be empty/],
    [['--airtable-token', ''], qr/--airtable-token must not be empty/],
    [['--airtable-base', 'x'], qr/--airtable-base takes an id like/],
    [['--default-memory', '1000'], qr/power of two/],
    [['--actor', 'a~b'], qr/--actor takes NAME:source, NAME:plain, NAME:tiktok or NAME:x/],
    [['--listen', 'nowhere', '--port', '0'], qr/--listen takes an IPv4/],
    [['word'], qr/unexpected argument "word"/],
) {
    my ($args, $expected) = @$case;
    my ($text, $code) = run(@$args);
    is $code, 2, "exit 2: @$args";
    like $text, $expected, 'and says why';
}

for my $case (
    [['--officials', '/nonexistent'], qr{/nonexistent: No such file}],
    [['--faults', '/nonexistent'], qr{/nonexistent: No such file}],
) {
    my ($args, $expected) = @$case;
    my ($text, $code) = run('--port', 0, @$args);
    is $code, 1, "exit 1: @$args";
    like $text, $expected, 'and says why';
}

# a free port, announced twice
my $dir = Igjobs::Env::new_dir('options');
my $pid = open my $out, '-|', $program, '--port', 0,
    '--port-file', "$dir/port" or die "fork: $!";
my $line = <$out>;
my ($port) = $line =~ /^listening on 127\.0\.0\.1:(\d+)\n$/;
ok $port, 'announced' or diag $line;
open my $in, '<', "$dir/port" or die "port file: $!";
is scalar <$in>, "$port\n", 'port file';
is(Igjobs::Http->new($port)->get('/_sim/health')->json->{status}, 'ok',
   'answers there');

# a second one on the same port
my ($text, $code) = run('--port', $port);
is $code, 1, 'a port in use';
like $text, qr/cannot listen on 127\.0\.0\.1:$port/, 'and says so';

kill 'TERM', $pid;
close $out;
is $?, 0, 'SIGTERM ends it with 0';

# SIGTERM while clients wait
my $sim = new_sim('--run-ms', 3600000);
my $http = Igjobs::Http->new($sim->port);
$http->connect;
$http->send_request('POST', '/v2/acts/igjobs~followers/runs?waitForFinish=60',
                    headers => ['Content-Type' => 'application/json',
                                Authorization => 'Bearer x'],
                    body => '{"usernames":["a"]}');
wait_for { $sim->ledger->{runs_active} } 20, 'the run';
ok $sim->stop, 'SIGTERM ends it while a client waits';

finish();
done_testing;
