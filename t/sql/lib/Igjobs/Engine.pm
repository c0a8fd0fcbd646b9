# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The engine's SQL functions as a test calls them.
#
#   my $e = Igjobs::Engine->new;                  # with a Postgres of its own
#   my $job = $e->submit(120, max_count => 5);    # so many accounts
#   my $c = $e->claim($job);                      # a hash of its columns
#   $e->store_all($c, ids => ['1', '2']);         # intent to closed run
#   $e->call(give_back => $c->{tenant}, ...);     # any function, first row

package Igjobs::Engine;

use strict;
use warnings;
use Carp;
use Exporter 'import';
use JSON::PP ();
use Time::HiRes 'time';
use Igjobs::Ends ();
use Igjobs::Postgres;
use Igjobs::Session;

our @EXPORT = qw(literal);

use constant KINDS => ['scrape_followers'];

my $json = JSON::PP->new->canonical->allow_nonref;
my $counter = 0;

# new(tenant => 'default', settings => { ... of Postgres })
sub new {
    my ($class, %option) = @_;
    my $self = bless { tenant => 'default', lease_ms => 60000, %option },
        $class;

    $self->{postgres} //= Igjobs::Postgres->new(
        settings => $option{settings} // {})->start;
    $self->{session} = $self->session;
    return $self;
}

# another one on the same server, with its own session
sub beside {
    my ($self, %option) = @_;

    return Igjobs::Engine->new(postgres => $self->{postgres},
                               tenant => $self->{tenant}, %option);
}

sub postgres { return $_[0]{postgres} }

# session(user => ...): a further session on the same server
sub session {
    my ($self, %option) = @_;

    return Igjobs::Session->new($self->{postgres}, %option);
}

# sql($text): its output; dies of an error
sub sql { my ($self, $sql) = @_; return $self->{session}->run($sql) }

# a value as SQL text: undef, scalar, [array] or {json}
sub literal {
    my ($value) = @_;

    return 'null' if !defined $value;
    $value = $json->encode($value) if ref $value eq 'HASH';
    $value = '{' . join(',', map { array_element($_) } @$value) . '}'
        if ref $value eq 'ARRAY';
    $value =~ s/'/''/g;
    return "'$value'";
}

sub array_element {
    my ($value) = @_;

    return 'null' if !defined $value;
    $value =~ s/(["\\])/\\$1/g;
    return qq("$value");
}

# statement($function, @arguments): the text of a call
sub statement {
    my ($function, @arguments) = @_;

    return 'select row_to_json(t) from (select * from igjobs.' . $function
        . '(' . join(', ', map { literal($_) } @arguments) . ')) t';
}

# all($function, @arguments): a hash for each row; call: for the first
sub all {
    my ($self, @call) = @_;

    return answers($self->sql(statement(@call)));
}

sub call { my ($self, @call) = @_; return ($self->all(@call))[0] }

# value($function, @arguments): of a function that returns one value
sub value {
    my ($self, @call) = @_;

    return (values %{ $self->call(@call) // {} })[0];
}

# error($function, @arguments): the SQLSTATE that it raises, or ''
sub error {
    my ($self, @call) = @_;
    my ($state) = $self->{session}->try(statement(@call))
        =~ /^ERROR: +(\w{5}):/m;

    return $state // '';
}

# send($function, @arguments), then answer: a call in the background
sub send {
    my ($self, @call) = @_;

    $self->{session}->send(statement(@call));
    return $self;
}

sub answer { my ($self) = @_; return (answers($self->{session}->wait))[0] }

sub answers {
    my ($text) = @_;

    croak $text if $text =~ /^ERROR: /m;
    return map { $json->decode($_) } split /\n/, $text;
}

# a new UUID version 7
sub job_id {
    my $hex = sprintf '%012x7%03x8%03x%012x', int(time() * 1000),
        int rand 0x1000, $$ % 0x1000, ++$counter;

    $hex =~ s/(.{8})(.{4})(.{4})(.{4})(.{12})/$1-$2-$3-$4-$5/;
    return $hex;
}

# the newline-joined accounts of each batch
sub batches {
    my ($accounts) = @_;
    my @names = map { "account_$_" } 1 .. $accounts;
    my @batches;

    while (my @batch = splice @names, 0, 50) {
        push @batches, join "\n", @batch;
    }
    return @batches;
}

# submission($accounts, ...): the arguments of igjobs.submit; options: those
# of igjobs.submit_all
sub submission {
    my ($self, $accounts, %option) = @_;
    my @batches = batches($accounts);

    return ($option{tenant} // $self->{tenant}, 'instagram',
            $option{job} // job_id(), 'scrape_followers',
            { target_gender => $option{gender} // 'any',
              max_count_per_account => $option{max_count} // 5,
              %{ $option{options} // {} } },
            $accounts, scalar @batches, \@batches);
}

# submit($accounts, tenant, job, gender, max_count, options, and columns of the
# job row to set afterwards: parallelism, max_failed_ratio): the job's id
sub submit {
    my ($self, $accounts, %option) = @_;
    my @call = $self->submission($accounts, %option);

    $self->call(submit => @call)->{inserted} or croak 'was not inserted';
    for my $column (grep { exists $option{$_} }
                    qw(parallelism max_failed_ratio)) {
        $self->sql("update public.scrape_jobs set $column ="
            . " $option{$column} where job_id = '$call[2]'");
    }
    return $call[2];
}

# claim($job, lease_ms => ..., worker => ...)
sub claim {
    my ($self, $job, %option) = @_;

    return $self->call(claim => $option{tenant} // $self->{tenant}, $job,
                       $option{kinds} // KINDS, $option{worker} // 'w',
                       $option{lease_ms} // $self->{lease_ms},
                       $option{providers} // (), $option{actors} // (),
                       $option{memory} // ());
}

# the batch of a claim, as the first arguments of most functions
sub held { my ($c) = @_; return @$c{qw(tenant job_id batch_no attempt)} }

# start_run($claim, accounts => ...): its run_no; intent and id are stored
sub start_run {
    my ($self, $c, %option) = @_;
    my $intent = $self->call(run_intent => held($c), 'apify', 'a~b',
                             $option{accounts}, 1000);

    croak "intent: $intent->{answer}" if $intent->{answer} ne 'ok';
    $self->value(run_started => held($c), $intent->{run_no},
                 $option{run_id} // 'run ' . ++$counter, 'set') eq 'ok'
        or croak 'run is lost';
    return $intent->{run_no};
}

# page($claim, $run_no, from => 0, ids => [...], close => 1, ...): the
# arguments of igjobs.store_page. Every profile is female unless told; new:
# how many of the first rows are said to be new.
sub page {
    my ($self, $c, $run_no, %p) = @_;
    my @ids = sort @{ $p{ids} // [] };
    my $items = $p{items} // @ids;
    my $from = $p{from} // 0;

    return (held($c), $run_no, $from, $p{to} // $from + $items,
        $p{close} ? 't' : 'f', $p{close} ? $p{run_state} // 'succeeded' : undef,
        $p{cost}, $items, $p{seen} // scalar @ids,
        @{ $p{genders} // [scalar @ids, 0, 0] },
        \@ids, [map { "user_$_" } @ids], [map { "Name $_" } @ids],
        [('female') x @ids], [(0.9) x @ids], [('name') x @ids],
        [('account_1') x @ids], $p{outcomes}, $p{accounts_failed} // 0,
        $p{new});
}

sub store {
    my ($self, $c, $run_no, %page) = @_;

    return $self->call(store_page => $self->page($c, $run_no, %page));
}

# store_all($claim, ids => [...]): runs a batch from intent to its end
sub store_all {
    my ($self, $c, %page) = @_;

    return $self->store($c, $self->start_run($c), close => 1, %page);
}

# run_out($job): lets the job's leases run out now
sub run_out {
    my ($self, $job) = @_;

    $self->sql('update igjobs.batches set lease_until = clock_timestamp()'
        . " - interval '1 s' where state = 'leased' and job_id = '$job'");
    return;
}

sub fail {
    my ($self, $c, $class, $error, $delay_ms, $error_class) = @_;

    return $self->call(fail_batch => held($c), $class, $error // 'error',
                       $delay_ms, $error_class // 'unavailable');
}

# note_ends(): from now on every end of a job is written into public.ends, and
# a change of a job after its end is an error
sub note_ends {
    my ($self) = @_;

    Igjobs::Ends::note_ends(sub { $self->sql(@_) });
    return;
}

# doc($job): the status document
sub doc {
    my ($self, $job) = @_;

    return $json->decode($self->sql(
        "select doc from igjobs.job_documents where job_id = '$job'"));
}

# row($job): the job row
sub row {
    my ($self, $job) = @_;

    return $json->decode($self->sql('select row_to_json(j)'
        . " from public.scrape_jobs j where job_id = '$job'"));
}

# batch($job, $no), runs($job, $no): rows of the engine's tables
sub batch {
    my ($self, $job, $no) = @_;

    return $json->decode($self->sql('select row_to_json(b) from'
        . " igjobs.batches b where job_id = '$job' and batch_no = $no"));
}

sub runs {
    my ($self, $job, $no) = @_;

    return map { $json->decode($_) } split /\n/, $self->sql(
        'select row_to_json(r) from igjobs.runs r'
        . " where job_id = '$job' and batch_no = $no order by run_no");
}

1;
