# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# What a job must find, computed from the simulator's world without asking the
# simulator, the worker or the database.
#
#   my $expected = Igjobs::Expected->new($world, \@accounts, $count);
#   $expected->total_scraped;      # distinct people, batch by batch
#   $expected->people;             # id to person, each once
#   $expected->digest;             # as below, of these people
#   digest_of(@profiles);          # SHA-256 of sorted lines: id, name, full name

package Igjobs::Expected;

use strict;
use warnings;
use Digest::SHA 'sha256_hex';
use Exporter 'import';

our @EXPORT = qw(digest_of);

use constant BATCH => 50;

# a world (Igjobs::Population), the accounts in order, followers of each
sub new {
    my ($class, $world, $accounts, $count) = @_;
    my $self = bless { people => {}, total_scraped => 0 }, $class;
    my @accounts = @$accounts;

    while (my @batch = splice @accounts, 0, BATCH) {
        my %seen;
        for my $person (map { $world->followers($_, $count) } @batch) {
            $seen{$person->{id}} = 1;
            $self->{people}{$person->{id}} //= $person;
        }
        $self->{total_scraped} += keys %seen;
    }
    return $self;
}

sub total_scraped { return $_[0]{total_scraped} }
sub people { return $_[0]{people} }

sub digest { return digest_of(values %{ $_[0]{people} }) }

sub digest_of {
    my (@people) = @_;

    return sha256_hex(join '', sort map {
        join("\t", @$_{qw(id username full_name)}) . "\n"
    } @people);
}

1;
