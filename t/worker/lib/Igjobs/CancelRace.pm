# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Jobs that are canceled while lanes store their pages, each at a moment of its
# own: what t/worker/cancel_race.t does with a few and t/soak with many.
#
#   my $race = Igjobs::CancelRace->new;
#   $race->run(1 .. 100);           # seeds, one job each
#   $race->check('canceled');
#   $race->finish;

package Igjobs::CancelRace;

use strict;
use warnings;
use JSON::PP ();
use Test::More;
use Igjobs::Ends;
use Igjobs::Queue;
use Igjobs::Session;
use Igjobs::Soak;
use Igjobs::Stack;
use Igjobs::Wait;

use constant CANCELERS => 8;

my @quick = ('--lanes=8', '--lease=4s', '--beat=100ms', '--sweep=200ms',
             '--start-timeout=2s', '--page-size=50');

sub new {
    my ($class) = @_;
    my $stack = Igjobs::Stack->new(
        sim => { args => ['--run-ms', 200, '--usage-final-ms', 0] });

    $stack->start(qw(postgres redis sim));
    note_ends(sub { $stack->psql(@_) });
    $stack->psql('create table public.marks'
                 . ' (job_id uuid primary key, after bigint)');
    return bless { stack => $stack, jobs => 0 }, $class;
}

sub finish { return $_[0]{stack}->finish }
sub sql { my ($self, @rest) = @_; return $self->{stack}->psql(@rest) }

# Each job is canceled when so many of its rows are stored as its seed says.
sub run {
    my ($self, @seeds) = @_;
    my $stack = $self->{stack};

    $self->sql(join '', map { $self->submission($_) } @seeds);
    my @sessions = map { Igjobs::Session->new($stack->postgres) }
        1 .. CANCELERS;
    $_->send(canceler()) for @sessions;
    $stack->add_worker(name => "worker_$_",
                       args => [@quick, "--worker-id=worker_$_"]) for 1, 2;
    is join("\n", grep { $_ ne '' } map { $_->wait(600) } @sessions), '',
        'every cancel is answered';
    return $self;
}

# the job of a seed, one or two batches, and when it is canceled
sub submission {
    my ($self, $seed) = @_;
    my $random = random($seed);
    my $job = Igjobs::Queue::job_id();
    my $count = 30 + int $random->(70);
    my $followers = 2 + int $random->(10);
    my $after = int $random->($count * $followers);
    my @names = map { "s${seed}_$_" } 1 .. $count;
    my @batches;

    while (my @batch = splice @names, 0, 50) {
        push @batches, 'E\'' . join('\\n', @batch) . '\'';
    }
    $self->{jobs}++;
    return sprintf "select from igjobs.submit('default', 'instagram', '%s',"
        . " 'scrape_followers', '%s', %d, %d, array[%s]);\n"
        . "insert into public.marks values ('%s', %d);\n", $job,
        JSON::PP::encode_json({ target_gender => 'any', keep_unknown => \1,
                                max_count_per_account => $followers }),
        $count, scalar @batches, join(', ', @batches), $job, $after;
}

# what a session does: takes a running job, waits for its rows, cancels it
sub canceler {
    return <<'SQL';
do $$
declare
    mark public.marks;
    j public.scrape_jobs;
begin
    while exists (select from public.marks) loop
        delete from public.marks m
        where m.job_id = (
            select t.job_id from public.marks t
            join public.scrape_jobs s using (job_id)
            where s.state <> 'queued'
            limit 1
            for update of t skip locked)
        returning m.* into mark;
        if not found then
            commit;
            perform pg_sleep(0.01);
            continue;
        end if;
        commit;
        loop
            select s.* into j from public.scrape_jobs s
            where s.job_id = mark.job_id;
            exit when j.next_row >= mark.after or igjobs.is_final(j.state);
            perform pg_sleep(0.002);
        end loop;
        perform igjobs.api_cancel('{"tenant":"default"}', jsonb_build_object(
            'job', mark.job_id, 'body', '{}'::jsonb));
        commit;
    end loop;
end
$$
SQL
}

# what must hold when all have ended and every run is booked
sub check {
    my ($self, $name) = @_;
    my $jobs = $self->{jobs};
    my $ledger;

    wait_for { $self->sql('select count(*) from public.scrape_jobs'
        . ' where completed_at is null') == 0 } 60, 'every job to end';
    wait_for {
        $ledger = $self->{stack}->sim->ledger;
        $ledger->{runs_active} == 0 && $ledger->{runs_started} == $self->sql(
            'select count(distinct run_id) from igjobs.runs'
            . ' where cost_usd is not null')
    } 60, 'every run to be booked';

    my %ends = map { @$_ } $self->{stack}->postgres->rows(
        'select state, count(*) from public.ends group by 1');
    diag sprintf '%s: %s; %d runs, %d aborted', $name,
        join(', ', map { "$ends{$_} $_" } sort keys %ends),
        @$ledger{qw(runs_started runs_aborted)};
    is $self->sql('select count(*), count(distinct job_id) from public.ends'),
        "$jobs|$jobs", "$name: each job ends once";
    is $self->sql(<<'SQL'), 0, "$name: no row came after the final state";
select count(*) from public.ends e
join public.scrape_jobs j using (job_id)
where e.rows <> j.profiles_scraped or e.rows <> (
    select count(*) from public.scrape_results r where r.job_id = e.job_id)
SQL
    is $self->sql('select count(*) from public.scrape_jobs j'
        . ' where batches_done <> (select count(*) from igjobs.batches b'
        . " where b.job_id = j.job_id and b.state = 'done')"), 0,
        "$name: the batches are those that the jobs count";
    is $self->sql("select count(*) from igjobs.batches"
        . " where state = 'leased'"), 0, "$name: no lease is left";
    my @wrong = grep { /\b(?:ERROR|FATAL|PANIC):/ && !/starting up/ }
        split /\n/, $self->{stack}->postgres->log_text;
    is join("\n", @wrong), '',
        "$name: no deadlock, nor any other error, in Postgres' log";
    return;
}

1;
