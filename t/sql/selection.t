#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Daily selection: what a request may say, who is taken, and that callers at
# the same time neither share a profile nor leave an empty campaign behind.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Igjobs::Engine;
use Igjobs::Wait;

my $e = Igjobs::Engine->new;
my $json = JSON::PP->new->utf8->canonical;
my $none = 'No unused profiles available in global_usernames';

# a pool of its own for each subtest: base app<name>, $n profiles, p1 the oldest
sub fill {
    my ($base, $n) = @_;

    $e->sql(<<"SQL");
insert into public.global_usernames (base_id, id, username, full_name,
    created_at)
select '$base', 'p' || n, 'user_' || n, 'Name ' || n,
    now() - interval '1 day' + n * interval '1 s'
from generate_series(1, $n) n;
SQL
    return { tenant => 'default', base_id => $base };
}

sub api_of {
    my ($engine, $caller, %body) = @_;
    my $answer = $engine->call(api_daily_selection => $caller,
                               { body => \%body });

    return ($answer->{status}, $json->decode($answer->{body}));
}

sub api { return api_of($e, @_) }

sub refused {
    my ($status, $answer) = api(@_);

    return "$status $answer->{problem}: " . ($answer->{error} // '');
}

sub campaigns {
    my ($caller) = @_;

    return $e->sql('select count(*) from public.campaigns'
        . " where base_id = '$caller->{base_id}'");
}

# how many are taken, of how many different ones, by how many campaigns
sub taken {
    my ($caller) = @_;

    return $e->sql('select count(*), count(distinct id),'
        . ' count(distinct campaign_id) from public.daily_assignments'
        . " where base_id = '$caller->{base_id}'");
}

subtest 'the oldest, as many as there are places' => sub {
    my $caller = fill('appOldest', 1000);
    my ($status, $answer) = api($caller, profiles_per_table => 5,
                                campaign_date => '2025-10-14');
    is $status, 200, 'selected';
    is_deeply { %$answer, campaign_id => undef },
        { success => JSON::PP::true, campaign_id => undef,
          total_selected => 400, campaign_date => '2025-10-14',
          base_id => 'appOldest' }, 'as the contract says';
    is $e->sql('select string_agg(distinct status, \',\'), min(position),'
        . ' max(va_table_number), count(*), max(substr(id, 2)::int)'
        . ' from public.daily_assignments where campaign_id = '
        . "'$answer->{campaign_id}'"), 'pending|0|0|400|400',
        'the oldest are assigned';
    is $e->sql('select count(*), bool_and(used_at is not null),'
        . ' max(substr(id, 2)::int) from public.global_usernames'
        . " where used and base_id = 'appOldest'"), '400|t|400',
        'and used';
    is $e->sql('select total_assigned, profiles_per_table, status,'
        . ' airtable_base_id from public.campaigns where campaign_id ='
        . " '$answer->{campaign_id}'"), '400|5|f|appOldest', 'the campaign';

    (undef, my $second) = api($caller, profiles_per_table => 10);
    is $second->{total_selected}, 600, 'the rest';
    is refused($caller), "400 no-unused-profiles: $none for base_id=appOldest",
        'nothing is left';
    is campaigns($caller), 2, 'no campaign without profiles';
    is taken($caller), '1000|1000|2', 'each once';
};

subtest 'without a base' => sub {
    is refused({ tenant => 'default' }),
        "400 no-unused-profiles: $none", 'the contract\'s text';
    fill('default_instagram', 3);
    my ($status, $answer) = api({ tenant => 'default' });
    is_deeply [$status, $answer->{total_selected}, exists $answer->{base_id}],
        [200, 3, !1], 'and answer';
    is $answer->{campaign_date},
        $e->sql("select (now() at time zone 'UTC')::date"), 'of today';
    is refused({ tenant => 'other' }), "400 no-unused-profiles: $none",
        'another tenant has its own';
};

subtest 'as many tables as the base was set up with' => sub {
    my $caller = fill('appSeven', 30);
    $e->sql('insert into public.scraping_jobs (airtable_base_id, num_vas)'
        . " values ('appSeven', 7)");
    my (undef, $answer) = api($caller, profiles_per_table => 2);
    is $answer->{total_selected}, 14, '7 tables of 2';
};

subtest 'numbers' => sub {
    my $caller = fill('appNumbers', 80 * 30);
    my @taken = map {
        (api($caller, profiles_per_table => $_))[1]{total_selected} / 80
    } 1, '2', 3.9, ' 4 ', '+5', '6.7';
    is_deeply \@taken, [1 .. 6], 'strings and fractions';

    my $positive = '400 invalid-member: profiles_per_table must be a positive '
        . 'integer';
    for my $bad (0, -1, '0', '-3', 0.9, 'many', '', '1e2', 'NaN', '.', [1], {},
                 "\xc2\xa05", "\xd9\xa3", JSON::PP::true) {
        is refused($caller, profiles_per_table => $bad), $positive,
            'not ' . (ref $bad || $json->encode([$bad]));
    }
    is refused($caller, profiles_per_table => 1251), '400 invalid-member: '
        . 'profiles_per_table must be at most 1250', 'not too many';
    is refused($caller, profiles_per_table => 1e300), '400 invalid-member: '
        . 'profiles_per_table must be at most 1250', 'not very many';
    is campaigns($caller), 6, 'nothing is made of these';
};

subtest 'dates' => sub {
    my $caller = fill('appDates', 80 * 9);
    my %dates = ('2025-1-2' => '2025-01-02', '2024-02-29' => '2024-02-29',
                 '0001-12-9' => '0001-12-09');
    for my $date (sort keys %dates) {
        my (undef, $answer) = api($caller, campaign_date => $date,
                                  profiles_per_table => 1);
        is $answer->{campaign_date}, $dates{$date}, $date;
    }
    for my $date ('2025-13-01', '2025-02-30', '14.10.2025', '0000-01-01',
                  '2025-10-14T00:00', 'x', 20251014) {
        is refused($caller, campaign_date => $date), '400 invalid-member: '
            . "time data '$date' does not match format '%Y-%m-%d'",
            "not $date";
    }
    $e->sql("update igjobs.settings set value = 'Pacific/Kiritimati'"
        . " where name = 'campaign_time_zone'");
    is((api($caller, campaign_date => undef, profiles_per_table => 1))[1]
        {campaign_date}, $e->sql('select (now() at time zone'
        . " 'Pacific/Kiritimati')::date"), 'today is where the team is');
};

subtest 'the same call again' => sub {
    my $caller = fill('appAgain', 100);
    $caller->{call} = Igjobs::Engine::job_id();
    my @first = api($caller, profiles_per_table => 1);
    is $first[1]{campaign_id}, $caller->{call}, 'the campaign has its id';
    is_deeply [api($caller, profiles_per_table => 1)], \@first,
        'is answered from what is there';
    is taken($caller), '80|80|1', 'nobody more is taken';

    # sent again on another connection while the first is under way
    my $other = $e->beside;
    $caller->{call} = Igjobs::Engine::job_id();
    $e->sql('begin');
    my @under_way = api($caller);
    $other->send(api_daily_selection => $caller, { body => {} });
    $other->{session}->wait_blocked;
    $e->sql('commit');
    is_deeply $json->decode($other->answer->{body}), $under_way[1],
        'also while it is under way';
    is taken($caller), '100|100|2', 'nobody twice';
};

subtest 'when others hold the last ones' => sub {
    my $caller = fill('appLast', 60);
    my $other = $e->beside;

    $e->sql('begin');
    is((api($caller))[1]{total_selected}, 60, 'one has all of them');
    $other->send(api_daily_selection => $caller, { body => {} });
    $other->{session}->wait_blocked;
    $e->sql('rollback');
    my $answer = $other->answer;
    is_deeply [$answer->{status},
               $json->decode($answer->{body})->{total_selected}], [200, 60],
        'and gives them back: the other one gets them';

    $caller = fill('appTaken', 60);
    $e->sql('begin');
    api($caller);
    $other->send(api_daily_selection => $caller, { body => {} });
    $other->{session}->wait_blocked;
    $e->sql('commit');
    is $json->decode($other->answer->{body})->{problem},
        'no-unused-profiles', 'or takes them: none are left';

    $caller = fill('appHeld', 60);
    $e->sql("begin; select 1 from public.global_usernames"
        . " where base_id = 'appHeld' for no key update");
    my ($status, $busy) = api_of($other, $caller);
    $e->sql('commit');
    is "$status $busy->{problem}", '503 selection-busy', 'or holds them long';
    is campaigns($caller), 0, 'and nothing is left behind';
    is((api($caller))[1]{total_selected}, 60, 'later they are there');
};

subtest 'a profile that is renamed meanwhile' => sub {
    my $caller = fill('appRenamed', 40);
    my $other = $e->beside;

    # the row changes between the other's look and its lock
    $e->sql("begin; update public.global_usernames set username = 'new_name'"
        . " where base_id = 'appRenamed'  and id = 'p1'");
    is((api_of($other, $caller))[1]{total_selected}, 39,
        'is left to the next one');
    $e->sql('commit');
    is((api($caller))[1]{total_selected}, 1, 'who takes it');
    is $e->sql("select username from public.daily_assignments"
        . " where base_id = 'appRenamed' and id = 'p1'"), 'new_name',
        'as it is called now';
};

subtest '20 callers at once' => sub {
    my @others = map { $e->beside } 1 .. 20;
    my $race = sub {
        my ($caller, $per_table) = @_;
        $_->send(api_daily_selection => $caller,
                 { body => { profiles_per_table => $per_table } })
            for @others;
        return map { $_->answer } @others;
    };

    my $caller = fill('appEnough', 20 * 80 * 2);
    my @answers = $race->($caller, 2);
    is_deeply [map { $json->decode($_->{body})->{total_selected} } @answers],
        [(160) x 20], 'enough for all: all get theirs';
    is taken($caller), '3200|3200|20', 'nobody twice';

    $caller = fill('appFew', 500);
    @answers = $race->($caller, 2);
    my @won = grep { $_->{status} == 200 } @answers;
    is taken($caller), '500|500|' . @won, 'too few: all are taken, once';
    is campaigns($caller), scalar @won, 'no empty campaign';
    is_deeply [grep { $_ ne 'no-unused-profiles' }
               map { $json->decode($_->{body})->{problem} }
               grep { $_->{status} != 200 } @answers], [],
        'the others hear that nothing is left';
    is $e->sql("select min(total_assigned) > 0, sum(total_assigned)"
        . " from public.campaigns where base_id = 'appFew'"), 't|500',
        'and numbers are right';
};

done_testing;
