# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# redis-benchmark: what Redis itself does with a command.

package Igjobs::Bench::RedisBenchmark;

use strict;
use warnings;
use Carp;
use Exporter 'import';

our @EXPORT_OK = qw(redis_benchmark);

# redis_benchmark($redis, clients => 64, requests => N, command => [words])
# Returns requests a second, one in flight on each connection.
sub redis_benchmark {
    my ($redis, %option) = @_;

    open my $out, '-|', 'redis-benchmark', '-s', $redis->socket_path,
        '-c', $option{clients} // 64, '-n', $option{requests}, '--csv',
        @{ $option{command} } or croak "redis-benchmark: $!";
    my $text = do { local $/; <$out> } // '';
    close $out or croak "redis-benchmark failed: $text";
    $text =~ /^"(?!test")[^"]*","([\d.]+)",/m
        or croak "redis-benchmark: $text";
    return $1;
}

1;
