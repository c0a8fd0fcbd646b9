# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# igjobs itself with the face of a peer (Igjobs::Bench::Peer), so that a
# question treats all alike. Its servers are those of the stack.

package Igjobs::Bench::Product;

use strict;
use warnings;
use Carp;
use Igjobs::Env;
use Igjobs::Jobs;

# ids of seeded jobs: this and the number, 12 hexadecimal digits
use constant SEEDED => '019a0000-0000-7000-8000-';

# new(stack => Igjobs::Stack, started; nginx => another nginx than its own)
sub new {
    my ($class, %option) = @_;

    return bless { seeded => 0, %option }, $class;
}

sub name { return 'igjobs' }
sub does { return 1 }
sub stack { return $_[0]{stack} }
sub nginx { return $_[0]{nginx} // $_[0]{stack}->nginx }
sub port { return $_[0]->nginx->port }
sub status_path { return "/api/job-status/$_[1]" }
sub submit_path { return '/api/scrape-followers' }

sub results_path {
    my ($self, $id, $page, $limit) = @_;

    return "/api/job-results/$id?page=$page&limit=$limit";
}

# only the processes that serve, not the master that sleeps
sub api_pids { return $_[0]->nginx->workers }

sub worker_pids {
    my ($self) = @_;

    return map { $_->pid } grep { $_->running }
           $self->stack->of_kind('Worker');
}

sub jobs { return Igjobs::Jobs->new($_[0]->nginx->client) }

# real_job(accounts, followers of each): the id of a job that a worker has
# just completed; the worker is gone afterwards
sub real_job {
    my ($self, $accounts, $followers) = @_;
    my $worker = $self->stack->add_worker(
        %{ $self->stack->{option}{worker} });
    my $id = $self->jobs->submit(
        accounts => [map { "seed.$_" } 1 .. $accounts],
        targetGender => 'any', totalScrapeCount => $accounts * $followers);

    my $end = $self->jobs->wait_done($id, 300);
    croak "job: $end->{status}" if $end->{status} ne 'completed';
    $worker->stop or croak 'the worker did not stop';
    return $id;
}

# seed_jobs($n): ids of $n more completed jobs: copies of a real one, whose
# documents Postgres has, and Redis too
sub seed_jobs {
    my ($self, $n) = @_;
    my $like = $self->{like} //= $self->real_job(50, 1);
    my $first = $self->{seeded} + 1;
    my $last = $self->{seeded} += $n;
    my $id = q{'} . SEEDED . q{' || lpad(to_hex(n), 12, '0')};
    my %own = (job_id => "($id)::uuid",
               doc => "replace(j.doc, j.job_id::text, $id)");
    my @columns = map { $_->[0] } $self->stack->postgres->rows(
        q{select attname from pg_attribute where attnum > 0
          and not attisdropped and attgenerated = ''
          and attrelid = 'public.scrape_jobs'::regclass});
    my $columns = join ', ', @columns;
    my $values = join ', ', map { $own{$_} // "j.$_" } @columns;

    $self->stack->psql("insert into public.scrape_jobs ($columns)"
        . " select $values from public.scrape_jobs j,"
        . " generate_series($first, $last) n where j.job_id = '$like';\n"
        . 'vacuum analyze public.scrape_jobs; checkpoint;');
    my @ids = map { SEEDED . sprintf '%012x', $_ } $first .. $last;
    $self->put_documents(@ids);
    return @ids;
}

# forget_queued: removes the jobs that nobody has begun, so that the workers
# of a later series do not work on them
sub forget_queued {
    my ($self) = @_;
    my $queued = q{select job_id from public.scrape_jobs}
               . q{ where state = 'queued'};

    $self->stack->psql(join ";\n",
        (map { "delete from igjobs.$_ where job_id in ($queued)" }
         qw(batch_accounts batches)),
        q{delete from public.scrape_jobs where state = 'queued'},
        'vacuum analyze igjobs.batch_accounts, igjobs.batches,'
        . ' public.scrape_jobs');
    my $turns = $self->stack->redis->command('KEYS', 'igjobs:{q}:*');
    $self->stack->redis->command('DEL', @$turns) if @$turns;
    return;
}

# the documents of jobs into Redis, where workers would have put them
sub put_documents {
    my ($self, @ids) = @_;
    my $like = $self->{like};
    my $document = $self->stack->psql(
        "select doc from public.scrape_jobs where job_id = '$like'");

    while (my @some = splice @ids, 0, 1000) {
        $self->stack->redis->command('MSET', map {
            ("igjobs:status:default:$_" => $document =~ s/$like/$_/gr)
        } @some);
    }
    return;
}

# seed_results($n): the id of a completed job with $n result rows or a few
# more, made by the real pipeline from a world where people follow several
# accounts, so that repeated profiles have left their marks
sub seed_results {
    my ($self, $n) = @_;
    my $id = $self->real_job(int($n * 1.1 / 50) + 1, 50);
    my $rows = $self->stack->psql(
        "select count(*) from public.scrape_results where job_id = '$id'");

    croak "$rows result rows instead of $n" if $rows < $n;
    $self->stack->psql('vacuum analyze; checkpoint');
    return $id;
}

1;
