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

// Workers may come in another order than their transactions: the copy that has
// more batches stays.
redis.defineCommand('publishStatus', {
  numberOfKeys: 1,
  lua: `
    local function batches(document)
      return tonumber(string.match(document, '"current_batch":(%d+)'))
    end
    local present = redis.call('get', KEYS[1])
    if not present or batches(present) <= batches(ARGV[1]) then
      redis.call('set', KEYS[1], ARGV[1], 'ex', ARGV[2])
    end`,
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
  redis.publishStatus(key(id), document, copySeconds);

export const forget = (id) => redis.del(key(id));
