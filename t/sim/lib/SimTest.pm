# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# What the simulator's tests share: a simulator, runs in it, and a client that
# reports what a broken answer looks like on the wire.

package SimTest;

use strict;
use warnings;
use Exporter 'import';
use Carp;
use Errno 'ECONNRESET';
use JSON::PP ();
use Igjobs::Env;
use Igjobs::Http;
use Igjobs::Sim;
use Test::More ();

our @EXPORT = qw(new_sim start_run api items wire reset_sim finish
                 officials_file);

my @sims;

# new_sim(@arguments): a simulator that runs
sub new_sim {
    my (@args) = @_;
    my $sim = Igjobs::Sim->new(args => [@args]);

    push @sims, $sim;
    $sim->start;
    return $sim;
}

sub officials_file {
    return Igjobs::Env::staged(
        Igjobs::Env::root() . '/data/public-officials.jsonl');
}

# api($sim, $method, $path, body => ..., headers => [...], token => undef)
sub api {
    my ($sim, $method, $path, %option) = @_;
    my @headers = @{ $option{headers} // [] };
    my $token = exists $option{token} ? $option{token} : 'secret-token';
    my $body = $option{body};

    push @headers, Authorization => "Bearer $token" if defined $token;
    if (ref $body) {
        $body = JSON::PP->new->utf8->canonical->encode($body);
    }
    if (defined $body && !grep { lc eq 'content-type' } @headers) {
        push @headers, 'Content-Type' => 'application/json';
    }
    return Igjobs::Http->new($sim->port)->request(
        $method, $path, headers => \@headers,
        defined $body ? (body => $body) : ());
}

# start_run($sim, \@accounts, max_count => 10, actor => ..., query => '...',
#           input => {...}): the Run object; waits for its end unless told else
sub start_run {
    my ($sim, $accounts, %option) = @_;
    my $actor = $option{actor} // 'igjobs~followers-with-source';
    my $query = $option{query} // 'waitForFinish=60';
    my $input = { usernames => $accounts, %{ $option{input} // {} } };

    $input->{max_count} = $option{max_count} if $option{max_count};
    my $response = api($sim, 'POST', "/v2/acts/$actor/runs?$query",
                       body => $input);
    croak "start: $response->{status} $response->{body}"
        if $response->{status} != 201;
    return $response->json->{data};
}

# items($sim, $run, $query): the dataset's items
sub items {
    my ($sim, $run, $query) = @_;
    my $response = api($sim, 'GET',
        "/v2/datasets/$run->{defaultDatasetId}/items?format=jsonl&"
        . ($query // ''));

    croak "items: $response->{status} $response->{body}"
        if $response->{status} != 200;
    return map { JSON::PP->new->utf8->decode($_) }
        split /\n/, $response->{body};
}

# wire($sim, $method, $path, %option): all bytes of an answer until the
# connection ends (the request asks for that): head, body, and end: 'closed'
# or 'reset'
sub wire {
    my ($sim, $method, $path, %option) = @_;
    my $http = Igjobs::Http->new($sim->port, headers => [
        Connection => 'close', Authorization => 'Bearer secret-token',
        defined $option{body} ? ('Content-Type' => 'application/json') : (),
        @{ $option{headers} // [] }]);
    my $bytes;

    $http->connect;
    $http->send_request($method, $path,
        defined $option{body} ? (body => $option{body}) : ());
    1 while $bytes = $http->fill;
    my $end = defined $bytes ? 'closed' : $!{ECONNRESET} ? 'reset' : "$!";

    my ($head, $body) = split /\r\n\r\n/, $http->{buffer}, 2;
    return { head => $head // '', body => $body // '', end => $end,
             bytes => $http->{buffer} };
}

sub reset_sim {
    my ($sim) = @_;

    return $sim->call('POST', '/_sim/reset', '');
}

# every simulator ends cleanly and leaves no sanitizer report
sub finish {
    for my $sim (splice @sims) {
        Test::More::ok($sim->stop, 'the simulator ends cleanly');
        Test::More::is(join(' ', glob "$sim->{dir}/sanitizer.*"), '',
                       'no sanitizer report');
    }
    return;
}

1;
