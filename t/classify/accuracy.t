# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# How often the classifier is right, on the labelled sets that are checked in.
# The answers are deterministic: a figure below its bound is a change of rules
# or data for the worse.

use strict;
use warnings;
use FindBin '$Bin';
use JSON::PP;
use Test::More;
use Igjobs::Env;

my $worker = Igjobs::Env::built('igjobs-worker');
my $json = JSON::PP->new->utf8;

# rows of [gender, full name, user name]; returns the answers
sub classify {
    my ($rows) = @_;
    my $in = Igjobs::Env::run_dir() . "/classify.$$";

    open my $file, '>', $in or die "$in: $!";
    print $file map {
        $json->encode({ full_name => $_->[1], username => $_->[2] }) . "\n"
    } @$rows;
    close $file or die "$in: $!";

    my @answers = map { $json->decode($_) } qx('$worker' classify <'$in');
    unlink $in;

    is($? >> 8, 0, 'every line is classified');
    is(scalar @answers, scalar @$rows, 'and answered');
    return \@answers;
}

sub tsv {
    my ($name) = @_;
    my @rows;

    open my $file, '<:encoding(UTF-8)', "$Bin/$name" or die "$name: $!";
    while (my $line = <$file>) {
        next if $line =~ /^#/;
        chomp $line;
        push @rows, [split /\t/, $line, -1];
    }
    return @rows;
}

# coverage, share that is right of the decided, weighted error; in percent
sub measure {
    my ($rows, $answers) = @_;
    my %n = (right => 0, wrong => 0, open => 0);

    for my $i (0 .. $#$rows) {
        my $said = substr $answers->[$i]{gender}, 0, 1;
        $n{$said eq 'u' ? 'open' : $said eq $rows->[$i][0] ? 'right'
                                                          : 'wrong'}++;
    }

    my $decided = $n{right} + $n{wrong};
    return (100 * $decided / @$rows, 100 * $n{right} / $decided,
            100 * ($n{wrong} + $n{open} / 5) / ($decided + $n{open} / 5));
}

sub bounds {
    my ($what, $rows, %bound) = @_;
    my ($coverage, $accuracy, $error) = measure($rows, classify($rows));

    diag(sprintf '%-28s n %4d, coverage %.2f%%, accuracy %.2f%%, '
         . 'weighted error %.2f%%', $what, scalar @$rows, $coverage,
         $accuracy, $error);
    cmp_ok($coverage, '>=', $bound{coverage}, "$what: coverage");
    cmp_ok($accuracy, '>=', $bound{accuracy}, "$what: accuracy");
    cmp_ok($error, '<=', $bound{error}, "$what: weighted error");
}

# a line is held out if the sum of the bytes of its name is odd
sub held_out {
    my ($name) = @_;

    utf8::encode($name);
    return unpack('%32C*', $name) % 2;
}

my @world = map { [$_->[1], $_->[2], '', $_->[0]] } tsv('world-names.tsv');
my @held_out = grep { held_out($_->[1]) } @world;
my @seen = grep { !held_out($_->[1]) } @world;

bounds('world, development half', \@seen, coverage => 84, accuracy => 97.4,
       error => 6.0);
bounds('world, held-out half', \@held_out, coverage => 81.5,
       accuracy => 97.0, error => 7.0);

# regions apart, both halves: no region may be bought with another one
my %region;
push @{ $region{$_->[3]} }, $_ for @world;

my %least = (
    slavic => 99, southeurope => 97, westeurope => 98, nordicbaltic => 98,
    mideast => 98, latin => 97, centralasia => 96, southasia => 95,
    english => 94, eastasia => 94, seasia => 93, africa => 90,
);
is_deeply([sort keys %region], [sort keys %least], 'twelve regions');

for my $name (sort keys %least) {
    bounds($name, $region{$name}, coverage => 58,
           accuracy => $least{$name}, error => 17);
}

# user names alone, as made of names
sub usernames {
    my ($make) = @_;
    my @rows;

    for my $row (@held_out) {
        next if $row->[3] =~ /asia$/;
        my @parts = map { lc } $row->[1] =~ /[A-Za-z]+/g;
        next if $row->[1] =~ /[^A-Za-z .'-]/ || @parts < 2;
        push @rows, [$row->[0], '', $make->(@parts[0, -1])];
    }
    return \@rows;
}

bounds('user names: first.last', usernames(sub { "$_[0].$_[1]" }),
       coverage => 78, accuracy => 96, error => 9);
bounds('user names: firstlast88', usernames(sub { "$_[0]$_[1]88" }),
       coverage => 45, accuracy => 96, error => 25);

my @officials;
open my $file, '<', Igjobs::Env::root() . '/data/public-officials.jsonl'
    or die "public-officials.jsonl: $!";
while (my $line = <$file>) {
    my $person = $json->decode($line);
    push @officials, [substr($person->{gender}, 0, 1),
                      @$person{qw(full_name username)}];
}
bounds('public officials', \@officials, coverage => 96, accuracy => 98,
       error => 3);

# profiles as people write them: each is checked for itself
my @profiles = tsv('profiles.tsv');
my $answers = classify(\@profiles);
my @differ;

for my $i (0 .. $#profiles) {
    my ($gender, $name, $user, $evidence) = @{ $profiles[$i] };
    my $said = $answers->[$i];

    push @differ, "$name|$user: $said->{gender} $said->{evidence}"
        if substr($said->{gender}, 0, 1) ne $gender
           || ($evidence ne '' && $said->{evidence} ne $evidence);
}
cmp_ok(scalar @profiles, '>', 350, 'hundreds of profiles');
is_deeply(\@differ, [], 'are read as a person would');

done_testing();
