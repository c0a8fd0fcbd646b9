# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# One tenant fills the queue, another submits a job through the API: how long it
# takes, and how many runs of the others were started meanwhile. What
# t/e2e/fair.t counts and t/soak measures.
#
#   my $crowd = Igjobs::Crowd->new(lanes => 8);
#   my $alone = $crowd->job(accounts => 1);
#   $crowd->fill(tenant => 'a', jobs => 50, batches => 200);
#   my $behind = $crowd->job(accounts => 1);      # { seconds, between }

package Igjobs::Crowd;

use strict;
use warnings;
use Test::More ();
use Time::HiRes 'time';
use Igjobs::Stack;
use Igjobs::Wait;

use constant ACCOUNTS_OF_BATCH => 50;

my $counter = 0;

# new(lanes => 8, run_ms => 200): starts the stack
sub new {
    my ($class, %option) = @_;
    my $stack = Igjobs::Stack->new(
        sim => { args => ['--run-ms', $option{run_ms} // 200] },
        worker => { args => ["--lanes=$option{lanes}", '--sweep=300ms',
                             @{ $option{args} // [] }] });

    $stack->start;
    return bless { stack => $stack, jobs => $stack->jobs,
                   lanes => $option{lanes} }, $class;
}

sub stack { return $_[0]{stack} }
sub sql { my ($self, @rest) = @_; return $self->{stack}->psql(@rest) }
sub finish { return $_[0]{stack}->finish }

# fill(tenant => 'a', jobs => 50, batches => 200): jobs of batches of one
# account with one follower; comes back when as many are in work as there are
# lanes
sub fill {
    my ($self, %crowd) = @_;
    my $prefix = "$crowd{tenant}_" . ++$counter;
    my $accounts = ACCOUNTS_OF_BATCH * $crowd{batches};

    $self->sql(<<"SQL");
        select count(*) from generate_series(1, $crowd{jobs}) n,
        lateral igjobs.submit('$crowd{tenant}', 'instagram',
            (lpad(to_hex((1000 * extract(epoch from now()))::bigint), 12, '0')
             || '7000' || '8' || substr(md5('$prefix' || n), 1, 15))::uuid,
            'scrape_followers', '{"target_gender": "any",
            "max_count_per_account": 1, "keep_unknown": true}',
            $accounts, $crowd{batches},
            array(select '${prefix}_' || b
                  from generate_series(1, $crowd{batches}) b))
SQL
    wait_for { $self->leased >= $self->{lanes} } 60, 'every lane to be busy';
    return;
}

sub leased {
    my ($self) = @_;

    return $self->sql("select count(*) from igjobs.batches"
                      . " where state = 'leased'");
}

# what is in the queue goes; what is in work ends
sub clear {
    my ($self) = @_;

    $self->sql('select count(*) from public.scrape_jobs j, lateral'
        . " igjobs.stop_job(j.tenant, j.job_id, 'cancel')"
        . ' where j.completed_at is null');
    wait_for { $self->sql('select count(*) from public.scrape_jobs'
        . ' where completed_at is null') == 0 } 60, 'the crowd to go';
    return;
}

# starts of runs since a number of the journal: [tenant or job, ...]
sub starts {
    my ($self, $since) = @_;
    my (@starts, $entries);

    do {
        $entries = $self->{stack}->sim->call('GET',
            "/_sim/journal?op=start&limit=1000&since=$since");
        for my $entry (@$entries) {
            push @starts, $entry->{usernames}[0] =~ /^([a-z]+)_/;
            $since = $entry->{seq};
        }
    } while (@$entries);
    return @starts;
}

sub last_seq {
    my ($self) = @_;

    return $self->{stack}->sim->ledger->{requests};
}

# job(accounts => 450, parallelism => 2): a job of the other tenant, to its
# end: its seconds, and how many starts of others came before its first and
# between its first and its last
sub job {
    my ($self, %option) = @_;
    my $name = 'other_' . ++$counter;
    my $seq = $self->last_seq;
    my $from = time;
    my $id = $self->{jobs}->submit(
        accounts => [map { "${name}_$_" } 1 .. $option{accounts}],
        totalScrapeCount => $option{accounts},
        $option{parallelism} ? (parallelism => $option{parallelism}) : ());
    my $status = $self->{jobs}->wait_done($id, 120);
    my $seconds = time - $from;

    Test::More::is $status->{status}, 'completed',
        "a job of $option{accounts} accounts ends";
    my @starts = $self->starts($seq);
    my @own = grep { $starts[$_] eq 'other' } 0 .. $#starts;
    return { seconds => $seconds, before => $own[0],
             between => $own[-1] - $own[0] + 1 - @own };
}

1;
