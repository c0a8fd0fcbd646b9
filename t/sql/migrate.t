#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# sql/migrate: once and again, two at once, changed and broken files, paths
# with spaces, users with few privileges.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use Igjobs::Env;
use Igjobs::Postgres;

my $pg = Igjobs::Postgres->new(migrated => 0)->start;
my $root = Igjobs::Env::root();
my $dir = Igjobs::Env::new_dir('migrate') . '/a path with spaces';
system('cp', '-r', "$root/sql", $dir) == 0 or die "cp: $?";
my @files = map { m{([^/]+)$} } sort glob "'$dir'/[0-9]*.sql";
my %count;

# starts the runner of the copy: a handle to read its output from; the first
# argument may be a hash of the environment
sub begin {
    my (@arguments) = @_;
    my %more = ref $arguments[0] ? %{ shift @arguments } : ();
    my $pid = open my $out, '-|' // die "fork: $!";

    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        delete @ENV{grep { /^PG|^DATABASE_URL$/ } keys %ENV};
        @ENV{keys %more} = values %more;
        exec { "$dir/migrate" } 'migrate', @arguments or POSIX::_exit(127);
    }
    return $out;
}

# its output and its exit status
sub finish {
    my ($out) = @_;
    my $text = do { local $/; <$out> } // '';

    close $out;
    return ($text, $? >> 8);
}

sub migrate { return finish(begin(@_)) }

sub database {
    my ($name, $owner) = @_;
    $owner = $owner ? " owner $owner" : '';
    $pg->psql("create database $name$owner", dbname => 'postgres');
    return $pg->dsn(user => 'postgres', dbname => $name);
}

sub applied {
    my ($database) = @_;
    return $pg->psql('select count(*) from igjobs.migrations',
                     dbname => $database);
}

# the command line

my ($text, $status) = migrate('--help');
is $status, 0, '--help';
like $text, qr/--dsn CONNINFO.*--status/s, 'names the arguments';
unlike $text, qr/^#|set -euo/m, 'and shows no code';
($text, $status) = migrate('--frobnicate');
isnt $status, 0, 'an unknown argument is refused';
like $text, qr/unknown argument '--frobnicate'/, 'by name';
($text, $status) = migrate('--dsn', 'host=/nowhere dbname=x');
isnt $status, 0, 'no server';
like $text, qr/cannot connect/, 'is said';

# once, again, and what stands where

my $dsn = database('once');
($text, $status) = migrate('--dsn', $dsn, '--status');
is $status, 0, '--status of an empty database';
is scalar(() = $text =~ /^\d{3}_\w+\.sql +pending$/mg), @files,
    'everything is pending';

($text, $status) = migrate('--dsn', $dsn);
is $status, 0, 'migrations are applied' or diag $text;
is $text, join('', map { "applying $_\n" } @files), 'in order, by name';
is applied('once'), @files, 'and noted';
($text, $status) = migrate("--dsn=$dsn");
is "$status $text", '0 ', 'again: nothing to do, nothing said';
($text, $status) = migrate('--dsn', $dsn, '--status');
is scalar(() = $text =~ /^\d{3}_\w+\.sql +applied \d{4}-/mg), @files,
    'everything is applied';

database('by_url');
my $url = 'postgresql://postgres@127.0.0.1:' . $pg->port . '/by_url';
($text, $status) = migrate({ DATABASE_URL => $url });
is $status, 0, 'DATABASE_URL';
is applied('by_url'), @files, 'is the database that is migrated';

# a further migration, a broken one

sub write_file {
    my ($name, $sql) = @_;
    open my $out, '>', "$dir/$name" or die "$name: $!";
    print $out $sql;
    close $out or die "$name: $!";
    return;
}

write_file('901_more.sql', "create table igjobs.more ();\n");
write_file('902_broken.sql', "create table igjobs.half ();\nselect 1/0;\n");
write_file('903_after.sql', "create table igjobs.after ();\n");
($text, $status) = migrate('--dsn', $dsn);
isnt $status, 0, 'a broken migration';
like $text, qr/applying 902_broken.*division by zero.*nothing of the failed/s,
    'is named, with the error';
is $pg->psql("select to_regclass('igjobs.more'), to_regclass('igjobs.half'),"
    . " to_regclass('igjobs.after')", dbname => 'once'), 'igjobs.more||',
    'those before it stay, nothing of it is kept, none after it';
write_file('902_broken.sql', "create table igjobs.half ();\n");
($text, $status) = migrate('--dsn', $dsn);
is $status, 0, 'mended, it goes on';
is $text, "applying 902_broken.sql\napplying 903_after.sql\n", 'from there';

# a changed one

write_file('901_more.sql', "create table igjobs.more (a integer);\n");
($text, $status) = migrate('--dsn', $dsn);
isnt $status, 0, 'a migration that was changed after it was applied';
like $text, qr/migration 901_more\.sql was changed after it was applied/,
    'is refused by name';
($text, $status) = migrate('--dsn', $dsn, '--status');
like $text, qr/^901_more\.sql +CHANGED/m, '--status shows it';
unlink map { "$dir/$_" } qw(901_more.sql 902_broken.sql 903_after.sql);

# two at once

$dsn = database('twice');
my @runners = map { begin('--dsn', $dsn) } 1 .. 3;
my @ends = map { [finish($_)] } @runners;
is_deeply [map { $_->[1] } @ends], [0, 0, 0], 'three runners at once'
    or diag explain \@ends;
$count{$_}++ for map { split /\n/, $_->[0] } @ends;
is_deeply \%count, { map { ("applying $_" => 1) } @files },
    'every migration is applied by one of them';

# an ordinary user: told what an administrator must do; then it is enough

$pg->psql('drop database once; drop database by_url; drop database twice;'
    . ' drop owned by igjobs_owner, igjobs_api, igjobs_worker;'
    . ' drop role igjobs_owner, igjobs_api, igjobs_worker;'
    . ' create role plain login; create role makes_roles login createrole',
    dbname => 'postgres');
for my $user (qw(plain makes_roles)) {
    database("of_$user", $user);
}

my $plain = $pg->dsn(user => 'plain', dbname => 'of_plain');
($text, $status) = migrate('--dsn', $plain);
isnt $status, 0, 'a user that may create no roles';
my ($advice) = $text =~ /run this once: (create role .*)/;
ok $advice, 'is told what to ask for';
$pg->psql($advice, dbname => 'postgres');
($text, $status) = migrate('--dsn', $plain);
is $status, 0, 'and then migrates' or diag $text;
is $pg->psql('select distinct tableowner from pg_tables where schemaname ='
    . " 'igjobs'", dbname => 'of_plain'), 'igjobs_owner',
    'as igjobs_owner';

($text, $status) = migrate('--dsn', $pg->dsn(user => 'makes_roles',
                                             dbname => 'of_makes_roles'));
is $status, 0, 'a user that may create roles, and owns the database'
    or diag $text;

$pg->psql('create role stranger login', dbname => 'postgres');
($text, $status) = migrate('--dsn', $pg->dsn(user => 'stranger',
                                             dbname => 'of_plain'));
isnt $status, 0, 'a stranger';
like $text, qr/is not a member of igjobs_owner\. .* grant igjobs_owner to str/,
    'is told about the membership';
database('others', 'makes_roles');
($text, $status) = migrate('--dsn', $pg->dsn(user => 'plain',
                                             dbname => 'others'));
isnt $status, 0, 'a database of somebody else';
like $text, qr/grant create on database others to igjobs_owner/,
    'names the missing privilege';

done_testing;
