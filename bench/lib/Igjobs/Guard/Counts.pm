# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The counts that are kept in the tree: a line a path, "name count unit", and
# the versions of what was counted along with the product's own code.

package Igjobs::Guard::Counts;

use strict;
use warnings;

use constant PACKAGES => qw(libc6 nginx libpq5 libcurl4 libhiredis0.14
                            libcjson1 gcc-12 valgrind);

# read($file): { name => [count, unit] }; empty when there is no file
sub read {
    my ($file) = @_;
    my %kept;

    open my $in, '<', $file or return \%kept;
    while (my $line = <$in>) {
        $kept{$1} = [$2, $3] if $line =~ /^(\w+)\s+([\d.]+)\s+(\S.*?)\s*$/;
    }
    return \%kept;
}

# write($file, { name => [count, unit] }, @order)
sub write {
    my ($file, $counts, @order) = @_;

    open my $out, '>', "$file.new" or die "$file.new: $!\n";
    print $out "# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.\n",
        "#\n# Instructions in user space, amd64; written by ",
        "bench/guard --update.\n# versions: ", versions(), "\n\n";
    printf $out "%-17s %9s  %s\n", $_, @{ $counts->{$_} }
        for grep { $counts->{$_} } @order;
    close $out or die "$file.new: $!\n";
    rename "$file.new", $file or die "$file: $!\n";
    return;
}

# versions written when the counts were taken; '' without a file
sub kept_versions {
    my ($file) = @_;

    open my $in, '<', $file or return '';
    my ($versions) = map { /^# versions: (.*)/ ? $1 : () } <$in>;
    return $versions // '';
}

sub versions {
    my $format = '${Package} ${Version}, ';
    my $list = `dpkg-query -W -f '$format' @{[PACKAGES]} 2>/dev/null`;

    return $list =~ s/, $//r;
}

1;
