# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A peer: another way to build what igjobs does, started beside it on the same
# Postgres, Redis and simulator, in a database and a Redis database of its own.
#
#   my $peer = Igjobs::Bench::Peer::Fastify->new(stack => $stack);
#   print $_, "\n" for $peer->missing;   # what this machine lacks; then skip
#   $peer->start;                        # returns when it answers
#   $peer->port; $peer->does('pages'); $peer->submit_path; ...
#   $peer->stop;                         # before $stack->finish
#
# This is what the peers have in common. A peer's own class says what it does
# (features), what it needs (needs), and which processes it is made of
# (start_servers); its code lies in bench/peers/.

package Igjobs::Bench::Peer;

use strict;
use warnings;
use Carp;
use IO::Socket::UNIX;
use Igjobs::Bench::Peer::Server;
use Igjobs::Env;
use Igjobs::Http;
use Igjobs::Port 'free_port';

my $count = 0;

# new(stack => Igjobs::Stack with postgres, redis and sim started, options of
# the peer)
sub new {
    my ($class, %option) = @_;
    my $number = ++$count;

    croak 'a peer needs a stack' if !$option{stack};
    return bless { servers => { api => [], worker => [] },
                   database => "peer$number", redis_db => $number, %option },
        $class;
}

# Of each class: its name; status, pages, submit, job; what must be there
sub name { croak 'a peer has a name' }
sub features { return () }
sub needs { return () }

# what a name says about the items that it reads
sub items { return $_[0]{whole_items} ? ', whole items' : '' }

sub does {
    my ($self, $feature) = @_;

    return !!grep { $_ eq $feature } $self->features;
}

# lines that say what this machine lacks and how to get it; none: can start
sub missing {
    my ($self) = @_;
    my @missing;

    my @needs = $self->needs;
    while (my ($path, $remedy) = splice @needs, 0, 2) {
        push @missing, $self->name . ": there is no $path: $remedy"
            if !-e $path;
    }
    return @missing;
}

sub port { return $_[0]{port} }
sub status_path { return "/api/job-status/$_[1]" }
sub submit_path { return '/api/scrape-followers' }

sub results_path {
    my ($self, $id, $page, $limit) = @_;

    return "/api/job-results/$id?page=$page&limit=$limit";
}

# directory of the peer's code, which the servers' account can read
sub code_dir {
    my ($self, $name) = @_;
    my $source = Igjobs::Env::root() . "/bench/peers/$name";

    return $source if $> != 0;
    return $self->{code_dir} if $self->{code_dir};
    my $dir = Igjobs::Env::new_dir($name);
    system('cp', '-R', '--', "$source/.", $dir) == 0
        or croak "cannot copy $source";
    return $self->{code_dir} = $dir;
}

sub start {
    my ($self) = @_;

    $self->{dir} //= Igjobs::Env::new_dir($self->{database});
    $self->{port} //= free_port();
    $self->make_database if $self->does('pages');
    $self->start_servers;
    return $self;
}

# start_server($kind, name => ..., command => [...], when => sub { ready? })
# $kind is api or worker
sub start_server {
    my ($self, $kind, %option) = @_;
    my $server = Igjobs::Bench::Peer::Server->new(
        dir => $self->{dir}, %option,
        env => { $self->environment, %{ $option{env} // {} } });

    push @{ $self->{servers}{$kind} }, $server;
    return $server->start(60);
}

# does the API answer?
sub answers {
    my ($self) = @_;
    my $response = eval { Igjobs::Http->new($self->{port})->get('/healthz') };

    return $response && $response->{status} == 200;
}

# where the servers find everything
sub environment {
    my ($self) = @_;
    my ($postgres, $redis) = @{ $self->{stack} }{qw(postgres redis)};

    return (
        PORT => $self->{port},
        PGHOST => $postgres->socket_dir,
        PGPORT => $postgres->port,
        PGUSER => 'peer',
        PGDATABASE => $self->{database},
        REDIS_SOCKET => $redis->socket_path,
        REDIS_DB => $self->{redis_db},
        APIFY_BASE_URL => $self->{stack}{sim} ? $self->{stack}->sim->base_url
                                              : '',
        APIFY_API_KEY => 'apify_api_test',
        APIFY_ACTOR_ID => 'igjobs~followers',
    );
}

sub make_database {
    my ($self) = @_;
    my $stack = $self->{stack};
    my $schema = Igjobs::Env::root() . '/bench/peers/schema.sql';

    $stack->psql('create role peer login', dbname => 'postgres')
        if !$stack->psql("select 1 from pg_roles where rolname = 'peer'");
    $stack->psql("create database $self->{database} owner peer",
                 dbname => 'postgres');
    open my $in, '<', $schema or croak "$schema: $!";
    return $self->psql(do { local $/; <$in> });
}

sub psql {
    my ($self, $sql) = @_;

    return $self->{stack}->psql($sql, user => 'peer',
                                dbname => $self->{database});
}

# seed_jobs($n): ids of $n more running jobs whose status can be asked
sub seed_jobs {
    my ($self, $n) = @_;

    return split /\n/, $self->psql(<<"SQL");
insert into scrape_jobs (job_id, status, target_gender, max_count_per_account,
    progress, profiles_scraped, total_batches, current_batch, started_at)
select gen_random_uuid(), 'processing', 'any', 50, 25, 125000, 200, 50, now()
from generate_series(1, $n)
returning job_id;
vacuum analyze scrape_jobs;
SQL
}

# seed_results($n): the id of one more completed job, with $n result rows
sub seed_results {
    my ($self, $n) = @_;
    my ($id) = $self->seed_jobs(1);

    $self->psql(<<"SQL");
insert into scrape_results (job_id, profile_id, username, full_name)
select '$id', (1000000000 + n)::text, 'some.name_' || to_hex(n::bigint * 7919),
       'Given' || n % 997 || ' Family' || n % 1009
from generate_series(1, $n) n order by n;
update scrape_jobs
set status = 'completed', progress = 100, profiles_scraped = $n,
    total_scraped = $n, total_filtered = $n, completed_at = now(),
    current_batch = total_batches
where job_id = '$id';
vacuum analyze scrape_jobs, scrape_results;
SQL
    $self->{stack}->psql('checkpoint');
    return $id;
}

# redis_set({ key => value }): many keys at once
sub redis_set {
    my ($self, $values) = @_;
    my @keys = keys %$values;
    my $socket = IO::Socket::UNIX->new(
        Peer => $self->{stack}->redis->socket_path) or croak "redis: $!";
    my $send = sub {
        my $text = join '', map { my $words = $_; '*' . @$words . "\r\n"
            . join '', map { '$' . length . "\r\n$_\r\n" } @$words } @_;
        print $socket $text;
        $socket->flush;
        for (@_) {
            my $answer = readline($socket) // '';
            $answer =~ /^\+OK/ or croak "redis: $answer";
        }
    };

    $send->(['SELECT', $self->{redis_db}]);
    while (my @some = splice @keys, 0, 1000) {
        $send->(map { ['SET', $_, $values->{$_}] } @some);
    }
    return;
}

# status_document($id): what the status of a seeded job says, as its text
sub status_document {
    my ($self, $id) = @_;

    return qq({"success":true,"job_id":"$id","status":"processing",)
        . '"progress":25,"profiles_scraped":125000,"total_scraped":null,'
        . '"total_filtered":null,"total_batches":200,"current_batch":50,'
        . '"error_message":null,'
        . '"created_at":"2025-10-14T09:05:11.123456+00:00",'
        . '"started_at":"2025-10-14T09:05:11.323456+00:00",'
        . '"completed_at":null}';
}

sub api_pids { return $_[0]->pids('api') }
sub worker_pids { return $_[0]->pids('worker') }

# the processes of one kind with all their children
sub pids {
    my ($self, $kind) = @_;

    return map { family($_->pid) } grep { $_->running }
           @{ $self->{servers}{$kind} };
}

sub family {
    my ($pid) = @_;

    return ($pid, map { family($_) } Igjobs::Env::children($pid));
}

# true if all ended in order
sub stop {
    my ($self) = @_;
    my $clean = 1;

    for my $server (map { @{ $self->{servers}{$_} } } qw(api worker)) {
        $server->stop or $clean = 0;
    }
    $self->{servers} = { api => [], worker => [] };
    return $clean;
}

1;
