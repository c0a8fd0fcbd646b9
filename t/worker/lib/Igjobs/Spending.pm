# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Jobs by seeds, each with a budget, many at a time on one stack: what budget.t
# does with a few of them and t/soak with many. The simulator's ledger is the
# witness of what each of them was billed.
#
#   my $spending = Igjobs::Spending->new(workers => 2);
#   $spending->kill_at_random([1 .. 20]);     # seeds; until every job has ended
#   $spending->check('killed at random');
#   $spending->finish;

package Igjobs::Spending;

use strict;
use warnings;
use parent 'Igjobs::PaidOnce';
use List::Util 'sum0';
use Test::More;
use Igjobs::Queue;
use Igjobs::Soak;
use Igjobs::Stack;
use Igjobs::Wait;

use constant {
    PRICE => 0.01,                            # of an item
    LEAST_BUDGET => 0.50, MOST_BUDGET => 5.00,
    LEAST_ACCOUNTS => 40, MOST_ACCOUNTS => 240, MOST_FOLLOWERS => 10,
};

my @quick = ('--lanes=4', '--lease=1500ms', '--beat=200ms', '--sweep=300ms',
             '--start-timeout=1s', '--page-size=100');

# What goes wrong around a start; every job has one of them, by its seed.
my @faults = (
    undef, undef,
    { start => { status => { code => 429 } } },
    { start => { status => { code => 502 }, effect => \0 } },
    { start => { status => { code => 500 }, effect => \1 } },
    { start => { drop_after => \1 } },
    { start => { hang => { ms => 3000 }, effect => \1 } },
    { start => { truncate_at => 20 } },
    { start => { status => { code => 400, type => 'invalid-input' } } },
    { start => { fail_run => { status => 'FAILED', after_items => 30 } } },
    { start => { fail_run => { status => 'TIMED-OUT', after_accounts => 2 } } },
    { start => { fail_run => { status => 'ABORTED', after_items => 0 } } },
    { start => { stay_running => { ms => 1000 } } },
    { items => { truncate_at => 500 } },
    { run => { status => { code => 503 } } },
);

# new(workers => 2): starts the stack
sub new {
    my ($class, %option) = @_;
    my $stack = Igjobs::Stack->new(sim => { args => [
        '--run-ms', 50, '--price-item', PRICE, '--price-start', 0,
        '--usage-final-ms', 700, '--journal', 1_000_000] });

    $stack->start(qw(postgres redis sim));
    $stack->psql($_) for
        "select igjobs.set_price('apify', '*', 0, 1000 * @{[PRICE]})",
        map { "update igjobs.settings set value = '$_->[1]'"
              . " where name = '$_->[0]'" }
            # workers die here far more often than a bad batch kills them
            [max_losses => 1000], [retry_base_ms => 200],
            [usage_settles_ms => 1000], [usage_again_ms => 1000];
    my $self = bless {
        stack => $stack, queue => Igjobs::Queue->new($stack), jobs => {},
        kills => 0, seen => 0, limits => {},
    }, $class;
    # every second one works without Redis
    $self->{workers} = [map { $stack->add_worker(
        name => "worker_$_", args => [@quick, "--worker-id=worker_$_",
                                      $_ % 2 ? () : '--direct'])
    } 1 .. $option{workers} // 2];
    return $self;
}

# submit($seed, tenant => ..., budget => ...): a job of 1 to 5 batches with a
# budget (0: none) and one fault on its way; some of its accounts have fewer followers
# than are asked for, so that money comes back
sub submit {
    my ($self, $seed, %option) = @_;
    my $random = random($seed);
    my $accounts = LEAST_ACCOUNTS
        + int $random->(MOST_ACCOUNTS - LEAST_ACCOUNTS + 1);
    my $followers = 1 + int $random->(MOST_FOLLOWERS);
    my $cents = 100 * LEAST_BUDGET
        + int $random->(100 * (MOST_BUDGET - LEAST_BUDGET) + 1);
    my $budget = $option{budget} // $cents / 100;
    my $fault = $faults[$random->(scalar @faults)];
    my @names = map {
        $random->(3) < 1 ? 'huge_' . int($random->(5)) . "_s${seed}_$_"
                         : "s${seed}_$_"
    } 1 .. $accounts;
    my $of = $names[$random->($accounts)];

    $self->sim->faults([map { {
        name => "$_ of seed $seed",
        match => { op => $_, account => $of, times => 1 },
        action => $fault->{$_},
    } } keys %$fault]) if $fault;
    my $job = $self->{queue}->submit(
        accounts => \@names, max_count => $followers,
        tenant => $option{tenant} // 'default',
        options => $budget ? { max_cost_usd => $budget } : {});
    $self->{jobs}{$seed} = { id => $job, budget => $budget,
                             tenant => $option{tenant} // 'default' };
    return $job;
}

# set_day_limit($tenant, $usd)
sub set_day_limit {
    my ($self, $tenant, $usd) = @_;

    $self->sql("select igjobs.set_day_limit('$tenant', $usd)");
    $self->{limits}{$tenant} = $usd;
    return;
}

# what the simulator bills for each seed's job, from its ledger and the names in
# the inputs of the runs
sub billed {
    my ($self) = @_;
    my (%usd, %seed);

    for my $start (@{ $self->sim->call(
        'GET', '/_sim/journal?op=start&limit=100000') })
    {
        next if !$start->{run};
        ($seed{ $start->{run} }) = $start->{usernames}[0] =~ /s(\d+)_\d+\z/;
    }
    for my $run (@{ $self->sim->call('GET', '/_sim/ledger?runs=1')->{runs} }) {
        my $seed = $seed{ $run->{run} } // die "run $run->{run} of nobody\n";
        $usd{$seed} += $run->{usd};
    }
    return \%usd;
}

# waits until nothing is reserved any more
sub wait_settled {
    my ($self, $seconds) = @_;

    wait_for {
        $self->sql('select count(*) from igjobs.runs where reserved_usd'
                   . " is not null or state in ('intent', 'started')") == 0
    } $seconds // 60, 'every run to be settled';
    return $self;
}

# waits until all of a tenant's jobs wait for money, and none may come back
sub wait_broke {
    my ($self, $tenant, $seconds) = @_;

    wait_for {
        $self->sql('select not exists (select from public.scrape_jobs j'
            . ' where completed_at is null and not igjobs.waits_for_money(j)'
            . " and tenant = '$tenant') and not exists (select from"
            . " igjobs.runs where tenant = '$tenant' and reserved_usd"
            . ' is not null)') eq 't'
    } $seconds // 60, "the day of $tenant to be spent";
    return $self;
}

# what a tenant's jobs were billed
sub billed_of {
    my ($self, $tenant) = @_;
    my $billed = $self->billed;

    return sum0(map { $billed->{$_} // 0 }
                grep { $self->{jobs}{$_}{tenant} eq $tenant }
                keys %{ $self->{jobs} });
}

# what must hold when all jobs have ended and all runs are settled
sub check {
    my ($self, $name) = @_;
    my $billed = $self->billed;
    my %row = map { $_->[0] => $_ } $self->{stack}->postgres->rows(
        'select job_id, state, coalesce(reason, \'\'), cost_usd::float8,'
        . ' reserved_usd::float8, coalesce(need_usd, 0)::float8'
        . ' from public.scrape_jobs');
    my %wrong = map { $_ => [] } qw(above booked reserved early);

    for my $seed (sort { $a <=> $b } keys %{ $self->{jobs} }) {
        my $job = $self->{jobs}{$seed};
        my $usd = sprintf '%.4f', $billed->{$seed} // 0;
        my (undef, $state, $reason, $cost, $reserved, $need)
            = @{ $row{ $job->{id} } };
        my $what = "seed $seed ($job->{id}): $usd billed, $cost booked,"
            . " $reserved reserved of $job->{budget}, $state $reason";
        push @{ $wrong{above} }, $what
            if $job->{budget} && $usd > $job->{budget} + 1e-9;
        push @{ $wrong{booked} }, $what if abs($usd - $cost) > 1e-6;
        push @{ $wrong{reserved} }, $what if $reserved != 0;
        push @{ $wrong{early} }, $what
            if $reason eq 'budget' && $usd + $need <= $job->{budget};
    }
    is join("\n", @{ $wrong{above} }), '', "$name: no job above its budget";
    is join("\n", @{ $wrong{booked} }), '',
        "$name: what is booked is what was billed";
    is join("\n", @{ $wrong{reserved} }), '', "$name: nothing stays reserved";
    is join("\n", @{ $wrong{early} }), '',
        "$name: a job that its budget ended had too little for a run";
    $self->check_days($name);
    $self->tell($name, $billed, \%row);
    return;
}

sub check_days {
    my ($self, $name) = @_;

    for my $tenant (sort keys %{ $self->{limits} }) {
        my ($spent, $reserved) = @{ ($self->{stack}->postgres->rows(
            'select coalesce(max(cost_usd), 0)::float8,'
            . ' coalesce(sum(reserved_usd), 0)::float8 from igjobs.spending'
            . " where tenant = '$tenant'"))[0] };
        cmp_ok $spent, '<=', $self->{limits}{$tenant},
            "$name: no day of $tenant above its limit";
        is $reserved, 0, "$name: nothing stays reserved for $tenant";
    }
    return;
}

sub tell {
    my ($self, $name, $billed, $row) = @_;
    my @limited = grep { $self->{jobs}{$_}{budget} } keys %{ $self->{jobs} };
    my $ledger = $self->sim->ledger;

    diag sprintf '%s: %d jobs, %.2f of %.2f USD, %d ended by budget; %d runs,'
        . ' %d faults, %d kills', $name, scalar @limited,
        sum0(map { $billed->{$_} // 0 } @limited),
        sum0(map { $self->{jobs}{$_}{budget} } @limited),
        scalar(grep { $_->[2] eq 'budget' } values %$row),
        $ledger->{runs_started}, $ledger->{faults}, $self->{kills};
    return;
}

1;
