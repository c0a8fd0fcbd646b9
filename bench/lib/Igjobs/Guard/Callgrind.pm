# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A program under callgrind: the words in front of it, the instructions that
# its dumps hold, and the functions that cost most.
#
# Counts must not depend on the processor: the C library is told to use none of
# the variants of its string functions that only some processors have.

package Igjobs::Guard::Callgrind;

use strict;
use warnings;
use constant TUNABLES => join ':',
    'glibc.cpu.hwcaps=' . join(',', map { "-$_" }
        qw(AVX AVX2 AVX512F AVX512VL AVX512BW AVX_Fast_Unaligned_Load BMI1
           BMI2 ERMS FSRM LZCNT MOVBE SSE4_1 SSE4_2 SSSE3)),
    'glibc.cpu.x86_non_temporal_threshold=0xc0000';

# command($dir, [$option...]): words in front of a command line; the dumps lie
# in $dir
sub command {
    my ($dir, @options) = @_;

    return ('valgrind', '--tool=callgrind', '--vgdb=no', '--quiet',
            "--callgrind-out-file=$dir/callgrind", @options);
}

sub environment { return (GLIBC_TUNABLES => TUNABLES) }

# last_dump($dir): of those on the way, which have numbers, or else of the
# program's end
sub last_dump {
    my ($dir) = @_;
    my ($number) = sort { $b <=> $a }
                   map { /callgrind\.(\d+)$/ } glob "$dir/callgrind.*";

    return "$dir/callgrind" . (defined $number ? ".$number" : '');
}

# instructions($dump): all that it holds
sub instructions {
    my ($dump) = @_;

    open my $in, '<', $dump or die "$dump: $!\n";
    while (my $line = <$in>) {
        return $1 if $line =~ /^totals: (\d+)/;
    }
    die "$dump has no totals\n";
}

# functions($dump): { "function [object]" => [self, inclusive] }
sub functions {
    my ($dump) = @_;
    my $total = instructions($dump);
    my @self = annotated($dump, '--inclusive=no');
    my @inclusive = annotated($dump, '--inclusive=yes');
    my %object = map { /^(\S+) (\[[^?]\S*)$/ ? ($1 => $_) : () }
                 map { $_->[0] } @inclusive;
    my %cost;

    # what was entered before and left after is given its callees' cost, too
    for (grep { $_->[1] < $total } @self) {
        my ($name, $count) = @$_;
        $cost{ whole($name, \%object) }[0] += $count;
    }
    for (@inclusive) {
        my ($name, $count) = @$_;
        my $cost = $cost{ whole($name, \%object) } //= [0, 0];
        $cost->[1] = $count if ($cost->[1] // 0) < $count;
    }
    $_->[1] //= $_->[0] for values %cost;
    return \%cost;
}

# pairs of a function and its instructions
sub annotated {
    my ($dump, @options) = @_;
    my @pairs;

    open my $in, '-|', 'callgrind_annotate', '--threshold=100', '--auto=no',
        @options, $dump or die "callgrind_annotate: $!\n";
    while (my $line = <$in>) {
        my ($count, $name) = $line =~ /^\s*([\d,]+) \([^)]*\)\s+(\S.*)$/
            or next;
        push @pairs, [short($name), $count =~ tr/,//dr]
            if $name ne 'PROGRAM TOTALS';
    }
    close $in or die "callgrind_annotate failed\n";
    return @pairs;
}

# "directory/file.c:function [directory/object]" as "function [object]"
sub short {
    my ($name) = @_;
    my ($function, $object) = $name =~ m{^(?:.*?:)?([^:\[]+?)(?: \[(.*)\])?$}
        or return $name;

    $object = ($object // '?') =~ s{.*/}{}r =~ s{\.so\b.*}{}r;
    return "$function [$object]";
}

# parts of a function that come from a header are listed without an object
sub whole {
    my ($name, $object) = @_;
    my ($function) = $name =~ /^(.*) \[\?\]$/ or return $name;

    return $object->{$function} // $name;
}

1;
