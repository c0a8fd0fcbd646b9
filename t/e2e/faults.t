#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Jobs of 200 batches on the whole stack, two workers and a polling client, each
# disturbed in the middle: it completes, the rows are exactly those of the
# simulator's world, each batch is paid once, and the client sees nothing but
# a status or a 503.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Time::HiRes 'sleep';
use Igjobs::Expected;
use Igjobs::Load;
use Igjobs::Population;
use Igjobs::Stack;
use Igjobs::Wait;

use constant { BATCHES => 200, COUNT => 2 };

my @quick = ('--lanes=4', '--lease=4s', '--beat=200ms', '--sweep=300ms',
             '--start-timeout=3s');
my $stack = Igjobs::Stack->new(
    postgres => { settings => { fsync => 'on' } },
    sim => { args => ['--run-ms', 30] },
    nginx => { worker_processes => 2 });
$stack->start(qw(postgres redis sim nginx));
my ($sim, $jobs) = ($stack->sim, $stack->jobs);
my %worker = map { $_ => $stack->add_worker(
    name => $_, args => [@quick, "--worker-id=$_"]) } qw(one two);
my @names = map { sprintf 'source_%05d', $_ } 1 .. BATCHES * 50;
my $expected = Igjobs::Expected->new(Igjobs::Population->new, \@names, COUNT);
my $paid = 0;

# a job under a polling client, disturbed when a quarter of it is done, or when
# the simulator has begun to carry out this rule
sub disturbed {
    my ($name, $disturb, $rule) = @_;

    $sim->faults([$rule]) if $rule;
    my $id = $jobs->submit(accounts => \@names, targetGender => 'any',
                           totalScrapeCount => COUNT * @names);
    my $load = Igjobs::Load->new(port => $stack->nginx->port, clients => 1,
                                 path => "/api/job-status/$id")->start;

    wait_for {
        $rule ? $sim->call('GET', '/_sim/faults')->[0]{fired}
              : $jobs->status($id)->{current_batch} >= BATCHES / 4
    } 60, 'the middle of the job';
    my $repair = $disturb->($id);
    wait_for { state($id) eq 'completed' } 120, 'the job to complete';
    $repair->() if $repair;

    my %answers = $load->finish;
    is join(' ', grep { !/^(?:200|503)\z/ } keys %answers), '',
        "$name: the client sees a status or a 503";
    diag "$name: ", join ', ', map { "$answers{$_} x $_" } sort keys %answers;
    check($name, $id);
    return;
}

sub state {
    my ($id) = @_;

    return $stack->psql('select state from public.scrape_jobs'
                        . " where job_id = '$id'");
}

sub check {
    my ($name, $id) = @_;
    my $status = $jobs->wait_done($id);
    my $runs = $sim->ledger->{runs_started};
    my @rows = map { { id => $_->[0], username => $_->[1],
                       full_name => $_->[2] } }
        $stack->postgres->rows('select profile_id, username, full_name'
            . " from public.scrape_results where job_id = '$id'");

    is $status->{status}, 'completed', "$name: completed";
    is $status->{current_batch}, BATCHES, "$name: every batch";
    is $status->{accounts}{failed}, 0, "$name: no account failed"
        or diag $stack->psql('select batch_no, state, attempt, failures,'
            . " losses, error from igjobs.batches where job_id = '$id'"
            . " and state <> 'done'");
    is $status->{total_filtered}, @rows, "$name: total_filtered";
    is digest_of(@rows), $expected->digest, "$name: exactly its rows";
    is $runs - $paid, BATCHES, "$name: each batch paid once";
    $paid = $runs;
    $sim->call('DELETE', '/_sim/faults');
    return;
}

# kills the worker that has the batch of this account; it comes back when the
# other one has completed the job
sub kill_worker_of {
    my ($id, $account) = @_;
    my $batch = int((grep { $names[$_] eq $account } 0 .. $#names)[0] / 50);
    my $name = $stack->psql('select worker from igjobs.batches'
        . " where job_id = '$id' and batch_no = $batch") || 'one';

    $worker{$name}->kill9;
    return sub { $worker{$name}->start };
}

disturbed('nothing', sub { return });

disturbed('kill -9 in the middle of a page',
          sub { kill_worker_of($_[0], $names[5000]) },
          { match => { op => 'items', account => $names[5000], times => 1 },
            action => { hang => { ms => 600_000, at => 500 } } });

disturbed('kill -9 before the id of a run is stored',
          sub { kill_worker_of($_[0], $names[5000]) },
          { match => { op => 'start', account => $names[5000], times => 1 },
            action => { hang => { ms => 600_000 }, effect => JSON::PP::true } });

disturbed('kill -9 while a page is committed', sub {
    my ($id) = @_;
    # the job's row is locked until the worker is gone
    my $lock = $stack->postgres->dsn(user => 'postgres');
    open my $psql, '|-', 'psql', '-qX', '-o', '/dev/null', '-d', "$lock application_name=lock"
        or die "psql: $!";
    $psql->autoflush(1);
    print $psql "begin; select from public.scrape_jobs"
        . " where job_id = '$id' for update;\n";
    wait_for { $stack->psql("select count(*) from pg_stat_activity"
        . " where wait_event_type = 'Lock' and query like '%store_page%'"
        . " and application_name <> 'test'") > 0 } 30, 'a commit that waits';
    $_->kill9 for values %worker;
    print $psql "commit;\n";
    close $psql or die 'psql failed';
    $_->start for values %worker;
    return;
});

# stops a worker that has batches, but no start call under way: one that is
# carried out past the lease is a second run, aborted and booked, which is
# t/worker/zombie.t's
sub pause_between_starts {
    my ($id, $name) = @_;
    my $batches = sub {
        return split /\|/, $stack->psql("select count(*),"
            . " count(*) filter (where r.state = 'intent')"
            . ' from igjobs.batches b left join igjobs.runs r'
            . " using (job_id, batch_no) where b.job_id = '$id'"
            . " and b.state = 'leased' and b.worker = '$name'");
    };

    wait_for {
        $worker{$name}->pause;
        my (undef, $before) = $batches->();
        sleep 0.2;    # Postgres may be at what it was asked already
        my ($leased, $starts) = $batches->();
        return 1 if $leased > 0 && $before + $starts == 0;
        $worker{$name}->resume;
        return 0;
    } 60, 'a moment without a start';
    return;
}

disturbed('SIGSTOP past the lease', sub {
    my ($id) = @_;
    pause_between_starts($id, 'one');
    wait_for { $stack->psql("select count(*) from igjobs.batches"
        . " where job_id = '$id' and worker = 'one'"
        . " and state = 'leased'") == 0 } 60, 'its leases to run out';
    return sub {
        my $before = rows_and_version($id);
        $worker{one}->resume;
        # it has noticed when it works again
        my $next = $jobs->submit(accounts => ['after'], totalScrapeCount => 1);
        $paid++;
        $worker{two}->pause;
        is $jobs->wait_done($next)->{status}, 'completed', 'it works again';
        $worker{two}->resume;
        is rows_and_version($id), $before, 'the zombie wrote nothing';
    };
});

sub rows_and_version {
    my ($id) = @_;

    return $stack->psql("select j.version, count(*), max(r.chunk_no)"
        . ' from public.scrape_jobs j join public.scrape_results r'
        . " using (job_id) where j.job_id = '$id' group by 1");
}

disturbed('FLUSHALL', sub { $stack->redis->command('FLUSHALL'); return });

disturbed('Redis restarted', sub { $stack->redis->restart; return });

disturbed('Postgres restarted, fast', sub {
    $stack->postgres->restart('INT');
    return;
});

disturbed('Postgres restarted, immediate', sub {
    $stack->postgres->signal('QUIT')->wait_end;
    $stack->postgres->start;
    return;
});

$stack->finish;
done_testing;
