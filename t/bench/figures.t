#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# What bench/run makes of measured values: medians, ratios within a round,
# goals. No servers.

use strict;
use warnings;
use FindBin;
use Test::More;
use lib "$FindBin::Bin/../../bench/lib", "$FindBin::Bin/../lib";
use Igjobs::Bench::Report 'report_text';
use Igjobs::Bench::Stats qw(median percentile);

package Question {
    use parent 'Igjobs::Bench::Question';

    sub title { return 'a question' }

    # the values of three rounds, and the order in which they were asked for
    sub prepare {
        my ($self) = @_;
        my %rounds = (own => [10, 20, 30], slow => [5, 5, 30],
                      quick => [20, 10, 20],
                      time => [{ ms => 4 }, { ms => 6 }, { ms => 5 }]);

        for my $name (qw(own slow quick time)) {
            $self->series($name, sub {
                push @{ $self->{order} }, $name;
                return shift @{ $rounds{$name} };
            });
        }
        $self->table('rates', own => 'own', slow => 'slow', none => 'none');
        $self->matrix('matrix', ['ms', 'none'], 'a row' => 'time');
        $self->goal('best', ratio => ['own', 'slow', 'quick', 'none'],
                    at_least => 1.2);
        $self->goal('time', value => 'time.ms', at_most => 5);
        $self->goal('more', more => ['own', 'slow'], at_most => 10);
        $self->goal('peers', ratio => ['own', 'none'], at_least => 1);
        return;
    }
}

is(median(3, 1, 2), 2, 'the middle of three');
is(median(4, 1, 2, 3), 2.5, 'the middle of four');
is(percentile(99, 1 .. 200), 198, 'the 99th of a hundred');
is(percentile(50, 7), 7, 'of one value');

my $question = Question->new(name => 'q', rounds => 3, seconds => 1);
my $figures = do {
    open my $saved, '>&', \*STDERR or die "stderr: $!";
    open STDERR, '>', '/dev/null' or die "stderr: $!";
    my $got = $question->ask;
    open STDERR, '>&', $saved or die "stderr: $!";
    $got;
};
my @goals = @{ $figures->{goals} };

is_deeply([@{ $question->{order} }[0, 4, 8]], [qw(own slow quick)],
          'each round begins at another series');
is_deeply([map { $_->{label} } @{ $figures->{tables}[0]{lines} }],
          [qw(own slow)], 'what was not measured is left out');
is_deeply($figures->{tables}[0]{lines}[1]{ratio},
          { median => 2, min => 1, max => 4 }, 'ratios are within a round');
is_deeply($goals[0]{figure}, { median => 1, min => 0.5, max => 2 },
          'against the best of the others in each round');
is_deeply([map { $_->{held} } @goals], [0, 1, 1, undef],
          'short, held, held, not measured');

my $text = report_text($figures);
like($text, qr/^  slow +5\.00 .*2\.00 x  \(1\.00 - 4\.00\)$/m, 'a line');
like($text, qr/^  a row +5\.00 +-$/m, 'a row of a matrix');
like($text, qr/^short +1\.00 .* at least 1\.2 +best$/m, 'a goal in short');
like($text, qr/^not measured +- +at least 1 +peers$/m, 'one without figures');

done_testing();
