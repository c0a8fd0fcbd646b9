# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Which peers there are, and starting those that a question wants.

package Igjobs::Bench::Peers;

use strict;
use warnings;

# igjobs asks the provider for the fields that it stores: so do those that
# somebody has tuned to the last. A client of the provider's own library gets
# whole items unless told otherwise.
my @narrow = (env => { APIFY_FIELDS => 'id,username,full_name' });
my @whole = (whole_items => 1);

# word of --peers => class and options
my %peer = (
    'flask'         => ['Flask'],
    'flask-tuned'   => ['Flask', tuned => 1, @narrow],
    'fastify'       => ['Fastify', @narrow],
    'fastify-redis' => ['Fastify', status_from => 'redis'],
    'flask-whole'   => ['Flask', tuned => 1, @whole],
    'fastify-whole' => ['Fastify', @whole],
    'lua'           => ['Lua'],
);

# differ from another peer in this only
my %only_for = ('fastify-redis' => 'status', 'flask-whole' => 'job',
                'fastify-whole' => 'job');

sub names { return sort keys %peer }

# start(\@names, $feature, $stack, idle => 1, note => sub ($text) {})
# Returns the started peers that do $feature. A peer that cannot start is left
# out with a note.
sub start {
    my ($names, $feature, $stack, %option) = @_;
    my @started;

    for my $name (@$names) {
        next if ($only_for{$name} // $feature) ne $feature;
        my $peer = eval { start_one($name, $feature, $stack) };
        $option{note}->("$name is left out: " . one_line($@)) if $@;
        push @started, $peer if $peer;
    }
    pause($_) for $option{idle} ? @started : ();
    return \@started;
}

sub start_one {
    my ($name, $feature, $stack) = @_;
    my ($class, @options) = @{ $peer{$name} };

    require "Igjobs/Bench/Peer/$class.pm";
    my $peer = "Igjobs::Bench::Peer::$class"->new(stack => $stack, @options);
    return if !$peer->does($feature);
    my @missing = $peer->missing;
    die join('; ', @missing) . "\n" if @missing;
    return $peer->start;
}

# its workers stand still until it is stopped
sub pause {
    my ($peer) = @_;

    $peer->{paused} = [$peer->worker_pids];
    kill 'STOP', @{ $peer->{paused} };
    return;
}

# Paused workers have work for minutes before them: they are not asked to
# finish it.
sub stop {
    for my $peer (@_) {
        kill 'KILL', @{ $peer->{paused} // [] };
        $peer->stop;
    }
    return;
}

sub one_line {
    my ($text) = @_;

    $text =~ s/\s+/ /g;
    return substr $text, 0, 300;
}

1;
