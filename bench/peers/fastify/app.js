// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// The HTTP API: submission, status, pages of results.

import { randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import { countBatches, enqueue, queue } from './queue.js';
import * as settings from './settings.js';
import * as status from './status.js';
import * as store from './store.js';

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const genders = ['male', 'female', 'any'];

const refuse = (reply, code, error) =>
  reply.code(code).send({ success: false, error });
const sendJson = (reply, text) =>
  reply.header('content-type', 'application/json; charset=utf-8').send(text);
const notFound = (reply, id) => refuse(reply, 404, `Job ${id} not found`);

async function submit(request, reply) {
  const { accounts, targetGender = 'male', totalScrapeCount }
    = request.body ?? {};

  if (accounts === undefined) {
    return refuse(reply, 400, 'Missing "accounts" field in request body');
  }
  if (!Array.isArray(accounts) || accounts.length === 0) {
    return refuse(reply, 400, 'Accounts must be a non-empty list');
  }
  if (!genders.includes(targetGender)) {
    return refuse(reply, 400, 'targetGender must be male, female or any');
  }
  const maxCount = totalScrapeCount === undefined ? 5
    : Math.floor(totalScrapeCount / accounts.length);
  if (!(maxCount >= 1)) {
    return refuse(reply, 400,
      'totalScrapeCount too small for number of accounts');
  }

  const id = randomUUID();
  const totalBatches = countBatches(accounts);
  await store.insertJob({ id, targetGender, maxCount, totalBatches });
  await enqueue(id, accounts, maxCount);
  return reply.code(202).send({
    success: true,
    job_id: id,
    status_url: `/api/job-status/${id}`,
    results_url: `/api/job-results/${id}`,
    total_batches: totalBatches,
    message: 'Job queued successfully. Poll status_url for progress.',
  });
}

const readStatus = settings.statusFromRedis ? status.read : store.findStatus;

async function jobStatus(request, reply) {
  const document = await readStatus(request.params.id);

  if (document === undefined) return notFound(reply, request.params.id);
  return sendJson(reply, document);
}

async function results(request, reply) {
  const { id } = request.params;
  const page = Number(request.query.page ?? 1);
  const limit = Math.min(Number(request.query.limit ?? 1000), 5000);

  if (!Number.isInteger(page) || page < 1 || !Number.isInteger(limit)
      || limit < 0) {
    return refuse(reply, 400, 'page and limit must be positive integers');
  }
  const [job, profiles] = await Promise.all([store.findTotal(id),
    store.findResults(id, (page - 1) * limit, limit)]);
  if (!job) return notFound(reply, id);
  if (job.status !== 'completed') {
    return refuse(reply, 400,
      `Job is not completed yet (status: ${job.status})`);
  }
  return sendJson(reply, JSON.stringify({ success: true, job_id: id, page,
    limit, total: job.total, profiles }));
}

// starts to listen; returns what ends it in order
export async function start() {
  const app = Fastify({ bodyLimit: 32 * 1024 * 1024 });

  app.post('/api/scrape-followers', submit);
  app.get(`/api/job-status/:id(${uuid})`, jobStatus);
  app.get(`/api/job-results/:id(${uuid})`, results);
  app.get('/healthz', async () => 'ok');
  await app.listen({ host: '127.0.0.1', port: settings.port });

  return async () => {
    await app.close();
    await Promise.all([queue.close(), store.close(),
      status.redis.quit()]);
  };
}
