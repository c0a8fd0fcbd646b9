#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# bench/guard with one path: what it keeps, when it fails, what it shows.

use strict;
use warnings;
use FindBin;
use Test::More;
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;

my $guard = Igjobs::Env::root() . '/bench/guard';
my $counts = Igjobs::Env::new_dir('guard') . '/guard.counts';

plan skip_all => 'no valgrind here' if !grep { -x "$_/valgrind" }
    split /:/, $ENV{PATH};
if (Igjobs::Env::sanitized()) {
    is_deeply([guard()], [0, "guard: skipped, counts say nothing of a build"
        . " with sanitizers\n"], 'skipped');
    done_testing;
    exit;
}

my ($status, $said) = guard('--list');
my @paths = split /\n/, $said;
is($status, 0, 'names of the paths');
is_deeply([grep { defined kept("$guard.counts", $_) } @paths], \@paths,
    'each has a count in the tree');

($status, $said) = guard('return_200');
is($status, 0, 'a new path is no failure');
like($said, qr/^return_200 .* new/m, 'and said to be new');

($status) = guard('--update', 'return_200');
my $count = kept($counts, 'return_200');
is($status, 0, 'a count is kept');
cmp_ok($count, '>', 1000, 'which is one');

keep($count * 1.02);
is((guard('return_200'))[0], 0, 'a little less is fine');
keep($count * 1.1);
($status, $said) = guard('return_200');
is($status, 0, 'so is much less');
like($said, qr/^return_200 .*-[89]\.\d%.* fell/m, 'and is said');
keep($count * 0.9);
($status, $said) = guard('return_200');
is($status, 1, 'more is not');
like($said, qr/^return_200 .*\+1[012]\.\d%.* ROSE/m, 'and is said');

($status, $said) = guard('--profile', 'return_200');
is($status, 0, 'a profile');
like($said, qr/^ +[\d.]+ +[\d.]+% .* ngx_http_parse_request_line \[nginx\]$/m,
    'names functions');

($status, $said) = guard('no_such_path');
isnt($status, 0, 'an unknown path');
like($said, qr/no such path: no_such_path/, 'is named');

done_testing;


# guard(@arguments): its exit status and all that it says
sub guard {
    my @arguments = @_;
    my $pid = open my $out, '-|';

    defined $pid or die "fork: $!";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        exec $guard, '--counts', $counts, @arguments or exit 127;
    }
    my $text = do { local $/; <$out> } // '';
    close $out;
    return ($? >> 8, $text);
}

sub kept {
    my ($file, $path) = @_;

    open my $in, '<', $file or return;
    return (map { /^\Q$path\E\s+([\d.]+)/ ? $1 : () } <$in>)[0];
}

sub keep {
    my ($value) = @_;

    open my $out, '>', $counts or die "$counts: $!";
    printf $out "return_200 %.0f request\n", $value;
    close $out or die "$counts: $!";
    return;
}
