# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The figures of a question as text: tables of medians and ratios, goals.

package Igjobs::Bench::Report;

use strict;
use warnings;
use Exporter 'import';
use JSON::PP ();

our @EXPORT_OK = qw(report_text write_results);

# report_text($figures): what Igjobs::Bench::Question::figures gave
sub report_text {
    my ($figures) = @_;

    return join "\n", "== $figures->{question}: $figures->{title}", '',
        map({ table_text($_) } @{ $figures->{tables} }),
        map({ matrix_text($_) } @{ $figures->{matrices} }),
        goals_text(@{ $figures->{goals} }),
        map({ "note: $_\n" } @{ $figures->{notes} });
}

sub table_text {
    my ($table) = @_;
    my $text = sprintf "%-44s %10s %23s   %s\n", $table->{title}, 'median',
        '(least - most)', 'the first is, of this';

    for my $line (@{ $table->{lines} }) {
        my $ratio = $line->{ratio};
        $text .= sprintf "  %-42s %10s %23s   %s", $line->{label},
            number($line->{median}), range($line),
            $ratio ? sprintf '%6.2f x  %s', $ratio->{median}, range($ratio)
                   : '';
        $text =~ s/\s*\z/\n/;
    }
    return $text;
}

sub matrix_text {
    my ($matrix) = @_;
    my $text = sprintf '%-44s' . '%10s' x @{ $matrix->{columns} } . "\n",
        $matrix->{title}, @{ $matrix->{columns} };

    for my $line (@{ $matrix->{lines} }) {
        my ($label, @values) = @$line;
        $text .= sprintf '  %-42s' . '%10s' x @values . "\n", $label,
            map { number($_) } @values;
    }
    return $text;
}

sub goals_text {
    my @goals = @_;
    my $text = '';

    for my $goal (@goals) {
        my $wanted = defined $goal->{at_least}
            ? "at least $goal->{at_least}" : "at most $goal->{at_most}";
        my $figure = $goal->{figure};
        $text .= sprintf "%-12s %8s %-19s %-15s  %s\n",
            !defined $goal->{held} ? 'not measured'
                : $goal->{held} ? 'ok' : 'short',
            $figure ? number($figure->{median}) : '-',
            $figure ? range($figure) : '', $wanted, $goal->{text};
    }
    return $text;
}

sub range {
    my ($spread) = @_;

    return '(' . number($spread->{min}) . ' - ' . number($spread->{max}) . ')';
}

# three digits or whole, thousands apart
sub number {
    my ($value) = @_;
    my $size = abs($value // return '-');

    return sprintf '%.1g', $value if $size && $size < 0.01;
    return sprintf '%.2f', $value if $size < 10;
    return sprintf '%.1f', $value if $size < 100;
    my $text = sprintf '%.0f', $value;
    1 while $text =~ s/^(-?\d+)(\d{3})/$1,$2/;
    return $text;
}

# write_results($dir, $date, $run, $figures): NAME.txt and NAME.json.
# $run: lines about the run. Returns the path without its end.
sub write_results {
    my ($dir, $date, $run, $figures) = @_;
    my $path = "$dir/$date-$figures->{question}";
    my $json = JSON::PP->new->canonical->pretty->indent_length(1);

    write_file("$path.txt", report_text($figures) . "\n$run\n");
    write_file("$path.json", $json->encode({
        %$figures, date => $date, run => [split /\n/, $run],
        values => { map { ($_ => [map { 0 + sprintf '%.6g', $_ }
                                  @{ $figures->{values}{$_} }]) }
                    keys %{ $figures->{values} } } }));
    return $path;
}

sub write_file {
    my ($path, $text) = @_;

    open my $out, '>', $path or die "$path: $!\n";
    print $out $text;
    close $out or die "$path: $!\n";
    return;
}

1;
