#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Cron expressions: which are taken, what they mean, and what clocks do to them
# that are put forward and back.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;

# the next $n times after $after, each UTC, to the minute
sub next_times {
    my ($cron, $after, $n, $zone) = @_;

    return $e->sql(<<"SQL");
with recursive t (n, at) as (
    select 0, '$after'::timestamptz
    union all
    select n + 1, igjobs.cron_next('$cron', '@{[ $zone // 'UTC' ]}', at)
    from t where n < $n and at is not null)
select string_agg(to_char(at at time zone 'UTC',
    'YYYY-MM-DD HH24:MI'), ', ' order by n)
from t where n > 0
SQL
}

# what is said about an expression
sub refusal {
    my ($cron) = @_;

    return $e->value(cron_fault => $cron) // '';
}

is next_times('* * * * *', '2026-01-01 00:00:30Z', 2),
    '2026-01-01 00:01, 2026-01-01 00:02', 'each minute';
is next_times('30 6 * * *', '2026-01-01 06:30Z', 2),
    '2026-01-02 06:30, 2026-01-03 06:30', 'a time of its own is past';
is next_times('*/20 9-10 * * 1-5', '2026-01-02 10:30Z', 3),
    '2026-01-02 10:40, 2026-01-05 09:00, 2026-01-05 09:20',
    'steps, ranges, days of the week';
is next_times('0 0 1,15 * *', '2026-01-02 00:00Z', 2),
    '2026-01-15 00:00, 2026-02-01 00:00', 'a list';
is next_times('5/25 0 * * *', '2026-01-01 00:00Z', 3),
    '2026-01-01 00:05, 2026-01-01 00:30, 2026-01-01 00:55',
    'a step from a number on';
is next_times('0 12 13 * fri', '2026-02-01 00:00Z', 3),
    '2026-02-06 12:00, 2026-02-13 12:00, 2026-02-20 12:00',
    'either day will do when both are restricted';
is next_times('0 12 */2 * fri', '2026-02-01 00:00Z', 2),
    '2026-02-13 12:00, 2026-02-27 12:00', 'both must fit beside a star';
is next_times('0 0 * jan sun', '2026-02-01 00:00Z', 1), '2027-01-03 00:00',
    'names';
is next_times('0 0 * 1 7', '2026-02-01 00:00Z', 1), '2027-01-03 00:00',
    'Sunday is 7 as well';
is next_times('0 0 29 2 *', '2026-02-01 00:00Z', 2),
    '2028-02-29 00:00, 2032-02-29 00:00', '29 February';
is next_times('0 0 31 2 *', '2026-02-01 00:00Z', 1), '', 'never';
is next_times('@daily', '2026-01-01 00:00Z', 1), '2026-01-02 00:00', '@daily';
is next_times('@hourly', '2026-01-01 00:00Z', 1), '2026-01-01 01:00', '@hourly';

is next_times('30 6 * * *', '2026-03-28 12:00Z', 2, 'Europe/Berlin'),
    '2026-03-29 04:30, 2026-03-30 04:30', 'the time of a place';
is next_times('0 0 * * *', '2026-06-30 12:00Z', 1, 'Pacific/Kiritimati'),
    '2026-07-01 10:00', 'a place far ahead';
is next_times('0 23 * * *', '2026-06-30 12:00Z', 1, 'Pacific/Pago_Pago'),
    '2026-07-01 10:00', 'a place far behind';

# Berlin: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00
is next_times('30 2 * * *', '2026-03-28 12:00Z', 2, 'Europe/Berlin'),
    '2026-03-29 01:30, 2026-03-30 00:30', 'a time that is skipped: once';
is next_times('0,30 2,3 * * *', '2026-03-28 12:00Z', 3, 'Europe/Berlin'),
    '2026-03-29 01:00, 2026-03-29 01:30, 2026-03-30 00:00',
    'not twice beside the one that it falls on';
is next_times('30 2 * * *', '2026-10-24 12:00Z', 2, 'Europe/Berlin'),
    '2026-10-25 00:30, 2026-10-26 01:30', 'a time that is shown twice: once';
is next_times('30 * * * *', '2026-10-24 23:45Z', 3, 'Europe/Berlin'),
    '2026-10-25 00:30, 2026-10-25 01:30, 2026-10-25 02:30',
    'each hour is each hour that passes, when clocks are put back';
is next_times('30 * * * *', '2026-03-28 23:45Z', 3, 'Europe/Berlin'),
    '2026-03-29 00:30, 2026-03-29 01:30, 2026-03-29 02:30',
    'and when they are put forward';
is next_times('15 1 * * *', '2026-04-04 00:00Z', 2, 'Australia/Lord_Howe'),
    '2026-04-04 14:15, 2026-04-05 14:45', 'by half an hour';

like refusal('* * * *'), qr/five fields/, 'four fields';
like refusal('61 * * * *'), qr/^Minute .*"61" is not from 0 to 59/,
    'a minute too high';
like refusal('* * 0 * *'), qr/^Day of the month .*from 1 to 31/, 'day 0';
like refusal('* * * foo *'), qr/^Month .*"foo"/, 'no month';
like refusal('* * * * 1-'), qr/^Day of the week .*"1-"/, 'half a range';
like refusal('5-1 * * * *'), qr/ends before it begins/, 'a range backwards';
like refusal('*/0 * * * *'), qr/^Minute/, 'no step';
like refusal('1,,2 * * * *'), qr/^Minute .*""/, 'an empty part';
like refusal('*/99999999999 * * * *'), qr/^Minute/, 'a huge step';
like refusal('@never'), qr/five fields/, 'no such word';
like refusal('0 0 30 2 *'), qr/never/, 'no such day';
is refusal('0 6 * * *'), '', 'nothing is wrong';

is $e->sql(q{select string_agg(igjobs.is_time_zone(z)::text, ' ')
    from unnest('{UTC,Europe/Berlin,America/Argentina/Ushuaia,Europe/Nowhere,
                 EST5EDT,+02,"","x/../y"}'::text[]) z}),
    'true true true false false false false false', 'names of time zones';

done_testing;
