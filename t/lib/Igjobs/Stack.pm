# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A private stack: Postgres (and PgBouncer before it), Redis, simulator, nginx
# and workers.
#
#   my $stack = Igjobs::Stack->new;          # nothing runs yet
#   $stack->start(qw(postgres redis sim nginx worker));   # or a part of it
#   ...
#   $stack->finish;                          # assertions; then done_testing
#
# finish() stops everything in order and fails the test on log alerts,
# sanitizer reports, sessions left in Postgres or Redis, unclean ends and
# processes left behind.

package Igjobs::Stack;

use strict;
use warnings;
use Carp;
use Test::More ();
use Igjobs::Env;
use Igjobs::Jobs;
use Igjobs::Nginx;
use Igjobs::Pgbouncer;
use Igjobs::Postgres;
use Igjobs::Process;
use Igjobs::Redis;
use Igjobs::Sim;
use Igjobs::Wait;
use Igjobs::Worker;

my @unfinished;

# new(postgres => {...}, pgbouncer => {...}, redis => {...}, sim => {...},
#     nginx => {...}, worker => {...}): options of the parts, see there
sub new {
    my ($class, %option) = @_;
    my $self = bless { option => \%option, parts => [], pid => $$ }, $class;

    push @unfinished, $self;
    return $self;
}

# start(@names): makes and starts the parts in this order; without a name all
sub start {
    my ($self, @names) = @_;

    @names = qw(postgres redis sim nginx worker) if !@names;
    for my $name (@names) {
        my $add = "add_$name";
        my $part = $self->$add(%{ $self->{option}{$name} // {} });
        $self->{$name} //= $part;
    }
    return $self;
}

sub postgres { return $_[0]{postgres} // croak 'no postgres in this stack' }
sub redis { return $_[0]{redis} // croak 'no redis in this stack' }
sub sim { return $_[0]{sim} // croak 'no sim in this stack' }
sub nginx { return $_[0]{nginx} // croak 'no nginx in this stack' }
sub worker { return $_[0]{worker} // croak 'no worker in this stack' }
sub parts { return @{ $_[0]{parts} } }
sub client { my ($self, @rest) = @_; return $self->nginx->client(@rest) }
sub psql { my ($self, @rest) = @_; return $self->postgres->psql(@rest) }
sub jobs { my ($self) = @_; return Igjobs::Jobs->new($self->client) }

sub add {
    my ($self, $part) = @_;

    push @{ $self->{parts} }, $part;
    return $part->start;
}

sub add_postgres {
    my ($self, %option) = @_;
    my $postgres = $self->add(Igjobs::Postgres->new(%option));

    return $self->{postgres} //= $postgres;
}

# from then on what is added goes through it
sub add_pgbouncer {
    my ($self, %option) = @_;

    return $self->add(Igjobs::Pgbouncer->new($self->postgres, %option));
}

sub add_redis {
    my ($self, %option) = @_;

    return $self->add(Igjobs::Redis->new(%option));
}

sub add_sim {
    my ($self, %option) = @_;

    return $self->add(Igjobs::Sim->new(%option));
}

# the addresses of the stack's own servers are filled in unless given
sub add_nginx {
    my ($self, %option) = @_;
    my $postgres = $self->{pgbouncer} // $self->{postgres};
    my $redis = $self->{redis};

    $option{postgres} = $postgres->dsn(user => 'igjobs_api')
        if $postgres && !exists $option{postgres};
    $option{redis} = 'unix:' . $redis->socket_path
        if $redis && !exists $option{redis};
    return $self->add(Igjobs::Nginx->new(%option));
}

sub add_worker {
    my ($self, %option) = @_;
    my $postgres = $self->{pgbouncer} // $self->{postgres};
    my ($redis, $sim) = @$self{qw(redis sim)};

    $option{postgres} = $postgres->dsn(user => 'igjobs_worker')
        if $postgres && !exists $option{postgres};
    $option{redis} = 'redis://127.0.0.1:' . $redis->port . '/0'
        if $redis && !exists $option{redis};
    $option{sim} = $sim->base_url if $sim && !exists $option{sim};
    return $self->add(Igjobs::Worker->new(%option));
}

sub of_kind {
    my ($self, $kind) = @_;

    return grep { $_->isa("Igjobs::$kind") } $self->parts;
}

# ends the stack and asserts that nothing went wrong in it
sub finish {
    my ($self) = @_;
    my @problems;

    @unfinished = grep { $_ != $self } @unfinished;
    push @problems, $self->stop_parts(qw(Worker Nginx Sim Pgbouncer));
    push @problems, map { $self->left_in_postgres($_) }
        $self->of_kind('Postgres');
    push @problems, map { $self->left_in_redis($_) } $self->of_kind('Redis');
    push @problems, $self->stop_parts(qw(Redis Postgres));
    push @problems, map { map { "nginx: $_" } $_->alerts }
        $self->of_kind('Nginx');
    push @problems, map { map { "postgres: $_" } grep { /\bPANIC:/ }
                          split /\n/, $_->log_text } $self->of_kind('Postgres');
    push @problems, map { sanitizer_reports($_->{dir}) } $self->parts;
    push @problems, map { left_processes($_->{dir}) } $self->parts;

    Test::More::is(join("\n", @problems), '', 'the stack ended cleanly');
    $_->show_log for @problems ? $self->parts : ();
    return !@problems;
}

sub stop_parts {
    my ($self, @kinds) = @_;
    my @problems;

    for my $part (map { $self->of_kind($_) } @kinds) {
        my $died = $part->pid && !$part->running;
        push @problems, $part->name . ' ended by itself: '
            . $part->status_text if $died;
        push @problems, $part->name . ' did not end cleanly'
            if !$died && !$part->stop;
    }
    return @problems;
}

# a server notices the end of its clients a moment later
sub left_in_postgres {
    my ($self, $postgres) = @_;

    return if !$postgres->running;
    return if eval { wait_for { !$postgres->sessions } 10 };
    return map { "session left in postgres: $_" } $postgres->sessions;
}

sub left_in_redis {
    my ($self, $redis) = @_;

    return if !$redis->running;
    return if eval { wait_for { !$redis->clients } 10 };
    return map { "client left in redis: $_" } $redis->clients;
}

sub sanitizer_reports {
    my ($dir) = @_;
    my @reports;

    for my $file (glob "$dir/sanitizer.*") {
        open my $in, '<', $file or next;
        local $/;
        push @reports, "$file:\n" . <$in>;
    }
    return @reports;
}

sub left_processes {
    my ($dir) = @_;
    my @left = Igjobs::Env::processes_in($dir);

    kill 'KILL', @left if @left;
    return map { "process $_ left behind in $dir" } @left;
}

# a test that dies on its way: stop everything, show the logs, fail
END {
    my $status = $?;
    for my $stack (grep { $_->{pid} == $$ } @unfinished) {
        $_->show_log for $stack->parts;
        $stack->stop_parts(qw(Worker Nginx Sim Pgbouncer Redis Postgres));
        left_processes($_->{dir}) for $stack->parts;
        print STDERR map { sanitizer_reports($_->{dir}) } $stack->parts;
        $status ||= 1;
    }
    $? = $status;
}

1;
