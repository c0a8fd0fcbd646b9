# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A test that is asked to end says where it stood: t/limited asks one that
# hangs. What it has started ends with it.

package Igjobs::Where;

use strict;
use warnings;
use Carp ();
use POSIX ();

my $test = $$;

$SIG{TERM} = sub {
    POSIX::_exit(143) if $$ != $test;
    print STDERR Carp::longmess('asked to end');
    die "asked to end\n";
};

1;
