# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A client program of this directory at work, and what it was sent: the whole
# test of a client in another language.

package Igjobs::Client;

use strict;
use warnings;
use parent 'Igjobs::Process';
use Encode 'encode';
use Exporter 'import';
use JSON::PP ();
use Test::More;
use Igjobs::Contract;
use Igjobs::Env;
use Igjobs::Expected;
use Igjobs::Population;
use Igjobs::Stack;
use Igjobs::Wait;

our @EXPORT = qw(test_client);

use constant HOUR => 3_600_000;

# followers of an account, of which half are shared among all accounts
my %world = (followers => 40, overlap => 50, shared_people => 512);

# new(name => ..., command => [...], port => ..., request => {...}, limit => N)
sub new {
    my ($class, %option) = @_;
    my $dir = Igjobs::Env::new_dir('client');
    my $request = "$dir/request.json";

    open my $out, '>', $request or die "$request: $!";
    print $out JSON::PP->new->encode($option{request});
    close $out or die "$request: $!";
    Igjobs::Env::give($request);
    return $class->SUPER::new(
        name => $option{name}, dir => $dir,
        command => [@{ $option{command} }, "http://127.0.0.1:$option{port}",
                    $request, $option{limit} // ()]);
}

# the bodies that it was sent under a word, as data, so far
sub sent {
    my ($self, $word) = @_;

    return map { JSON::PP->new->utf8->decode($_) }
           $self->log_text =~ /^\Q$word\E (\{.*\})$/mg;
}

# test_client(@command): the whole test
sub test_client {
    my (@command) = @_;
    my $stack = Igjobs::Stack->new(
        sim => { args => ['--followers', $world{followers},
                          '--overlap', $world{overlap},
                          '--shared-people', $world{shared_people},
                          '--run-ms', HOUR] },
        worker => { args => ['--lanes=1', '--run-deadline=24h'] });

    $stack->start(qw(postgres redis sim nginx));
    subtest 'any gender, step by step' => sub { steps($stack, @command) };
    for my $gender (qw(male female)) {
        subtest $gender => sub { filtered($stack, $gender, 1, @command) };
    }
    subtest 'male, without unknown' => sub {
        filtered($stack, 'male', 0, @command);
    };
    $stack->finish;
    done_testing;
    return;
}

# accounts with people in common, a few that give nothing, some named twice
sub accounts {
    my ($count) = @_;
    my @names = map { "source_$_" } 1 .. $count;

    @names[20, 70] = qw(private_one missing_two);
    return @names;
}

sub start_client {
    my ($stack, $command, %request) = @_;

    return Igjobs::Client->new(
        name => 'client', command => $command, request => \%request,
        port => $stack->nginx->port, limit => 700)->spawn;
}

# the simulator's time stands still: every batch ends when the client has seen
# the one before
sub steps {
    my ($stack, @command) = @_;
    my @names = accounts(240);
    my $client = start_client(
        $stack, \@command, targetGender => 'any',
        accounts => [@names, map { '@' . uc } @names[0 .. 9]],
        totalScrapeCount => 40 * @names);

    wait_for { grep { $_->{status} eq 'queued' } $client->sent('status') } 30,
        'the client to see its job queued';
    $stack->add_worker(args => $stack->{option}{worker}{args})
        if !$stack->of_kind('Worker');
    for my $batch (0 .. 4) {
        wait_for {
            grep { $_->{current_batch} == $batch
                   && $_->{status} eq 'processing' } $client->sent('status')
        } 30, "the client to see batch $batch ended";
        wait_for { $stack->sim->ledger->{runs_active} == 1 } 30, 'a run';
        $stack->sim->call('POST', '/_sim/advance?ms=' . HOUR);
    }
    is $client->wait_end(60), 0, 'the client is content'
        or $client->show_log;

    my $expected = Igjobs::Expected->new(
        Igjobs::Population->new(%world), \@names, 40);
    contract_ok($client);
    growth_ok($client->sent('status'));
    totals_ok($stack, $client, $expected);
    return;
}

# every answer has every field; the texts are the original's
sub contract_ok {
    my ($client) = @_;
    my ($submit) = $client->sent('submit');

    documents_ok('submit', $submit);
    documents_ok('status', $client->sent('status'));
    documents_ok('page', $client->sent('page'));
    is $submit->{total_batches}, 5, 'total_batches without the duplicates';
    is $submit->{status_url}, "/api/job-status/$submit->{job_id}", 'status_url';
    is $submit->{results_url}, "/api/job-results/$submit->{job_id}",
        'results_url';
    return;
}

sub growth_ok {
    my @status = @_;
    my ($first, $last) = @status[0, -1];
    my %steps = map { $_->{progress} => 1 } @status;
    my $shrunk = grep {
        my ($from, $to) = @status[$_ - 1, $_];
        grep { $from->{$_} > $to->{$_} }
            qw(progress profiles_scraped current_batch)
    } 1 .. $#status;

    is $first->{progress}, 0, 'progress begins at 0';
    cmp_ok scalar keys %steps, '>=', 6, 'and grows in steps';
    is $shrunk, 0, 'no counter ever shrinks';
    is scalar(grep { $_->{progress} == 100 && $_->{status} ne 'completed' }
              @status), 0, '100 only at the end';
    is scalar(grep { $_->{status} eq 'processing'
                     && defined $_->{total_scraped} } @status), 0,
        'total_scraped is null until then';
    is $first->{started_at}, undef, 'not started at first';
    is $last->{progress}, 100, 'completed: 100';
    cmp_ok $last->{started_at}, 'ge', $last->{created_at}, 'started_at';
    cmp_ok $last->{completed_at}, 'ge', $last->{started_at}, 'completed_at';
    return;
}

sub totals_ok {
    my ($stack, $client, $expected) = @_;
    my $last = ($client->sent('status'))[-1];
    my $rows = keys %{ $expected->people };
    my $ledger = $stack->sim->ledger;

    is $last->{total_scraped}, $expected->total_scraped, 'total_scraped';
    is $last->{total_filtered}, $rows, 'total_filtered';
    is $last->{profiles_scraped}, $rows, 'profiles_scraped';
    is $last->{current_batch}, $last->{total_batches}, 'current_batch';
    is $ledger->{runs_started}, $last->{total_batches}, 'a run for each batch';
    is $ledger->{items_delivered_distinct}, 238 * 40 + 2,
        'every item was fetched, two of them errors';
    cmp_ok $rows, '<', $last->{total_scraped},
        'people found in several batches are stored once';
    rows_ok($client, values %{ $expected->people });
    return;
}

# the pages hold exactly these people
sub rows_ok {
    my ($client, @people) = @_;
    my @pages = $client->sent('page');
    my @profiles = map { @{ $_->{profiles} } } @pages;

    for my $profile (@profiles) {
        $profile->{$_} = encode('UTF-8', $profile->{$_})
            for qw(username full_name);
    }
    is scalar @profiles, scalar @people, 'as many profiles';
    is scalar(grep { $_->{total} != @people } @pages), 0, 'total of each page';
    is digest_of(@profiles), digest_of(@people), 'exactly those expected';
    return;
}

# a filtered job keeps what the classifier, asked by itself, says of the same
# people
sub filtered {
    my ($stack, $gender, $keep_unknown, @command) = @_;
    my @names = map { "${gender}_${keep_unknown}_$_" } 1 .. 30;
    my $client = start_client(
        $stack, \@command, targetGender => ucfirst $gender,
        accounts => \@names, totalScrapeCount => 40 * @names,
        $keep_unknown ? () : (keep_unknown => JSON::PP::false));

    wait_for { $stack->sim->ledger->{runs_active} == 1 } 30, 'a run';
    $stack->sim->call('POST', '/_sim/advance?ms=' . HOUR);
    is $client->wait_end(60), 0, 'the client is content'
        or $client->show_log;

    my $expected = Igjobs::Expected->new(
        Igjobs::Population->new(%world), \@names, 40);
    my @people = classify(values %{ $expected->people });
    my %found = (female => 0, male => 0, unknown => 0);
    $found{$_->{found}}++ for @people;
    my @kept = grep { $_->{found} eq $gender
                      || $keep_unknown && $_->{found} eq 'unknown' } @people;
    my $last = ($client->sent('status'))[-1];

    is_deeply $last->{genders}, \%found, 'genders before the filter';
    is $last->{total_scraped}, scalar @people, 'total_scraped before it';
    is $last->{total_filtered}, scalar @kept, 'total_filtered after it';
    rows_ok($client, @kept);

    my @known = grep { $_->{gender} ne 'unknown' && $_->{found} ne 'unknown' }
                @people;
    my @right = grep { $_->{gender} eq $_->{found} } @known;
    cmp_ok scalar @right, '>=', 0.95 * @known, 'genders are the true ones';
    return;
}

# people with `found`, the gender that the classifier sees
sub classify {
    my (@people) = @_;
    my $json = JSON::PP->new->canonical;
    my $dir = Igjobs::Env::new_dir('classify');

    open my $out, '>', "$dir/in" or die "$dir/in: $!";
    print $out map {
        qq({"full_name":"$_->{full_name}","username":"$_->{username}"}\n)
    } @people;
    close $out or die "$dir/in: $!";
    my $worker = Igjobs::Env::built('igjobs-worker');
    open my $in, '-|', "'$worker' classify <'$dir/in'" or die "$worker: $!";
    for my $person (@people) {
        my $line = <$in> // die 'the classifier gave up';
        $person->{found} = $json->decode($line)->{gender};
    }
    return @people;
}

1;
