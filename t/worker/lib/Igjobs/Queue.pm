# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Jobs put into the queue by SQL, without nginx, and read back from the tables:
# what the tests of the worker submit and look at.
#
#   my $queue = Igjobs::Queue->new($stack);
#   my $job = $queue->submit(accounts => [names(1 .. 120)], max_count => 5);
#   my $doc = $queue->wait_end($job);
#   my @ids = $queue->profile_ids($job);

package Igjobs::Queue;

use strict;
use warnings;
use Carp;
use Exporter 'import';
use JSON::PP ();
use Time::HiRes 'time';
use Igjobs::Wait;

our @EXPORT = qw(names);

my $counter = 0;

# names(1 .. 3): names of source accounts
sub names { return map { sprintf 'source_%06d', $_ } @_ }

sub new {
    my ($class, $stack) = @_;

    return bless { stack => $stack }, $class;
}

sub sql { my ($self, @rest) = @_; return $self->{stack}->psql(@rest) }

# a UUID version 7
sub job_id {
    my $hex = sprintf '%012x', int(time() * 1000);

    $hex .= sprintf '7%03x8%03x%012x', int rand 0x1000, int rand 0x1000,
        ++$counter * 0x10000 + $$ % 0x10000;
    $hex =~ s/(.{8})(.{4})(.{4})(.{4})(.{12})/$1-$2-$3-$4-$5/;
    return $hex;
}

# submit(accounts => [...], max_count => 5, gender => 'any',
#        keep_unknown => 1, tenant => 'default', options => { ... of
#        igjobs.submit_all }): the job's id
sub submit {
    my ($self, %option) = @_;
    my $job = job_id();
    my @accounts = @{ $option{accounts} };
    my $count = @accounts;
    my @batches;

    while (my @batch = splice @accounts, 0, 50) {
        push @batches, 'E\'' . join('\\n', @batch) . '\'';
    }
    my $params = JSON::PP->new->canonical->encode({
        target_gender => $option{gender} // 'any',
        max_count_per_account => $option{max_count} // 5,
        keep_unknown => $option{keep_unknown} // 1
            ? JSON::PP::true : JSON::PP::false,
        %{ $option{options} // {} },
    });
    my $tenant = $option{tenant} // 'default';
    my $batches = @batches;

    $self->sql("select inserted from igjobs.submit('$tenant', 'instagram',"
        . " '$job', 'scrape_followers', '$params', $count, $batches, array["
        . join(', ', @batches) . "])") eq 't'
        or croak "job $job was not inserted";
    return $job;
}

# the status document
sub document {
    my ($self, $job) = @_;

    return JSON::PP->new->utf8->decode($self->sql(
        "select doc from public.scrape_jobs where job_id = '$job'"));
}

sub state {
    my ($self, $job) = @_;

    return $self->sql("select state from public.scrape_jobs"
        . " where job_id = '$job'");
}

# wait_end($job, $seconds): the final document
sub wait_end {
    my ($self, $job, $seconds) = @_;

    wait_for { $self->state($job) =~ /^(?:completed|failed|canceled)$/ }
        $seconds // 60, "job $job to end";
    return $self->document($job);
}

# all jobs of the list
sub wait_all {
    my ($self, $seconds, @jobs) = @_;

    wait_for {
        $self->sql("select count(*) from public.scrape_jobs"
            . " where completed_at is null and job_id in ("
            . join(', ', map { "'$_'" } @jobs) . ')') == 0
    } $seconds, 'all jobs to end';
    return;
}

sub profile_ids {
    my ($self, $job) = @_;

    return split /\n/, $self->sql("select profile_id"
        . " from public.scrape_results where job_id = '$job'"
        . ' order by profile_id');
}

# count($what, $where): rows of a table of igjobs
sub count {
    my ($self, $table, $where) = @_;

    return $self->sql("select count(*) from igjobs.$table where $where");
}

# outcomes of a job's accounts: name to word, as clients see it
sub outcomes {
    my ($self, $job) = @_;

    return map { @$_ } $self->{stack}->postgres->rows(
        "select k.key, regexp_replace(k.value, '^(full|whole)\$', 'ok')"
        . ' from igjobs.batch_accounts a,'
        . " jsonb_each_text(a.outcomes) k where a.job_id = '$job'");
}

1;
