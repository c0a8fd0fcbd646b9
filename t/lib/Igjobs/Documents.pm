# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Status documents without workers: a job's next version, in Postgres, in Redis
# and told to whoever listens, as a worker would do it.
#
#   my $documents = Igjobs::Documents->new($stack);
#   my $version = $documents->set($job, 'processing', profiles_scraped => 7);

package Igjobs::Documents;

use strict;
use warnings;

sub new {
    my ($class, $stack) = @_;

    return bless { stack => $stack }, $class;
}

# set($job, $status, member => number or JSON, ...): the new version
sub set {
    my ($self, $job, @rest) = @_;
    my $text = $self->commit($job, @rest);

    $self->tell($job, $text);
    return ($text =~ /^\{"version":(\d+)/)[0];
}

# commit($job, $status, ...): in Postgres alone; its text
sub commit {
    my ($self, $job, @rest) = @_;
    my $text = $self->next($job, @rest);

    $self->{stack}->psql(<<"SQL");
update public.scrape_jobs set version = version + 1, doc = \$doc\$$text\$doc\$
where job_id = '$job'
SQL
    return $text;
}

# next($job, ...): what set() would store, and nothing else
sub next {
    my ($self, $job, $status, %member) = @_;
    my $state = $status eq 'processing' ? 'running' : $status;
    my $text = $self->{stack}->psql(
        "select doc from public.scrape_jobs where job_id = '$job'");

    %member = (status => qq("$status"), state => qq("$state"), %member);
    for my $name (keys %member) {
        $text =~ s/"\Q$name\E":\K(?:"[^"]*"|\{[^}]*\}|[^,{}]+)/$member{$name}/
            or die "no $name in $text";
    }
    $text =~ s/^\{"version":\K(\d+)/$1 + 1/e;
    return $text;
}

# lost when Redis is away
sub tell {
    my ($self, $job, $text) = @_;
    my $redis = $self->{stack}->redis;

    return if !$redis->running;
    $redis->command('SET', "igjobs:status:default:$job", $text, 'EX', 5);
    $redis->command('PUBLISH', "igjobs:events:default:$job", $text);
    return;
}

1;
