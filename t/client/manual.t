#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# docs/client.md holds what the command says about itself.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Command;
use Igjobs::Env;

my $igjobs = Igjobs::Command->new('http://127.0.0.1:1');
my $docs = Igjobs::Command::read_file(Igjobs::Env::root()
                                      . '/docs/client.md');
my ($told) = $docs =~ /<!-- manual:[^\n]*-->\n(.*?)<!-- \/manual -->/s;
my $r = $igjobs->run(['--print-manual']);
is $told, $r->{out}, 'docs/client.md holds what --print-manual prints';

$r = $igjobs->run(['--help']);
is $r->{status}, 0, '--help';
like $r->{out}, qr/\QExit status: 0 done, 1 the job or the/, 'exit status';
ok index($told, $r->{out}) >= 0, 'is in the manual';

for my $command ($r->{out} =~ /^  ([a-z][a-z-]*) {3,}[a-z]/mg) {
    $r = $igjobs->run([$command, '--help']);
    is $r->{status}, 0, "$command --help";
    my ($usage) = $r->{out} =~ /\A(.*?)\nCommon options:/s;
    ok index($told, $usage) >= 0, 'is in the manual';
}

$r = $igjobs->run(['--version']);
like $r->{out}, qr/^igjobs \d+\.\d+\.\d+\n\z/, '--version';

done_testing;
