#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The figures of the pool: whatever changes it, they are what counting gives.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my $json = JSON::PP->new->utf8;

sub stats {
    my ($base, $tenant) = @_;
    my $answer = $e->call(api_pool_stats => {
        tenant => $tenant // 'default', base_id => $base }, {});

    is $answer->{status}, 200, 'read';
    return $json->decode($answer->{body});
}

# figures and a count agree
sub agree {
    my ($what) = @_;

    for my $base (qw(appOne appTwo)) {
        my $s = stats($base);
        is join('|', @$s{qw(total used unused)}, @{ $s->{today} }{qw(added
            used)}), $e->sql(<<"SQL"), "$what: $base";
select count(*), count(*) filter (where used),
    count(*) filter (where not used),
    count(*) filter (where (created_at at time zone 'UTC')::date
                         = (now() at time zone 'UTC')::date),
    count(*) filter (where used and (used_at at time zone 'UTC')::date
                                  = (now() at time zone 'UTC')::date)
from public.global_usernames where base_id = '$base' and tenant = 'default'
SQL
    }
    return;
}

sub insert {
    my ($base, $first, $last, $columns, $values) = @_;

    $e->sql("insert into public.global_usernames (base_id, id, username"
        . ($columns // '') . ") select '$base', 'p' || n, 'user_' || n"
        . ($values // '') . " from generate_series($first, $last) n");
    return;
}

agree('an empty pool');
insert(appOne => 1, 100);
insert(appTwo => 1, 10);
insert(appOne => 101, 120, ', created_at', ", now() - interval '3 days'");
insert(appOne => 121, 130, ', used, used_at', ", true, now() - n"
    . " * interval '1 hour'");
insert(appOne => 131, 135, ', used', ', true');
agree('rows that came');

$e->sql("update public.global_usernames set used = true, used_at = now()"
    . " where id in ('p1', 'p2', 'p3', 'p121')");
$e->sql("update public.global_usernames set used = false, used_at = null"
    . " where id in ('p3', 'p122', 'p131')");
$e->sql("update public.global_usernames set full_name = 'x'");
agree('rows that changed');
is $e->sql('select count(*) from igjobs.pool_changes where added = 0'
    . ' and used = 0'), 0, 'a change of names is none';

$e->sql("insert into public.global_usernames (base_id, id, username) values"
    . " ('appOne', 'p1', 'x'), ('appOne', 'new', 'new')"
    . ' on conflict (tenant, base_id, id) do update set full_name = \'y\'');
$e->sql("delete from public.global_usernames where id in ('p1', 'p4', 'p105',"
    . " 'p132')");
agree('conflicts, and rows that went');

$e->sql('begin');
insert(appTwo => 1000, 1999);
$e->sql('rollback');
agree('what was rolled back');

subtest 'many changes' => sub {
    my $other = $e->beside;

    insert(appTwo => $_, $_) for 100 .. 220;
    $e->sql('begin');
    insert(appTwo => 300, 300);
    my $changes = "select count(*) from igjobs.pool_changes"
        . " where base_id = 'appTwo'";
    my $answer = $other->call(api_pool_stats => { tenant => 'default',
        base_id => 'appTwo' }, {});
    $e->sql('commit');
    cmp_ok $e->sql($changes), '<', 10, 'become few';
    agree('afterwards');
    agree('and again');
};

subtest 'after changes without triggers' => sub {
    $e->sql("set session_replication_role = 'replica'");
    insert(appOne => 5000, 5009);
    $e->sql("reset session_replication_role; select igjobs.count_pool()");
    agree('counted anew');
    is stats('appOne', 'other')->{total}, 0, 'another tenant has none';
};

done_testing;
