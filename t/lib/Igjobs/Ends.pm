# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A witness of the ends of jobs, in the database itself.
#
#   note_ends(sub { $postgres->psql(@_) });
#
# From then on every end of a job is written into public.ends, with the number
# of its rows at that moment, and a change of a job after its end is an error,
# but for its cost, which is known later.

package Igjobs::Ends;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(note_ends);

sub note_ends {
    my ($sql) = @_;

    $sql->(<<'SQL');
create table public.ends (job_id uuid, state text, rows bigint);
create function public.note_end() returns trigger language plpgsql
    security definer as $$
begin
    if old.completed_at is not null
        and (new.state, new.completed_at, new.next_row, new.seen,
             new.batches_done, new.batches_dead)
            is distinct from
            (old.state, old.completed_at, old.next_row, old.seen,
             old.batches_done, old.batches_dead)
    then
        raise exception 'job % changed after its end', old.job_id;
    elsif old.completed_at is null and new.completed_at is not null then
        insert into public.ends values (new.job_id, new.state, (
            select count(*) from public.scrape_results r
            where r.job_id = new.job_id));
    end if;
    return new;
end
$$;
create trigger note_end after update on public.scrape_jobs
    for each row execute function public.note_end()
SQL
    return;
}

1;
