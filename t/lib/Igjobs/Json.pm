# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Reads JSON several times faster than JSON::PP, because every answer that a
# test gets is read. Stricter, too: a member that comes twice is an error.
#
#   my $data = Igjobs::Json::decode($bytes);      # UTF-8; dies on anything else
#
# Numbers stay numbers, strings strings; true and false are JSON::PP's.

package Igjobs::Json;

use strict;
use warnings;
no warnings 'recursion';
use JSON::PP ();

my $space = qr/[ \t\n\r]*+/;
my $plain = qr/[^"\\\x00-\x1f]*+/;      # of a string
my %word = (true => JSON::PP::true, false => JSON::PP::false, null => undef);
my %escape = ('"' => '"', '\\' => '\\', '/' => '/', b => "\b", f => "\f",
              n => "\n", r => "\r", t => "\t");

our $text;      # what is read, at its pos()

sub decode {
    local $text = $_[0];

    pos($text) = 0;
    $text =~ /\G$space/gc;
    my $value = value();
    fail('more than one value') if pos $text < length $text;
    return $value;
}

sub fail {
    die 'JSON: ' . $_[0] . ' at byte ' . (pos($text) // 0) . ', before '
        . substr($text, pos($text) // 0, 20) . "\n";
}

# each reads the white space behind, too

sub value {
    return string($1) if $text =~ /\G"($plain)/gc;
    return object() if $text =~ /\G\{$space/gc;
    return array() if $text =~ /\G\[$space/gc;
    return $1 + 0 if $text
        =~ /\G(-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)$space/gc;
    return $word{$1} if $text =~ /\G(true|false|null)\b$space/gc;
    return fail('no value');
}

sub object {
    my %members;

    return {} if $text =~ /\G\}$space/gc;
    do {
        $text =~ /\G"($plain)/gc or fail('no member name');
        my $name = string($1);
        fail("member '$name' twice") if exists $members{$name};
        $text =~ /\G:$space/gc or fail('no colon');
        $members{$name} = value();
    } while ($text =~ /\G,$space/gc);
    $text =~ /\G\}$space/gc or fail('no end of an object');
    return \%members;
}

sub array {
    my @elements;

    return [] if $text =~ /\G\]$space/gc;
    do {
        push @elements, value();
    } while ($text =~ /\G,$space/gc);
    $text =~ /\G\]$space/gc or fail('no end of an array');
    return \@elements;
}

# a string whose plain beginning is read
sub string {
    my ($string) = @_;

    until ($text =~ /\G"$space/gc) {
        $text =~ /\G\\/gc or fail('bad character in a string');
        $string .= escape() . ($text =~ /\G($plain)/gc ? $1 : '');
    }
    return $string if $string !~ /[\x80-\xff]/;
    utf8::decode($string) or fail('no UTF-8');
    return $string;
}

# what follows a backslash, as UTF-8
sub escape {
    return $escape{$1} if $text =~ /\G(["\\\/bfnrt])/gc;
    $text =~ /\Gu([0-9A-Fa-f]{4})/gc or fail('bad escape');
    my $code = hex $1;

    if ($code >= 0xd800 && $code < 0xdc00
        && $text =~ /\G\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})/gc)
    {
        $code = 0x10000 + (($code - 0xd800) << 10) + (hex($1) - 0xdc00);
    }
    fail('half a surrogate pair') if $code >= 0xd800 && $code < 0xe000;
    my $char = chr $code;
    utf8::encode($char);
    return $char;
}

1;
