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

// the text of the document; undefined: there is no such job
export async function read(id) {
  const copy = await redis.get(key(id));
  if (copy) return copy;
  const document = await store.findStatus(id);
  if (document) await publish(id, document);
  return document;
}

export const publish = (id, document) =>
  redis.set(key(id), document, 'EX', copySeconds);
