# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
"""Everything that is asked of Postgres, over one kept connection a thread."""

import io
import threading

import psycopg2
from psycopg2.extras import execute_values

ROWS_PER_INSERT = 1000
DEEP_FROM = 10000

STATUS_FIELDS = '''status, progress, profiles_scraped, total_scraped,
    total_filtered, total_batches, current_batch, error_message, created_at,
    started_at, completed_at'''

PREPARE = f'''
prepare find_status (uuid) as
    select row_to_json(s)::text from (
        select true as success, job_id, {STATUS_FIELDS}
        from scrape_jobs where job_id = $1) s;
prepare find_total (uuid) as
    select status, total_filtered from scrape_jobs where job_id = $1;
prepare near_page (uuid, integer, integer) as
    select string_agg(row_to_json(p)::text, ',') from (
        select r.profile_id as id, r.username, r.full_name, r.created_at
        from scrape_results r where r.job_id = $1
        order by r.id offset $2 limit $3) p;
prepare deep_page (uuid, integer, integer) as
    select string_agg(row_to_json(p)::text, ',') from (
        select r.profile_id as id, r.username, r.full_name, r.created_at
        from (select id from scrape_results where job_id = $1
              order by id offset $2 limit $3) page
        join scrape_results r on r.job_id = $1 and r.id = page.id
        order by r.id) p;
prepare insert_job (uuid, text[], text, integer, integer) as
    insert into scrape_jobs (job_id, accounts, target_gender,
        max_count_per_account, total_batches) values ($1, $2, $3, $4, $5);
'''

_thread = threading.local()


def connection():
    """This thread's connection; each statement commits by itself."""
    if getattr(_thread, 'connection', None) is None:
        made = psycopg2.connect('', options='-c timezone=UTC')
        made.autocommit = True
        with made.cursor() as cursor:
            cursor.execute(PREPARE)
        _thread.connection = made
    return _thread.connection


def _first(statement, *values):
    with connection().cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def find_status(job_id):
    """The status document as JSON text, None if there is no such job."""
    row = _first('execute find_status (%s)', job_id)
    return row and row[0]


def find_total(job_id):
    """(status, number of result rows), None if there is no such job."""
    return _first('execute find_total (%s)', job_id)


def find_results(job_id, offset, limit):
    """One page as the elements of a JSON array.

    Deep ones are found in the index alone, and only their own rows are read;
    near the front that costs more than it saves.
    """
    page = 'near_page' if offset < DEEP_FROM else 'deep_page'
    row = _first(f'execute {page} (%s, %s, %s)', job_id, offset, limit)
    return row[0] or ''


def insert_job(job_id, accounts, target_gender, max_count, total_batches):
    with connection().cursor() as cursor:
        cursor.execute('execute insert_job (%s, %s, %s, %s, %s)',
                       (job_id, accounts, target_gender, max_count,
                        total_batches))


def mark_processing(job_id):
    with connection().cursor() as cursor:
        cursor.execute('''update scrape_jobs
            set status = 'processing', started_at = now()
            where job_id = %s and status = 'queued' ''', (job_id,))


def add_scraped(job_id, count):
    with connection().cursor() as cursor:
        cursor.execute('''update scrape_jobs
            set profiles_scraped = profiles_scraped + %s
            where job_id = %s''', (count, job_id))


def insert_results(job_id, profiles):
    """All profiles of a job, 1000 rows a statement."""
    rows = [(job_id, p['id'], p['username'], p['full_name'])
            for p in profiles]
    with connection().cursor() as cursor:
        execute_values(cursor, '''insert into scrape_results
            (job_id, profile_id, username, full_name) values %s''', rows,
            page_size=ROWS_PER_INSERT)


def complete_job(job_id, scraped, filtered):
    with connection().cursor() as cursor:
        cursor.execute('''update scrape_jobs
            set status = 'completed', total_scraped = %s, total_filtered = %s,
                profiles_scraped = %s, progress = 100, completed_at = now()
            where job_id = %s''', (scraped, filtered, filtered, job_id))


def fail_job(job_id, message):
    with connection().cursor() as cursor:
        cursor.execute('''update scrape_jobs
            set status = 'failed', error_message = %s where job_id = %s''',
            (message, job_id))


_ESCAPES = str.maketrans({'\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r'})


def store_batch(job_id, profiles, seen):
    """A batch that is done: rows and counters of its job in one transaction.

    The job's row is taken last, so batches seldom wait for it.
    """
    lines = ''.join([
        f"{job_id}\t{p['id']}\t{p['username']}\t"
        f"{p['full_name'].translate(_ESCAPES)}\n" for p in profiles])
    kept = len(profiles)
    made = connection()
    made.autocommit = False
    try:
        with made, made.cursor() as cursor:
            cursor.copy_expert('''copy scrape_results
                (job_id, profile_id, username, full_name) from stdin''',
                io.StringIO(lines))
            cursor.execute('''update scrape_jobs
                set profiles_scraped = profiles_scraped + %(kept)s,
                    total_scraped = coalesce(total_scraped, 0) + %(seen)s,
                    total_filtered = coalesce(total_filtered, 0) + %(kept)s,
                    current_batch = current_batch + 1,
                    progress = 100.0 * (current_batch + 1) / total_batches,
                    status = case when current_batch + 1 = total_batches
                        then 'completed' else 'processing' end,
                    started_at = coalesce(started_at, now()),
                    completed_at = case when current_batch + 1 = total_batches
                        then clock_timestamp() end
                where job_id = %(job_id)s''',
                {'job_id': job_id, 'kept': kept, 'seen': seen})
    finally:
        made.autocommit = True
