#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Clients of the original's two forms against one server that answers both:
# the synchronous one, in shell and in Python, gets every profile in the answer
# to its submission; the asynchronous one asks to be answered so.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Igjobs::Client;
use Igjobs::Contract;
use Igjobs::Env;
use Igjobs::Expected;
use Igjobs::Http;
use Igjobs::Jobs;
use Igjobs::Population;
use Igjobs::Stack;

my %world = (followers => 40, overlap => 50, shared_people => 512);
my %clients = (
    shell => ['sh', Igjobs::Env::staged("$FindBin::Bin/client_sync.sh")],
    Python => ['/usr/bin/python3',
               Igjobs::Env::staged("$FindBin::Bin/client_sync.py")],
);
my $stack = Igjobs::Stack->new(
    sim => { args => ['--followers', $world{followers}, '--overlap',
                      $world{overlap}, '--shared-people',
                      $world{shared_people}, '--run-ms', 200] },
    nginx => { http => 'igjobs_sync_answers on;' },
    worker => { args => ['--lanes=4'] });
$stack->start;

for my $name (sort keys %clients) {
    for my $gender (qw(any female)) {
        subtest "$name, $gender" => sub { synchronous($name, $gender) };
    }
}

subtest 'asynchronous, on the same server' => sub {
    my @names = map { "source_$_" } 1 .. 60;
    my $http = $stack->client(headers => [Prefer => 'respond-async']);
    my $jobs = Igjobs::Jobs->new($http);
    my $id = $jobs->submit(accounts => \@names, targetGender => 'any',
                           totalScrapeCount => 40 * @names);
    my $status = $jobs->wait_done($id);
    my @profiles = map { ascii($_) } $jobs->results($id);
    my $people = expected(@names)->people;

    is $status->{status}, 'completed', 'completed';
    is digest_of(@profiles), digest_of(values %$people), 'the same people';
};

$stack->finish;
done_testing;


sub expected {
    my (@names) = @_;

    return Igjobs::Expected->new(Igjobs::Population->new(%world), \@names, 40);
}

sub synchronous {
    my ($name, $gender) = @_;
    my @names = map { "source_$_" } 1 .. 60;
    my $client = Igjobs::Client->new(
        name => 'client', command => $clients{$name},
        port => $stack->nginx->port, request => {
            accounts => \@names, targetGender => $gender,
            totalScrapeCount => 40 * @names })->spawn;

    is $client->wait_end(120), 0, 'the client is content'
        or $client->show_log;
    my ($answer) = $client->sent('sync');
    documents_ok('sync', $answer);

    my $data = $answer->{data};
    my $expected = expected(@names);
    my @people = Igjobs::Client::classify(values %{ $expected->people });
    my @kept = grep { $gender eq 'any' || $_->{found} eq $gender
                      || $_->{found} eq 'unknown' } @people;
    my $found = 0;
    $found += $_ for values %{ $data->{genderDistribution} };
    is $data->{totalScraped}, $expected->total_scraped, 'totalScraped';
    is $found, $expected->total_scraped, 'genderDistribution of all of them';
    is $data->{totalFiltered}, scalar @kept, 'totalFiltered';
    is digest_of(map { ascii({ %$_, full_name => $_->{fullName} }) }
                 @{ $data->{accounts} }), digest_of(@kept),
        'exactly those expected';
    return;
}

# texts as bytes, as the population has them
sub ascii {
    my ($profile) = @_;

    utf8::encode($profile->{$_}) for qw(username full_name);
    return $profile;
}
