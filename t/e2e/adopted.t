#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The day after the switch: a database that was taken over, beside an Airtable
# that the former system has filled. A job that it left unfinished is run; its
# campaign is sent, read back and cleared, and nothing is in Airtable twice.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Env;
use Igjobs::Stack;

use constant BASE => 'appTeam0000000001';
use constant CAMPAIGN => '22222222-2222-4222-8222-000000000001';

my $stack = Igjobs::Stack->new(
    postgres => { migrated => 0 },
    sim => { args => [qw(--speed 20 --airtable-token pat-test
                         --airtable-tables 3)] });
$stack->start(qw(postgres sim));

# the former system

open my $in, '<', Igjobs::Env::root() . '/t/sql/former/v1.sql'
    or die "v1.sql: $!";
$stack->psql(do { local $/; <$in> });
for my $line (split /\n/, $stack->psql(<<"SQL")) {
select concat_ws(',', 'Daily_Outreach_Table_0' || va_table_number, id,
    username, full_name, position)
from daily_assignments
where campaign_id = '${\CAMPAIGN}' and va_table_number > 0
SQL
    my ($table, $id, $username, $full_name, $position) = split /,/, $line;

    $stack->sim->airtable(add => { base => BASE, table => $table, fields => {
        id => $id, username => $username, full_name => $full_name,
        position => $position + 0, campaign_date => '2025-10-14',
        progress_status => 'pending' } });
}

sub records { return $stack->sim->airtable_records(BASE) }

sub record {
    my ($id) = @_;
    my @found = grep { $_->{record}{fields}{id} eq $id } records();

    return @found == 1 ? $found[0]{record}{fields} : undef;
}

is scalar(records()), 170, 'the former system has sent its campaign';

# the switch

$stack->postgres->migrate('--adopt');
my %setting = (num_va_tables => 3, airtable_base_id => BASE,
    airtable_requests_per_second => 60,
    airtable_token_requests_per_second => 800,
    # its rows are older than what is kept
    map { ("${_}_retention_days" => 'off') } qw(pending completed));
$stack->psql("update igjobs.settings set value = '$setting{$_}' where name ="
    . " '$_'") for sort keys %setting;
$stack->start(qw(redis nginx));
$stack->add_worker(args => ['--sweep=300ms', '--beat=200ms'], env => {
    AIRTABLE_ACCESS_TOKEN => 'pat-test',
    AIRTABLE_BASE_URL => $stack->sim->base_url });
my $http = $stack->client;

sub call {
    my ($path) = @_;
    my $r = $http->request('POST', $path);

    is $r->{status}, 200, $path or diag $r->{body};
    return $r->json;
}

# what it left unfinished

my $job = '11111111-1111-4111-8111-000000000004';
is $http->post_json("/api/jobs/$job/redrive", {})->{status}, 200,
    'an unfinished job is redriven';
my $status = $stack->jobs->wait_done($job);
is $status->{status}, 'completed', 'and completed' or diag explain $status;
cmp_ok scalar $stack->jobs->results($job), '>', 0, 'with results';

# its campaign

my $answer = call('/api/airtable-sync/' . CAMPAIGN);
is $answer->{campaign_status}, JSON::PP::true, 'its campaign is complete';
is scalar(records()), 170, 'nothing is in Airtable twice';
is record('id151')->{position}, 51, 'a place that was there twice is not now';
is record('id1')->{progress_status}, 'followed', 'statuses are told';

$stack->sim->airtable(set => { base => BASE, ids => ['id5', 'id10'],
                               set => { progress_status => 'followed' } });
is call('/api/sync-airtable-statuses')->{synced_count}, 2,
    'what a person does there';
is $stack->psql("select status from daily_assignments where id = 'id10' and"
    . " campaign_id = '${\CAMPAIGN}'"), 'followed', 'arrives here';

$answer = call('/api/mark-unfollow-due');
is $answer->{marked_count}, $stack->psql('select count(*) from'
    . ' igjobs_before.daily_assignments where status = $$followed$$ or id in'
    . " ('id5', 'id10') and campaign_id = '${\CAMPAIGN}'"),
    'followed long ago: due';
is record('id1')->{progress_status}, 'unfollow', 'there as well';

$answer = call('/api/delete-completed-after-delay');
is "$answer->{deleted_count} $answer->{airtable_deleted}", '20 17',
    'completed long ago: gone, on both sides';
is scalar(records()), 153, 'the others stay';

$stack->finish;
done_testing;
