#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Redis over TLS with a password (rediss://): used when its certificate is
# good, refused when it is not; the job completes either way.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Env;
use Igjobs::Port 'free_port';
use Igjobs::Queue;
use Igjobs::Stack;
use Igjobs::Wait;

my $dir = Igjobs::Env::new_dir('tls');
chmod 0711, $dir;
system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
       . " -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
       . " -keyout '$dir/key.pem' -out '$dir/cert.pem' 2>/dev/null") == 0
    or plan skip_all => 'no certificate could be made';
Igjobs::Env::give("$dir/key.pem", "$dir/cert.pem");
chmod 0644, "$dir/cert.pem";

my $port = free_port();
my $stack = Igjobs::Stack->new(redis => { settings => {
    'tls-port' => $port, 'tls-cert-file' => "$dir/cert.pem",
    'tls-key-file' => "$dir/key.pem", 'tls-auth-clients' => 'no',
} });
$stack->start(qw(postgres redis sim));
my $queue = Igjobs::Queue->new($stack);
$stack->redis->command('ACL', 'SETUSER', 'worker', 'on', '>p@ss/word', '~*',
                       '&*', '+@all');
my $url = "rediss://worker:p%40ss%2Fword\@localhost:$port/0";

my $worker = $stack->add_worker(redis => $url, args => ['--sweep=200ms'],
                                env => { SSL_CERT_FILE => "$dir/cert.pem" });
my $job = $queue->submit(accounts => [names(1 .. 200)]);
is $queue->wait_end($job)->{state}, 'completed', 'a job over TLS';
wait_for { $stack->redis->command('GET', "igjobs:status:default:$job") } 20,
    'the document in Redis';
like $worker->log_text, qr/redis connected/, 'the worker is connected';
unlike $worker->log_text, qr/p%40ss|p\@ss/, 'no password in the log';
$worker->stop;

$worker = $stack->add_worker(redis => $url, args => ['--sweep=200ms'],
                             name => 'distrustful');
$job = $queue->submit(accounts => [names(1 .. 200)]);
is $queue->wait_end($job)->{state}, 'completed',
    'without the authority: the job completes all the same';
like $worker->log_text, qr/redis failed.*certificate/, 'and the log says why';
unlike $worker->log_text, qr/redis connected/, 'nothing was trusted';
$worker->stop;

$stack->finish;
done_testing;
