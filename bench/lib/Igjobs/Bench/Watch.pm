# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Submissions and jobs as a client sees them, timed: of igjobs and of its
# peers alike (both have the face of Igjobs::Bench::Peer).

package Igjobs::Bench::Watch;

use strict;
use warnings;
use Carp;
use Exporter 'import';
use List::Util 'max';
use Time::HiRes qw(time sleep);
use Time::Local 'timegm';
use Igjobs::Http;

our @EXPORT_OK = qw(body_of submit_text run_job wait_completed
                    journal_since began);

# body_of($accounts, $followers of each, $prefix): a submission's text
sub body_of {
    my ($accounts, $followers, $prefix) = @_;

    $prefix //= 'account.';
    return '{"targetGender":"any","totalScrapeCount":'
        . $accounts * $followers . ',"accounts":['
        . join(',', map { sprintf '"%s%06d"', $prefix, $_ } 1 .. $accounts)
        . ']}';
}

# submit_text($contender, $body): (job id, seconds to the 202)
sub submit_text {
    my ($contender, $body) = @_;
    my $http = $contender->{watch_http} //= Igjobs::Http->new(
        $contender->port, timeout => 120);

    $http->connect if !$http->usable;
    my $begin = time();
    my $response = $http->post_json($contender->submit_path, $body);
    my $seconds = time() - $begin;
    croak $contender->name . ": $response->{status} $response->{body}"
        if $response->{status} != 202;
    return ($response->json->{job_id}, $seconds);
}

# run_job($contender, $sim, $body, coarse => 1): submits, polls the status to
# its end; coarse: never more often than each 20 ms. Returns { id, seconds (sending to completed), delay_ms (end of the last page
# of items that the simulator sent to completed) }.
sub run_job {
    my ($contender, $sim, $body, %option) = @_;
    my ($seen) = journal_since($sim, 'items', $contender->{watch_seen});
    my $begin = time();
    my ($id) = submit_text($contender, $body);
    my $end = wait_completed($contender, $id, %option);
    my ($last, @pages) = journal_since($sim, 'items', $seen);

    $contender->{watch_seen} = $last;
    croak 'the simulator sent no page' if !@pages;
    return { id => $id, seconds => $end - $begin,
             delay_ms => ($end - max(map { ended($_) } @pages)) * 1000 };
}

# journal_since($sim, $op, $seq): the last number there is, then the entries
# of this kind above $seq
sub journal_since {
    my ($sim, $op, $seq) = @_;
    my $path = "/_sim/journal?op=$op&since=" . ($seq // 0);
    my @entries = @{ $sim->call('GET', $path) };

    return (@entries ? $entries[-1]{seq} : $seq // 0, @entries);
}

# when an answer of the simulator was complete, in seconds since 1970
sub ended {
    my ($entry) = @_;

    return began($entry) + $entry->{ms} / 1000;
}

sub began {
    my ($entry) = @_;
    my ($y, $mo, $d, $h, $mi, $s, $part) = $entry->{time}
        =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(\.\d+)?/
        or croak "time: $entry->{time}";

    return timegm($s, $mi, $h, $d, $mo - 1, $y) + ($part // 0);
}

# The time at which the status says completed. Asks each 20 ms at first and
# each millisecond from 90 percent on, unless coarse.
sub wait_completed {
    my ($contender, $id, %option) = @_;
    my $http = Igjobs::Http->new($contender->port);
    my $request = $http->head_text('GET', $contender->status_path($id));
    my $deadline = time() + 600;

    while (time() < $deadline) {
        my $text = ask($http, $request);
        my ($status) = $text =~ /"status"\s*:\s*"(\w+)"/
            or croak "status: $text";
        return time() if $status eq 'completed';
        croak "the job failed: $text" if $status eq 'failed';
        my ($progress) = $text =~ /"progress"\s*:\s*"?([\d.]+)/;
        sleep +$option{coarse} || ($progress // 0) < 90 ? 0.02 : 0.001;
    }
    croak 'the job does not end';
}

# one answer as raw text: cheaper than reading it properly
sub ask {
    my ($http, $request) = @_;

    for (1 .. 3) {
        $http->connect if !$http->{socket};
        my $text = '';
        syswrite $http->{socket}, $request;
        while (sysread $http->{socket}, $text, 16_384, length $text) {
            last if $text =~ /\r\n\r\n.*\}\s*(?:\r\n0\r\n\r\n)?\z/s;
        }
        delete $http->{socket}
            if $text eq '' || $text =~ /^Connection: close/mi;
        return $text if $text =~ /^HTTP\S+ 200/;
        croak "status: $text" if $text ne '';
    }
    croak 'the API closes connections without an answer';
}

1;
