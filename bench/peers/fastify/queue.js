// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// The queue of batches: one BullMQ job for 50 accounts.

import { setImmediate } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { accountsPerBatch, batchesPerCommand, queueName, redis }
  from './settings.js';

const options = {
  attempts: 4,
  backoff: { type: 'exponential', delay: 1000 },
  removeOnComplete: true,
  removeOnFail: true,
};

export const queue = new Queue(queueName, { connection: redis });

export const countBatches = (accounts) =>
  Math.ceil(accounts.length / accountsPerBatch);

const batch = (data) => ({ name: 'scrape', data, opts: options });

// All batches of a job. Redis works on some while the next ones are made.
export async function enqueue(jobId, accounts, maxCount) {
  const sent = [];

  if (accounts.length <= accountsPerBatch) {
    const { name, data, opts } = batch({ jobId, accounts, maxCount });
    await queue.add(name, data, opts);
    return;
  }
  for (let at = 0; at < accounts.length;) {
    const batches = [];
    while (batches.length < batchesPerCommand && at < accounts.length) {
      const end = at + accountsPerBatch;
      batches.push(batch({ jobId, maxCount,
        accounts: accounts.slice(at, end) }));
      at = end;
    }
    sent.push(queue.addBulk(batches));
    await setImmediate();
  }
  await Promise.all(sent);
}
