# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
"""The Celery tasks.

Replaced design: a chord of one task for 50 accounts, whose results all travel
through Redis to the task that inserts them. Tuned: each task stores its own
rows and counts itself; the last one completes the job.
"""

from celery import Celery, chord

import provider
import settings
import store

app = Celery('batches', broker=settings.REDIS_URL)
app.conf.update(
    task_serializer='json',
    result_serializer='json',
    accept_content=['json'],
    task_default_queue=settings.QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_hijack_root_logger=False,
)
if settings.TUNED:
    app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=4)
else:
    app.conf.update(
        result_backend=settings.REDIS_URL,
        result_expires=86400,
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=50,
        broker_pool_limit=10,
    )

RETRY = {'autoretry_for': (Exception,), 'max_retries': 3,
         'retry_backoff': True, 'retry_backoff_max': 600,
         'retry_jitter': True}


@app.task(name='scrape_batch', **RETRY)
def scrape_batch(job_id, batch_number, accounts, max_count):
    followers = provider.scrape_followers(accounts, max_count)
    store.add_scraped(job_id, len(followers))
    return {'job_id': job_id, 'batch_number': batch_number,
            'profiles': followers, 'total_scraped': len(followers),
            'total_filtered': len(followers)}


@app.task(name='aggregate', **RETRY)
def aggregate(batches, job_id):
    profiles = [p for batch in batches for p in batch['profiles']]
    store.insert_results(job_id, profiles)
    store.complete_job(job_id, sum(b['total_scraped'] for b in batches),
                       len(profiles))


@app.task(name='scrape_and_store', **RETRY)
def scrape_and_store(job_id, accounts, max_count):
    followers = provider.scrape_followers(accounts, max_count)
    store.store_batch(job_id, followers, len(followers))


def send_chord(job_id, batches, max_count):
    """One task after the other, then the callback that ends the job."""
    chord([scrape_batch.s(job_id, number, accounts, max_count)
           for number, accounts in enumerate(batches)])(aggregate.s(job_id))
