#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Completion for bash offers the commands and options that there are.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Command;
use Igjobs::Env;

my $script = Igjobs::Env::root() . '/client/igjobs.bash';

# offers(@words): what may stand in place of the last one
sub offers {
    my @words = @_;

    open my $out, '-|', 'bash', '-c', 'source "$1"; shift; COMP_WORDS=("$@");'
        . ' COMP_CWORD=$(($# - 1)); _igjobs; printf "%s\n" "${COMPREPLY[@]}"',
        'bash', $script, Igjobs::Command::path(), @words or die "bash: $!";
    return join ' ', map { chomp; $_ } <$out>;
}

is offers('s'), 'submit status select sync-statuses source-profiles schedules',
    'commands';
is offers('re'), 'results resume redrive', 'more of them';
is offers('--url', 'x', 'wa'), 'watch', 'behind common options';
is offers('submit', '--per'), '--per-account', 'options of a command';
is offers('results', '--per'), '', 'and of no other';
is offers('results', '--js'), '--json', 'common options behind it';
is offers('submit', '--gender', 'f'), 'female', 'values';
is offers('redrive', '--error-class', 'b'), 'blocked', 'of a redrive, too';
is offers('assignments', '--status', 'f'), 'followed', 'statuses of people';
is offers('jobs', '--status', 'p'), 'processing', 'and of jobs';
is offers('source-profiles', ''), 'list add remove', 'what a list can do';
is offers('source-profiles', '--al'), '--all', 'or its options';
is offers('source-profiles', 'add', ''), '', 'once';

done_testing;
