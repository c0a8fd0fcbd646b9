// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// Batches are taken from the queue, scraped and stored.

import { Worker } from 'bullmq';
import { closeProvider, scrapeFollowers } from './provider.js';
import * as settings from './settings.js';
import * as status from './status.js';
import * as store from './store.js';

async function scrape({ data: { jobId, accounts, maxCount } }) {
  const followers = await scrapeFollowers(accounts, maxCount);
  const document = await store.storeBatch(jobId, followers, followers.length);

  if (settings.statusFromRedis) await status.publish(jobId, document);
}

async function failed(batch, error) {
  if (batch.attemptsMade >= batch.opts.attempts) {
    await store.failJob(batch.data.jobId, error.message);
    await status.forget(batch.data.jobId);
  }
}

// starts to take batches; returns what ends it in order
export async function start() {
  const worker = new Worker(settings.queueName, scrape, {
    connection: settings.redis,
    concurrency: settings.workerConcurrency,
  });

  worker.on('failed', failed);
  worker.on('error', (error) => console.error(error));
  await worker.waitUntilReady();
  console.log('worker ready');

  return async () => {
    await worker.close();
    await Promise.all([closeProvider(), store.close(),
      status.redis.quit()]);
  };
}
