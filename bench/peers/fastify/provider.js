// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// The followers of some accounts, from an Apify actor: a run is started, its
// end is waited for, its dataset is read page by page.

import { Pool } from 'undici';
import { provider, workerConcurrency } from './settings.js';

const pageSize = 2500;
const connections = new Pool(provider.url, { connections: workerConcurrency });
const headers = {
  authorization: `Bearer ${provider.token}`,
  'content-type': 'application/json',
};

async function call(method, path, body) {
  const answer = await connections.request({ method, path, headers,
    body: body && JSON.stringify(body) });
  if (answer.statusCode >= 300) {
    const text = await answer.body.text();
    throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
  }
  return { json: await answer.body.json(), headers: answer.headers };
}

async function finishedRun(accounts, maxCount) {
  let { data: run } = (await call('POST',
    `/v2/acts/${provider.actor}/runs?waitForFinish=60`,
    { usernames: accounts, max_count: maxCount })).json;

  while (run.status === 'READY' || run.status === 'RUNNING') {
    run = (await call('GET',
      `/v2/actor-runs/${run.id}?waitForFinish=60`)).json.data;
  }
  if (run.status !== 'SUCCEEDED') {
    throw new Error(`Failed to scrape followers: run ${run.status}`);
  }
  return run;
}

// distinct followers by user name; error items have none
export async function scrapeFollowers(accounts, maxCount) {
  const run = await finishedRun(accounts, maxCount);
  const fields = provider.fields && `&fields=${provider.fields}`;
  const followers = new Map();

  for (let offset = 0, total = 1; offset < total; offset += pageSize) {
    const page = await call('GET', `/v2/datasets/${run.defaultDatasetId}/items`
      + `?format=json&limit=${pageSize}&offset=${offset}${fields}`);
    total = Number(page.headers['x-apify-pagination-total']);
    for (const item of page.json) {
      if (!item.username) continue;
      followers.set(item.username, {
        id: String(item.id || item.username),
        username: item.username,
        full_name: item.full_name || '',
      });
    }
  }
  return [...followers.values()];
}

export const closeProvider = () => connections.close();
