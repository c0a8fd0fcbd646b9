# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# PgBouncer in transaction mode before a Postgres: the next transaction of a
# client may be another server connection's.

package Igjobs::Pgbouncer;

use strict;
use warnings;
use parent 'Igjobs::Process';
use Igjobs::Env;
use Igjobs::Port 'free_port';

# new($postgres, connections => 3): to Postgres, for each role
sub new {
    my ($class, $postgres, %option) = @_;
    my $dir = Igjobs::Env::new_dir('pgbouncer');
    my $port = free_port();
    my $size = $option{connections} // 3;

    write_file("$dir/users", map {"\"igjobs_$_\" \"\"\n"} qw(api worker));
    write_file("$dir/pgbouncer.ini", <<"INI");
[databases]
igjobs = host=@{[ $postgres->socket_dir ]} port=@{[ $postgres->port ]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = trust
auth_file = $dir/users
pool_mode = transaction
default_pool_size = $size
max_client_conn = 200
INI
    return $class->SUPER::new(
        name => 'pgbouncer', dir => $dir, port => $port, stop_status => 1,
        command => ['pgbouncer', "$dir/pgbouncer.ini"]);
}

sub ready { return Igjobs::Process::listens($_[0]{port}) }

# dsn(user => ...): a libpq connection string
sub dsn {
    my ($self, %option) = @_;

    return "host=127.0.0.1 port=$self->{port} dbname=igjobs"
        . " user=$option{user}";
}

# lines of its log that say that a client or a server got what it should not
sub complaints {
    my ($self) = @_;

    return grep {/ (?:WARNING|ERROR|FATAL) |pooler error/}
        split /\n/, $self->log_text;
}

sub write_file {
    my ($path, @text) = @_;

    open my $out, '>', $path or die "$path: $!";
    print $out @text;
    close $out or die "$path: $!";
    Igjobs::Env::give($path);
    return;
}

1;
