// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// Shapes of the answers: Fastify compiles a serialiser from each.

const text = { type: 'string' };
const integer = { type: 'integer' };
const maybe = (schema) => ({ ...schema, nullable: true });

const answer = (properties) => ({
  response: {
    200: { type: 'object',
      properties: { success: { type: 'boolean' }, ...properties } },
  },
});

export const statusSchema = answer({
  job_id: text,
  status: text,
  progress: { type: 'number' },
  profiles_scraped: integer,
  total_scraped: maybe(integer),
  total_filtered: maybe(integer),
  total_batches: integer,
  current_batch: integer,
  error_message: maybe(text),
  created_at: text,
  started_at: maybe(text),
  completed_at: maybe(text),
});

export const pageSchema = answer({
  job_id: text,
  page: integer,
  limit: integer,
  total: integer,
  profiles: {
    type: 'array',
    items: {
      type: 'object',
      properties: { id: text, username: text, full_name: text,
        created_at: text },
    },
  },
});
