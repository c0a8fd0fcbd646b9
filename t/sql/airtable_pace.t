#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The pace of Airtable: turns of a base, of all bases of the token, of callers
# that ask at the same time; silence, and months that are used up.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;

# asks for a turn: answer, wait_ms
sub turn {
    my ($base, $max) = @_;
    my $row = $e->sql('select answer, wait_ms, good_ms from'
        . " igjobs.airtable_turn('t', '$base', @{[ $max // 2000 ]})");

    return split /\|/, $row;
}

# n turns of each base, asked for at once: from the first to the last, in ms of
# the token's slots, which no pause of this test makes shorter
sub spread {
    my ($n, @bases) = @_;
    my $bases = join ',', map {"'$_'"} @bases;

    fresh();
    $e->sql("select count(igjobs.airtable_turn('t', base, 100000 + n))"
        . " from generate_series(1, $n) n, unnest(array[$bases]) base");
    return $e->sql('select (max(slot) - min(slot)) * 25'
        . ' from igjobs.airtable_places');
}

sub fresh {
    $e->sql('truncate igjobs.airtable_pace, igjobs.airtable_places');
    return;
}

# time goes on by so many seconds
sub after {
    my ($seconds) = @_;
    my $back = "- interval '$seconds s'";

    $e->sql("update igjobs.airtable_pace set next_at = next_at $back,"
        . " frozen_until = frozen_until $back,"
        . " used_up_until = used_up_until $back");
    return;
}

# one base

my ($answer, $wait, $good) = turn('appA');
is $answer, 'go', 'the first turn';
cmp_ok $wait, '<=', 25, 'is at the next slot';
is $good, 150, 'and good for less than the next one is away';
turn('appA') for 1 .. 40;
($answer, $wait) = turn('appA', 100);
is $answer, 'wait', 'no turn so soon';
ok $wait > 100, 'and when to ask again';
is +(turn('appB'))[0], 'go', 'another base has its own';
cmp_ok spread(5, 'appA'), '>=', 1000, 'from the first to the fifth: a second';
$e->sql("update igjobs.settings set value = '40' where name ="
    . " 'airtable_requests_per_second'");
cmp_ok spread(21, 'appA'), '>=', 500, 'as many as the setting says';
$e->sql("update igjobs.settings set value = '4' where name ="
    . " 'airtable_requests_per_second'");

# the token

cmp_ok spread(1, map {"app$_"} 1 .. 81), '>=', 2000,
    '81 bases at once: forty a second';
is $e->sql('select count(distinct next_at) from igjobs.airtable_pace'), 81,
    'each at a time of its own';
($answer, $wait) = turn('appZ');
is $answer, 'go', 'one more';
is $e->sql('select count(*) from igjobs.airtable_places'), 82, 'has its own';

# a ring that has gone round
fresh();
$e->sql('insert into igjobs.airtable_places (place, slot)'
    . ' select n, n from generate_series(0, 999) n');
($answer, $wait) = turn('appA');
is $answer, 'go', 'slots of earlier rounds are free';
is $e->sql('select count(*) from igjobs.airtable_places'), 1000,
    'the ring does not grow';

# callers at the same time

fresh();
my $start = $e->sql('select clock_timestamp()');
my @sessions = map { $e->session } 1 .. 6;
$_->send("select igjobs.airtable_turn('t', 'appA', 100000 + n)"
    . ' from generate_series(1, 5) n') for @sessions;
$_->wait for @sessions;
is $e->sql("select next_at >= '$start'::timestamptz + interval '7.5 s'"
    . " from igjobs.airtable_pace where base = 'appA'"), 't',
    'thirty turns of six sessions take as long as of one';
is $e->sql('select count(*) from igjobs.airtable_places'), 30,
    'each has its own';

# silence

fresh();
turn('appA');
$e->sql("select igjobs.airtable_freeze('appA', 30000)");
($answer, $wait) = turn('appA');
is $answer, 'wait', 'a 429';
ok $wait > 20_000 && $wait <= 30_000, 'means 30 s of silence';
is +(turn('appB'))[0], 'go', 'for that base alone';
$e->sql("select igjobs.airtable_freeze('appA', 10)");
cmp_ok +(turn('appA'))[1], '>', 20_000, 'which a shorter one does not end';
is $e->sql("select state from igjobs.airtable_bases where base = 'appA'"),
    'frozen', 'people see it';
after(31);
is +(turn('appA'))[0], 'go', 'then it may be asked again';

$e->sql("select igjobs.airtable_freeze('appC', -1)");
is +(turn('appC'))[0], 'used_up', 'the month is used up';
is $e->sql("select until = date_trunc('month', now() at time zone 'UTC')"
    . " at time zone 'UTC' + interval '1 month', state"
    . " from igjobs.airtable_bases where base = 'appC'"), 't|used_up',
    'until the next one begins';
$e->sql("select igjobs.airtable_freeze('appC', 30000)");
is +(turn('appC'))[0], 'used_up', 'a 429 of another worker changes nothing';
is $e->sql("select igjobs.airtable_thaw('appC')"), 't', 'an operator does';
is +(turn('appC'))[0], 'go', 'and it may be asked again';
is $e->sql("select igjobs.airtable_thaw('appC')"), 'f',
    'nothing to be thawed';

# cheap

is $e->sql("select string_agg(relpersistence, '') from pg_class where relname"
    . " in ('airtable_pace', 'airtable_places')"), 'uu',
    'turns are not written to the log';

done_testing;
