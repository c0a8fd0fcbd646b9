# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Jobs by seeds on one stack whose workers die: what paid_once.t does with a few
# of them and t/soak with many. The simulator's ledger and journal are the
# witness of what was paid, its world says which rows must come out.
#
#   my $paid = Igjobs::PaidOnce->new(workers => 3);
#   $paid->kill_at_random([1 .. 20]);      # seeds; until every job has ended
#   $paid->check('killed at random');
#   $paid->finish;

package Igjobs::PaidOnce;

use strict;
use warnings;
use JSON::PP ();
use Test::More;
use Igjobs::Ends;
use Igjobs::Population;
use Igjobs::Queue;
use Igjobs::Soak;
use Igjobs::Stack;
use Igjobs::Wait;

use constant { MOST_ACCOUNTS => 120, MOST_FOLLOWERS => 30 };

my @quick = ('--lanes=4', '--lease=1500ms', '--beat=200ms', '--sweep=300ms',
             '--start-timeout=1s', '--page-size=200');

# Each is one of the ways in which an answer of the provider goes wrong around
# a start; every job has one of them, by its seed.
my @faults = (
    undef, undef, undef, undef,
    { start => { drop_after => \1 } },
    { start => { drop_before => \1 } },
    { start => { hang => { ms => 4000 }, effect => \1 } },
    { start => { status => { code => 500 }, effect => \1 } },
    { start => { status => { code => 502 }, effect => \0 } },
    { start => { rst => \1 } },
    { start => { drop_after => \1, run_404 => { ms => 3000 } } },
    { start => { truncate_at => 20 } },
    { start => { stay_running => { ms => 1000 } } },
    { items => { truncate_at => 500 } },
    { input => { drop_after => \1 } },
    { runs => { status => { code => 503 } } },
);

# new(workers => 3): starts the stack
sub new {
    my ($class, %option) = @_;
    my $stack = Igjobs::Stack->new(
        sim => { args => ['--run-ms', 200, '--usage-final-ms', 0] });

    $stack->start(qw(postgres redis sim));
    note_ends(sub { $stack->psql(@_) });
    # workers die here far more often than a bad batch would kill them
    $stack->psql("update igjobs.settings set value = '1000'"
                 . " where name = 'max_losses'");
    my $self = bless {
        stack => $stack, queue => Igjobs::Queue->new($stack),
        world => Igjobs::Population->new, jobs => {}, kills => 0, seen => 0,
        batches => 0,
    }, $class;
    $self->{workers} = [map { $stack->add_worker(
        name => "worker_$_", args => [@quick, "--worker-id=worker_$_"])
    } 1 .. $option{workers} // 1];
    return $self;
}

sub sim { return $_[0]{stack}->sim }
sub sql { my ($self, @rest) = @_; return $self->{stack}->psql(@rest) }
sub finish { return $_[0]{stack}->finish }

# submit($seed): a job of 1 to 3 batches, none of whose accounts any other has,
# and one fault on its way
sub submit {
    my ($self, $seed, %option) = @_;
    my $random = random($seed);
    my $accounts = 1 + int $random->(MOST_ACCOUNTS);
    my $followers = 1 + int $random->(MOST_FOLLOWERS);
    my $fault = $option{fault} // $faults[$random->(scalar @faults)];
    my @names = map { "s${seed}_$_" } 1 .. $accounts;
    my $of = $names[$random->($accounts)];

    $self->sim->faults([map { {
        name => "$_ of seed $seed",
        match => { op => $_, account => $of, times => 1 },
        action => $fault->{$_},
    } } keys %$fault]) if $fault;
    my $job = $self->{queue}->submit(accounts => \@names,
                                     max_count => $followers);
    $self->{jobs}{$job} = { seed => $seed, names => \@names,
                            followers => $followers, of => $of };
    $self->{batches} += int(($accounts + 49) / 50);
    return $job;
}

# journal($limit, $wait, $op): the journal's next entries, of one kind if told;
# waits at most so many ms for one
sub journal {
    my ($self, $limit, $wait, $op) = @_;
    my $entries = $self->sim->call('GET', "/_sim/journal?since=$self->{seen}"
        . "&limit=$limit&wait=$wait" . ($op ? "&op=$op" : ''));

    $self->{seen} = $entries->[-1]{seq} if @$entries;
    return @$entries;
}

sub ended {
    my ($self) = @_;

    return $self->sql('select count(*) from public.scrape_jobs'
                      . ' where completed_at is null') == 0;
}

sub wait_ended {
    my ($self, $seconds) = @_;

    wait_for { $self->ended } $seconds, 'every job to end';
    return $self;
}

# Kills the worker between "the provider has accepted the run" and "its id is
# stored", once for each seed: the simulator keeps that answer back for ever.
sub kill_when_accepted {
    my ($self, @seeds) = @_;

    for my $seed (@seeds) {
        my $job = $self->submit($seed, fault => {
            start => { hang => { ms => 600_000 }, effect => \1 } });
        my $held = "start of seed $seed";
        my $start;
        wait_for {
            ($start) = grep { ($_->{fault} // '') eq $held && $_->{started} }
                $self->journal(1000, 1000, 'start');
        } 60, "the simulator to accept a run of seed $seed";

        is $self->sql("select count(*) from igjobs.runs"
                      . " where run_id = '$start->{run}'"), 0,
            "seed $seed: accepted, its id not stored" or next;
        $self->kill_one(0);
    }
    return $self;
}

# Jobs of these seeds, all at once; kills one worker after another, each after a
# number of requests that the first seed decides, until every job has ended.
sub kill_at_random {
    my ($self, $seeds, %option) = @_;
    my $random = random($seeds->[0]);
    my $deadline = time + patience($option{seconds} // 300);

    $_->pause for @{ $self->{workers} };
    $self->submit($_) for @$seeds;
    $_->resume for @{ $self->{workers} };
    while (!$self->ended) {
        my $count = 2 + int $random->(20);
        while ($count > 0 && !$self->ended) {
            $count -= () = $self->journal($count, 500);
            die "jobs do not end\n" if time > $deadline;
        }
        $self->kill_one(int $random->(scalar @{ $self->{workers} }));
    }
    return $self;
}

sub kill_one {
    my ($self, $number) = @_;

    $self->{workers}[$number]->kill9;
    $self->{workers}[$number]->start;
    $self->{kills}++;
    return;
}

# what must hold when all jobs have ended
sub check {
    my ($self, $name) = @_;
    my $ledger = $self->sim->call('GET', '/_sim/ledger?accounts=1');
    my $jobs = keys %{ $self->{jobs} };

    diag sprintf '%s: %d jobs, %d batches, %d kills, %d runs, %d faults',
        $name, $jobs, $self->{batches}, $self->{kills},
        $ledger->{runs_started}, $ledger->{faults};
    is $ledger->{runs_started}, $self->{batches},
        "$name: as many runs as batches";
    is_deeply $ledger->{repeated_accounts}, [], "$name: nothing paid twice";
    is $ledger->{runs_aborted} + $ledger->{runs_active}, 0,
        "$name: no run aborted, none left running";
    is $self->sql('select count(*), count(distinct run_id),'
                  . ' sum(cost_usd)::float8 from igjobs.runs'
                  . ' where run_id is not null'),
        "$self->{batches}|$self->{batches}|" . (0 + $ledger->{usd}),
        "$name: each run recorded once, the costs are the ledger's";
    is $self->sql('select count(*) from igjobs.runs where closed_at is null'),
        0, "$name: no run left open";
    is $self->sql('select count(*), count(distinct job_id) from public.ends'
                  . " where state = 'completed'"), "$jobs|$jobs",
        "$name: one end for each job, completed";
    $self->check_rows($name);
    return;
}

sub check_rows {
    my ($self, $name) = @_;
    my %rows = map { @$_ } $self->{stack}->postgres->rows(<<'SQL');
select job_id, string_agg(profile_id, ',' order by profile_id)
from public.scrape_results group by 1
SQL
    my @wrong = grep { $rows{$_} ne $self->wanted($self->{jobs}{$_}) }
        sort keys %{ $self->{jobs} };

    is join(' ', map { "seed $self->{jobs}{$_}{seed} job $_" } @wrong), '',
        "$name: every job has exactly its rows";
    return;
}

# the profile ids of a job, from the simulator's world
sub wanted {
    my ($self, $job) = @_;
    my $world = $self->{world};
    my %id;

    for my $name (@{ $job->{names} }) {
        my $key = $world->key($name);
        $id{ $world->follower($key, $_) + 1 } = 1
            for 0 .. $job->{followers} - 1;
    }
    return join ',', sort keys %id;
}

1;
