#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# What a client is told about a job that does not come to its end, with real
# workers: nobody there, a worker that ends, one that is killed, without Redis
# too, a provider that is away, the last slow account.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Stack;
use Igjobs::Wait;

my @quick = ('--sweep=300ms', '--beat=200ms', '--lanes=2');
my $stack = Igjobs::Stack->new(worker => { args => \@quick });
$stack->start(qw(postgres redis sim nginx));
my $jobs = $stack->jobs;
my $http = $stack->client;

sub submit {
    my ($accounts) = @_;
    return $jobs->submit(accounts => [map { "source_$_" } 1 .. $accounts],
                         targetGender => 'any',
                         totalScrapeCount => 10 * $accounts);
}

# explained($job): the answer, which fits its description
sub explained {
    my ($job) = @_;
    my $r = $http->get("/api/jobs/$job/explain");

    is $r->{status}, 200, 'explained' if $r->{status} != 200;
    return $r->json;
}

# until($job, $cause): waits until that is what holds it
sub until_it_is {
    my ($job, $cause) = @_;
    my $x;

    wait_for { ($x = explained($job))->{cause} eq $cause } 40,
        "$job to be held by $cause";
    pass "$cause: $x->{explanation}";
    return $x;
}

my $job = submit(2);
is explained($job)->{cause}, 'no_worker', 'nobody there';
$stack->start('worker');
is $jobs->wait_done($job)->{status}, 'completed', 'a worker comes';
my $x = until_it_is($job, 'ended');
wait_for { ($x = explained($job))->{workers}{alive} } 40,
    'the worker to say that it is there';
is_deeply $x->{workers}, { alive => 1, lanes => 2, working => 0 },
    'which is known' or diag explain $x;
$stack->worker->stop;
is explained(submit(1))->{cause}, 'no_worker', 'one that ends is not waited for';

# a provider that is away

$stack->sim->faults([{ match => { op => 'start' }, action => {
    status => { code => 401, type => 'user-or-token-not-found' } } }]);
$stack->worker->start;
$job = submit(1);
$x = until_it_is($job, 'circuit_open');
like $x->{explanation}, qr/refuses our account/, 'who refuses';
like $x->{detail}{last_error}, qr/401/, 'and how';
ok $x->{until} gt $x->{since}, 'until when';
$stack->sim->call('DELETE', '/_sim/faults');
$stack->psql('select igjobs.close_breaker(scope) from igjobs.breakers');
is $jobs->wait_done($job)->{status}, 'completed', 'and it goes on';

# the last slow account

$stack->sim->faults([{ match => { op => 'start', account => 'source_60' },
                       action => { stay_running => { ms => 600_000 } } }]);
$job = submit(60);
$x = until_it_is($job, 'tail');
is $x->{detail}{batches}, 1, 'of the last batch';
cmp_ok $x->{detail}{accounts}, '>=', 1, 'with its accounts';
ok $x->{eta}{p50}{seconds} <= $x->{eta}{p90}{seconds}, 'with an estimate';

# killed: known to be dead when it was not heard of for some beats

$stack->worker->kill9;
until_it_is($job, 'no_worker');
$http->post_json("/api/jobs/$job/cancel", {});

# without Redis

$stack->redis->stop;
my $direct = submit(1);
$stack->sim->call('DELETE', '/_sim/faults');
is explained($direct)->{cause}, 'no_worker', 'without Redis: nobody there';
$stack->worker->start;
is $jobs->wait_done($direct)->{status}, 'completed', 'a worker comes';
is explained($direct)->{workers}{alive}, 1, 'and is known';

$stack->finish;
done_testing;
