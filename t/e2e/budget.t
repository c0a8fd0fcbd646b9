#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A job with a budget over HTTP: it ends when that is spent, says what it cost,
# and goes on with a higher one. The simulator's ledger is the witness.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(
    sim => { args => ['--run-ms', 50, '--usage-final-ms', 500,
                      '--price-item', 0.01, '--price-start', 0.05] },
    worker => { args => ['--lanes=4', '--sweep=300ms'] });
$stack->start(qw(postgres redis sim nginx));
$stack->psql($_) for
    "select igjobs.set_price('apify', '*', 0.05, 10)",
    "update igjobs.settings set value = '700' where name = 'usage_settles_ms'";
$stack->start('worker');
my ($sim, $jobs, $http) = ($stack->sim, $stack->jobs, $stack->client);

sub job {
    my ($id) = @_;
    return $http->get("/api/jobs/$id")->json;
}

# the job when nothing of its cost can change any more
sub settled {
    my ($id) = @_;
    my $status;

    wait_for {
        $status = $jobs->status($id);
        $status->{status} eq 'completed' && !$status->{cost}{reserved_usd}
    } 60, 'the job to end and its cost to be final';
    return $status;
}

sub resume {
    my ($id, %body) = @_;
    my $r = $http->post_json("/api/jobs/$id/resume", \%body);
    return "$r->{status} " . ($r->json->{state} // $r->json->{code});
}

# 150 accounts at 10 followers are 15.15 USD
my @names = map { "source_$_" } 1 .. 150;
my $id = $jobs->submit(accounts => \@names, targetGender => 'any',
                       totalScrapeCount => 1500, max_cost_usd => 3);
my $status = settled($id);
is $status->{completion_reason}, 'budget_exhausted', 'ended by its budget';
is $status->{cost}{max_usd}, 3, 'which it says';
cmp_ok $status->{cost}{usd}, '<=', 3, 'within it';
cmp_ok $status->{cost}{usd}, '>', 2.4, 'but for what buys no run';
cmp_ok abs($sim->ledger->{usd} - $status->{cost}{usd}), '<', 1e-6,
    'as billed';
cmp_ok $status->{profiles_scraped}, '>=', 200, 'profiles for it';
my $runs = job($id)->{runs};
is_deeply [keys %$runs], ['succeeded'], 'its runs';
is $runs->{succeeded}{cost_usd}, $status->{cost}{usd}, 'and their cost';

like resume($id), qr/^409 /, 'not resumed without more money';
my $before = $sim->ledger->{runs_started};
like resume($id, max_cost_usd => 20), qr/^20\d (?:running|queued)\z/,
    'resumed with more';
$status = settled($id);
is $status->{completion_reason}, 'all_done', 'goes on to its end';
is $status->{batches}{done}, 3, 'with all batches';
cmp_ok $sim->ledger->{runs_started}, '>', $before, 'by further runs';
cmp_ok abs($sim->ledger->{usd} - $status->{cost}{usd}), '<', 1e-6,
    'and all that was billed is known';
is $status->{cost}{max_usd}, 20, 'of the new budget';

$stack->finish;
done_testing;
