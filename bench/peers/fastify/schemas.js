// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// Shapes of the answers: Fastify compiles a serialiser from each.

const text = { type: 'string' };
const integer = { type: 'integer' };

const answer = (properties) => ({
  response: {
    200: { type: 'object',
      properties: { success: { type: 'boolean' }, ...properties } },
  },
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
