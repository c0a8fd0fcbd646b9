# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# What processes cost: processor time and resident memory, from /proc.

package Igjobs::Bench::Processes;

use strict;
use warnings;
use Exporter 'import';
use List::Util qw(max sum0);
use POSIX ();
use Time::HiRes 'time';
use Igjobs::Env;

our @EXPORT_OK = qw(cpu_begin cpu_end peak_mib sum_mib sum_peak_mib);

my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());

# the processes of a stack, by component
sub components {
    my ($stack) = @_;
    my %kind = (nginx => 'Nginx', postgres => 'Postgres', redis => 'Redis',
                sim => 'Sim', worker => 'Worker');

    return map { my $kind = $kind{$_};
                 ($_ => [map { ($_->pid, Igjobs::Env::children($_->pid)) }
                         grep { $_->running } $stack->of_kind($kind)])
           } keys %kind;
}

# seconds of processor time of a process and its children that have ended
sub cpu_seconds {
    my ($pid) = @_;

    open my $in, '<', "/proc/$pid/stat" or return 0;
    my ($fields) = (<$in> // '') =~ /\) (.*)/ or return 0;
    return sum0((split ' ', $fields)[11 .. 14]) / $ticks;
}

sub cpu_now {
    my ($stack) = @_;
    my %component = components($stack);

    return (client => sum0(times),
            map { ($_ => sum0(map { cpu_seconds($_) } @{ $component{$_} })) }
            keys %component);
}

# cpu_end(cpu_begin($stack)): cores that were busy in between, by component;
# client is this process and those children that it has waited for.
sub cpu_begin {
    my ($stack) = @_;

    return { stack => $stack, time => time(), cpu => { cpu_now($stack) } };
}

sub cpu_end {
    my ($begin) = @_;
    my %now = cpu_now($begin->{stack});
    my $seconds = time() - $begin->{time};
    my %busy = map { ($_ => ($now{$_} - $begin->{cpu}{$_}) / $seconds) }
               keys %now;

    return { %busy, all => sum0(values %busy) };
}

# MiB: the highest resident memory that one of the processes ever had; what all
# have now; the sum of what each had at its highest
sub peak_mib {
    return max(map { (Igjobs::Env::peak_rss($_) // 0) / 1024 } @_) // 0;
}

sub sum_mib {
    return sum0(map { (Igjobs::Env::rss($_) // 0) / 1024 } @_);
}

sub sum_peak_mib {
    return sum0(map { (Igjobs::Env::peak_rss($_) // 0) / 1024 } @_);
}

1;
