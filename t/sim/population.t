#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The simulated world: the same people as an independent computation gives,
# distinct in an account, shared between accounts, and the same in datasets.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Digest::SHA 'sha256_hex';
use JSON::PP ();
use Igjobs::Population;
use SimTest;

my $json = JSON::PP->new->canonical;         # texts stay bytes

sub lines {
    my ($text) = @_;

    return map { $json->decode($_) } split /\n/, $text;
}

# the truth about an account, from the simulator
sub told {
    my ($sim, $account, $query) = @_;

    return lines(api($sim, 'GET', "/_sim/population?account=$account&"
                                  . ($query // ''))->{body});
}

sub digest {
    return sha256_hex(join "\n", map {
        join "\t", @$_{qw(id username full_name gender)} } @_);
}

# several worlds, several accounts
for my $world (
    { },
    { seed => 42, followers => 700 },
    { seed => 9223372036854775807, overlap => 100, shared_people => 1000 },
    { seed => 3, overlap => 0 },
    { seed => 4, overlap => 33, shared_people => 1, followers => 500 },
) {
    my @args = map { ('--' . tr/_/-/r, $world->{$_}) } sort keys %$world;
    my $sim = new_sim(@args);
    my $own = Igjobs::Population->new(%$world);

    for my $account ('alice', 'Some.One_9', 'huge_321', 'x' x 150) {
        my @told = told($sim, $account, 'count=2000');
        my @own = $own->followers($account, 2000);
        is scalar @told, scalar @own, "@args: followers of "
                                      . substr $account, 0, 10;
        is digest(@told), digest(@own), 'the same people';

        my %seen;
        is scalar(grep { $seen{ $_->{id} }++ } @told), 0, 'ids are distinct';
        is scalar(grep { $seen{ $_->{username} }++ } @told), 0,
            'user names are distinct';
    }

    is_deeply [told($sim, 'alice', 'count=3&offset=100')],
        [$own->followers('alice', 3, 100)], 'a slice';
    is scalar told($sim, 'huge_3'), 3, 'all of them without a count';
    is scalar told($sim, 'huge_0'), 0, 'or none';
    is scalar told($sim, "${_}_x"), 0, "${_}_ has no followers"
        for qw(private missing empty blocked broken);
}

# what the people are like
my $sim = new_sim('--seed', 5, '--shared-people', 256, '--officials',
                  officials_file(), '--officials-account', 'Congress');
my $own = Igjobs::Population->new(seed => 5, shared_people => 256);
my @people = $own->followers('somebody', 20000);
my %gender;
$gender{ $_->{gender} }++ for @people;
cmp_ok $gender{female}, '>', 9000, 'many women';
cmp_ok $gender{male}, '>', 9000, 'many men';
cmp_ok $gender{unknown}, '>', 500, 'some brands';
cmp_ok scalar(grep { $_->{full_name} eq '' } @people), '>', 1000,
    'some without a name';
cmp_ok scalar(grep { $_->{full_name} =~ /\xf0/ } @people), '>', 1000,
    'some with emoji or decorated letters';
is scalar(grep { $_->{username} !~ /^[a-z0-9._]{1,30}$/ } @people), 0,
    'user names are well-formed';
is scalar(grep { $_->{username} =~ /\.\./ } @people), 0, 'without two dots';
is scalar(grep { $_->{id} !~ /^[1-9][0-9]{0,17}$/ } @people), 0, 'ids, too';

# accounts share people
my %alice = map { $_->{id} => $_ } $own->followers('alice', 1000);
my @both = grep { $alice{ $_->{id} } } $own->followers('bob', 1000);
cmp_ok scalar @both, '>', 50, 'two accounts share followers';
is_deeply [map { $alice{ $_->{id} } } @both], \@both,
    'who look the same in both';

# public officials
for my $account ('public_officials', 'congress') {
    my @told = told($sim, $account);
    is scalar @told, 407, "$account has 407 followers";
    open my $in, '<', officials_file() or die $!;
    my @file = map { my $o = $json->decode($_);
                     +{ map { $_ => $o->{$_} }
                        qw(id username full_name gender) } } <$in>;
    is_deeply \@told, \@file, 'as in the file';
}

# datasets hold the same people in the same order
for my $actor ('igjobs~followers', 'igjobs~followers-with-source') {
    my $run = start_run($sim, ['alice', 'Public_Officials', '@BOB'],
                        max_count => 500, actor => $actor);
    my @items = items($sim, $run);
    my @expected = (told($sim, 'alice', 'count=500'),
                    told($sim, 'public_officials'),
                    told($sim, 'bob', 'count=500'));
    utf8::decode($_->{full_name}) for @expected;
    is_deeply
        [map { [$_->{id} // $_->{userId}, $_->{username},
                $_->{full_name} // $_->{fullName}] } @items],
        [map { [@$_{qw(id username full_name)}] } @expected],
        "$actor: the dataset";
    is scalar(grep { exists $_->{gender} } @items), 0, 'without the gender';
    next if $actor eq 'igjobs~followers';
    my %source;
    $source{ $_->{sourceUsername} }++ for @items;
    is_deeply \%source, { alice => 500, public_officials => 407, bob => 500 },
        'items name their source';
}

finish();
done_testing;
