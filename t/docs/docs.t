#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The documents say what the code does: every directive, setting, problem and
# limit is in them, every link leads somewhere.

use strict;
use warnings;
use Encode 'decode';
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;

my $api = text('docs/api.md');
my $operations = text('docs/operations.md');

subtest 'directives' => sub {
    my $source = text('ngx_http_igjobs_module.c');
    my %known = map { $_ => 1 }
        $source =~ /ngx_http_igjobs_(?:main|loc)\("(igjobs\w*)"/g;
    my %told = map { $_ => 1 }
        map { /`(igjobs(?:_\w+)?)(?= |`)/g } grep { /^\| `igjobs/ }
        split /\n/, $operations;

    cmp_ok(scalar keys %known, '>', 20, 'directives found in the source');
    is_deeply([sort keys %told], [sort keys %known],
        'each is in docs/operations.md, and no other');
};

subtest 'settings of the worker' => sub {
    my $worker = Igjobs::Env::built('igjobs-worker');
    my ($told) = $operations
        =~ /<!-- settings:[^\n]*-->\n(.*?)<!-- \/settings -->/s;

    is($told, decode('UTF-8', scalar qx("$worker" --print-settings)),
        'docs/operations.md holds what --print-settings prints');
};

subtest 'problems' => sub {
    my @rows = text('common/igj_problem.h')
        =~ /X\(\w+,\s*"(IGJ\d+)",\s*(\d+),/g;

    while (my ($code, $status) = splice @rows, 0, 2) {
        like($api, qr/^\| `$code` \| $status \|/m,
            "$code with its status is in docs/api.md");
    }
    my @told = $api =~ /^\| `(IGJ\d+)`/mg;
    is(scalar @told, scalar(() = text('common/igj_problem.h')
        =~ /X\(\w+,\s*"IGJ/g), 'and no other');
};

subtest 'paths' => sub {
    for my $path (text('src/ngx_http_igjobs_route.c')
                  =~ /NGX_HTTP_\w+, "([^"]+)"/g) {
        (my $pattern = $path) =~ s/:(job|schedule|operation|campaign|batch)\b/{$1_id}/g;
        $pattern =~ s/:(\w+)/{$1}/g;
        ok(index($api, $pattern) >= 0, "$pattern is in docs/api.md");
    }
};

subtest 'links' => sub {
    for my $file (qw(README.md CONTRIBUTING.md), map { s{^.*/(?=docs/)}{}r }
                  glob Igjobs::Env::root() . '/docs/*.md') {
        (my $here = $file) =~ s{[^/]*$}{};
        for my $link (text($file) =~ /\]\(([^)\s]+)\)/g) {
            next if $link =~ /^https?:/;
            my ($path, $anchor) = split /#/, $link, 2;
            my $target = $path eq '' ? $file : "$here$path";
            $target =~ s{[^/]+/\.\./}{};
            ok(-e Igjobs::Env::root() . "/$target", "$file: $link");
            next if !defined $anchor;
            my %anchors = map { anchor($_) => 1 }
                text($target) =~ /^#+ (.*)$/mg;
            ok($anchors{$anchor}, "$file: heading of $link");
        }
    }
};

done_testing();


sub text {
    my ($file) = @_;

    open my $in, '<:encoding(UTF-8)', Igjobs::Env::root() . "/$file"
        or die "$file: $!";
    local $/;
    return scalar <$in>;
}

# a heading's anchor as hosts of repositories make it
sub anchor {
    my $text = lc $_[0];

    $text =~ s/[^\w\- ]//g;
    $text =~ s/ /-/g;
    return $text;
}
