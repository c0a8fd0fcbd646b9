# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Requests at a fixed rate, whatever the answers take: how latency is measured,
# and a load that is the same for everybody.

package Igjobs::Bench::Rate;

use strict;
use warnings;
use Carp;
use Exporter 'import';
use POSIX ();
use Time::HiRes qw(time sleep);
use Igjobs::Bench::Stats 'percentile';
use Igjobs::Env;
use Igjobs::Http;

our @EXPORT_OK = qw(poll start_load stop_load);

# poll(port => ..., path => ..., rate => a second, seconds => ...)
# Latencies in ms, as { p50, p99, p999, max }, over one connection. The answer
# must be a JSON object. A request's time counts from when it was due, so that
# a stall is not hidden by the requests that it kept from being sent. The
# poller goes before all others where that is allowed: its own wait for a
# processor, which on a machine of its own it would have, is nobody's latency.
sub poll {
    my (%option) = @_;

    priority('--rr', '--reset-on-fork', 1);
    my @ms = latencies(%option);
    priority('--other', 0);
    return { p50 => percentile(50, @ms), p99 => percentile(99, @ms),
             p999 => percentile(99.9, @ms), max => percentile(100, @ms) };
}

# of this process, as chrt has it; needs root
sub priority {
    my ($policy, @rest) = @_;

    return if $> != 0;
    system('chrt', $policy, @rest[0 .. $#rest - 1], '--pid', $rest[-1], $$)
        == 0 or croak "chrt $policy: $?";
    return;
}

sub latencies {
    my (%option) = @_;
    my $http = Igjobs::Http->new($option{port})->connect;
    my $request = $http->head_text('GET', $option{path});
    my @ms;

    each_due($option{rate}, sub {
        my ($due, $number) = @_;
        return 0 if $number >= $option{seconds} * $option{rate};
        syswrite $http->{socket}, $request;
        my $text = '';
        do {
            sysread $http->{socket}, $text, 16_384, length $text
                or croak 'no answer';
        } until $text =~ /\r\n\r\n.*\}\s*\z/s;
        $text =~ /^HTTP\S+ 200/ or croak "poll: $text";
        push @ms, (time() - $due) * 1000;
        return 1;
    });
    return @ms;
}

# calls $sub with the due time and the number of each call, until it is false
sub each_due {
    my ($rate, $sub) = @_;
    my $start = time();

    for (my $number = 0; ; $number++) {
        my $due = $start + $number / $rate;
        my $wait = $due - time();
        sleep $wait if $wait > 0;
        $sub->($due, $number) or return;
    }
}

# start_load(port => ..., paths => [...], body => text to POST,
#            rate => requests a second of all clients, clients => 1)
# Clients in processes of their own, each with one connection. Without a rate
# each sends the next request after the answer.
sub start_load {
    my (%option) = @_;
    my $clients = $option{clients} // 1;
    my $end = Igjobs::Env::new_dir('load') . '/end';

    return { end => $end, clients => {
        map { client(%option, rate => ($option{rate} // 0) / $clients,
                     first => $_, end => $end) } 1 .. $clients } };
}

# process id => the end of a pipe to read how many answers there were
sub client {
    my (%option) = @_;

    pipe my $read, my $write or croak "pipe: $!";
    my $pid = fork // croak "fork: $!";
    if ($pid) {
        close $write;
        return ($pid => $read);
    }
    my $count = eval { send_requests(%option) };
    print STDERR "# load: $@" if $@;
    syswrite $write, ($count // -1) . "\n";
    POSIX::_exit(0);
}

# until there is the file that says end
sub send_requests {
    my (%option) = @_;
    my $http = Igjobs::Http->new($option{port}, timeout => 120);
    my @paths = @{ $option{paths} };
    my $count = 0;

    each_due($option{rate} || 1e9, sub {
        my $path = $paths[($count + $option{first} * 31) % @paths];
        my $response = defined $option{body}
            ? $http->post_json($path, $option{body}) : $http->get($path);
        die "$path: $response->{status}\n" if $response->{status} !~ /^2/;
        $count++;
        return !-e $option{end} && getppid() != 1;
    });
    return $count;
}

# stop_load($load): ends the clients; how many answers they got
sub stop_load {
    my ($load) = @_;
    my %client = %{ $load->{clients} };
    my $answers = 0;

    open my $file, '>', $load->{end} or croak "$load->{end}: $!";
    for my $pid (keys %client) {
        my $in = $client{$pid};
        my $count = <$in> // -1;
        waitpid $pid, 0;
        croak 'a client of the load failed' if $count < 0;
        $answers += $count;
    }
    return $answers;
}

1;
