# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A private Postgres: a copy of one template cluster that is made and migrated
# once per run. Unix socket and a loopback port, everybody local is trusted
# (its directory is private).

package Igjobs::Postgres;

use strict;
use warnings;
use parent 'Igjobs::Process';
use Carp;
use POSIX ();
use Fcntl ':flock';
use Igjobs::Env;
use Igjobs::Port 'free_port';
use Igjobs::Wait;

my $bin = Igjobs::Env::POSTGRES_BIN;

# new(dir => ..., settings => { name => value }, migrated => 1)
# migrated => 0 gives an empty database "igjobs".
sub new {
    my ($class, %option) = @_;
    my $dir = $option{dir} // Igjobs::Env::new_dir('pg');
    my $template = template($option{migrated} // 1);

    system('cp', '-a', '--reflink=auto', $template, "$dir/data") == 0
        or die "cannot copy $template";
    my $self = $class->SUPER::new(
        name => 'postgres',
        dir => $dir,
        port => free_port(),
        death_signal => 'INT',
        stop_signal => 'INT',
        settings => $option{settings} // {},
    );
    $self->{command} = command("$dir/data", $dir, $self->{port},
                               %{ $self->{settings} });
    return $self;
}

sub command {
    my ($data, $socket_dir, $port, %settings) = @_;
    my %all = (
        listen_addresses => '127.0.0.1',
        port => $port,
        unix_socket_directories => $socket_dir,
        fsync => 'off',
        full_page_writes => 'off',
        shared_buffers => '128MB',
        max_connections => 200,
        log_line_prefix => '%m [%p] %u %a ',
        %settings,
    );

    return ["$bin/postgres", '-D', $data,
            map { ('-c', "$_=$all{$_}") } sort keys %all];
}

# The template: made once per run, under a lock, by whoever comes first.
sub template {
    my ($migrated) = @_;
    my $run = Igjobs::Env::run_dir();
    my $path = "$run/template-" . ($migrated ? 'migrated' : 'empty');

    open my $lock, '>', "$run/template.lock" or die "$run: $!";
    flock $lock, LOCK_EX or die "flock: $!";
    return $path if -e "$path/ok";

    my $dir = Igjobs::Env::new_dir('make-template');
    my @initdb = ("$bin/initdb", '-D', "$dir/data", '-U', 'postgres', '-A',
                  'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync');
    my $made = Igjobs::Process->new(name => 'initdb', dir => $dir,
                                    command => \@initdb)->spawn;
    if ($made->wait_end(60) != 0) {
        $made->show_log;
        croak 'initdb failed';
    }

    my $port = free_port();
    my $server = bless Igjobs::Process->new(
        name => 'postgres', dir => $dir, death_signal => 'INT',
        stop_signal => 'INT', port => $port,
        command => command("$dir/data", $dir, $port)), __PACKAGE__;
    $server->start;
    $server->psql('create database igjobs', dbname => 'postgres');
    $server->migrate if $migrated;
    $server->stop or croak 'the template server did not stop cleanly';
    rename "$dir/data", $path or die "rename: $!";
    open my $ok, '>', "$path/ok" or die "$path/ok: $!";
    return $path;
}

# runs sql/migrate against this server
sub migrate {
    my ($self, @arguments) = @_;
    my $migrate = Igjobs::Env::root() . '/sql/migrate';
    my $dsn = $self->dsn(user => 'postgres');

    open my $out, '-|', "$migrate", '--dsn', $dsn, @arguments
        or die "$migrate: $!";
    my $text = do { local $/; <$out> } // '';
    close $out or croak "sql/migrate failed:\n$text";
    return $text;
}

sub ready {
    my ($self) = @_;

    system($bin . '/pg_isready', '-q', '-h', $self->{dir}, '-p',
           $self->{port}, '-U', 'postgres', '-d', 'postgres', '-t', '1') == 0 or return 0;
    return 1;
}

sub port { return $_[0]{port} }
sub socket_dir { return $_[0]{dir} }

# dsn([user => ..., tcp => 1, dbname => ...]): a libpq connection string
sub dsn {
    my ($self, %option) = @_;
    my $host = $option{tcp} ? '127.0.0.1' : $self->{dir};
    my $user = $option{user} // 'igjobs_worker';
    my $dbname = $option{dbname} // 'igjobs';

    return "host=$host port=$self->{port} dbname=$dbname user=$user";
}

# psql($sql, [user => ..., dbname => ..., vars => {...}])
# Returns the output without its last newline; columns are separated by |.
# Dies with what the server said.
sub psql {
    my ($self, $sql, %option) = @_;
    my $dsn = $self->dsn(user => 'postgres', %option);
    my %vars = %{ $option{vars} // {} };

    my $pid = open my $out, '-|';
    defined $pid or die "fork: $!";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        delete @ENV{grep { /^PG/ } keys %ENV};
        $ENV{PGOPTIONS} = '-c client_min_messages=warning';
        open my $in, '|-', 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1',
            (map { ('-v', "$_=$vars{$_}") } sort keys %vars),
            '-d', "$dsn application_name=test", '-f', '-'
            or POSIX::_exit(127);
        print $in $sql;
        close $in;
        POSIX::_exit($? ? 1 : 0);
    }
    local $?;
    my $text = do { local $/; <$out> } // '';
    close $out or croak "psql: $text";
    chomp $text;
    return $text;
}

# rows($sql): the answer as a list of array references
sub rows {
    my ($self, $sql, %option) = @_;

    return map { [split /\|/, $_, -1] }
           split /\n/, $self->psql($sql, %option);
}

# sessions of our roles, as "pid application_name state query" lines
sub sessions {
    my ($self) = @_;

    return split /\n/, $self->psql(
        "select pid, usename, application_name, state, left(query, 60)"
        . " from pg_stat_activity where usename like 'igjobs%'");
}

# ends every session of our roles on the server's side
sub cut_sessions {
    my ($self, $where) = @_;

    return $self->psql("select count(pg_terminate_backend(pid))"
        . " from pg_stat_activity where usename like 'igjobs%' and "
        . ($where // 'true'));
}

1;
