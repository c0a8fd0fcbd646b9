# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# wrk: requests as fast as the answers come, over kept connections.

package Igjobs::Bench::Wrk;

use strict;
use warnings;
use Carp;
use Cwd 'abs_path';
use Exporter 'import';
use File::Basename 'dirname';
use Igjobs::Env;

our @EXPORT_OK = qw(wrk paths_file body_file);

my $script = abs_path(dirname(abs_path(__FILE__)) . '/../../wrk/request.lua');

# wrk(port => ..., connections => 64, seconds => 2, threads => 1,
#     path => one path, or paths => file of paths; body => file,
#     header => 'Name: value')
# Returns { rate (answers a second), p50, p99, p999, max (ms), mb (MB/s) }.
# Dies of any answer that is not 2xx or 3xx.
sub wrk {
    my (%option) = @_;
    my $url = "http://127.0.0.1:$option{port}" . ($option{path} // '/');
    local $ENV{BENCH_PATHS} = $option{paths};
    local $ENV{BENCH_BODY} = $option{body};
    delete $ENV{BENCH_PATHS} if !$option{paths};
    delete $ENV{BENCH_BODY} if !$option{body};

    open my $out, '-|', 'wrk', '-t', $option{threads} // 1,
        '-c', $option{connections} // 64, '-d', $option{seconds} . 's',
        $option{header} ? ('-H', $option{header}) : (),
        '-s', $script, $url or croak "wrk: $!";
    my $text = do { local $/; <$out> } // '';
    close $out or croak "wrk failed: $text";

    my ($line) = $text =~ /^bench (.*)$/m or croak "wrk: $text";
    my %value = map { split /=/ } split ' ', $line;
    croak "wrk $url: $value{refused} of $value{requests} answers are no 2xx, "
        . "$value{broken} connections broke" if $value{refused}
                                                || $value{broken};
    my $seconds = $value{us} / 1e6;
    return { rate => $value{requests} / $seconds,
             mb => $value{bytes} / $seconds / 1e6,
             map { $_ => $value{$_} / 1000 } qw(p50 p99 p999 max) };
}

# paths_file(@paths), body_file($text): files for the above
sub paths_file {
    return body_file(join '', map { "$_\n" } @_);
}

sub body_file {
    my ($text) = @_;
    my $path = Igjobs::Env::new_dir('wrk') . '/input';

    open my $out, '>', $path or croak "$path: $!";
    print $out $text;
    close $out or croak "$path: $!";
    return $path;
}

1;
