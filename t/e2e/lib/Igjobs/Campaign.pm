# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Campaigns through nginx, real workers and an Airtable of the simulator, whose
# clock runs 20 times as fast: what t/e2e/campaigns.t and t/soak.d/campaigns.t
# share.
#
#   my $c = Igjobs::Campaign->new(tables => 8);
#   my $id = $c->campaign(1440);             # taken in, selected, distributed
#   my $answer = $c->sync($id);              # what the call says
#   $c->whole($id, 1440);                    # both sides agree, nothing twice
#   $c->finish;

package Igjobs::Campaign;

use strict;
use warnings;
use Carp;
use JSON::PP ();
use Test::More;
use Igjobs::Stack;
use Igjobs::Wait;

use constant { BASE => 'appTeam0000000001', SPEED => 20 };

my @quick = ('--lanes=8', '--lease=2s', '--beat=200ms', '--sweep=300ms',
             '--start-timeout=1s');

# new(tables => 8, sim => [...]): of so many tables in Airtable, without worker
sub new {
    my ($class, %option) = @_;
    my $stack = Igjobs::Stack->new(sim => { args => [
        '--speed', SPEED, '--airtable-token', 'pat-test',
        '--airtable-tables', $option{tables}, @{ $option{sim} // [] }] });
    my $self = bless { stack => $stack, profiles => 0, workers => 0 }, $class;

    $stack->start(qw(postgres redis sim nginx));
    $self->set(num_va_tables => $option{tables}, airtable_base_id => BASE,
               airtable_requests_per_second => 3 * SPEED,
               airtable_token_requests_per_second => 40 * SPEED,
               retry_base_ms => 50);
    return $self;
}

sub stack { return $_[0]{stack} }
sub sim { return $_[0]{stack}->sim }
sub sql { my ($self, @rest) = @_; return $self->{stack}->psql(@rest) }
sub finish { return $_[0]{stack}->finish }

# set(name => value): settings of the fleet
sub set {
    my ($self, %value) = @_;

    $self->sql("update igjobs.settings set value = '$value{$_}' where name ="
        . " '$_'") for sort keys %value;
    return;
}

# worker(): one more
sub worker {
    my ($self, %env) = @_;
    my $name = 'worker_' . ++$self->{workers};

    return $self->{worker} = $self->{stack}->add_worker(
        name => $name, args => [@quick, "--worker-id=$name"],
        env => { AIRTABLE_ACCESS_TOKEN => 'pat-test',
                 AIRTABLE_BASE_URL => $self->sim->base_url, %env });
}

# stop_worker(), kill(): the newest worker, in order and at once
sub stop_worker { $_[0]{worker}->stop; return }
sub kill { $_[0]{worker}->kill9; return }

# post($path, $body or undef, @headers): status and body of the answer
sub post {
    my ($self, $path, $body, @headers) = @_;
    my $r = $self->{stack}->client->request(
        'POST', $path, headers => [
            defined $body ? ('Content-Type', 'application/json') : (),
            @headers], defined $body ? (body => $body) : ());

    return ($r->{status}, $r->json);
}

# good($path, $body): the answer, which is 200
sub good {
    my ($self, @call) = @_;
    my ($status, $answer) = $self->post(@call);

    is $status, 200, "POST $call[0]" or diag explain $answer;
    return $answer;
}

sub sync { my ($self, $id) = @_; return $self->good("/api/airtable-sync/$id") }

# campaign($profiles, per_table => 180): its id
sub campaign {
    my ($self, $profiles, %option) = @_;
    my $per = $option{per_table} // 180;
    my $from = $self->{profiles} + 1;

    $self->{profiles} += $profiles;
    $self->sql('insert into public.global_usernames (id, username, full_name)'
        . " select 'p' || n, 'user_' || n, 'Name ' || n from"
        . " generate_series($from, $self->{profiles}) n");
    my $selected = $self->good('/api/daily-selection',
                               qq({"profiles_per_table":$per}));
    is $selected->{total_selected}, $profiles, "$profiles profiles selected";
    my $id = $selected->{campaign_id};
    is $self->good("/api/distribute/$id")->{total_distributed}, $profiles,
        'and distributed';
    return $id;
}

# assigned($columns, $where): of assignments, as SQL
sub assigned {
    my ($self, $columns, $where) = @_;

    return $self->sql("select $columns from public.daily_assignments where "
        . ($where // 'true'));
}

# in_airtable(%more): one record for each that a person made or we did, by id
sub in_airtable {
    my ($self) = @_;
    my %seen;

    for my $line ($self->sim->airtable_records(BASE)) {
        my $id = $line->{record}{fields}{id};
        croak "twice in Airtable: $id" if $seen{$id};
        $seen{$id} = $line;
    }
    return \%seen;
}

# whole($campaign, $records): Airtable has each assignment once, as it is
sub whole {
    my ($self, $id, $records) = @_;
    my $there = $self->in_airtable;
    my $wrong = 0;

    for my $row (split /\n/, $self->assigned("concat_ws('|', id, username,"
            . " full_name, position, status, airtable_record_id, 'Daily_"
            . "Outreach_Table_' || to_char(va_table_number, 'FM00'))",
            "campaign_id = '$id'")) {
        my ($key) = split /\|/, $row;
        my $line = $there->{$key} // {};
        my $fields = $line->{record}{fields} // {};
        ++$wrong if $row ne join '|', map { $_ // '' }
            @$fields{qw(id username full_name position progress_status)},
            $line->{record}{id}, $line->{table};
    }
    is $wrong, 0, 'Airtable has each assignment as it is';
    is scalar(keys %$there), $records, "$records records, none twice";
    is $self->sql('select status from public.campaigns where campaign_id ='
        . " '$id'"), 't', 'the campaign has gone through';
    return;
}

# age($column, $interval, $where): moves assignments into the past
sub age {
    my ($self, $column, $interval, $where) = @_;

    $self->sql("update public.daily_assignments set $column = $column -"
        . " interval '$interval' where $where");
    return;
}

# person($ids, $status): somebody sets a status in Airtable
sub person {
    my ($self, $ids, $status) = @_;

    is $self->sim->airtable('set', { base => BASE, ids => $ids,
        set => { progress_status => $status } })->{changed},
        scalar @$ids, "people set $status";
    return;
}

# killed($profiles, $tables): a worker is killed when half of a campaign is in
# Airtable, the call is made again, another worker goes on
sub killed {
    my ($self, $profiles, $tables) = @_;
    my $id = $self->campaign($profiles);
    my ($before, $half) = ($self->sim->airtable_ledger->{records},
                           int $profiles / 2);

    $self->worker;
    my ($status, $started) = $self->post("/api/airtable-sync/$id", undef,
                                         Prefer => 'respond-async');
    is $status, 202, 'a sync is under way';
    wait_for { $self->sim->airtable_ledger->{records} >= $before + $half } 60,
        'half of it';
    $self->kill;
    cmp_ok $self->sim->airtable_ledger->{records}, '<', $before + $profiles,
        'its worker was killed in the middle';
    $self->worker;
    is +($self->post("/api/airtable-sync/$id", undef,
                     Prefer => 'respond-async'))[1]{operation_id},
        $started->{operation_id}, 'another call joins it';
    wait_for { ($status, $started) = do {
        my $r = $self->{stack}->client->get($started->{result_url}
            // "/api/operations/$started->{operation_id}");
        ($r->{status}, { %$started, %{ $r->json } }) };
        $status != 202 } 120, 'the sync to end';
    is_deeply [@$started{qw(tables_synced records_synced campaign_status)}],
        [$tables, $profiles, JSON::PP::true], 'it is whole';
    is_deeply $started->{errors}, [], 'without errors';

    my $created = $self->sim->airtable_ledger->{created};
    is_deeply [@{ $self->sync($id) }{qw(tables_synced records_synced)}],
        [$tables, $profiles], 'the call again says the same';
    is $self->sim->airtable_ledger->{created}, $created, 'and sends nothing';
    return $id;
}

1;
