#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A thousand clients wait for jobs: what they cost, how they are all told of an
# end, and that a reload and a quit answer every one of them.

use strict;
use warnings;
use Test::More;
use FindBin;
use POSIX ();
use lib "$FindBin::Bin/../lib";
use Igjobs::Documents;
use Igjobs::Env;
use Igjobs::Stack;
use Igjobs::Wait;

use constant { PROCESSES => 4, JOBS => 50 };

my $clients = 1000;
my $stack = Igjobs::Stack->new(nginx => {
    http => 'igjobs_max_wait 1h; igjobs_max_submissions 10000;'
            . ' igjobs_postgres_queue 10000; keepalive_timeout 1h;',
    server => 'access_log off; location = /connections { stub_status; }' });
$stack->start(qw(postgres redis nginx));

my $nginx = $stack->nginx;
my $documents = Igjobs::Documents->new($stack);
my @jobs = map { $stack->jobs->submit(accounts => ["name.$_"]) } 1 .. JOBS;

# requests in the works, without the one that asks
sub in_the_works {
    my $text = $stack->client(headers => [Connection => 'close'])
        ->get('/connections')->{body};

    return ($text =~ /Writing: (\d+)/)[0] - 1;
}

# start($request): processes whose clients send their requests, $request->($n)
sub start {
    my ($request) = @_;
    my $each = $clients / PROCESSES;

    return map {
        my $first = ($_ - 1) * $each;
        pipe my $in, my $out or die "pipe: $!";
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            my %answers = eval { run($request, $first .. $first + $each - 1) };
            print STDERR "# $@" if $@;
            print $out map { "$_ $answers{$_}\n" } keys %answers;
            close $out;
            POSIX::_exit(0);
        }
        close $out;
        { pid => $pid, in => $in };
    } 1 .. PROCESSES;
}

# in a process of its own: the answers, counted by status and state
sub run {
    my ($request, @numbers) = @_;
    my (@all, %answers);

    for my $n (@numbers) {
        my $client = $stack->client(timeout => 120)->connect;
        $client->send_request($request->($n));
        push @all, $client;
    }
    for my $client (@all) {
        my $r = eval { $client->read_response };
        $answers{$r ? "$r->{status} " . $r->json->{status} : 'none'}++;
    }
    return %answers;
}

sub answers {
    my (@processes) = @_;
    my %sum;

    for my $process (@processes) {
        while (readline $process->{in}) {
            my ($answer, $count) = /^(.*) (\d+)$/;
            $sum{$answer} += $count;
        }
        waitpid $process->{pid}, 0;
    }
    return \%sum;
}

sub status_of {
    my ($n) = @_;

    return ('GET', "/api/job-status/$jobs[$n % @jobs]",
            headers => [Prefer => 'wait=3600']);
}

sub submission {
    my ($n) = @_;

    return ('POST', '/api/scrape-followers', body => qq({"accounts":["a.$n"]}),
            headers => ['Content-Type', 'application/json',
                        Prefer => $n % 2 ? 'wait=3600' : 'igjobs-sync']);
}

sub waiting {
    my ($request) = @_;
    my @processes = start($request);

    wait_for { in_the_works() == $clients } 60, "$clients clients to wait";
    return @processes;
}

# what an nginx worker has after its first requests, whoever waits: connections
# to its servers, and pages that it shared with the master until it wrote them
sub warm_up {
    for (1 .. 20) {
        my $job = $stack->jobs->submit(accounts => ["first.$_"]);
        $stack->client->get("/api/job-status/$job");
    }
}

sub rss { return Igjobs::Env::rss(($nginx->workers)[0]) }

subtest 'memory' => sub {
    for my $round (['status', \&status_of, 12],
                   ['submission', \&submission, 24]) {
        my ($name, $request, $most) = @$round;
        $nginx->reload;
        warm_up();
        my $rss = rss();
        my @processes = waiting($request);
        my $kib = (rss() - $rss) / $clients;
        note sprintf '%s: %.1f KiB a client', $name, $kib;
        cmp_ok($kib, '<', $most, "$name: at most $most KiB a client")
            if !Igjobs::Env::sanitized();
        $nginx->reload;
        my $answers = answers(@processes);
        is_deeply($answers, { '202 queued' => $clients },
                  "$name: a reload answers all") or diag explain $answers;
    }
};

subtest 'the end of the jobs' => sub {
    my @processes = waiting(\&status_of);

    $documents->set($_, 'completed') for @jobs;
    my $answers = answers(@processes);
    is_deeply($answers, { '200 completed' => $clients }, 'all are told')
        or diag explain $answers;
};

subtest 'quit' => sub {
    @jobs = map { $stack->jobs->submit(accounts => ["more.$_"]) } 1 .. JOBS;
    my @processes = waiting(\&status_of);

    $nginx->signal('QUIT');
    my $answers = answers(@processes);
    is_deeply($answers, { '202 queued' => $clients }, 'all are answered')
        or diag explain $answers;
    is($nginx->wait_end, 0, 'nginx has ended');
    $nginx->start;
};

$stack->finish;
done_testing;
