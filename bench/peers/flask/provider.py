# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
"""The followers of some accounts, from an Apify actor.

A run is started, its end is waited for, its dataset is read page by page. Each
process keeps one connection.
"""

import http.client
import json
from urllib.parse import urlsplit

import settings

PAGE_SIZE = 2500
HEADERS = {'Authorization': f'Bearer {settings.APIFY_API_KEY}',
           'Content-Type': 'application/json'}

_address = urlsplit(settings.APIFY_BASE_URL).netloc
_kept = http.client.HTTPConnection(_address, timeout=120)


def _call(method, path, body=None):
    try:
        _kept.request(method, path, body and json.dumps(body), HEADERS)
        answer = _kept.getresponse()
        text = answer.read()
    except (http.client.HTTPException, OSError):
        _kept.close()
        raise
    if answer.status >= 300:
        raise RuntimeError(f'{method} {path}: {answer.status} {text!r}')
    return json.loads(text), answer.headers


def _finished_run(accounts, max_count):
    run = _call('POST',
                f'/v2/acts/{settings.APIFY_ACTOR_ID}/runs?waitForFinish=60',
                {'usernames': accounts, 'max_count': max_count})[0]['data']
    while run['status'] in ('READY', 'RUNNING'):
        run = _call('GET', f"/v2/actor-runs/{run['id']}?waitForFinish=60"
                    )[0]['data']
    if run['status'] != 'SUCCEEDED':
        raise RuntimeError(f"Failed to scrape followers: run {run['status']}")
    return run


def scrape_followers(accounts, max_count):
    """Distinct followers by user name; error items have none."""
    run = _finished_run(accounts, max_count)
    fields = settings.APIFY_FIELDS and f'&fields={settings.APIFY_FIELDS}'
    followers = {}
    offset, total = 0, 1

    while offset < total:
        items, headers = _call('GET', (
            f"/v2/datasets/{run['defaultDatasetId']}/items"
            f'?format=json&limit={PAGE_SIZE}&offset={offset}{fields}'))
        total = int(headers['X-Apify-Pagination-Total'])
        offset += PAGE_SIZE
        for item in items:
            username = item.get('username')
            if username:
                followers[username] = {
                    'id': str(item.get('id') or username),
                    'username': username,
                    'full_name': item.get('full_name') or '',
                }
    return list(followers.values())
