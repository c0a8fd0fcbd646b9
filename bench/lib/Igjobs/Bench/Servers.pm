# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The private servers of a question: one Postgres, Redis and simulator for
# igjobs, its peers and the yardsticks alike, with the settings below.

package Igjobs::Bench::Servers;

use strict;
use warnings;
use Exporter 'import';
use Igjobs::Stack;
use Test::More ();

our @EXPORT_OK = qw(new_stack finish_stack settings_text);

# durable as in production: nothing is bought by switching safety off
my %postgres = (
    fsync => 'on',
    synchronous_commit => 'on',
    full_page_writes => 'on',
    shared_buffers => shared_buffers(),
    max_wal_size => '8GB',
    checkpoint_timeout => '30min',
    max_connections => 300,
);

# the yardstick beside igjobs: an answer of 300 bytes from nginx itself
my $answer = '{"success":true,"text":"' . 'x' x 274 . '"}';
my $server = <<"NGINX";
access_log off;
        keepalive_requests 1000000;
        location /return200 {
            default_type application/json;
            return 200 '$answer';
        }
NGINX

# a quarter of the memory that is there, at most 2 GB
sub shared_buffers {
    my $kib = 0;

    open my $in, '<', '/proc/meminfo' or return '512MB';
    while (<$in>) {
        $kib = $1 if /^MemAvailable:\s+(\d+)/;
    }
    return $kib > 8 << 20 ? '2GB' : $kib > 4 << 20 ? '1GB' : '512MB';
}

# new_stack(nginx => { options of Igjobs::Nginx }, sim => [arguments])
# Nothing runs yet.
sub new_stack {
    my (%option) = @_;

    Test::More->builder->no_ending(1);
    Test::More->builder->output(\my $output);
    return Igjobs::Stack->new(
        postgres => { settings => {%postgres} },
        sim => { args => $option{sim} // [] },
        worker => { args => ['--log-level', 'warn'] },
        nginx => $option{nginx},
    );
}

# nginx(nginx_workers => 1, http => nginx text): options of Igjobs::Nginx
sub nginx {
    my (%option) = @_;

    return (worker_processes => $option{nginx_workers} // 1,
            log_level => 'warn', server => $server,
            http => $option{http} // '');
}

# stops all; says what went wrong
sub finish_stack {
    my ($stack) = @_;

    return $stack->finish;
}

# what is the same for everybody, as lines
sub settings_text {
    my ($nginx_workers) = @_;

    return join "\n",
        'Postgres: ' . join(', ', map { "$_=$postgres{$_}" }
                            sort keys %postgres),
        'Redis: no persistence, Unix socket',
        "nginx: $nginx_workers worker process(es), access_log off, "
            . 'keepalive_requests 1000000; '
            . 'return 200: ' . length($answer) . ' bytes',
        'simulator: no latency, runs end at once',
        'client, servers and databases share the cores of one machine';
}

1;
