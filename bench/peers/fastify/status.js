// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// The status document of a job, and its copy in Redis.

import { Redis } from 'ioredis';
import * as settings from './settings.js';
import * as store from './store.js';

const copySeconds = 3600;

// commands of one turn of the event loop go out together
export const redis = new Redis({
  ...settings.redis,
  enableAutoPipelining: true,
  maxRetriesPerRequest: null,
});

const key = (id) => `status:${id}`;

export const document = (job) => JSON.stringify({ success: true, ...job });

// the text of the document; undefined: there is no such job
export async function read(id) {
  const copy = await redis.get(key(id));
  if (copy) return copy;
  const job = await store.findJob(id);
  return job && publish(job);
}

export async function publish(job) {
  const text = document(job);
  await redis.set(key(job.job_id), text, 'EX', copySeconds);
  return text;
}
