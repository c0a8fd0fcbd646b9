# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
"""The HTTP API: submission, status, pages of results."""

import json
from uuid import uuid4

from flask import Flask, Response, request

import bulk
import settings
import store
import tasks

app = Flask(__name__)

GENDERS = ('male', 'female', 'any')


def answer(document, status=200):
    return Response(json.dumps(document, separators=(',', ':')), status,
                    mimetype='application/json')


def refuse(status, error):
    return answer({'success': False, 'error': error}, status)


@app.post('/api/scrape-followers')
def submit():
    body = request.get_json()
    accounts = body.get('accounts')
    gender = body.get('targetGender', 'male')
    total = body.get('totalScrapeCount')

    if accounts is None:
        return refuse(400, 'Missing "accounts" field in request body')
    if not isinstance(accounts, list) or not accounts:
        return refuse(400, 'Accounts must be a non-empty list')
    if gender not in GENDERS:
        return refuse(400, 'targetGender must be male, female or any')
    max_count = 5 if total is None else int(total) // len(accounts)
    if max_count < 1:
        return refuse(400, 'totalScrapeCount too small for number of accounts')

    job_id = str(uuid4())
    size = settings.ACCOUNTS_PER_BATCH
    batches = [accounts[at:at + size]
               for at in range(0, len(accounts), size)]
    if settings.TUNED:
        store.insert_job(job_id, None, gender, max_count, len(batches))
        bulk.send_batches(job_id, batches, max_count)
    else:
        store.insert_job(job_id, accounts, gender, max_count, len(batches))
        tasks.send_chord(job_id, batches, max_count)
        store.mark_processing(job_id)
    return answer({
        'success': True,
        'job_id': job_id,
        'status_url': f'/api/job-status/{job_id}',
        'results_url': f'/api/job-results/{job_id}',
        'total_batches': len(batches),
        'message': 'Job queued successfully. Poll status_url for progress.',
    }, 202)


@app.get('/api/job-status/<uuid:job_id>')
def job_status(job_id):
    document = store.find_status(str(job_id))

    if document is None:
        return refuse(404, f'Job {job_id} not found')
    return Response(document, mimetype='application/json')


@app.get('/api/job-results/<uuid:job_id>')
def job_results(job_id):
    page = request.args.get('page', 1, int)
    limit = min(request.args.get('limit', 1000, int), 5000)

    if page < 1 or limit < 0:
        return refuse(400, 'page and limit must be positive integers')
    found = store.find_total(str(job_id))
    if found is None:
        return refuse(404, f'Job {job_id} not found')
    status, total = found
    if status != 'completed':
        return refuse(400, f'Job is not completed yet (status: {status})')
    profiles = store.find_results(str(job_id), (page - 1) * limit, limit)
    return Response(
        f'{{"success":true,"job_id":"{job_id}","page":{page},"limit":{limit},'
        f'"total":{total},"profiles":[{profiles}]}}',
        mimetype='application/json')


@app.get('/healthz')
def healthz():
    return 'ok'
