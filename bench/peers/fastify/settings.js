// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// What the environment says. Postgres' own PG* variables are read by pg.

const env = process.env;

export const port = Number(env.PORT);
export const apiProcesses = Number(env.API_PROCESSES || 2);
export const workerProcesses = Number(env.WORKER_PROCESSES || 2);
export const workerConcurrency = Number(env.WORKER_CONCURRENCY || 4);
export const poolSize = Number(env.POOL_SIZE || 16);
export const pipelines = Number(env.PIPELINES || 2);
export const statusFromRedis = env.STATUS_FROM === 'redis';
export const redis = { path: env.REDIS_SOCKET, db: Number(env.REDIS_DB || 0) };
export const provider = {
  url: env.APIFY_BASE_URL,
  token: env.APIFY_API_KEY,
  actor: env.APIFY_ACTOR_ID,
  fields: env.APIFY_FIELDS || '',
};
export const queueName = 'batches';
export const accountsPerBatch = 50;
export const batchesPerCommand = 500;
