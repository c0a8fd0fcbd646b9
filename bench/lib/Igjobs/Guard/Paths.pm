# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The hot paths, and how each is measured: a name, what is counted by the unit,
# and a function that gives { instructions, units, dump }.
#
# Postgres, Redis and the simulator run as they are; only the product's own
# process is counted.

package Igjobs::Guard::Paths;

use strict;
use warnings;
use Igjobs::Guard::Callgrind;
use Igjobs::Guard::Nginx;
use Igjobs::Guard::Worker;
use Igjobs::Population;
use Igjobs::Queue ();
use Igjobs::Stack;

use constant ROUNDS => 100;            # of requests, where they are small
use constant PAGE_ROWS => 1000;
use constant PAGE_JOB_ROWS => 20_000;
use constant LARGE_ACCOUNTS => 50_000;
use constant BATCH_ACCOUNTS => 50;
use constant FOLLOWERS => 50;          # of an account, in pages of 2,500
use constant NAMES => 5000;

my @paths = (
    [return_200      => 'request', \&return_200],
    [status_memory   => 'request', \&status_memory],
    [status_304      => 'request', \&status_304],
    [status_redis    => 'request', \&status_redis],
    [status_postgres => 'request', \&status_postgres],
    [page_1000       => 'row',     \&page_1000],
    [submit_small    => 'request', \&submit_small],
    [submit_large    => 'account', \&submit_large],
    [worker_page     => 'profile', \&worker_page],
    [worker_run      => 'run',     \&worker_run],
    [classify        => 'name',    \&classify],
);

sub names { return map { $_->[0] } @paths }

# unit($name), undef for an unknown path
sub unit {
    my ($name) = @_;

    return (map { $_->[1] } grep { $_->[0] eq $name } @paths)[0];
}

sub new {
    my ($class) = @_;

    return bless { stack => Igjobs::Stack->new, jobs => 0 }, $class;
}

sub measure {
    my ($self, $name) = @_;
    my ($path) = grep { $_->[0] eq $name } @paths;
    my $got = $path->[2]->($self);
    my $nginx = delete $self->{nginx};

    die "nginx did not end cleanly\n" if $nginx && !$nginx->stop;
    return { instructions => Igjobs::Guard::Callgrind::instructions(
                 $got->{dump}), %$got };
}

# true if everything ended cleanly
sub finish { return $_[0]{stack}->finish }


# servers, each started when it is first asked for

sub part {
    my ($self, $name) = @_;

    $self->{stack}->start($name) if !$self->{part}{$name}++;
    return $self->{stack}->$name;
}

# nginx(redis => ADDRESS or undef): one of its own for each path, so that a count
# does not depend on what was counted before. Its table of documents is small,
# so that new ones push old ones out, and keeps them for good. It is slow: no
# operation may time out and take another way.
sub nginx {
    my ($self, %option) = @_;
    my $redis = exists $option{redis} ? $option{redis}
              : 'unix:' . $self->part('redis')->socket_path;

    return $self->{nginx} = $self->{stack}->add(Igjobs::Guard::Nginx->new(
        postgres => $self->part('postgres')->dsn(user => 'igjobs_api'),
        redis => $redis,
        http => join("\n", map { "igjobs_$_;" } 'status_cache_size 64',
            'status_cache_time 1h', 'redis_connect_timeout 30s',
            'redis_timeout 30s', 'postgres_connect_timeout 30s',
            'postgres_queue_timeout 30s', 'postgres_timeout 60s'),
        server => 'access_log off;'
                  . " location = /200 { return 200 '" . 'x' x 300 . "'; }"));
}


# a request, the same one each time

sub get {
    my ($nginx, $path) = @_;
    my $text = $nginx->client->head_text('GET', $path);

    return sub { return $text };
}

# the status of the jobs of a list, one after the other
sub get_status {
    my ($nginx, @ids) = @_;
    my $at = 0;
    my $client = $nginx->client;

    return sub {
        return $client->head_text('GET',
            '/api/job-status/' . $ids[$at++ % @ids]);
    };
}

sub return_200 {
    my ($self) = @_;
    my $nginx = $self->nginx;

    return requests($nginx->measure(ROUNDS, get($nginx, '/200'), 200));
}

sub status_memory {
    my ($self) = @_;
    my $nginx = $self->nginx;

    return requests($nginx->measure(ROUNDS,
        get_status($nginx, $self->jobs(1)), 200));
}

# the client has the document already
sub status_304 {
    my ($self) = @_;
    my $nginx = $self->nginx;
    my ($job) = $self->jobs(1);
    my $text = $nginx->client->head_text('GET', "/api/job-status/$job",
                                         'If-None-Match', 'W/"1"');

    return requests($nginx->measure(ROUNDS, sub { return $text }, 304));
}

sub status_redis {
    my ($self) = @_;
    my $nginx = $self->nginx;
    my @ids = $self->jobs(1000);
    my $redis = $self->part('redis');
    my %document = map { @$_ } $self->part('postgres')->rows(
        'select job_id, doc from public.scrape_jobs');

    $redis->command('SET', "igjobs:status:default:$_", $document{$_}) for @ids;
    return requests($nginx->measure(ROUNDS, get_status($nginx, @ids), 200));
}

sub status_postgres {
    my ($self) = @_;
    my $nginx = $self->nginx(redis => undef);

    return requests($nginx->measure(ROUNDS,
        get_status($nginx, $self->jobs(1000)), 200));
}

sub page_1000 {
    my ($self) = @_;
    my $nginx = $self->nginx;
    my ($job) = $self->jobs(1);

    $self->add_results($job, PAGE_JOB_ROWS);
    my $path = "/api/job-results/$job?partial=true&page=3&limit=" . PAGE_ROWS;
    my $got = $nginx->measure(5, get($nginx, $path), 200);
    return { %$got, units => $got->{requests} * PAGE_ROWS };
}

sub submit_small {
    my ($self) = @_;
    my $nginx = $self->nginx;

    return requests($nginx->measure(ROUNDS,
        submission($nginx, 'some.name'), 202));
}

# over one connection: those that are large wait for each other
sub submit_large {
    my ($self) = @_;
    my $nginx = $self->nginx;
    my @names = map { sprintf 'account.%06d.x', $_ } 1 .. LARGE_ACCOUNTS;
    my $got = $nginx->measure(2, submission($nginx, @names), 202,
                              connections => 1, warm => 1);

    return { %$got, units => $got->{requests} * LARGE_ACCOUNTS };
}

sub submission {
    my ($nginx, @names) = @_;
    my $body = '{"accounts":["' . join('","', @names) . '"]}';
    my $text = $nginx->client->head_text('POST', '/api/scrape-followers',
        'Content-Type', 'application/json', 'Content-Length', length $body)
        . $body;

    return sub { return $text };
}

sub requests {
    my ($got) = @_;

    return { %$got, units => $got->{requests} };
}


# the worker

# what a profile costs from a batch that is claimed to its last stored page
sub worker_page {
    my ($self) = @_;
    my $batches = 2;

    return { dump => $self->work('igj_scrape_run_batch', $batches, FOLLOWERS),
             units => $batches * BATCH_ACCOUNTS * FOLLOWERS };
}

# what a batch of one provider run costs a lane, where pages are small
sub worker_run {
    my ($self) = @_;
    my $batches = 10;

    return { dump => $self->work('igj_lane_main', $batches, 1),
             units => $batches };
}

# the dump of a worker with one lane that did a job of so many batches, on
# servers that hold no other work
sub work {
    my ($self, $function, $batches, $followers) = @_;
    my $stack = $self->{stack};
    my $postgres = $self->{worker_postgres}
        //= $stack->add(Igjobs::Postgres->new);
    my $redis = $self->{worker_redis} //= $stack->add(Igjobs::Redis->new);
    my $queue = Igjobs::Queue->new($postgres);
    my $job = $queue->submit(max_count => $followers,
        accounts => [Igjobs::Queue::names(1 .. $batches * BATCH_ACCOUNTS)]);
    my $worker = $stack->add(Igjobs::Guard::Worker->new(
        inside => $function, args => ['--lanes', 1],
        postgres => $postgres->dsn(user => 'igjobs_worker'),
        redis => 'unix:' . $redis->socket_path,
        sim => $self->part('sim')->base_url));

    $queue->wait_end($job, 120);
    $worker->stop or die "the worker did not end cleanly\n";
    return $worker->dump;
}

# names as the simulator's people have them
sub classify {
    my ($self) = @_;
    my @people = Igjobs::Population->new->followers('guard', NAMES);
    my $input = join '', map {
        qq({"full_name":"$_->{full_name}","username":"$_->{username}"}\n)
    } @people;

    return { dump => Igjobs::Guard::Worker->classify(
                 inside => 'igj_classify', input => $input),
             units => scalar @people };
}


# what the paths read

# jobs($n): ids of that many new jobs of one account
sub jobs {
    my ($self, $count) = @_;
    my $first = $self->{jobs} + 1;
    my $last = $self->{jobs} += $count;
    my @ids = map { sprintf '01890000-0000-7000-8000-%012x', $_ }
              $first .. $last;

    $self->part('postgres')->psql(<<"SQL");
        select count(igjobs.submit('default', 'instagram',
            ('01890000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
            'scrape_followers',
            '{"target_gender": "any", "max_count_per_account": 50}', 1, 1,
            array['some.name']))
        from generate_series($first, $last) n;
        update public.scrape_jobs set doc = igjobs.document(version, job_id,
            state, phase, total_batches, account_count,
            '2026-01-01 00:00:00.123456+00', '2026-01-01 00:00:00.123456+00')
        where state = 'queued';
SQL
    return @ids;
}

# rows of a job, in chunks as the worker stores them
sub add_results {
    my ($self, $job, $rows) = @_;

    $self->part('postgres')->psql(<<"SQL");
        insert into igjobs.chunk_rows (job_id, chunk_no, created_at, tenant,
            platform, profile_ids, usernames, full_names, genders,
            confidences, evidences, source_accounts)
        select '$job', n / 2500, '2026-01-01 00:00:00.123456+00', 'default',
            'instagram', array_agg((5000000000 + n)::text order by n),
            array_agg('user.name_' || lpad(n::text, 6, '0') order by n),
            array_agg(case when n % 8 = 0 then 'Zoë 🌸 Müller'
                      else 'Maria Garcia' end order by n),
            array_agg('female'::text), array_agg(null::real),
            array_agg(null::text), array_agg(null::text)
        from generate_series(0, $rows - 1) n
        group by n / 2500;
        insert into igjobs.chunks (job_id, first_row, chunk_no, n, tenant,
            platform)
        select '$job', n * 2500, n, 2500, 'default', 'instagram'
        from generate_series(0, $rows / 2500 - 1) n;
        update public.scrape_jobs set next_row = $rows where job_id = '$job';
        analyze igjobs.chunk_rows;
SQL
    return;
}

1;
