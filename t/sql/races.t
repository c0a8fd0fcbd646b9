#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Many sessions at once: overlapping pages of one job, cancels raced against
# claims and pages. No deadlock, no lost or doubled row, exact counters, one
# end for each job.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

use constant SESSIONS => 8;
use constant PAGES => 15;
use constant PAGE => 200;

my $e = Igjobs::Engine->new;

# all($sql for number): runs it in as many sessions, returns what they said
sub everywhere {
    my ($count, $sql) = @_;
    my @sessions = map { $e->session } 1 .. $count;

    $sessions[$_]->send($sql->($_)) for 0 .. $#sessions;
    return grep { $_ ne '' } map { $_->wait(120) } @sessions;
}

# a worker's call of store_page inside plpgsql, all profiles female
$e->sql(<<'SQL');
create function public.store(c igjobs.claimed, run integer, first bigint,
    ids text[], close boolean)
    returns igjobs.stored language plpgsql as $$
declare
    n integer := cardinality(ids);
begin
    ids := array(select i collate "C" from unnest(ids) i order by 1);
    return igjobs.store_page(c.tenant, c.job_id, c.batch_no, c.attempt, run,
        first, first + n, close, case when close then 'succeeded' end, 0.5,
        n, n, n, 0, 0, ids, ids, ids, array_fill('female'::text, array[n]),
        array_fill(0.9::real, array[n]), array_fill('name'::text, array[n]),
        array_fill(null::text, array[n]), null, 0);
end
$$;
create function public.start(c igjobs.claimed) returns igjobs.intent
    language plpgsql as $$
declare
    i igjobs.intent := igjobs.run_intent(c.tenant, c.job_id, c.batch_no,
        c.attempt, 'p', 'a', null, 1000);
begin
    if i.answer = 'ok' then
        perform igjobs.run_started(c.tenant, c.job_id, c.batch_no, c.attempt,
            i.run_no, 'run ' || i.token, 'set');
    end if;
    return i;
end
$$;
SQL

# the n-th profile of a page
$e->sql(<<'SQL');
create function public.profile(session integer, page integer, n integer)
    returns text language sql immutable
return lpad(((n * (3 + (page + session) % 7) + page * 331) % 9973)::text, 5,
            '0');
SQL

# overlapping pages: each takes every third to ninth profile from some place
# on, in the opposite order in every other session

my $job = $e->submit(50 * SESSIONS, parallelism => SESSIONS);
my $pages = PAGES;
my $page = PAGE;
my @said = everywhere(SESSIONS, sub { my $number = 1 + shift; return <<"SQL" });
do \$\$
declare
    c igjobs.claimed := igjobs.claim('default', '$job', '{scrape_followers}',
        'w$number', 60000);
    i igjobs.intent := public.start(c);
    s igjobs.stored;
    ids text[];
begin
    commit;
    for p in 1 .. $pages loop
        ids := array(
            select public.profile($number, p, n)
            from generate_series(1, $page) n
            order by n * case $number % 2 when 0 then 1 else -1 end);
        s := public.store(c, i.run_no, (p - 1) * $page, ids, p = $pages);
        if s.answer <> 'stored' then
            raise exception 'answer %', s.answer;
        end if;
        commit;
    end loop;
end
\$\$
SQL
is_deeply \@said, [], 'no session saw a deadlock or another error';

my $row = $e->row($job);
my ($rows, $distinct) = split /\|/, $e->sql('select count(*),'
    . " count(distinct profile_id) from public.scrape_results"
    . " where job_id = '$job'");
is $rows, $distinct, "no profile twice among $rows rows";
is $e->sql(<<"SQL"), $rows, 'and none is missing';
select count(distinct public.profile(s, p, n))
from generate_series(1, @{[SESSIONS]}) s, generate_series(1, $pages) p,
    generate_series(1, $page) n
SQL
is_deeply [@$row{qw(state batches_done profiles_scraped next_row seen
                    female_count total_filtered)}],
    ['completed', SESSIONS, $rows, $rows, (SESSIONS * PAGES * PAGE) x 2,
     $rows], 'the counters are exact';
is $row->{version}, 2 + SESSIONS * PAGES,
    'one version for the start and one for each page';
is $e->sql(<<"SQL"), "$rows|0", 'chunks follow each other without a gap';
select sum(n), count(*) filter (where first_row <> should) from (
    select n, first_row, coalesce(sum(n) over (order by first_row
        rows between unbounded preceding and 1 preceding), 0) as should
    from igjobs.chunks where job_id = '$job') t
SQL
is $e->sql(<<"SQL"), "$rows|$rows", 'pages of results show each row once';
select count(*), count(distinct profile_id)
from generate_series(0, $rows, 70) first,
    igjobs.result_rows('default', '$job', first, 70, ';'),
    string_to_table(profile_ids, ';') profile_id
SQL

# cancels raced against claims and pages

$e->note_ends;
my @jobs = map { $e->submit(100, tenant => 'race') } 1 .. 150;
@said = everywhere(6, sub { my ($number) = @_; return <<"SQL" });
do \$\$
declare
    job uuid;
    c igjobs.claimed;
    i igjobs.intent;
    s igjobs.stored;
begin
    for job in
        select job_id from public.scrape_jobs where tenant = 'race'
        order by md5(job_id || '$number')
    loop
        if $number = 5 then
            perform pg_sleep(0.02 * random());
            perform igjobs.stop_job('race', job, 'cancel');
            commit;
            continue;
        end if;
        c := igjobs.claim('race', job, '{scrape_followers}', 'w', 60000);
        commit;
        continue when c.answer <> 'batch';
        i := public.start(c);
        commit;
        if i.answer <> 'ok' then
            perform igjobs.give_back('race', job, c.batch_no, c.attempt);
            commit;
            continue;
        end if;
        s := public.store(c, i.run_no, 0, array['a', c.batch_no::text], false);
        commit;
        s := public.store(c, i.run_no, 2, array['b', 'c'], true);
        commit;
        if s.answer <> 'stored' then
            raise exception 'answer %', s.answer;
        end if;
    end loop;
end
\$\$
SQL
is_deeply \@said, [], 'no session saw a deadlock or another error';
is $e->sql("select count(*) from public.scrape_jobs where tenant = 'race'"
    . ' and completed_at is null'), 0, 'every job has ended';
is $e->sql('select count(*), count(distinct job_id) from public.ends'),
    '150|150', 'each once';
my %ends = map { split /\|/ } split /\n/,
    $e->sql('select state, count(*) from public.ends group by 1');
note join ', ', map { "$ends{$_} $_" } sort keys %ends;
is $e->sql("select count(*) from igjobs.batches where tenant = 'race'"
    . " and state = 'leased'"), 0, 'no lease is left behind';
is $e->sql(<<'SQL'), 0, 'the rows are those that the final documents count';
select count(*) from public.scrape_jobs j
where tenant = 'race' and (doc::jsonb ->> 'profiles_scraped')::int <> (
    select count(*) from public.scrape_results r where r.job_id = j.job_id)
SQL
is $e->sql(<<'SQL'), 0, 'canceled jobs left their other batches queued';
select count(*) from public.scrape_jobs j
where tenant = 'race' and batches_done <> (
    select count(*) from igjobs.batches b
    where b.job_id = j.job_id and b.state = 'done')
SQL

done_testing;
