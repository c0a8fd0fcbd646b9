#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Backends that are named: looked up while serving, without blocking.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Igjobs::Env;
use Igjobs::Stack;
use Igjobs::Wait;

# A name server in a process of its own. Its answers lie in a file: a line
# "name address..." each; no line is NXDOMAIN, no address is silence.
my $dns = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1')
    or die "no socket: $!";
my $zone = Igjobs::Env::new_dir('dns') . '/zone';

sub answers {
    my (%answers) = @_;

    open my $out, '>', "$zone.new" or die "$zone.new: $!";
    print $out map { "$_ $answers{$_}\n" } sort keys %answers;
    close $out or die "$zone: $!";
    rename "$zone.new", $zone or die "$zone: $!";
    return;
}

sub answer {
    my ($query) = @_;
    my ($name, $at, @labels) = ('', 12);

    while (my $len = ord substr $query, $at, 1) {
        push @labels, substr $query, $at + 1, $len;
        $at += $len + 1;
    }
    $name = join '.', @labels;
    my $question = substr $query, 12, $at + 5 - 12;
    my $type = unpack 'n', substr $query, $at + 1, 2;

    open my $in, '<', $zone or return;
    my ($line) = grep { /^\Q$name\E / } <$in>;
    my @addresses = split ' ', $line // "$name NXDOMAIN";
    shift @addresses;
    return if !@addresses;
    my $code = $addresses[0] eq 'NXDOMAIN' ? 3 : 0;
    @addresses = () if $code || $type != 1;
    return substr($query, 0, 2)
        . pack('n5', 0x8180 | $code, 1, scalar @addresses, 0, 0) . $question
        . join '', map { pack('n3 N n C4', 0xc00c, 1, 1, 1, 4, split /\./) }
                   @addresses;
}

answers();
my $test = $$;
my $server = fork // die "fork: $!";
if ($server == 0) {
    while (getppid() == $test) {
        IO::Select->new($dns)->can_read(1) or next;
        my $peer = $dns->recv(my $query, 512) // next;
        my $text = answer($query) // next;
        $dns->send($text, 0, $peer);
    }
    POSIX::_exit(0);
}

my $stack = Igjobs::Stack->new;
$stack->start(qw(postgres redis));
my $pg_port = $stack->postgres->port;
my $redis_port = $stack->redis->port;
my $user = 'dbname=igjobs user=igjobs_api';

$stack->{option}{nginx} = {
    postgres => "host=db.test port=$pg_port $user",
    redis => "redis://cache.test:$redis_port/0",
    http => 'resolver 127.0.0.1:' . $dns->sockport . ' valid=1s ipv6=off;'
            . 'igjobs_status_cache_time 0; igjobs_postgres_queue_timeout 1s;',
};
$stack->start('nginx');
my $http = $stack->client;
my $nginx = $stack->nginx;

sub served {
    my ($what) = @_;

    wait_for { $http->get('/readyz?verbose')->{body}
               =~ /\[\+\]postgres ok\n\[\+\]redis ok/ } 30, $what;
    return pass($what);
}

is($http->get('/readyz')->{status}, 503, 'nginx starts with unknown names');
like($nginx->log_text, qr/Postgres is not reachable: Host not found/,
     'and says so');

answers('db.test' => '', 'cache.test' => '');
is($http->get('/livez')->{status}, 200, 'silence blocks nobody') for 1 .. 20;

answers('db.test' => '127.0.0.1', 'cache.test' => '127.0.0.1');
served('both names are known now');

answers('db.test' => '127.0.0.99 127.0.0.1',
        'cache.test' => '127.0.0.99 127.0.0.1');
$stack->postgres->cut_sessions;
$stack->redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
served('the first address refuses, the second one serves');

$nginx->configure(
    postgres => "host=nobody.test,db.test port=$pg_port $user",
    redis => "localhost:$redis_port");
$nginx->reload;
$http = $stack->client;
served('the first host is unknown, the second one serves;'
       . ' a name of the hosts file');

$nginx->configure(postgres => "hostaddr=127.0.0.1 port=$pg_port $user",
                  redis => "127.0.0.1:$redis_port", http => '');
$nginx->reload;
$http = $stack->client;
served('numbers need no resolver');

kill 'KILL', $server;
waitpid $server, 0;
$stack->finish;
done_testing;
