# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
"""Many tasks sent to Celery's queue in Redis at once.

Celery sends tasks one by one. All tasks of a job differ only in their id and
arguments, so one message is made the usual way and the others after it.
"""

import json
from base64 import b64encode
from functools import cache

import redis

import settings
import tasks

MESSAGES_PER_PUSH = 1000
TASK_ID = '@task-id@'
BODY = '@body@'

_redis = redis.Redis(unix_socket_path=settings.REDIS_SOCKET,
                     db=settings.REDIS_DB)


@cache
def _template():
    """The text of a message, with TASK_ID and BODY to be put in."""
    message = tasks.app.amqp.as_task_v2(
        TASK_ID, tasks.scrape_and_store.name, (), {}, argsrepr='',
        kwargsrepr='', ignore_result=True)
    text = json.dumps({
        'body': BODY,
        'content-encoding': 'utf-8',
        'content-type': 'application/json',
        'headers': {**message.headers, 'root_id': TASK_ID},
        'properties': {
            **message.properties,
            'correlation_id': TASK_ID,
            'delivery_tag': TASK_ID,
            'delivery_mode': 2,
            'delivery_info': {'exchange': '', 'routing_key': settings.QUEUE},
            'priority': 0,
            'body_encoding': 'base64',
        },
    })
    return text, message.body[2]


def send_batches(job_id, batches, max_count):
    """One task a batch, in as few commands as possible."""
    template, embed = _template()

    with _redis.pipeline(transaction=False) as pipeline:
        for at in range(0, len(batches), MESSAGES_PER_PUSH):
            pipeline.lpush(settings.QUEUE, *[
                template.replace(TASK_ID, f'{job_id}-{number}').replace(
                    BODY, _encode((job_id, accounts, max_count), embed))
                for number, accounts
                in enumerate(batches[at:at + MESSAGES_PER_PUSH], at)])
        pipeline.execute()


def _encode(arguments, embed):
    body = json.dumps((arguments, {}, embed))
    return b64encode(body.encode()).decode()
