# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# events: what do 10,000 clients cost that follow jobs over one nginx worker,
# and when has the last of them heard of a change?
#
# Once all watch one job, once ten each of 1,000 jobs. Memory is all that the
# process has grown by, over the number of clients; the processor time is that
# of nginx while nothing happens but heartbeats; a change is committed and
# published as a worker does it, for all jobs at once, and timed from just
# before the commit until the last client has read it.

package Igjobs::Bench::Question::events;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use IPC::Open2;
use Time::HiRes 'sleep';
use Igjobs::Bench::Processes qw(cpu_begin cpu_end);
use Igjobs::Env;

use constant { CLIENTS => 10_000, JOBS => 1000, HEARTBEAT => 15 };

sub title { return '10,000 clients that follow jobs' }

sub prepare {
    my ($self) = @_;

    $self->start_servers(parts => [qw(postgres redis nginx)], nginx => {
        $self->nginx_options(http => 'request_pool_size 6k;'),
        connections => 2 * CLIENTS });
    $self->{ids} = [map { $self->product->jobs->submit(accounts => ['one']) }
                    1 .. JOBS];
    $self->{version} = 1;
    $self->series('one job', sub { $self->follow($self->{ids}[0]) });
    $self->series('1,000 jobs', sub { $self->follow(@{ $self->{ids} }) });

    my %figure = (kib => 'memory of a client, KiB',
                  idle => 'idle, percent of a core',
                  ms => 'commit to the last client, ms');
    my %goal = (kib => 8, idle => 5, ms => 1000);
    for my $key (sort keys %figure) {
        $self->table($figure{$key}, map { ($_ => "$_.$key") }
                                    'one job', '1,000 jobs');
        $self->goal("$figure{$key}, $_", value => "$_.$key",
                    at_most => $goal{$key}) for 'one job', '1,000 jobs';
    }
    return;
}

# the clients, one process
sub streams {
    my ($streams) = grep { -x } map { "$_/streams" } @INC;

    return $streams;
}

# a new nginx worker each time, so that its memory is not that of before
sub follow {
    my ($self, @ids) = @_;
    my $nginx = $self->stack->nginx->stop && $self->stack->nginx->start;
    my ($worker) = $nginx->workers;
    my $before = Igjobs::Env::rss($worker);
    my $pid = open2(my $out, my $in, streams(), $nginx->port);
    my $ask = sub { print $in "@_\n"; $in->flush; return scalar <$out> };
    my %got;

    $ask->('open', CLIENTS, map { "/api/jobs/$_/events" } @ids);
    $got{kib} = (Igjobs::Env::rss($worker) - $before) / CLIENTS;
    my $cpu = cpu_begin($self->stack);
    sleep HEARTBEAT + 1;
    $got{idle} = 100 * cpu_end($cpu)->{nginx};
    my $committed = $self->change(@ids);
    $got{ms} = 1000 * ($ask->('wait', $self->{version}) - $committed);
    close $in;
    waitpid $pid, 0;
    return \%got;
}

# the time just before the change is committed, in seconds
sub change {
    my ($self, @ids) = @_;
    my $from = $self->{version}++;
    my $to = $self->{version};
    my $document = $self->stack->psql('select doc'
        . " from public.scrape_jobs where job_id = '$ids[0]'");
    my $time = $self->stack->psql(<<"SQL");
begin;
update public.scrape_jobs set version = $to, doc =
    regexp_replace(doc, '"version":[0-9]+', '"version":$to');
select extract(epoch from clock_timestamp());
commit;
SQL

    $document =~ s/"version":$from\b/"version":$to/;
    for my $id (@ids) {
        my $own = $document =~ s/$ids[0]/$id/gr;
        $self->stack->redis->command('PUBLISH', "igjobs:events:default:$id",
                                     $own);
    }
    return $time;
}

1;
