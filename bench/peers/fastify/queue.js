// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// The queue of batches: one BullMQ job for 50 accounts.

import { Queue } from 'bullmq';
import { accountsPerBatch, queueName, redis } from './settings.js';

const options = {
  attempts: 4,
  backoff: { type: 'exponential', delay: 1000 },
  removeOnComplete: true,
  removeOnFail: true,
};

export const queue = new Queue(queueName, { connection: redis });

export const countBatches = (accounts) =>
  Math.ceil(accounts.length / accountsPerBatch);

// all batches of a job at once
export async function enqueue(jobId, accounts, maxCount) {
  const batches = [];

  for (let at = 0; at < accounts.length; at += accountsPerBatch) {
    batches.push({
      name: 'scrape',
      data: { jobId, accounts: accounts.slice(at, at + accountsPerBatch),
        maxCount },
      opts: options,
    });
  }
  if (batches.length === 1) {
    await queue.add('scrape', batches[0].data, options);
  } else {
    await queue.addBulk(batches);
  }
}
