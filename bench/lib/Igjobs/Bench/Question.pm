# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A question: what is measured, what is compared with what, and what must hold.
# Each file of bench/questions/ is a class of this kind. Its prepare() starts
# servers and says
#
#   $self->series('igjobs', sub { ... return a number });
#   $self->series('beside', sub { ... return { p50 => 1, p99 => 2 } });
#   $self->table('title, unit', igjobs => 'igjobs', 'nginx' => 'return 200');
#   $self->goal('text', ratio => ['igjobs', 'return 200'], at_least => 0.8);
#
# A series is measured once a round; the rounds begin at another series each,
# so that a ratio always compares neighbours of one round. A series that gives
# several numbers is known by "name.key". Everything runs in one process.

package Igjobs::Bench::Question;

use strict;
use warnings;
use Carp;
use List::Util qw(max min);
use Igjobs::Bench::Peers;
use Igjobs::Bench::Product;
use Igjobs::Bench::Servers;
use Igjobs::Bench::Stats qw(median spread);
use Time::HiRes qw(sleep time);

# new(name => ..., rounds => 5, seconds => 2, peers => [names],
#     nginx_workers => 1, cache => text or undef)
sub new {
    my ($class, %option) = @_;

    return bless { %option, series => [], tables => [],
                   matrices => [], goals => [], notes => [],
                   values => {}, peer_list => [] }, $class;
}

sub title { croak 'a question has a title' }
sub warms { return 0 }                  # is there a round that does not count?
sub prepare { croak 'a question prepares' }

sub seconds { return $_[0]{seconds} }
sub stack { return $_[0]{stack} }
sub postgres { return $_[0]{stack}->postgres }
sub product { return $_[0]{product} }
sub peers { return @{ $_[0]{peer_list} } }

# start_servers(parts => [names], options of Servers::new_stack)
sub start_servers {
    my ($self, %option) = @_;
    my @parts = @{ delete $option{parts} // [qw(postgres redis sim nginx)] };

    $self->{stack} = Igjobs::Bench::Servers::new_stack(
        nginx => { $self->nginx_options }, %option);
    $self->{stack}->start(@parts);
    $self->{product} = Igjobs::Bench::Product->new(stack => $self->{stack});
    return $self->{stack};
}

# of an nginx with igjobs, as the command line wants it
sub nginx_options {
    my ($self, %option) = @_;
    my $http = defined $self->{cache}
        ? "igjobs_status_cache_time $self->{cache};" : '';

    return Igjobs::Bench::Servers::nginx(
        nginx_workers => $self->{nginx_workers}, http => $http, %option);
}

# start_peers($feature, idle => 1): those peers that were asked for and do
# this; idle stops their workers, so that the API is measured alone
sub start_peers {
    my ($self, $feature, %option) = @_;
    my $started = Igjobs::Bench::Peers::start(
        $self->{peers}, $feature, $self->{stack}, %option,
        note => sub { $self->note(@_) });

    push @{ $self->{peer_list} }, @$started;
    return @$started;
}

sub note {
    my ($self, $text) = @_;

    print STDERR "# $text\n";
    push @{ $self->{notes} }, $text;
    return;
}

sub series {
    my ($self, $name, $measure) = @_;

    push @{ $self->{series} }, [$name, $measure];
    return $name;
}

# table($title, label => series, ...): the first is what the others are
# compared with; in ratios, what is not measured is left out
sub table {
    my ($self, $title, @rows) = @_;

    push @{ $self->{tables} }, { title => $title, rows => \@rows };
    return;
}

# matrix($title, [columns], label => series, ...): medians of "series.column"
sub matrix {
    my ($self, $title, $columns, @rows) = @_;

    push @{ $self->{matrices} }, { title => $title, columns => $columns,
                                   rows => \@rows };
    return;
}

# goal($text, kind => what, at_least or at_most => number)
#   value => series                  the figure itself
#   ratio => [series, series...]     the first over the best of the others
#   more  => [series, series]        the first less the second
sub goal {
    my ($self, $text, %goal) = @_;

    push @{ $self->{goals} }, { text => $text, %goal };
    return;
}

# measures everything; returns the figures as plain data
sub ask {
    my ($self) = @_;

    $self->prepare;
    $self->warm_up if $self->warms;
    for my $round (1 .. $self->{rounds}) {
        $self->round($round);
    }
    $self->finish;
    return $self->figures;
}

# A second of each series, not counted: just-in-time compilers and caches are
# as they are in the middle of a day.
sub warm_up {
    my ($self) = @_;
    local $self->{seconds} = 1;

    $_->[1]->() for @{ $self->{series} };
    return;
}

sub round {
    my ($self, $round) = @_;
    my @order = @{ $self->{series} };
    my $first = int(($round - 1) * @order / $self->{rounds});

    push @order, splice @order, 0, $first;
    for my $series (@order) {
        my ($name, $measure) = @$series;
        $self->wait_for_rest;
        my $got = $measure->();
        my %got = ref $got ? map { ("$name.$_" => $got->{$_}) } keys %$got
                           : ($name => $got);
        for my $key (sort keys %got) {
            $self->{values}{$key}[$round - 1] = $got{$key};
            printf STDERR "# round %d/%d: %-40s %12.4g\n", $round,
                $self->{rounds}, $key, $got{$key};
        }
    }
    return;
}

# What a contender's clients have left behind goes on in the database: deep
# pages of the peers for a second, beside whoever is measured next.
sub wait_for_rest {
    my ($self) = @_;
    my $until = time + 10;

    return if !$self->{stack} || !$self->postgres;
    while ($self->stack->psql("select count(*) from pg_stat_activity
            where state = 'active' and backend_type = 'client backend'
                and pid <> pg_backend_pid()") > 0) {
        croak 'the database does not come to rest' if time > $until;
        sleep 0.05;
    }
    return;
}

# ends everything; a question that must look at the servers first overrides it
sub finish {
    my ($self) = @_;

    Igjobs::Bench::Peers::stop($self->peers);
    $self->note('the servers did not end cleanly')
        if $self->{stack} && !Igjobs::Bench::Servers::finish_stack(
                                  delete $self->{stack});
    return;
}

sub values_of {
    my ($self, $key) = @_;

    return @{ $self->{values}{$key} // [] };
}

sub figures {
    my ($self) = @_;

    return {
        question => $self->{name}, title => $self->title,
        notes => $self->{notes}, values => $self->{values},
        tables => [map { $self->table_figures($_) } @{ $self->{tables} }],
        matrices => [map { $self->matrix_figures($_) }
                     @{ $self->{matrices} }],
        goals => [map { $self->goal_figures($_) } @{ $self->{goals} }],
    };
}

sub table_figures {
    my ($self, $table) = @_;
    my @rows = @{ $table->{rows} };
    my $own = $rows[1];
    my @lines;

    while (my ($label, $key) = splice @rows, 0, 2) {
        my $spread = spread($self->values_of($key)) // next;
        my $ratio = $key eq $own ? undef
            : spread($self->ratios($own, [$key], 1));
        push @lines, { label => $label, %$spread, ratio => $ratio };
    }
    return { title => $table->{title}, lines => \@lines };
}

sub matrix_figures {
    my ($self, $matrix) = @_;
    my @columns = @{ $matrix->{columns} };
    my @rows = @{ $matrix->{rows} };
    my @lines;

    while (my ($label, $key) = splice @rows, 0, 2) {
        push @lines, [$label,
                      map { scalar median($self->values_of("$key.$_")) }
                          @columns];
    }
    return { title => $matrix->{title}, columns => \@columns,
             lines => \@lines };
}

sub goal_figures {
    my ($self, $goal) = @_;
    my @values = $self->goal_values($goal);
    my $spread = spread(@values);
    my $held = !$spread ? undef
        : defined $goal->{at_least} ? $spread->{median} >= $goal->{at_least}
        : $spread->{median} <= $goal->{at_most};

    return { text => $goal->{text}, at_least => $goal->{at_least},
             at_most => $goal->{at_most}, figure => $spread,
             held => defined $held ? ($held ? 1 : 0) : undef };
}

# one value a round
sub goal_values {
    my ($self, $goal) = @_;

    return $self->values_of($goal->{value}) if $goal->{value};
    if ($goal->{more}) {
        my @other = $self->values_of($goal->{more}[1]);
        return @other ? map { $_ - shift @other }
                        $self->values_of($goal->{more}[0]) : ();
    }
    my ($own, @others) = @{ $goal->{ratio} };
    return $self->ratios($own, \@others, defined $goal->{at_least});
}

# in each round, the series over the best of the others
sub ratios {
    my ($self, $own, $others, $more_is_better) = @_;
    my @own = $self->values_of($own);
    my @others = grep { @$_ } map { [$self->values_of($_)] } @$others;

    return if !@others;
    return map {
        my $round = $_;
        my @round = map { $_->[$round] } @others;
        my $best = $more_is_better ? max(@round) : min(@round);
        $best ? $own[$round] / $best : ();
    } 0 .. $#own;
}

1;
