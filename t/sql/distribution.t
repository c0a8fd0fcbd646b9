#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Distribution: the places that assignments get, what becomes of those without
# one, repeats and callers at the same time.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my $json = JSON::PP->new->utf8->canonical;
my $count = 0;

sub api_of {
    my ($engine, $name, $caller, %params) = @_;
    my $answer = $engine->call("api_$name" => $caller, \%params);

    return ($answer->{status}, $json->decode($answer->{body}));
}

sub api { return api_of($e, @_) }

# a campaign of $n profiles of a base of its own, with so many tables
sub campaign {
    my ($n, $tables, $per_table) = @_;
    my $base = 'app' . ++$count;
    my $caller = { tenant => 'default', base_id => $base };

    $e->sql(<<"SQL");
insert into public.global_usernames (base_id, id, username)
select '$base', 'p' || n, 'user_' || n from generate_series(1, $n) n;
insert into public.scraping_jobs (airtable_base_id, num_vas)
values ('$base', $tables);
SQL
    my ($status, $answer) = api(daily_selection => $caller, body => {
        profiles_per_table => $per_table // int($n / $tables) + 1 });
    is $answer->{total_selected}, $n, "$n selected";
    return ($caller, $answer->{campaign_id});
}

sub distribute {
    my ($caller, $id, %body) = @_;

    return api(distribute => $caller, campaign => $id, body => \%body);
}

sub refused {
    my ($status, $answer) = distribute(@_);

    return "$status $answer->{problem}: " . ($answer->{error} // '');
}

# table:number of assignments, first and last position
sub places {
    my ($id) = @_;

    return $e->sql(<<"SQL");
select string_agg(format('%s:%s(%s-%s)', t, n, first, last), ' ' order by t)
from (select va_table_number as t, count(*) as n, min(position) as first,
          max(position) as last
      from public.daily_assignments where campaign_id = '$id'
      group by 1) s
SQL
}

subtest 'tables are filled one after the other' => sub {
    my ($caller, $id) = campaign(200, 80, 180);
    my ($status, $answer) = distribute($caller, $id);
    is $status, 200, 'distributed';
    is_deeply $answer, { success => JSON::PP::true, campaign_id => $id,
        va_tables => 2, assigned_per_table => 180, total_distributed => 200,
        total_available => 200, base_id => $caller->{base_id} },
        'as the contract says, by default as it was selected';
    is places($id), '1:180(1-180) 2:20(1-20)', 'sequentially';
    is refused($caller, $id), '400 nothing-to-distribute: No unassigned '
        . 'profiles found for this campaign. Already distributed?',
        'a second time is refused';
    is places($id), '1:180(1-180) 2:20(1-20)', 'and changes nothing';
};

subtest 'how many tables' => sub {
    for my $case ([181, 80, 180, 2], [180, 80, 180, 1], [7, 80, 5, 2],
                  [1, 1, 1, 1]) {
        my ($n, $tables, $per_table, $used) = @$case;
        my ($caller, $id) = campaign($n, $tables);
        my (undef, $answer) = distribute($caller, $id,
                                         profiles_per_table => $per_table);
        is_deeply [@$answer{qw(va_tables total_distributed)}], [$used, $n],
            "$n of $per_table: $used";
    }
};

subtest 'what is left over' => sub {
    my ($caller, $id) = campaign(11, 2);
    my (undef, $answer) = distribute($caller, $id, profiles_per_table => '5');
    is_deeply [@$answer{qw(va_tables assigned_per_table total_distributed
                           total_available)}], [2, 5, 10, 11], 'is told';
    is places($id), '1:5(1-5) 2:5(1-5)', 'has no place';
    is $e->sql('select count(*) filter (where used), count(used_at),'
        . ' count(*) from public.global_usernames where base_id ='
        . " '$caller->{base_id}'"), '10|10|11', 'is unused again';
    is $e->sql('select total_assigned, profiles_per_table from'
        . " public.campaigns where campaign_id = '$id'"), '10|5',
        'the campaign knows';
    my (undef, $next) = api(daily_selection => $caller, body => {});
    is $next->{total_selected}, 1, 'the next campaign gets it';
};

subtest 'what another campaign has, too' => sub {
    my ($caller, $id) = campaign(3, 1);
    $e->sql('insert into public.daily_assignments (campaign_id, base_id, id,'
        . " username, va_table_number, position) select gen_random_uuid(),"
        . " '$caller->{base_id}', 'p' || n, 'user_' || n, 1, 1"
        . ' from generate_series(1, 3) n');
    distribute($caller, $id, profiles_per_table => 1);
    is $e->sql('select count(*) filter (where used) from'
        . " public.global_usernames where base_id = '$caller->{base_id}'"), 3,
        'stays used';
};

subtest 'a profile that has got a new id' => sub {
    my ($caller, $id) = campaign(4, 1);
    my $base = $caller->{base_id};
    $e->sql("update public.global_usernames set id = 'n' || id"
        . " where base_id = '$base' and id <> 'p1'");
    distribute($caller, $id, profiles_per_table => 1);
    is $e->sql('select count(*) filter (where used) from'
        . " public.global_usernames where base_id = '$base'"), 1,
        'is found by its name';
};

subtest 'random order' => sub {
    my @orders = map {
        my ($caller, $id) = campaign(50, 1);
        $e->call(distribute_campaign => 'default', $caller->{base_id}, $id,
                 Igjobs::Engine::job_id(), 50, 1, $_);
        $e->sql("select string_agg(id, ' ' order by position) from"
            . " public.daily_assignments where campaign_id = '$id'");
    } 1, 1, 2, undef, undef;

    is $orders[0], $orders[1], 'the same seed, the same order';
    isnt $orders[0], $orders[2], 'another seed, another one';
    isnt $orders[3], $orders[4], 'no seed, any';
    isnt $orders[0], join(' ', map { "p$_" } 1 .. 50), 'not as they came';
};

subtest 'a campaign that was half distributed elsewhere' => sub {
    my ($caller, $id) = campaign(10, 2);
    $e->sql('with few as (select assignment_id, row_number() over () as n'
        . " from public.daily_assignments where campaign_id = '$id' limit 4)"
        . ' update public.daily_assignments a set va_table_number = 1,'
        . ' position = n + 1 from few'
        . ' where few.assignment_id = a.assignment_id');
    my (undef, $answer) = distribute($caller, $id, profiles_per_table => 4);
    is_deeply [@$answer{qw(total_distributed total_available)}], [5, 6],
        'what is free';
    is $e->sql("select count(*), count(distinct (va_table_number, position))"
        . " from public.daily_assignments where campaign_id = '$id'"), '9|9',
        'is filled, no place twice';
};

subtest 'what is refused' => sub {
    my ($caller, $id) = campaign(5, 5);
    my $base = $caller->{base_id};
    my $unknown = Igjobs::Engine::job_id();

    is refused($caller, $unknown), '404 campaign-not-found: '
        . "Campaign $unknown not found for base_id=$base", 'unknown';
    is refused({ tenant => 'default' }, $id), '404 campaign-not-found: '
        . "Campaign $id not found", 'of another base';
    is refused({ %$caller, tenant => 'other' }, $id),
        "404 campaign-not-found: Campaign $id not found for base_id=$base",
        'of another tenant';
    is refused($caller, 'x'), '404 campaign-not-found: '
        . "Campaign x not found for base_id=$base", 'no UUID';
    is refused($caller, $id, profiles_per_table => 0), '400 invalid-member: '
        . 'profiles_per_table must be a positive integer', 'nothing a table';
    is refused($caller, $id, profiles_per_table => 1_000_000),
        '400 invalid-member: profiles_per_table must be at most 20000',
        'too many';
    is((distribute($caller, $id, profiles_per_table => 1.9))[1]
        {assigned_per_table}, 1, 'a fraction is cut off');
};

subtest 'the same call again' => sub {
    my ($caller, $id) = campaign(10, 2);
    $caller->{call} = Igjobs::Engine::job_id();
    my @first = distribute($caller, $id, profiles_per_table => 3);
    is_deeply [distribute($caller, $id, profiles_per_table => 3)], \@first,
        'gets the answer that it missed';
    is places($id), '1:3(1-3) 2:3(1-3)', 'and changes nothing';
};

subtest 'two at once' => sub {
    my ($caller, $id) = campaign(100, 10);
    my $other = $e->beside;

    $e->sql('begin');
    distribute($caller, $id);
    $other->send(api_distribute => $caller, { campaign => $id, body => {} });
    $other->{session}->wait_blocked;
    $e->sql('commit');
    is $json->decode($other->answer->{body})->{problem},
        'nothing-to-distribute', 'the second waits and is refused';
    is $e->sql("select count(*), count(distinct (va_table_number, position))"
        . " from public.daily_assignments where campaign_id = '$id'"),
        '100|100', 'no place twice';
};

subtest '14,400' => sub {
    my ($caller, $id) = campaign(14_400, 80, 180);
    my (undef, $answer) = distribute($caller, $id);
    is_deeply [@$answer{qw(va_tables total_distributed)}], [80, 14_400],
        'in 80 tables';
    is $e->sql('select count(*), min(n), max(n) from (select count(*) as n'
        . " from public.daily_assignments where campaign_id = '$id'"
        . ' group by va_table_number) t'), '80|180|180', 'of 180';
};

done_testing;
