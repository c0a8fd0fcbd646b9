#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Nothing in the module may wait: it does not even link the calls that do.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;

my $module = Igjobs::Env::built('ngx_http_igjobs_module.so');
my %used = map { /\bU (\w+)/ ? ($1 => 1) : () }
           `nm -D --undefined-only '$module' 2>/dev/null`;

plan skip_all => 'no nm' if !%used;

ok($used{PQsendQueryParams}, 'the list is the right one');
ok(!$used{$_}, "no $_") for qw(
    PQconnectdb PQconnectdbParams PQsetdbLogin PQreset PQexec PQexecParams
    PQprepare PQexecPrepared PQdescribePrepared PQcancel PQendcopy PQgetCopyData
    PQfn PQping PQencryptPasswordConn lo_create
    redisConnect redisCommand redisGetReply redisAsyncConnect
    getaddrinfo gethostbyname gethostbyname2 connect select poll sleep usleep
    nanosleep system popen fork pthread_create
);

done_testing;
