# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A provider that is half away for a while, then wholly, under a fleet with caps
# whose workers are killed meanwhile. What t/worker/brownout.t does for a moment
# and t/soak for 90 s. The simulator's ledger is the witness.
#
#   my $b = Igjobs::BrownOut->new(seed => 1);
#   $b->submit(20);
#   $b->trouble($_, sub { ... until true }) for $b->troubles;
#   $b->lift;                                 # the cap of memory
#   my $requests = $b->outage(sub { ... until true });
#   my $seconds = $b->recover;
#   $b->check;

package Igjobs::BrownOut;

use strict;
use warnings;
use Test::More;
use Time::HiRes 'time';
use Igjobs::Queue;
use Igjobs::Soak;
use Igjobs::Stack;
use Igjobs::Wait;

use constant { WORKERS => 2, LANES => 8, RUNS => 6, MEMORY => 5 * 1024 + 512,
               REQUESTS => 10, HOUSEKEEPING => 3 };

my $scope = 'actor:apify/igjobs~followers-with-source';

# What the provider does, besides answering. Whole answers only: what is lost
# on the way is the matter of other tests.
my %troubles = (
    '429 bursts' => [
        { match => { probability => 0.1 },
          action => { status => 429, headers => { 'Retry-After' => '1' } } },
        { match => { probability => 0.3 }, action => { status => 429 } }],
    '402' => [
        { match => { op => 'start' },
          action => { limit => { concurrent_runs => 3 } } },
        { match => { op => 'start', probability => 0.2 },
          action => { status => { code => 402,
                                  type => 'actor-memory-limit-exceeded' } } }],
    '5xx' => [
        { match => { probability => 0.2 }, action => { status => 500 } },
        { match => { probability => 0.2 }, action => { status => 503 } }],
);

# new(seed => 1, settings => { name => value }, run_ms => 300)
sub new {
    my ($class, %option) = @_;
    my $stack = Igjobs::Stack->new(sim => {
        args => ['--run-ms', $option{run_ms} // 300, '--seed', $option{seed},
                 '--usage-final-ms', 0] });
    my $self = bless { stack => $stack, random => random($option{seed}),
                       jobs => [], kills => 0 }, $class;

    $stack->start(qw(postgres redis sim));
    $self->{queue} = Igjobs::Queue->new($stack);
    # workers die here far more often than a bad batch would kill them
    my %settings = (max_losses => 1000, %{ $option{settings} // {} });
    $self->sql("update igjobs.settings set value = '$settings{$_}'"
               . " where name = '$_'") for keys %settings;
    $self->sql("select igjobs.set_cap('$scope', " . RUNS . ')');
    $self->sql("select igjobs.set_cap('memory:apify', " . MEMORY . ')');
    $self->{workers} = [map { $stack->add_worker(
        name => "worker_$_",
        env => { APIFY_ACTOR_ID => 'igjobs~followers-with-source' },
        args => ['--lanes=' . LANES, '--lease=2s', '--beat=200ms',
                 '--sweep=500ms', '--start-timeout=1s', '--apify-memory=1024',
                 "--worker-id=worker_$_"]) } 1 .. WORKERS];
    return $self;
}

sub sql { my ($self, @rest) = @_; return $self->{stack}->psql(@rest) }
sub ledger { return $_[0]{stack}->sim->ledger }
sub troubles { return sort keys %troubles }

# submit($jobs): each of 12 batches, no account twice
sub submit {
    my ($self, $jobs) = @_;

    for my $job (1 .. $jobs) {
        my $n = @{ $self->{jobs} };
        push @{ $self->{jobs} }, $self->{queue}->submit(
            accounts => [map { "j${n}_$_" } 1 .. 600], max_count => 2,
            tenant => 'tenant' . $n % 3);
    }
    return;
}

sub done {
    my ($self) = @_;

    return $self->{queue}->count('batches', "state = 'done'");
}

sub breaker {
    my ($self, $column) = @_;

    return $self->sql("select $column from igjobs.breakers"
                      . " where scope = '$scope'");
}

# trouble($name, $over): until $over says that it is enough; a worker is killed
# in the middle
sub trouble {
    my ($self, $name, $over) = @_;
    my $faults = $self->ledger->{faults};

    $self->{stack}->sim->faults($troubles{$name});
    wait_for { $self->ledger->{faults} > $faults } 60, "$name to be felt";
    $self->kill_one;
    wait_for { $over->() } 120, "$name to be over";
    $self->{stack}->sim->call('DELETE', '/_sim/faults');
    my $ledger = $self->ledger;
    cmp_ok $ledger->{max_concurrent_runs}, '<=', RUNS,
        "$name: runs under their cap";
    diag sprintf '%s: %d faults, at most %d runs', $name,
        $ledger->{faults} - $faults, $ledger->{max_concurrent_runs};
    return;
}

# lift(): memory has no cap any more
sub lift {
    my ($self) = @_;

    cmp_ok $self->ledger->{max_memory_mb}, '<=', MEMORY,
        'memory under its cap';
    $self->sql("select igjobs.set_cap('memory:apify', null)");
    return;
}

sub kill_one {
    my ($self) = @_;
    my $worker = $self->{workers}[$self->{random}->(WORKERS)];

    $worker->kill9;
    $worker->start;
    $self->{kills}++;
    return;
}

# outage($over): nothing is answered properly until $over says enough: how many
# requests the provider got, and how many it may get. As long as the breaker is
# not open, the leaders of three kinds of housekeeping ask, too, each with the
# four tries of a call in 4 to 7 s.
sub outage {
    my ($self, $over) = @_;
    my ($before, $from) = ($self->ledger->{requests}, time);

    $self->{stack}->sim->faults([{ action => { status => 503 } }]);
    wait_for { $over->() } 120, 'the outage to be over';
    my $requests = $self->ledger->{requests} - $before;
    my $probes = $self->sql("select value from igjobs.settings"
                            . " where name = 'breaker_probes'");
    my $most = REQUESTS * (WORKERS * LANES + $probes
                           * (1 + $self->breaker('opened')))
        + HOUSEKEEPING * (time - $from);
    diag sprintf 'outage of %.0f s: %d requests, opened %d times',
        time - $from, $requests, $self->breaker('opened');
    cmp_ok $requests, '<=', $most, 'the outage: few requests';
    is $self->breaker('state'), 'open', 'the breaker is open';
    like $self->breaker('reason'), qr/HTTP 503/, 'and says why';
    return $requests;
}

# the provider answers again: seconds until work goes on
sub recover {
    my ($self) = @_;
    my ($from, $done) = (time, $self->done);

    $self->{stack}->sim->call('DELETE', '/_sim/faults');
    wait_for { $self->done >= $done + RUNS } 60, 'the work to go on';
    my $seconds = time - $from;
    diag sprintf 'work goes on after %.1f s', $seconds;
    is $self->breaker('state'), 'closed', 'the breaker is closed';
    return $seconds;
}

# the end: everything done, nothing given up, nothing paid twice
sub check {
    my ($self) = @_;

    $self->{queue}->wait_all(200, @{ $self->{jobs} });
    my $jobs = @{ $self->{jobs} };
    is $self->sql("select count(*) from public.scrape_jobs"
                  . " where state = 'completed' and accounts_failed = 0"),
        $jobs, 'every job has all of its accounts';
    is $self->{queue}->count('batches', "state = 'dead'"), 0,
        'no batch died of it';
    my $ledger = $self->{stack}->sim->call('GET', '/_sim/ledger?accounts=1');
    is_deeply $ledger->{repeated_accounts}, [], 'nothing was paid twice';
    is $ledger->{runs_active}, 0, 'no run is left';
    cmp_ok $ledger->{max_concurrent_runs}, '<=', RUNS,
        'never more runs at once than the cap allows';
    is $self->sql('select count(*) from igjobs.slots where job_id is not null'),
        0, 'no slot is left';
    diag "$self->{kills} kills, $ledger->{requests} requests";
    $self->{stack}->finish;
    return;
}

1;
