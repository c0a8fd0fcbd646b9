# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# pgbench: what Postgres itself does with a statement.

package Igjobs::Bench::Pgbench;

use strict;
use warnings;
use Carp;
use Exporter 'import';
use POSIX ();
use Igjobs::Bench::Wrk 'body_file';
use Igjobs::Env;

our @EXPORT_OK = qw(pgbench start_pgbench stop_pgbench);

# pgbench($postgres, clients => 4, seconds => 2, script => SQL text,
#         define => { name => value }, rate => N a second, dbname => ...)
# Returns transactions a second, without the time to connect.
sub pgbench {
    my ($postgres, %option) = @_;

    open my $out, '-|', command($postgres, %option) or croak "pgbench: $!";
    my $text = do { local $/; <$out> } // '';
    close $out or croak "pgbench failed: $text";
    $text =~ /^number of failed transactions: 0 /m or croak "pgbench: $text";
    $text =~ /^tps = ([\d.]+)/m or croak "pgbench: $text";
    return $1;
}

# the same in the background, for stop_pgbench
sub start_pgbench {
    my ($postgres, %option) = @_;
    my @command = command($postgres, %option);
    my $pid = fork // croak "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        exec @command or POSIX::_exit(127);
    }
    return $pid;
}

# ends those that still run; dies if one has ended before
sub stop_pgbench {
    for my $pid (@_) {
        croak 'pgbench ended by itself'
            if waitpid($pid, POSIX::WNOHANG) != 0;
        kill 'TERM', $pid;
        waitpid $pid, 0;
    }
    return;
}

sub command {
    my ($postgres, %option) = @_;
    my %define = %{ $option{define} // {} };
    my $clients = $option{clients} // 4;

    return (Igjobs::Env::POSTGRES_BIN . '/pgbench', '-n', '-M', 'prepared',
            '-h', $postgres->socket_dir, '-p', $postgres->port,
            '-U', 'postgres', '-c', $clients, '-j', $clients > 1 ? 2 : 1,
            '-T', $option{seconds}, '-f', body_file($option{script}),
            $option{rate} ? ('-R', $option{rate}) : (),
            map({ ('-D', "$_=$define{$_}") } sort keys %define),
            $option{dbname} // 'igjobs');
}

1;
