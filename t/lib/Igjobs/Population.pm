# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The simulator's world, computed a second time: the same followers as
# igjobs-sim gives, from the description in sim/README.md and the names in
# sim/sim_names.def, without asking the simulator.
#
#   my $world = Igjobs::Population->new(seed => 7, followers => 1000,
#                                       overlap => 20, shared_people => 131072);
#   my @people = $world->followers('some_account', $count, $offset);
#   # { id, username, full_name, gender }, texts as UTF-8 bytes

package Igjobs::Population;

use strict;
use warnings;
use integer;                     # 64-bit arithmetic that wraps around
use Cwd 'abs_path';
use File::Basename 'dirname';

use constant MAX_FOLLOWERS => 16777215;

my $names_file = dirname(abs_path(__FILE__)) . '/../../../sim/sim_names.def';
my %names;                       # read once

# options as of igjobs-sim, with its defaults
sub new {
    my ($class, %option) = @_;
    my $self = bless { seed => 0, followers => 1000000, overlap => 20,
                       shared_people => 131072, %option }, $class;

    $self->{shared} = 1;
    $self->{shared} *= 2 while $self->{shared} < $self->{shared_people};
    %names = read_names() if !%names;
    return $self;
}

# followers($account, $count, $offset): in the order of the actors; all of
# them without a count, none for accounts that answer with an error item
sub followers {
    my ($self, $account, $count, $offset) = @_;
    my $end = $self->follower_count($account);
    my $key = $self->key($account);

    $offset //= 0;
    $end = $offset + $count if defined $count && $offset + $count < $end;
    return map { $self->person($self->follower($key, $_)) }
        $offset .. $end - 1;
}

sub follower_count {
    my ($self, $account) = @_;

    return 0 if lc($account) =~ /^(?:private|missing|empty|blocked|broken)_/;
    if (lc($account) =~ /^huge_(\d+)(?:[_.]|$)/) {
        return $1 < MAX_FOLLOWERS ? $1 : MAX_FOLLOWERS;
    }
    return $self->{followers};
}

# logical shift to the right
sub shift_right {
    my ($x, $n) = @_;

    return $n == 0 ? $x : ($x >> $n) & ((1 << (64 - $n)) - 1);
}

sub mix {
    my ($x) = @_;

    $x += -7046029254386353131;                  # 0x9e3779b97f4a7c15
    $x = ($x ^ shift_right($x, 30)) * -4658895280553007687;
    $x = ($x ^ shift_right($x, 27)) * -7723592293110705685;
    return $x ^ shift_right($x, 31);
}

sub fnv {
    my ($text) = @_;
    my $h = -3750763034362895579;                # 0xcbf29ce484222325

    $h = ($h ^ $_) * 1099511628211 for unpack 'C*', $text;
    return $h;
}

sub key {
    my ($self, $account) = @_;

    return mix($self->{seed} ^ fnv(lc $account));
}

# number of the account's follower $k
sub follower {
    my ($self, $key, $k) = @_;
    my $rank = $k * $self->{overlap} / 100;
    my $shared = ($k + 1) * $self->{overlap} / 100 > $rank;

    if ($shared && $rank < $self->{shared}) {
        my $stride = shift_right($key, 32) * 2 + 1;
        return ($key + $rank * $stride) & ($self->{shared} - 1);
    }
    return $self->{shared} + (shift_right($key, 30) << 24) + $k;
}

# what a person looks like
sub person {
    my ($self, $number) = @_;
    my $bits = mix($self->{seed} ^ mix($number));
    my @byte = map { shift_right($bits, 8 * $_) & 255 } 0 .. 7;
    my $pick = sub { my ($list, $byte) = @_; $list->[$byte * @$list / 256] };
    my ($given, $family, $gender);

    if ($byte[1] < 12) {
        $gender = 'unknown';
        $given = $pick->($names{B}, $byte[2]);
        $family = $pick->($names{T}, $byte[3]);
    } else {
        my $culture = $pick->($names{cultures}, $byte[0]);
        $gender = $byte[1] % 2 ? 'female' : 'male';
        $given = $pick->($culture->{first}{$gender}, $byte[2]);
        $family = $pick->($culture->{last}{$gender}, $byte[3]);
    }
    return {
        id => $number + 1,
        username => username($number, $gender, $given, $family,
                             $byte[5], $pick->($names{W}, $byte[6])),
        full_name => full_name($gender, $given->[0], $family->[0], $byte[4],
                               $pick->($names{E}, $byte[6])->[0],
                               $pick->($names{J}, $byte[6])->[0]),
        gender => $gender,
    };
}

sub username {
    my ($number, $gender, $given, $family, $style, $word) = @_;
    my ($g, $f) = ($given->[1], $family->[1]);
    my $dotted = $gender ne 'unknown' && $style >= 90 && $style < 140;
    my $stem = $gender eq 'unknown' ? "$g$f"
             : $style < 90          ? "${g}_$f"
             : $style < 140         ? "$g.$f"
             : $style < 190         ? "$g$f"
             : $style < 220         ? $g
             : $style < 236         ? "its$g"
             :                        $word->[0];

    $stem = substr $stem, 0, 17;
    $stem =~ s/[._]+\z//;
    return $stem . ($dotted ? '.' : '_') . base36($number);
}

sub base36 {
    my ($n) = @_;
    my $text = '';

    do {
        $text = (0 .. 9, 'a' .. 'z')[$n % 36] . $text;
        $n /= 36;
    } while ($n > 0);
    return $text;
}

sub full_name {
    my ($gender, $g, $f, $style, $emoji, $job) = @_;

    return "$g $f" if $gender eq 'unknown' || $style < 140;
    return $g if $style < 160;
    return '' if $style < 180;
    return "$g $f $emoji" if $style < 196;
    return letters("$g $f", 0x1d400, 0x1d41a) if $style < 204;
    return "$g $f" =~ tr/a-z/A-Z/r if $style < 212;
    return "$g $f" =~ tr/A-Z/a-z/r if $style < 220;
    return "$g $f (" . ($gender eq 'female' ? 'she/her' : 'he/him') . ')'
        if $style < 226;
    return "Dr. $g $f" if $style < 234;
    return "$g $f \xe2\x80\xa2 $job" if $style < 242;
    return "$emoji $g $emoji" if $style < 248;
    return letters("$g $f", 0xff21, 0xff41) if $style < 252;
    return "$f $g";
}

# moves A-Z and a-z to other code points
sub letters {
    my ($text, $upper, $lower) = @_;
    my $character = sub {
        my ($letter) = @_;
        my $code = $letter le 'Z' ? $upper + ord($letter) - ord 'A'
                                  : $lower + ord($letter) - ord 'a';
        my $wide = chr $code;
        utf8::encode($wide);
        return $wide;
    };

    $text =~ s/([A-Za-z])/$character->($1)/ge;
    return $text;
}

sub read_names {
    my (%table, @cultures);

    open my $in, '<', $names_file or die "$names_file: $!";
    my $text = do { local $/; <$in> };
    $text =~ s{/\*.*?\*/}{}gs;

    while ($text =~ /\b([A-Z]{1,2})\("([^"]*)"(?:,\s*"([^"]*)")?\)/g) {
        my ($kind, $name) = ($1, [$2, $3]);
        if ($kind eq 'C') {
            push @cultures, {};
            next;
        }
        if ($kind !~ /^[FML]/) {
            push @{ $table{$kind} }, $name;
            next;
        }
        my $list = $cultures[-1]{ $kind =~ /^L/ ? 'last' : 'first' } //= {};
        push @{ $list->{female} }, $name if $kind =~ /^(?:F|L|LF)$/;
        push @{ $list->{male} }, $name if $kind =~ /^(?:M|L|LM)$/;
    }
    return (%table, cultures => \@cultures);
}

1;
