#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Writes igj_fold_table.h from the Unicode data that comes with Perl.  Run by
# hand when a letter is added below; the result is kept in the repository, so
# that a build needs neither this program nor full Perl:
#
#     perl worker/classify/tool/igj_fold_table.pl >worker/classify/igj_fold_table.h

use strict;
use warnings;
use utf8;
use Unicode::Normalize qw(NFD NFC NFKC NFKD);
use Unicode::UCD ();

use constant {
    DROP   => 0,
    SELF   => 1,
    LETTER => 0x8000,
    STEP   => 0x8000,
    LAST   => 0x1FFFF,
};

# Letters that decompose to nothing in Unicode.
my %special = (
    'ß' => 'ss', 'ẞ' => 'ss', 'æ' => 'ae', 'œ' => 'oe', 'ø' => 'o',
    'ł' => 'l',  'đ' => 'd',  'ð' => 'd',  'þ' => 'th', 'ı' => 'i',
    'ħ' => 'h',  'ŋ' => 'n',  'ə' => 'e',  'ŧ' => 't',  'ĸ' => 'k',
    'ĳ' => 'ij', 'ſ' => 's',  'ƒ' => 'f',  'ɓ' => 'b',  'ƃ' => 'b',
    'ƀ' => 'b',  'ɗ' => 'd',  'ɖ' => 'd',  'ƌ' => 'd',  'ɛ' => 'e',
    'ǝ' => 'e',  'ɇ' => 'e',  'ǥ' => 'g',  'ɠ' => 'g',  'ɡ' => 'g',
    'ɨ' => 'i',  'ɩ' => 'i',  'ɉ' => 'j',  'ƙ' => 'k',  'ƚ' => 'l',
    'ɫ' => 'l',  'ɱ' => 'm',  'ɲ' => 'n',  'ɳ' => 'n',  'ƞ' => 'n',
    'ɔ' => 'o',  'ɵ' => 'o',  'ɋ' => 'q',  'ɍ' => 'r',  'ɽ' => 'r',
    'ʂ' => 's',  'ʃ' => 's',  'ȿ' => 's',  'ʈ' => 't',  'ƭ' => 't',
    'ƫ' => 't',  'ʉ' => 'u',  'ʊ' => 'u',  'ʋ' => 'v',  'ʌ' => 'v',
    'ƴ' => 'y',  'ɏ' => 'y',  'ƶ' => 'z',  'ȥ' => 'z',  'ɀ' => 'z',
    'ʐ' => 'z',  'ʒ' => 'z',  'ɑ' => 'a',  'ⱥ' => 'a',  'ȼ' => 'c',
    'ƈ' => 'c',  'ɕ' => 'c',  'ⱡ' => 'l',  'ⱦ' => 't',  'ᵽ' => 'p',
    'ƥ' => 'p',  'ꝑ' => 'p',  'ɦ' => 'h',  'ⱨ' => 'h',  'ⱪ' => 'k',
    'ⱬ' => 'z',  'ⱳ' => 'w',  'ꝥ' => 'th', 'ꞑ' => 'n',  'ꞓ' => 'c',
);

# Small capitals, in the order a b c ... with a dot where there is none.
my $small_capitals = 'ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡ.ʏᴢ';

# Unified Canadian Syllabics that "fancy text" generators take for capitals.
my %syllabics = qw(
    ᗩ a ᗅ a ᗷ b ᑕ c ᗪ d ᕮ e ᗴ e ᖴ f ᕼ h ᒍ j ᒎ j ᒪ l ᗰ m ᑎ n ᑭ p ᑫ q ᖇ r
    ᔕ s ᑌ u ᐯ v ᗯ w ᙭ x ᘔ z ᗞ d ᐱ a ᑢ c
);

# Words with an apostrophe are looked up without it.
my %apostrophe = map { $_ => 1 } split //, "'`\x{B4}\x{2BB}\x{2BC}\x{2BE}"
    . "\x{2BF}\x{2C8}\x{2CA}\x{2CB}\x{2018}\x{2019}\x{201B}\x{2032}\x{55A}"
    . "\x{5F3}\x{FF07}";

my %arabic = (
    "\x{64A}" => "\x{6CC}", "\x{649}" => "\x{6CC}", "\x{643}" => "\x{6A9}",
    "\x{629}" => "\x{647}", "\x{6C0}" => "\x{647}", "\x{671}" => "\x{627}",
);

my %fixed = (%special, %syllabics);

for my $i (0 .. 25) {
    my $letter = chr(97 + $i);
    my $small = substr($small_capitals, $i, 1);

    $fixed{$small} = $letter unless $small eq '.';
    $fixed{chr(0x1F150 + $i)} = $letter;          # negative circled
    $fixed{chr(0x1F170 + $i)} = $letter;          # negative squared
    $fixed{chr(0x1F1E6 + $i)} = $letter;          # regional indicators
    $fixed{chr(0x249C + $i)} = $letter;           # parenthesised
    $fixed{chr(0x1F110 + $i)} = $letter;
}

for my $lower (grep { ord > 127 && length uc == 1 } keys %special) {
    $fixed{uc $lower} //= $special{$lower};
}


# What a code point becomes: undef (a separator), DROP, SELF or a code.
sub fold {
    my ($cp) = @_;
    my $c = chr $cp;

    return undef if ignored($cp);
    return DROP if $apostrophe{$c} || invisible($cp);
    return code($fixed{$c}) if exists $fixed{$c};
    return undef if $c =~ /\p{S}/ && $c !~ /\p{So}/;
    return undef if $cp >= 0x2100 && $cp <= 0x214F && $c !~ /\p{L}/;
    return $c =~ /[\p{L}\p{M}\p{Cn}]/ ? SELF : digit($c) if kept_whole($cp);
    return DROP if $c =~ /\p{Mn}|\p{Me}/;
    return digit($c) // letter($c);
}


# Surrogates, private use, enclosed ideographs, radicals, ancient scripts.
sub ignored {
    my ($cp) = @_;

    return $cp >= 0xD800 && $cp <= 0xF8FF || $cp >= 0x3200 && $cp < 0x3400
        || $cp >= 0x2E80 && $cp < 0x3000 || $cp >= 0x10000 && $cp < 0x1D400
        || $cp >= 0x1D800 && $cp < 0x1F100;
}


# Scripts without capitals and marks that could be left out.
sub kept_whole {
    my ($cp) = @_;

    return $cp >= 0x900 && $cp < 0x10A0          # Indic, Thai, Lao, Tibetan
        || $cp >= 0x1100 && $cp < 0x1AB0         # Hangul Jamo to Tai Tham
        || $cp >= 0x1B00 && $cp < 0x1C80         # Balinese to Ol Chiki
        || $cp >= 0x3100 && $cp < 0x3200         # Bopomofo, Jamo
        || $cp >= 0x3400 && $cp < 0xA640         # ideographs, Yi, Lisu
        || $cp >= 0xA800 && $cp < 0xAB30         # Syloti to Meetei Mayek
        || $cp >= 0xAB70 && $cp < 0xD7B0         # Cherokee, Hangul
        || $cp >= 0xF900 && $cp < 0xFB00         # ideographs again
        || $cp >= 0xFC00 && $cp < 0xFD3E;        # Arabic ligatures
}


sub digit {
    my ($c) = @_;
    my $plain = NFKC($c);
    my $number = $plain =~ /^\p{Nd}$/ ? Unicode::UCD::num($plain) : undef;

    return defined $number ? code($number) : undef;
}


sub letter {
    my ($c) = @_;
    my $plain = lc NFKC($c);

    return code('i') if $c eq "\x{130}";
    return undef unless $plain =~ /^[\p{L}\p{M}]/;

    if ($plain =~ /^\p{Cyrillic}$/) {
        $plain =~ tr/ё/е/;

    } elsif ($plain =~ /^[ァ-ヶ]$/) {
        $plain = chr(ord($plain) - 0x60);

    } elsif ($plain !~ /\p{Hiragana}|\p{Katakana}/) {
        $plain = NFD($plain);
        $plain =~ s/\p{Mn}//g;
        $plain = join '', map { $arabic{$_} // $special{$_} // $_ }
            split //, $plain;
        $plain =~ tr/ς/σ/;
    }

    return undef if $plain eq '' || $plain =~ /[^\p{L}]/;
    return SELF if $plain =~ /^\p{Latin}$/ && $plain !~ /^[a-z]$/;
    return SELF if $plain !~ /^(?:[a-z]{1,3}|\p{Greek}|\p{Cyrillic}|
                                 \p{Armenian}|\p{Arabic}|\p{Hiragana})$/x;
    return code($plain);
}


# Default-ignorable code points, fillers and the like.
sub invisible {
    my ($cp) = @_;

    return chr($cp) =~ /\p{Cf}|\p{Default_Ignorable_Code_Point}/
        || $cp == 0x640 || $cp == 0x2800
        || ($cp >= 0x1F3FB && $cp <= 0x1F3FF);
}


# One to three plain letters, or one code point below U+8000.
sub code {
    my ($text) = @_;

    if ($text =~ /^[a-z]{1,3}$/) {
        my @n = map { ord($_) - 96 } split //, $text;
        return LETTER | $n[0] | ($n[1] // 0) << 5 | ($n[2] // 0) << 10;
    }

    return ord $text if length $text == 1 && ord $text < 0x8000
        && ord $text > 1;
    return SELF;
}


sub ranges {
    my @ranges;

    for my $cp (0 .. LAST) {
        my $value = fold($cp);
        next unless defined $value;

        my $r = @ranges ? $ranges[-1] : undef;
        my $n = $r ? $cp - $r->{first} : 0;

        if ($r && $n < 0x7FFF && $n == $r->{count}) {
            if ($value == $r->{value} && !$r->{step}) {
                $r->{count}++;
                next;
            }

            if ($value == $r->{value} + $n && ($r->{step} || $n == 1)
                && $value > SELF && $r->{value} > SELF
                && (!($value & LETTER) || ($value & 31) <= 26))
            {
                $r->{step} = 1;
                $r->{count}++;
                next;
            }
        }

        push @ranges, { first => $cp, count => 1, value => $value, step => 0 };
    }

    return @ranges;
}


my @ranges = ranges();
my @cells = map {
    sprintf '{0x%X,%u,%#x}', $_->{first},
        $_->{count} | ($_->{step} ? STEP : 0), $_->{value}
} @ranges;

print <<"END";
/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Made by tool/igj_fold_table.pl from Unicode @{[Unicode::UCD::UnicodeVersion()]}; included by igj_fold.c
 * only.  What is in no range is a separator.
 */

END

print "static const igj_fold_range_t  igj_fold_ranges[] = {\n";

my $line = '   ';

for my $cell (@cells) {
    if (length($line) + length($cell) + 2 > 79) {
        print "$line\n";
        $line = '   ';
    }
    $line .= " $cell,";
}

print "$line\n};\n";
