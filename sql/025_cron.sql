-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Cron expressions: minute, hour, day of the month, month, day of the week, as
-- in crontab(5), in a time zone of their own. What is wrong with one is raised
-- as invalid_parameter_value, in words for who wrote it.

create type igjobs.cron as (
    minutes integer[], hours integer[], days integer[], months integer[],
    weekdays integer[], each_hour boolean, any_day boolean,
    any_weekday boolean);
comment on type igjobs.cron is
    'An expression, read. each_hour: the hours are *; any_day, any_weekday: '
    'that field begins with *, so that the other one alone decides.';


create function igjobs.cron_error(p_text text)
    returns void
    language plpgsql immutable
as $$
begin
    raise exception using errcode = 'invalid_parameter_value',
        message = p_text;
end
$$;
comment on function igjobs.cron_error(text) is
    'Raises what is wrong with a cron expression.';


create function igjobs.cron_number(
    p_text text, p_name text, p_low integer, p_high integer, p_words text[])
    returns integer
    language plpgsql immutable
as $$
declare
    n integer := array_position(p_words, lower(p_text)) - 1 + p_low;
begin
    if n is null and p_text ~ '^[0-9]{1,2}$' then
        n := p_text::integer;
    end if;
    if n is null or n not between p_low and p_high then
        perform igjobs.cron_error(format(
            '%s of the cron expression: "%s" is not from %s to %s.',
            p_name, left(p_text, 20), p_low, p_high));
    end if;
    return n;
end
$$;
comment on function igjobs.cron_number(
    text, text, integer, integer, text[]) is
    'A number or a name (jan, mon) in a field; the first name is p_low.';


create function igjobs.cron_range(
    p_part text, p_name text, p_low integer, p_high integer, p_words text[])
    returns integer[]
    language plpgsql immutable
as $$
declare
    p text[] := regexp_match(
        p_part, '^(?:(\*)|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:/([0-9]{1,2}))?$',
        'i');
    first integer := p_low;
    last integer := p_high;
    step integer := coalesce(p[4], '1')::integer;
begin
    if p is null or step = 0 then
        perform igjobs.cron_error(format(
            '%s of the cron expression: "%s" is no number, range (1-5), list '
            '(1,3), * or step (*/15).', p_name, left(p_part, 20)));
    end if;
    if p[2] is not null then
        first := igjobs.cron_number(p[2], p_name, p_low, p_high, p_words);
        last := case
            when p[3] is not null then
                igjobs.cron_number(p[3], p_name, p_low, p_high, p_words)
            when p[4] is not null then p_high
            else first
            end;
    end if;
    if last < first then
        perform igjobs.cron_error(format(
            '%s of the cron expression: the range "%s" ends before it begins.',
            p_name, left(p_part, 20)));
    end if;
    return array(select generate_series(first, last, step));
end
$$;
comment on function igjobs.cron_range(
    text, text, integer, integer, text[]) is
    'One part of a list in a field: *, 5, 1-5, either with a step; 5/10 goes '
    'on to the end.';


create function igjobs.cron_field(
    p_field text, p_name text, p_low integer, p_high integer,
    p_words text[] default '{}')
    returns integer[]
    language sql immutable
return array(
    select distinct n
    from string_to_table(p_field, ',') part,
        unnest(igjobs.cron_range(part, p_name, p_low, p_high, p_words)) n
    order by n);
comment on function igjobs.cron_field(
    text, text, integer, integer, text[]) is
    'The numbers that a field stands for, in order.';


create function igjobs.cron_fields(p_cron text)
    returns text[]
    language sql immutable
return regexp_split_to_array(
    case lower(trim(p_cron, e' \t'))
        when '@hourly' then '0 * * * *'
        when '@daily' then '0 0 * * *'
        when '@midnight' then '0 0 * * *'
        when '@weekly' then '0 0 * * 0'
        when '@monthly' then '0 0 1 * *'
        when '@yearly' then '0 0 1 1 *'
        when '@annually' then '0 0 1 1 *'
        else trim(p_cron, e' \t')
    end, '[ \t]+');
comment on function igjobs.cron_fields(text) is
    'The fields of an expression; the words like @daily stand for five.';


create function igjobs.parse_cron(p_cron text)
    returns igjobs.cron
    language plpgsql immutable
as $$
declare
    f text[] := igjobs.cron_fields(p_cron);
    c igjobs.cron;
begin
    if cardinality(f) <> 5 then
        perform igjobs.cron_error(
            'A cron expression has five fields: minute, hour, day of the '
            'month, month, day of the week; or is @hourly, @daily, @weekly, '
            '@monthly or @yearly.');
    end if;
    c.minutes := igjobs.cron_field(f[1], 'Minute', 0, 59);
    c.hours := igjobs.cron_field(f[2], 'Hour', 0, 23);
    c.days := igjobs.cron_field(f[3], 'Day of the month', 1, 31);
    c.months := igjobs.cron_field(
        f[4], 'Month', 1, 12,
        '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}');
    c.weekdays := igjobs.cron_field(f[5], 'Day of the week', 0, 7,
                                    '{sun,mon,tue,wed,thu,fri,sat}');
    c.each_hour := cardinality(c.hours) = 24;
    c.any_day := f[3] like '*%';
    c.any_weekday := f[5] like '*%';
    return c;
end
$$;
comment on function igjobs.parse_cron(text) is
    'Reads an expression. Sunday is 0 and 7.';


create function igjobs.cron_has_day(c igjobs.cron, p_day date)
    returns boolean
    language plpgsql immutable
as $$
declare
    day boolean := extract(day from p_day)::integer = any (c.days);
    weekday boolean := c.weekdays
                       && case extract(dow from p_day)::integer
                           when 0 then array[0, 7]
                           else array[extract(dow from p_day)::integer]
                           end;
begin
    return extract(month from p_day)::integer = any (c.months)
        and case
            when c.any_day or c.any_weekday then day and weekday
            else day or weekday
            end;
end
$$;
comment on function igjobs.cron_has_day(igjobs.cron, date) is
    'Is this a day of the expression? As in crontab(5): where both days are '
    'restricted, either will do.';


create function igjobs.local_times(
    p_local timestamp, p_time_zone text, p_both boolean)
    returns timestamptz[]
    language plpgsql stable
as $$
declare
    later timestamptz := p_local at time zone p_time_zone;
    earlier timestamptz := (
        select later - s from unnest('{1 hour,30 minutes}'::interval[]) s
        where (later - s) at time zone p_time_zone = p_local
        limit 1);
begin
    return case
        when earlier is null then array[later]
        when p_both then array[earlier, later]
        else array[earlier]
        end;
end
$$;
comment on function igjobs.local_times(timestamp, text, boolean) is
    'When clocks of a time zone show this. Where they are put back they show '
    'it twice: both times, or the first. Where they are put forward past it: '
    'what they show instead, as much later.';


create function igjobs.cron_next_on(
    c igjobs.cron, p_day date, p_time_zone text, p_after timestamptz)
    returns timestamptz
    language sql stable
return (
    select min(at)
    from unnest(c.hours) h, unnest(c.minutes) m,
        unnest(igjobs.local_times(
            p_day + make_interval(hours => h, mins => m), p_time_zone,
            c.each_hour)) at
    where at > p_after);
comment on function igjobs.cron_next_on(
    igjobs.cron, date, text, timestamptz) is
    'The first time of an expression on a day of its time zone, after '
    'p_after; null when there is none. With * as its hour it is true to the '
    'hours that pass, else each time of the day comes once.';


create function igjobs.cron_next(
    p_cron text, p_time_zone text, p_after timestamptz)
    returns timestamptz
    language plpgsql stable
as $$
declare
    c igjobs.cron := igjobs.parse_cron(p_cron);
    today date := (p_after at time zone p_time_zone)::date;
    found timestamptz;
begin
    -- 29 February comes within eight years
    for i in 0 .. 2922 loop
        if igjobs.cron_has_day(c, today + i) then
            found := igjobs.cron_next_on(c, today + i, p_time_zone, p_after);
            exit when found is not null;
        end if;
    end loop;
    return found;
end
$$;
comment on function igjobs.cron_next(text, text, timestamptz) is
    'The first time of a cron expression after p_after; null when there is '
    'none within eight years.';


create function igjobs.is_time_zone(p_name text)
    returns boolean
    language plpgsql stable
as $$
begin
    -- other forms, such as EST5EDT or +02, are no place
    if p_name !~ '^(UTC|[A-Za-z_]+(/[A-Za-z0-9_+-]+)+)$' then
        return false;
    end if;
    perform now() at time zone p_name;
    return true;
exception when invalid_parameter_value then
    return false;
end
$$;
comment on function igjobs.is_time_zone(text) is
    'Is this the name of a time zone, like Europe/Berlin or UTC?';


create function igjobs.cron_fault(p_cron text)
    returns text
    language plpgsql stable
as $$
begin
    return case when igjobs.cron_next(p_cron, 'UTC', now()) is null then
        'The cron expression names a day that there never is.' end;
exception when invalid_parameter_value then
    return sqlerrm;
end
$$;
comment on function igjobs.cron_fault(text) is
    'What is wrong with an expression, in words; null when nothing is.';


revoke all on all functions in schema igjobs from public;
