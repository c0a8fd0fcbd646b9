# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Jobs through the API, as a client sees them.
#
#   my $jobs = Igjobs::Jobs->new($nginx->client);
#   my $id = $jobs->submit(accounts => [...], totalScrapeCount => 100);
#   my $status = $jobs->wait_done($id);
#   my @profiles = $jobs->results($id);

package Igjobs::Jobs;

use strict;
use warnings;
use Carp;
use Igjobs::Wait;

sub new {
    my ($class, $http) = @_;

    return bless { http => $http }, $class;
}

# submit(%request): the job id; dies on anything but 202
sub submit {
    my ($self, %request) = @_;
    my $response = $self->{http}->post_json('/api/scrape-followers',
                                            \%request);

    croak "submit: $response->{status} $response->{body}"
        if $response->{status} != 202;
    return $response->json->{job_id};
}

sub status {
    my ($self, $id) = @_;
    my $response = $self->{http}->get("/api/job-status/$id");

    croak "status: $response->{status} $response->{body}"
        if $response->{status} != 200;
    return $response->json;
}

# wait_status($id, qr/pattern of the status/, $seconds): the status document
sub wait_status {
    my ($self, $id, $pattern, $seconds) = @_;
    my $last;

    my $found = eval {
        wait_for { $last = $self->status($id); $last->{status} =~ $pattern }
            $seconds // 60, "job $id to be $pattern";
    };
    croak $@ . ($last ? ' (' . join(', ', map { "$_=" . ($last->{$_} // '-') }
                                    sort keys %$last) . ')' : '')
        if !$found;
    return $last;
}

# wait_done($id, $seconds): the final status document, whatever the end
sub wait_done {
    my ($self, $id, $seconds) = @_;

    return $self->wait_status($id, qr/^(?:completed|failed|canceled)$/,
                              $seconds);
}

# results($id, limit => 1000, partial => 0): all profiles of all pages
sub results {
    my ($self, $id, %option) = @_;
    my $limit = $option{limit} // 1000;
    my $partial = $option{partial} ? '&partial=true' : '';
    my @profiles;

    for (my $page = 1; ; $page++) {
        my $response = $self->{http}->get(
            "/api/job-results/$id?page=$page&limit=$limit$partial");
        croak "results: $response->{status} $response->{body}"
            if $response->{status} != 200;
        my $data = $response->json;
        push @profiles, @{ $data->{profiles} };
        last if @{ $data->{profiles} } < $limit;
    }
    return @profiles;
}

1;
