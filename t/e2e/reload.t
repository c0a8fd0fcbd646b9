#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# nginx is reloaded again and again while a job runs, clients poll it, read its
# results and submit others: no request fails, no alert, and the job completes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Igjobs::Env;
use Igjobs::Expected;
use Igjobs::Load;
use Igjobs::Population;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(
    sim => { args => ['--run-ms', 100] },
    nginx => { worker_processes => 2 });
$stack->start;

my $nginx = $stack->nginx;
my @names = map { sprintf 'source_%05d', $_ } 1 .. 2000;
my $id = $stack->jobs->submit(accounts => \@names, targetGender => 'any',
                              totalScrapeCount => scalar @names);
my %path = (status => "/api/job-status/$id",
            pages => "/api/job-results/$id?partial=true&limit=100");
my %load = map { $_ => Igjobs::Load->new(port => $nginx->port, clients => 1,
                                         path => $path{$_})->start }
           keys %path;
$load{submit} = Igjobs::Load->new(
    port => $nginx->port, clients => 1, path => '/api/scrape-followers',
    body => JSON::PP->new->encode({ accounts => ['one_name'] }))->start;

# at least ten reloads, and until the job has ended
my ($reloads, $status) = (0);
wait_for {
    $_->wait_for_requests(5) for values %load;
    $nginx->reload;
    $status = $stack->jobs->status($id);    # a new connection each time
    ++$reloads >= 10 && $status->{status} !~ /^(?:queued|processing)$/;
} 120, 'the job to end';
diag "$reloads reloads while the job ran";

for my $what (sort keys %load) {
    my %answers = $load{$what}->finish;
    is join(' ', keys %answers), $what eq 'submit' ? 202 : 200,
        "$what: no failed request" or diag explain \%answers;
}
is $status->{status}, 'completed', 'the job completed';

my $expected = Igjobs::Expected->new(Igjobs::Population->new, \@names, 1);
is $status->{total_filtered}, keys %{ $expected->people }, 'with all its rows';
wait_for { Igjobs::Env::children($nginx->pid) == 2 } 30,
    'the old nginx workers to end';
pass 'no old nginx worker is left';

$stack->finish;
done_testing;
