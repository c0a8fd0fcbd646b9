#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Two workers and Airtable's real limit, in real time: both make tables of one
# base, and together stay below five requests a second. Then a 429: the base is
# silent for the fleet; and a month that is used up, at which units end.
#
# run: alone

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Stack;
use Igjobs::Wait;

use constant TABLES => 8;

my $stack = Igjobs::Stack->new(sim => { args => [
    '--airtable-token', 'pat-test'] });
$stack->start(qw(postgres redis sim));
my @workers = map { $stack->add_worker(
    name => "worker_$_",
    args => ["--worker-id=worker_$_", '--lanes=2', '--sweep=200ms'],
    env => { AIRTABLE_ACCESS_TOKEN => 'pat-test',
             AIRTABLE_BASE_URL => $stack->sim->base_url }) } 1, 2;
my $number = 0;

# start($base, $tables): an operation that makes them; its id
sub start {
    my ($base, $tables) = @_;
    my $id = sprintf '01900000-0000-7000-8000-%012d', ++$number;

    $stack->psql("select igjobs.start_operation('default', '$id', '$base',"
        . qq( 'create_base', '{"num_vas": $tables, "platform": "x"}', 'look',)
        . q( array[')
        . qq({"do": "airtable_base", "airtable_base": "$base"}'::jsonb]\)));
    return $id;
}

sub state_of {
    my ($id) = @_;

    return $stack->psql("select state from public.scrape_jobs where job_id ="
        . " '$id'");
}

sub ended {
    my ($id) = @_;

    wait_for { state_of($id) =~ /^(?:completed|failed)$/ } 60, "$id to end";
    return state_of($id);
}

sub of_base {
    my ($base) = @_;

    return $stack->sim->airtable_ledger->{bases}{$base};
}

# This machine may stand still for longer than turns are apart, and then no
# pace helps: one round of three must be calm.
subtest 'five a second' => sub {
    my $sums;

    for my $round (1 .. 3) {
        my $base = "appCalm0000000000$round";

        my $id = start($base, TABLES);
        wait_for { $stack->psql('select count(distinct worker) from'
            . " igjobs.batches where state = 'leased'") == 2 } 20,
            'both workers';
        is ended($id), 'completed', 'all tables are made';
        $sums = of_base($base);
        last if $sums->{refused} == 0;
        diag "round $round was not calm: $sums->{highest_per_second} a second";
    }
    cmp_ok $sums->{requests}, '>=', TABLES + 1, 'one request each, and a look';
    cmp_ok $sums->{highest_per_second}, '<=', 5, 'never more in a second';
    is $sums->{refused}, 0, 'Airtable has refused nothing';
};

subtest 'a 429' => sub {
    my $base = 'appLoud0000000001';

    $stack->sim->faults([{ match => { provider => 'airtable',
        op => 'create_table', nth => 1 }, action => { status => {
        code => 429, type => 'RATE_LIMIT_REACHED' } } }]);
    my $id = start($base, 2);
    wait_for { $stack->psql('select state from igjobs.airtable_bases where'
        . " base = '$base'") eq 'frozen' } 20, 'the base to be silent';
    is $stack->psql("select extract(epoch from until - now()) between 20 and 31"
        . " from igjobs.airtable_bases where base = '$base'"), 't',
        'for half a minute';
    wait_for { $stack->psql('select count(*) from igjobs.batches where'
        . " job_id = '$id' and state = 'queued' and not_before > now()"
        . ' + interval \'5 s\'') >= 1 } 20, 'its units to wait';
    is $stack->psql("select max(failures) from igjobs.batches where job_id ="
        . " '$id'"), 0, 'which is no failure of theirs';
    $stack->sim->call('DELETE', '/_sim/faults');
    $stack->psql("select igjobs.airtable_thaw('$base')");
    $stack->psql("update igjobs.batches set not_before = now() where job_id ="
        . " '$id' and state = 'queued'");
    is ended($id), 'completed', 'then it goes on';
    is of_base($base)->{requests}, 4, 'nobody has asked meanwhile';
};

subtest 'a month that is used up' => sub {
    my $base = 'appUsed0000000001';

    $stack->sim->faults([{ match => { provider => 'airtable', op => 'schema' },
        action => { status => { code => 429,
            type => 'PUBLIC_API_BILLING_LIMIT_EXCEEDED' } } }]);
    is ended(start($base, 2)), 'failed', 'an operation ends';
    is $stack->psql('select state from igjobs.airtable_bases where base ='
        . " '$base'"), 'used_up', 'and the base is closed';
    $stack->sim->call('DELETE', '/_sim/faults');
    my $asked = of_base($base)->{requests};
    my $id = start($base, 2);
    is ended($id), 'failed', 'the next one, too';
    is of_base($base)->{requests}, $asked, 'without a request';
    like $stack->psql("select error from igjobs.batches where job_id = '$id'"),
        qr/the month's API calls of this base are used up/, 'it says why';
    $stack->psql("select igjobs.airtable_thaw('$base')");
    is ended(start($base, 2)), 'completed', 'until an operator thaws it';
};

unlike $_->log_text, qr/pat-test/, 'no token in a log' for @workers;

$stack->finish;
done_testing;
