// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// A program as several processes that end together.

import cluster from 'node:cluster';

// run(count, main): main is called in each of the processes; what it returns
// is called to end it in order
export async function run(count, main) {
  if (cluster.isPrimary) {
    for (let i = 0; i < count; i++) cluster.fork();
    const end = () => {
      for (const worker of Object.values(cluster.workers)) {
        worker.process.kill('SIGTERM');
      }
    };
    process.once('SIGTERM', end).once('SIGINT', end);
    return;
  }

  const ending = new Promise((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
  });
  const close = await main();
  await ending;
  await close();
  process.exit(0);
}
