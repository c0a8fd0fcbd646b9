#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A client made of curl and sed: submit, poll, read; every field of the
# contract; figures that agree with the simulator's world and its ledger.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Igjobs::Client;
use Igjobs::Env;

test_client('sh', Igjobs::Env::staged("$FindBin::Bin/client.sh"));
