#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# igjobs, the command: bases and campaigns in the simulator's Airtable, from the
# tables of a base to the end of an assignment.

use strict;
use warnings;
use FindBin;
use lib map { "$FindBin::Bin/$_" } '../lib', '../e2e/lib', 'lib';
use JSON::PP ();
use Test::More;
use Igjobs::Campaign;
use Igjobs::Command;

my $c = Igjobs::Campaign->new(tables => 0);
my $igjobs = Igjobs::Command->new(
    'http://127.0.0.1:' . $c->stack->nginx->port);
my $base = Igjobs::Campaign::BASE;
my $progress = qr/(?:\[[#.]+\] .*\n)*/;
$c->set(num_va_tables => 3, create_base_per_hour => 4);

sub faults {
    $c->sim->call('DELETE', '/_sim/faults');
    $c->sim->faults([map { { match => { provider => 'airtable',
        %{ $_->[0] } }, action => $_->[1] } } @_]);
    return;
}

# says($words, $status, $out, $err): what the command does, in both streams
sub says {
    my ($words, $status, $out, $err, $name) = @_;
    my $r = $igjobs->run($words);

    is $r->{status}, $status, $name // "@$words";
    like $r->{out}, qr/\A$out\z/, 'on standard output';
    like $r->{err}, qr/\A$progress$err\z/, 'on standard error';
    return $r;
}

subtest 'a worker without a token' => sub {
    $c->worker(AIRTABLE_ACCESS_TOKEN => undef);
    says(['verify-base', $base], 3, '',
         qr/igjobs: AIRTABLE_ACCESS_TOKEN .*\(500 IGJ1404\)\n  The operator .*\n/);
    $c->stop_worker;
    $c->worker;
};

subtest 'a base' => sub {
    says(['verify-base', $base], 1, qr/valid\ +false\nbase_id\ +$base\n
         tables_found\ +0\ntables_expected\ +3\n
         missing_tables\ +Daily_Outreach_Table_01\n
         missing_tables\ +Daily_Outreach_Table_02\n
         missing_tables\ +Daily_Outreach_Table_03\n/x, '', 'nothing is there');
    faults([{ op => 'create_table', nth => 2 }, { status => {
        code => 422, type => 'INVALID_REQUEST_UNKNOWN' } }]);
    my $r = says(['create-base', "https://airtable.com/$base/tblX", '--tables',
                  3, '--name', 'Team A', '--platform', 'tiktok'], 1, '',
         qr/igjobs:\ create\ table.*INVALID_REQUEST_UNKNOWN.*IGJ1406\)\n.*\n
         \ \ message:\ Created\ 2\ tables.*failed\ 1\.\n
         \ \ failed_tables:\ Daily_Outreach_Table_\d\d\n
         \ \ igjobs\ redrive\ \S+\ .*\n/x, 'one table cannot be made');
    faults();
    says(['create-base', $base, '--tables', 3, '--name', 'Team A'], 0,
         qr/(?s:.*)tables_created\ +1\ntables_skipped\ +2\n/x, '',
         'the next call makes it');
    says(['create-base', $base], 2, '',
         qr/igjobs: duplicate_(?s:.*)existing_job\.influencer_name: Team A\n/,
         'and no further');
    says(['verify-base', $base], 0, qr/valid +true\n(?s:.*)/, '',
         'now all are there');
    says(['verify-base', $base, '--tables', 2], 0,
         qr/(?s:.*)extra_tables +Daily_Outreach_Table_03\n/, '',
         'one more than wanted');
    is JSON::PP::decode_json($igjobs->run(['verify-base', $base, '--json'])
        ->{out})->{tables_expected}, 3, 'as JSON';
    says(['create-base', 'app1'], 2, '', qr/igjobs: Invalid.*\n.*#\/base_id.*\n/,
         'no base');
    is $igjobs->run(['create-base', 'appOther000000001', '--tables', $_])
        ->{status}, 2, "$_ tables" for 0, 201, 'x';
    $c->set(create_base_per_hour => 1);
    says(['create-base', 'appOther000000001'], 3, '',
         qr/igjobs: Rate limit.*\(429 IGJ0705\)\n.*\n  There .* \d+ min\.\n/,
         'too often');
};

subtest 'from pending to deleted' => sub {
    my $id = $c->campaign(12, per_table => 4);
    my $of = "campaign_id = '$id'";
    my @ids = split /\n/, $c->assigned('id', "$of order by id");

    says(['airtable-sync', $id], 0, qr/(?s:.*)records_synced +12\n.*\n/, '');
    says(['sync-statuses'], 0, qr/synced_count +0\n/,
         qr/igjobs: no status has changed\n/, 'nobody has done anything');
    $c->person(\@ids, 'followed');
    says(['sync-statuses'], 0, qr/synced_count +12\n/, '', 'all are followed');
    says(['mark-unfollow-due'], 0, qr/marked_count +0\n/,
         qr/igjobs: nothing is due to be unfollowed\n/, 'nothing is due');

    $c->age('assigned_at', '7 days', $of);
    faults([{ op => 'update', every => 1 }, { status => { code => 403,
        type => 'INVALID_PERMISSIONS' } }]);
    says(['mark-unfollow-due'], 1, qr/marked_count +12\nairtable_updated +0\n/,
         qr/igjobs: not all of it was done:\n(?:  Failed to update .*\n){3}/,
         'Airtable does not take it');
    faults();
    says(['mark-unfollow-due'], 0, qr/marked_count +0\nairtable_updated +12\n/,
         '', 'the next call brings it there');

    $c->person(\@ids, 'completed');
    my $r = $igjobs->run(['sync-statuses', '--no-wait']);
    my ($operation) = $r->{out} =~ /^operation_id +(\S+)$/m;
    like $r->{err}, qr/igjobs operation $operation$/, 'nobody waits';
    says(['operation', $operation], 0, qr/synced_count +12\n/, '',
         'until somebody does');
    is $igjobs->run(['operation', $id])->{status}, 4, 'no operation';
    says(['delete-completed'], 0, qr/deleted_count +0\n/,
         qr/igjobs: nothing has been completed for long enough\n/, 'not yet');
    $c->age('updated_at', '24 hours', $of);
    says(['delete-completed'], 0, qr/deleted_count +12\nairtable_deleted +12\n/,
         '', 'deleted');
    is $c->assigned('count(*)', $of), 0, 'nothing is left';
    says(['assignments', $id], 0, '', qr/igjobs: no assignments\n/);
};

$c->finish;
done_testing;
