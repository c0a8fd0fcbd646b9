# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The yardstick of everything that stores: COPY of the same rows into a table
# with the same columns and the keys that they need, in a number of
# transactions, by sessions that do nothing else. The server reads the rows from files, so that no client
# costs anything.

package Igjobs::Bench::Copy;

use strict;
use warnings;
use Carp;
use IPC::Open2;
use Time::HiRes 'time';
use Igjobs::Env;

my $count = 0;

# new(postgres => Igjobs::Postgres, like => table, where => SQL condition,
#     order => columns, keys => [table constraints], rows => of a transaction)
# Copies the rows that like, a table or a view, holds now into files; it is not
# needed later.
sub new {
    my ($class, %option) = @_;
    my $self = bless { %option, table => 'bench_copy_' . ++$count,
                       dir => Igjobs::Env::new_dir('copy') }, $class;

    my $columns = join ', ', map { $_->[0] } $self->{postgres}->rows(<<"SQL");
select attname from pg_attribute where attrelid = '$option{like}'::regclass
    and attnum > 0 and not attisdropped order by attnum;
SQL
    my $keys = join ', ', "like $option{like} including defaults",
        @{ $option{keys} };
    $self->psql(<<"SQL");
create table $self->{table} ($keys);
create unlogged table $self->{table}_rows as
    select (row_number() over (order by $option{order}) - 1)
               / $option{rows} as part, $columns
    from $option{like} where $option{where};
create index on $self->{table}_rows (part);
analyze $self->{table}_rows;
SQL
    $self->export($columns);
    return $self;
}

sub psql { my ($self, $sql) = @_; return $self->{postgres}->psql($sql) }

# a file for each transaction
sub export {
    my ($self, $columns) = @_;
    my $rows = "$self->{table}_rows";

    ($self->{parts}, $self->{total}) = @{ ($self->{postgres}->rows(
        "select max(part) + 1, count(*) from $rows"))[0] };
    $self->psql(join "\n", map {
        "copy (select $columns from $rows where part = $_) "
            . "to '$self->{dir}/$_';"
    } 0 .. $self->{parts} - 1);
    $self->psql("drop table $rows");
    return;
}

sub rows { return $_[0]{total} }

# run($connections): rows a second
sub run {
    my ($self, $connections) = @_;

    $self->psql("truncate $self->{table}; checkpoint;");
    my @sessions = map { $self->session($_, $connections) }
                   0 .. $connections - 1;
    my $begin = time();
    for my $session (@sessions) {
        my $in = $session->{in};
        print $in "\\i $session->{script}\n\\q\n";
        close $in;
    }
    for my $session (@sessions) {
        waitpid $session->{pid}, 0;
        croak 'COPY failed' if $? != 0;
    }
    my $seconds = time() - $begin;

    $self->check;
    return $self->{total} / $seconds;
}

# a connected psql that waits for its script: each n-th file
sub session {
    my ($self, $number, $connections) = @_;
    my $script = "$self->{dir}/script.$number";

    open my $file, '>', $script or croak "$script: $!";
    for (my $n = $number; $n < $self->{parts}; $n += $connections) {
        print $file "copy $self->{table} from '$self->{dir}/$n';\n";
    }
    close $file or croak "$script: $!";

    my $pid = open2(my $out, my $in, 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1',
                    '-d', $self->{postgres}->dsn(user => 'postgres'));
    $in->autoflush(1);
    print $in "select 'ready';\n";
    my $ready = <$out> // '';
    croak "psql: $ready" if $ready !~ /ready/;
    return { pid => $pid, in => $in, out => $out, script => $script };
}

sub check {
    my ($self) = @_;
    my $rows = $self->psql("select count(*) from $self->{table}");

    croak "COPY stored $rows of $self->{total} rows"
        if $rows != $self->{total};
    return;
}

1;
