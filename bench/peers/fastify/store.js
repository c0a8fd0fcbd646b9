// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// Everything that is asked of Postgres. Statements are prepared once a
// connection. A status comes as JSON text, which is cheaper than to take a row
// apart and to put it together again; for a page it is not. Times come as the
// API shows them.

import pg from 'pg';
import { Pipeline } from './pipeline.js';
import { pipelines, poolSize } from './settings.js';

const timestamptz = 1184;
pg.types.setTypeParser(timestamptz,
  (text) => `${text.slice(0, 10)}T${text.slice(11)}:00`);

const options = { options: '-c timezone=UTC' };
const pool = new pg.Pool({ ...options, max: poolSize });
const short = new Pipeline(pipelines, options);

export const close = () => Promise.all([pool.end(), short.end()]);

const jobColumns = `job_id, status, progress, profiles_scraped, total_scraped,
  total_filtered, total_batches, current_batch, error_message, created_at,
  started_at, completed_at`;

const pageColumns = 'r.profile_id as id, r.username, r.full_name, r.created_at';
const deepFrom = 10000;
const nearPage = {
  name: 'near-page',
  text: `select ${pageColumns} from scrape_results r
    where r.job_id = $1 order by r.id offset $2 limit $3`,
};
const deepPage = {
  name: 'deep-page',
  text: `select ${pageColumns}
    from (select id from scrape_results where job_id = $1
          order by id offset $2 limit $3) p
    join scrape_results r on r.job_id = $1 and r.id = p.id order by r.id`,
};

// The document of a job; undefined: there is no such job
export async function findStatus(id) {
  const { rows } = await short.query({
    name: 'find-status',
    text: `select row_to_json(d)::text from (select true as success,
      ${jobColumns} from scrape_jobs where job_id = $1) d`,
    values: [id],
    rowMode: 'array',
  });
  return rows[0]?.[0];
}

export async function findTotal(id) {
  const { rows } = await short.query({
    name: 'find-total',
    text: `select status, total_filtered as total from scrape_jobs
      where job_id = $1`,
    values: [id],
  });
  return rows[0];
}

export async function insertJob(job) {
  await pool.query({
    name: 'insert-job',
    text: `insert into scrape_jobs (job_id, target_gender,
      max_count_per_account, total_batches) values ($1, $2, $3, $4)`,
    values: [job.id, job.targetGender, job.maxCount, job.totalBatches],
  });
}

// One page in the order of the rows. Deep ones are found in the index alone, and
// only their own rows are read; near the front that costs more than it saves.
export async function findResults(id, offset, limit) {
  const { rows } = await pool.query({
    ...(offset < deepFrom ? nearPage : deepPage),
    values: [id, offset, limit],
  });
  return rows;
}

// A batch that is done: its rows and the counters of its job in one
// transaction. The job's row is taken last, so batches seldom wait for it.
// Returns the job's document.
export async function storeBatch(jobId, profiles, seen) {
  const { rows } = await pool.query({
    name: 'store-batch',
    text: `with stored as (
        insert into scrape_results (job_id, profile_id, username, full_name)
        select $1, * from unnest($2::text[], $3::text[], $4::text[])
        returning 1),
      counted as (
        update scrape_jobs
        set profiles_scraped = profiles_scraped + (select count(*) from stored),
            total_scraped = coalesce(total_scraped, 0) + $5,
            total_filtered = coalesce(total_filtered, 0)
                + (select count(*) from stored),
            current_batch = current_batch + 1,
            progress = 100.0 * (current_batch + 1) / total_batches,
            status = case when current_batch + 1 = total_batches
                then 'completed' else 'processing' end,
            started_at = coalesce(started_at, now()),
            completed_at = case when current_batch + 1 = total_batches
                then clock_timestamp() end
        where job_id = $1
        returning true as success, ${jobColumns})
      select row_to_json(counted)::text from counted`,
    values: [jobId, profiles.map((p) => p.id), profiles.map((p) => p.username),
      profiles.map((p) => p.full_name), seen],
    rowMode: 'array',
  });
  return rows[0][0];
}

export async function failJob(id, message) {
  await pool.query(`update scrape_jobs set status = 'failed',
    error_message = $2 where job_id = $1`, [id, message]);
}
