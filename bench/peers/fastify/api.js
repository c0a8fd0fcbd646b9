// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// The program that serves the API.

import { run } from './processes.js';
import { apiProcesses } from './settings.js';

await run(apiProcesses, async () => (await import('./app.js')).start());
