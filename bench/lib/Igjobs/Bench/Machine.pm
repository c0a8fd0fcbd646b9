# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# On what a figure was measured: machine, versions, commit.

package Igjobs::Bench::Machine;

use strict;
use warnings;
use POSIX ();
use Igjobs::Env;

# as lines
sub text {
    return join "\n", machine(), 'commit: ' . commit(), versions();
}

sub machine {
    my ($model) = grep { s/^model name\s*:\s*// } lines('/proc/cpuinfo');
    my ($memory) = map { /^MemTotal:\s+(\d+)/ ? $1 : () }
                   lines('/proc/meminfo');
    my ($load) = lines('/proc/loadavg');
    my $cores = first('nproc');

    return sprintf 'machine: %s cores, %s, %.0f GiB, Linux %s; '
        . 'load before the run %s', $cores, $model // 'unknown',
        $memory / 1048576, (POSIX::uname())[2], (split ' ', $load)[0];
}

sub commit {
    my $root = Igjobs::Env::root();
    my $commit = first("git -C '$root' rev-parse --short HEAD 2>/dev/null");
    my $changes = first("git -C '$root' status --porcelain 2>/dev/null");

    return ($commit || 'unknown') . ($changes ? ', with changes' : '');
}

sub versions {
    my $postgres = Igjobs::Env::POSTGRES_BIN . '/postgres';
    my @versions = map { first("$_ 2>&1") } 'nginx -v', "$postgres --version",
        'redis-server --version', 'wrk -v', '/usr/bin/node --version',
        '/usr/bin/python3 --version';

    $versions[2] =~ s/ sha=.*//;
    $versions[3] =~ s/ \[.*//;
    $versions[4] =~ s/^v/Node /;
    return 'versions: ' . join ', ', grep { !/not found/ } @versions;
}

sub lines {
    my ($path) = @_;

    open my $in, '<', $path or return;
    my @lines = <$in>;
    chomp @lines;
    return @lines;
}

sub first {
    my ($command) = @_;
    my ($line) = `$command`;

    chomp $line if defined $line;
    return $line // '';
}

1;
