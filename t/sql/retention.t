#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# What campaigns leave behind: each row for as long as its state says, and
# nobody who is followed is forgotten.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;

# so many rows of the last days, one of each: the oldest is the first
sub raw {
    my ($days, %of) = @_;

    $e->sql('insert into public.raw_scraped_profiles'
        . ' (scraped_at, tenant, base_id, id, username)'
        . " select now() - n * interval '1 day' + interval '1 hour',"
        . " '" . ($of{tenant} // 'default') . "',"
        . " '" . ($of{base} // 'default_instagram') . "', n, 'name_' || n"
        . " from generate_series(1, $days) n");
    return;
}

# a campaign, and an assignment of each state, all so many days old
sub campaign {
    my ($days, @states) = @_;
    my $id = $e->sql('insert into public.campaigns (campaign_date, created_at)'
        . " values (current_date, now() - interval '$days days')"
        . ' returning campaign_id');

    $e->sql('insert into public.daily_assignments (campaign_id, id, username,'
        . ' status, assigned_at, updated_at)'
        . " select '$id', n, 'name_' || n, s, at, at"
        . " from unnest(string_to_array('@states', ' ')) with ordinality t (s, n),"
        . " (select now() - interval '$days days' as at) a");
    return $id;
}

sub states {
    my ($campaign) = @_;

    return $e->sql("select coalesce(string_agg(status, ' ' order by status), '')"
        . " from public.daily_assignments where campaign_id = '$campaign'");
}

sub rows { return $e->sql("select count(*) from public.$_[0]") }

sub drop_all {
    $e->value("drop_old_$_" => 1000) for qw(profiles assignments campaigns);
    return;
}

sub set {
    my ($name, $value) = @_;

    $e->sql("update igjobs.settings set value = '$value' where name = '$name'");
    return;
}

my @states = qw(completed followed pending to_unfollow unfollow unfollowed
                wondering);

subtest 'what was taken in' => sub {
    raw(12);
    is $e->value(drop_old_profiles => 3), 3, 'goes in steps';
    is $e->sql('select max(id::int) from public.raw_scraped_profiles'), 9,
        'the oldest first';
    is $e->value(drop_old_profiles => 3), 2, 'until the rest is new enough';
    is $e->value(drop_old_profiles => 3), 0, 'which stays';
    is rows('raw_scraped_profiles'), 7, 'for a week';

    set(raw_retention_days => 'off');
    $e->sql('update public.raw_scraped_profiles'
        . " set scraped_at = '2001-01-01'");
    is $e->value(drop_old_profiles => 100), 0, 'or for ever';
    set(raw_retention_days => '0.5');
    is $e->value(drop_old_profiles => 100), 7, 'or for half a day';
    set(raw_retention_days => '7');
};

subtest 'assignments, by state' => sub {
    my $new = campaign(29, @states);
    my $old = campaign(31, @states);
    my $ancient = campaign(4000, @states);

    drop_all();
    is states($new), "@states", 'a month old: all are there';
    is states($old), 'completed followed to_unfollow unfollow unfollowed'
        . ' wondering', 'older: those that nobody has followed are not';
    is states($ancient), 'followed to_unfollow unfollow wondering',
        'and those that are done with, when they are very old';
    is rows('campaigns'), 3, 'their campaigns stay with them';

    $e->sql('update public.daily_assignments set status = \'completed\','
        . " updated_at = now() where campaign_id = '$ancient'");
    drop_all();
    is states($ancient), 'completed ' x 3 . 'completed',
        'done now: they wait for the call that deletes them';

    set(pending_retention_days => 'off');
    set(completed_retention_days => 'off');
    my $kept = campaign(4000, @states);
    drop_all();
    is states($kept), "@states", 'all for ever, if so wished';
    set(pending_retention_days => '30');
    set(completed_retention_days => '90');
    $e->sql('delete from public.daily_assignments');
};

subtest 'campaigns' => sub {
    $e->sql('delete from public.campaigns');
    my ($empty, $full, $fresh) =
        (campaign(31), campaign(31, 'followed'), campaign(29));

    is $e->value(drop_old_campaigns => 1000), 1, 'without assignments';
    is $e->sql("select count(*) from public.campaigns where campaign_id in"
        . " ('$full', '$fresh')"), 2, 'and old enough';
};

subtest 'who is followed meanwhile' => sub {
    my $c = campaign(31, 'pending', 'pending');
    my $other = $e->beside;

    $other->sql('begin');
    $other->sql("update public.daily_assignments set status = 'followed'"
        . " where campaign_id = '$c' and id = '1'");
    is $e->value(drop_old_assignments => 10), 1, 'is left alone';
    $other->sql('commit');
    is $e->value(drop_old_assignments => 10), 0, 'and then, too';
    is states($c), 'followed', 'and is there';
};

subtest 'of one base' => sub {
    $e->sql("delete from public.$_")
        for qw(raw_scraped_profiles daily_assignments campaigns);
    raw(20, %$_) for {}, { base => 'appOther' }, { tenant => 'other' };
    is $e->value(drop_old_profiles => 100, 'default', 'appOther'), 13,
        'rows of that base';
    is $e->value(drop_old_profiles => 100, 'other', 'appOther'), 0,
        'of that tenant';
    is $e->value(drop_old_profiles => 100), 26, 'all the others';

    campaign(4000, 'pending', 'completed');
    is $e->value("drop_old_$_" => 100, 'default', 'appOther'), 0, "no $_"
        for qw(assignments campaigns);
    is $e->value(drop_old_assignments => 1, 'default', 'default_instagram'), 1,
        'no more than was asked for';
    is $e->value(drop_old_assignments => 9, 'default', 'default_instagram'), 1,
        'its assignments';
    is $e->value(drop_old_campaigns => 9, 'default', 'default_instagram'), 1,
        'its campaign';
};

subtest 'steps read what they drop' => sub {
    raw(2);
    for my $table (qw(raw_scraped_profiles daily_assignments campaigns)) {
        $e->sql("analyze public.$table");
    }
    $e->sql('set enable_seqscan = off');
    my %index = (
        'raw_scraped_profiles where scraped_at < now() order by scraped_at'
            => 'raw_scraped_profiles_age',
        'daily_assignments where status = \'pending\' and assigned_at < now()'
            . ' order by assigned_at' => 'daily_assignments_pending_age',
        'daily_assignments where status in (\'completed\', \'unfollowed\')'
            . ' and updated_at < now() order by updated_at'
            => 'daily_assignments_done_age',
        'campaigns where created_at < now() order by created_at'
            => 'campaigns_age');

    for my $what (sort keys %index) {
        like $e->sql("explain select 1 from public.$what limit 10"),
            qr/Index.* $index{$what} /, $index{$what};
    }
};

done_testing;
