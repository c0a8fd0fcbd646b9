#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# /api/docs in headless Chromium: the whole description is shown, and the page's
# policy stops nothing of it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Browser;
use Igjobs::Openapi;
use Igjobs::Stack;

plan skip_all => Igjobs::Browser::missing() if Igjobs::Browser::missing();

# no backend answers: none is needed
my $stack = Igjobs::Stack->new(
    nginx => { postgres => 'host=/nowhere dbname=none' });
$stack->start('nginx');

my $browser = Igjobs::Browser->new(
    'http://127.0.0.1:' . $stack->nginx->port . '/api/docs', '--dump-dom',
    '--virtual-time-budget=20000', '--enable-logging=stderr');
is($browser->spawn->wait_end, 0, 'the page is shown');

my $page = $browser->log_text;
my $document = Igjobs::Openapi::document();
my @operations = map { values %$_ } map { values %{ $document->{$_} } }
    qw(paths webhooks);

is_deeply([grep { /CONSOLE/ } split /\n/, $page], [],
    'without an error or a refusal');
like($page, qr/<h1>igjobs HTTP API/, 'its title');
like($page, qr/aria-busy="false"/, 'all is there');
like($page, qr/<article id="$_->{operationId}"/, $_->{operationId})
    for @operations;
like($page, qr/<article id="schema-$_"/, $_)
    for sort keys %{ $document->{components}{schemas} };
like($page, qr{curl (?:<[^>]+>)*http://127\.0\.0\.1:\d+/api/scrape-followers},
    'a line to copy');
ok($page !~ /\[object |undefined</, 'nothing is shown that is no text');

$stack->finish;
done_testing;
