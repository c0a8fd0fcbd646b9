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
    my ($self, $job, $status, %member) = @_;
    my $state = $status eq 'processing' ? 'running' : $status;
    my $doc = 'doc';

    %member = (status => qq("$status"), state => qq("$state"), %member);
    for my $name (sort keys %member) {
        my $value = $member{$name} =~ s/'/''/gr;
        $doc = sprintf q<regexp_replace(%s, '"%s":%s', '"%s":%s')>, $doc,
            $name, '("[^"]*"|[^,{}]+|{[^}]*})', $name, $value;
    }
    my $row = $self->{stack}->psql(<<"SQL");
update public.scrape_jobs set version = version + 1,
    doc = regexp_replace($doc, '"version":[0-9]+',
                         '"version":' || version + 1)
where job_id = '$job' returning version || ' ' || doc
SQL
    my ($version, $text) = split / /, $row, 2;
    $self->tell($job, $text);
    return $version;
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
