#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Actors of other platforms: their inputs and their items, of one world.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use SimTest;

my $sim = new_sim('--token', 'secret-token', '--seed', 7,
                  '--actor', 'mine~x:x', '--actor', 'mine~tiktok:tiktok');
my @names = ('source_1', 'source_2');

sub start {
    my ($actor, $input) = @_;

    return api($sim, 'POST', "/v2/actors/$actor/runs", body => $input);
}

sub items_of {
    my ($actor, $input) = @_;
    my $run = start($actor, $input)->json->{data};

    return api($sim, 'GET', "/v2/datasets/$run->{defaultDatasetId}/items"
        . '?format=json')->json;
}

my %input = (
    'igjobs~followers' => { usernames => \@names, max_count => 3 },
    'igjobs~threads-followers' => { usernames => \@names, max_count => 3 },
    'igjobs~tiktok-followers' => { usernames => \@names, numFollowers => 3 },
    'mine~tiktok' => { usernames => \@names, numFollowers => 3 },
    'igjobs~x-followers' => { user_names => \@names, maxFollowers => 3,
                              getFollowers => \1, getFollowing => \0 },
    'mine~x' => { user_names => \@names, maxFollowers => 3,
                  getFollowers => \1 },
);
my %items = map { $_ => items_of($_, $input{$_}) } keys %input;
my @people = map { [@$_{qw(id username full_name)}] }
    @{ $items{'igjobs~followers'} };

is scalar @people, 6, 'three of each account';
is_deeply $items{'igjobs~threads-followers'}, $items{'igjobs~followers'},
    'Threads speaks as Instagram';
for my $actor ('igjobs~tiktok-followers', 'mine~tiktok') {
    is_deeply [map { [@$_{qw(uniqueId nickname)}] } @{ $items{$actor} }],
        [map { [@$_[1, 2]] } @people], "$actor: the same people";
    is join(' ', sort keys %{ $items{$actor}[0] }),
        'nickname privateAccount uniqueId verified', 'in its own words';
}
for my $actor ('igjobs~x-followers', 'mine~x') {
    is_deeply [map { [@$_{qw(id_str screen_name name)}] } @{ $items{$actor} }],
        \@people, "$actor: the same people";
}

for my $case (['igjobs~x-followers', $input{'igjobs~followers'}],
              ['igjobs~x-followers', { user_names => \@names }],
              ['igjobs~followers', $input{'mine~x'}],
              ['igjobs~tiktok-followers', { usernames => \@names,
                                            numFollowers => 0 }])
{
    is start(@$case)->{status}, 400, "$case->[0] refuses another input";
}

done_testing();
