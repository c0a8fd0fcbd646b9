# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Result rows that no worker has found, written by SQL.
#
#   add_rows($stack, $job, { name => 'Ana', gender => 'female' }, ...);
#   add_many($stack, $job, 30_000, 'Name ');
#   add_chunk($stack, $job, 100, 'select ...');
#   end_job($stack, $job);

package Igjobs::Rows;

use strict;
use warnings;
use Exporter 'import';
use JSON::PP ();

our @EXPORT = qw(add_chunk add_rows add_many end_job);

my $json = JSON::PP->new->utf8;

# a chunk of the job; each { name, gender, confidence, source, evidence }
sub add_rows {
    my ($stack, $job, @rows) = @_;
    my $data = $json->encode(\@rows);

    $data =~ s/'/''/g;
    return add_chunk($stack, $job, scalar @rows, <<"SQL");
        select i - 1, 'id' || c.no || '.' || i, 'user.' || i, r ->> 'name',
            coalesce(r ->> 'gender', 'female'), (r ->> 'confidence')::real,
            r ->> 'evidence', r ->> 'source'
        from c, jsonb_array_elements('$data') with ordinality a (r, i)
SQL
}

# chunks of 5,000; ids long0 and so on, every other one male
sub add_many {
    my ($stack, $job, $count, $name) = @_;

    for (my $from = 0; $from < $count; $from += 5000) {
        my $n = $count - $from < 5000 ? $count - $from : 5000;
        add_chunk($stack, $job, $n, <<"SQL");
            select i - $from, 'long' || i, 'user.' || i, '$name' || i,
                case i % 2 when 0 then 'female' else 'male' end,
                0.5::real, 'name', 'one'
            from generate_series($from, $from + $n - 1) i
SQL
    }
    return;
}

# add_chunk($stack, $job, $n, $rows): $n rows behind those of the job; $rows is
# a query for idx, profile_id, username, full_name, gender, confidence,
# evidence and source_account
sub add_chunk {
    my ($stack, $job, $n, $rows) = @_;

    $stack->psql(<<"SQL");
        with c as materialized (select nextval('igjobs.chunk_no') no),
        rows as (
            insert into igjobs.chunk_rows (job_id, chunk_no, tenant, platform,
                profile_ids, usernames, full_names, genders, confidences,
                evidences, source_accounts)
            select '$job', c.no, 'default', 'instagram',
                array_agg(r.id order by r.idx),
                array_agg(r.username order by r.idx),
                array_agg(r.full_name order by r.idx),
                array_agg(r.gender order by r.idx),
                array_agg(r.confidence order by r.idx),
                array_agg(r.evidence order by r.idx),
                array_agg(r.source order by r.idx)
            from c, ($rows) r (idx, id, username, full_name, gender,
                               confidence, evidence, source)
            group by c.no),
        chunk as (
            insert into igjobs.chunks (job_id, first_row, chunk_no, n, tenant,
                platform)
            select '$job', j.next_row, c.no, $n, 'default', 'instagram'
            from c, public.scrape_jobs j where j.job_id = '$job')
        update public.scrape_jobs set next_row = next_row + $n
        where job_id = '$job';
SQL
    return;
}

sub end_job {
    my ($stack, $job) = @_;

    $stack->psql("update public.scrape_jobs set state = 'completed',
        status = 'completed', started_at = now(), completed_at = now(),
        version = version + 1 where job_id = '$job'");
    return;
}

1;
