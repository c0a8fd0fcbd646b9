# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# exports: how many rows a second of a result of 500,000 rows, as CSV and as
# NDJSON, how much memory does nginx need for it, and what becomes of others?
#
# One client, curl. The limit is psql's \copy of the same columns in the same
# order as CSV, which sorts nothing. Then a status is polled at 200/s, alone,
# beside exports one after the other, and beside \copy likewise.

package Igjobs::Bench::Question::exports;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use Time::HiRes 'time';
use Igjobs::Bench::Rate 'poll';
use Igjobs::Env;

use constant { ROWS => 500_000, POLLS => 200 };

sub title { return 'rows/s of an export of 500,000 rows, one client' }
sub warms { return 1 }

sub prepare {
    my ($self) = @_;

    $self->start_servers;
    $self->{id} = $self->product->seed_results(ROWS);
    $self->{rows} = $self->rows_of_their_own;
    my %command = (csv => [$self->curl('csv')],
                   ndjson => [$self->curl('ndjson')],
                   copy => [$self->copy]);

    for my $name ('csv', 'ndjson') {
        $self->series($name, sub { $self->measured(@{ $command{$name} }) });
    }
    $self->series('copy', sub { { rate => $self->rate(@{ $command{copy} }) } });
    $self->latency_series(\%command);

    $self->table('rows/s', 'igjobs, CSV' => 'csv.rate',
        'igjobs, NDJSON' => 'ndjson.rate', 'psql \copy, CSV' => 'copy.rate');
    $self->table('nginx, resident memory more than before the first, MiB',
        'CSV' => 'csv.memory', 'NDJSON' => 'ndjson.memory');
    $self->goal('CSV / \copy', at_least => 0.5,
        ratio => ['csv.rate', 'copy.rate']);
    $self->goal('NDJSON / \copy', at_least => 0.35,
        ratio => ['ndjson.rate', 'copy.rate']);
    $self->goal("nginx, MiB more, $_", at_most => 2, value => "$_.memory")
        for 'csv', 'ndjson';
    return;
}

# the yardstick reads a table with a row for each profile; how many there are
sub rows_of_their_own {
    my ($self) = @_;

    $self->stack->psql(<<"SQL");
create table bench_rows as
    select * from public.scrape_results where job_id = '$self->{id}';
alter table bench_rows add primary key (job_id, chunk_no, idx);
vacuum analyze bench_rows;
SQL
    return $self->stack->psql('select count(*) from bench_rows');
}

sub latency_series {
    my ($self, $command) = @_;
    my ($status) = $self->product->seed_jobs(1);
    my $poll = sub {
        poll(port => $self->product->port, rate => POLLS,
             seconds => $self->seconds,
             path => $self->product->status_path($status));
    };

    $self->series('alone', $poll);
    for my $name ('csv', 'copy') {
        $self->series("beside $name", sub {
            my $load = repeat(@{ $command->{$name} });
            my $latency = $poll->();
            kill 'TERM', $load;
            waitpid $load, 0;
            return $latency;
        });
    }
    for my $figure ('p50', 'p99') {
        $self->table("status, $figure, ms",
            'beside exports' => "beside csv.$figure",
            'beside \copy' => "beside copy.$figure",
            'alone' => "alone.$figure");
    }
    $self->goal('status p99 beside exports, ms more than beside \copy',
        at_most => 1, more => ['beside csv.p99', 'beside copy.p99']);
    return;
}

sub curl {
    my ($self, $ending) = @_;

    return ('curl', '-sSf', '-o', '/dev/null', 'http://127.0.0.1:'
            . $self->product->port . "/api/job-results/$self->{id}.$ending");
}

sub copy {
    my ($self) = @_;

    return ('psql', '-Xq', '-d', $self->postgres->dsn(user => 'postgres'),
            '-c', "\\copy (select profile_id, username, full_name, gender,"
            . ' confidence, source_account, created_at from'
            . " bench_rows where job_id = '$self->{id}'"
            . ' order by chunk_no, idx) to /dev/null with (format csv, header)');
}

sub rate {
    my ($self, @command) = @_;
    my $begin = time();

    system(@command) == 0 or die "$command[0] failed\n";
    return $self->{rows} / (time() - $begin);
}

# the rate, and how far the memory of nginx rose above what it was before the
# first export
sub measured {
    my ($self, @command) = @_;
    my ($pid) = $self->product->api_pids;
    my $before = $self->{rss} //= Igjobs::Env::rss($pid);

    open my $out, '>', "/proc/$pid/clear_refs" or die "clear_refs: $!";
    print $out "5\n";                   # the peak begins anew
    close $out;
    my $rate = $self->rate(@command);
    return { rate => $rate,
             memory => (Igjobs::Env::peak_rss($pid) - $before) / 1024 };
}

# the command again and again, until its shell is ended
sub repeat {
    my (@command) = @_;
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        my $child;
        $SIG{TERM} = sub { kill 'TERM', $child if $child; exit 0 };
        open STDERR, '>', '/dev/null';
        while (1) {
            $child = fork // exit 1;
            exec @command if $child == 0;
            waitpid $child, 0;
        }
    }
    return $pid;
}

1;
