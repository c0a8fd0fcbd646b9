#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A page of another origin in headless Chromium: a submission with a JSON body,
# for which the browser asks first, answered in both forms; waiting, 304, and
# headers that the page may read; events.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Igjobs::Browser;
use Igjobs::Env;
use Igjobs::Expected;
use Igjobs::Population;
use Igjobs::Port 'free_port';
use Igjobs::Stack;
use Igjobs::Wait;

plan skip_all => Igjobs::Browser::missing() if Igjobs::Browser::missing();

my $expected = Igjobs::Expected->new(
    Igjobs::Population->new(followers => 40),
    [map { "source_$_" } 1 .. 60], 40);
my $people = keys %{ $expected->people };
my $page = Igjobs::Env::staged("$FindBin::Bin/browser.html");
my $origin = free_port();
my $stack = Igjobs::Stack->new(
    sim => { args => ['--followers', 40, '--run-ms', 200] },
    nginx => { http => <<"HTTP" },
    igjobs_sync_answers on;
    server {
        listen 127.0.0.1:$origin;
        location = /page { default_type text/html; alias $page; }
        location = /report { access_log %%DIR%%/report.log; return 204; }
    }
HTTP
    worker => { args => ['--lanes=4'] });
$stack->start;

my $nginx = $stack->nginx;
my $api = 'http://127.0.0.1:' . $nginx->port;
my $browser = Igjobs::Browser->new("http://127.0.0.1:$origin/page?api=$api");

$browser->spawn;

my $sync = report('synchronous');
is $sync->{status}, 200, 'answered with the profiles';
ok $sync->{success}, 'success';
is $sync->{totalFiltered}, $people, 'totalFiltered';
is $sync->{distinct}, $people, 'as many accounts';
is $sync->{totalScraped}, $expected->total_scraped, 'totalScraped';
is join(' ', sort keys %{ $sync->{first} }), 'fullName id username',
    'fields of an account';
cmp_ok $sync->{genders}{$_}, '>', 0, "genderDistribution: $_"
    for qw(female male unknown);

my $refused = report('refused');
is $refused->{status}, 400, 'an error';
is $refused->{error}, 'Accounts must be a non-empty list',
    'can be read by the page';

my $async = report('asynchronous');
is $async->{accepted}, 202, 'respond-async: 202';
is $async->{applied}, 'wait=30', 'the page may read Preference-Applied';
is $async->{status}, 'completed', 'it waited for the end';
like $async->{tag}, qr{^W/"\d+"$}, 'the page may read ETag';
is $async->{again}, 304, 'and ask with it';
is $async->{total}, $people, 'results';

my @events = @{ report('streamed')->{events} };
is $events[0]{name}, 'state', 'EventSource: the present document first';
is "$events[-1]{name} $events[-1]{status}", 'done completed', 'the end';
is scalar(grep { $events[$_]{id} <= $events[$_ - 1]{id} } 1 .. $#events), 0,
    'nothing twice';

my $log = read_file("$nginx->{dir}/access.log");
like $log, qr{"OPTIONS /api/scrape-followers [^"]+" 200 .*"POST \S+ \S+" 200 }s,
    'the browser asked first';
like $log, qr{"OPTIONS /api/job-status/[0-9a-f-]+ HTTP/1\.1" 200},
    'also for the headers of a status request';

like $log, qr{"GET /api/jobs/\S+/events \S+" 200 .*"GET /api/jobs/\S+/events \S+" 204 }s,
    'it came back after the end, and stayed away then';

$browser->stop;
$stack->finish;
done_testing;


sub read_file {
    my ($path) = @_;

    open my $in, '<', $path or return '';
    local $/;
    return scalar <$in> // '';
}

# what the page reported of a step
sub report {
    my ($step) = @_;
    my $value;

    my $told = eval {
        wait_for {
            $browser->must_run;
            ($value) = read_file("$nginx->{dir}/report.log")
                =~ m{GET /report\?$step=(\S+)};
        } 90, "the page to report '$step'";
    };
    if (!$told) {
        $browser->show_log;
        die $@;
    }
    $value =~ s/%([0-9A-F]{2})/chr hex $1/ge;
    return JSON::PP->new->utf8->decode($value);
}
