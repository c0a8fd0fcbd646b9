// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// The program that works on batches.

import { run } from './processes.js';
import { workerProcesses } from './settings.js';

await run(workerProcesses, async () => (await import('./scrape.js')).start());
