# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
"""Many tasks sent to Celery's queue in Redis at once.

Celery sends tasks one by one. All tasks of a job differ only in their id and
arguments, so one message is made the usual way and the others after it.
"""

import base64
import json
from uuid import uuid4

import redis

import settings
import tasks

MESSAGES_PER_PUSH = 1000

_redis = redis.Redis(unix_socket_path=settings.REDIS_SOCKET,
                     db=settings.REDIS_DB)


def _template():
    message = tasks.app.amqp.as_task_v2(
        '', tasks.scrape_and_store.name, (), {}, argsrepr='', kwargsrepr='',
        ignore_result=True)
    return {
        'content-encoding': 'utf-8',
        'content-type': 'application/json',
        'headers': message.headers,
        'properties': {
            **message.properties,
            'delivery_mode': 2,
            'delivery_info': {'exchange': '', 'routing_key': settings.QUEUE},
            'priority': 0,
            'body_encoding': 'base64',
        },
    }, message.body[2]


def send_batches(job_id, batches, max_count):
    """One task a batch, in as few commands as possible."""
    template, embed = _template()
    messages = []

    for accounts in batches:
        task_id = str(uuid4())
        template['headers']['id'] = template['headers']['root_id'] = task_id
        template['properties']['correlation_id'] = task_id
        template['properties']['delivery_tag'] = task_id
        body = json.dumps(((job_id, accounts, max_count), {}, embed))
        template['body'] = base64.b64encode(body.encode()).decode()
        messages.append(json.dumps(template))

    with _redis.pipeline(transaction=False) as pipeline:
        for at in range(0, len(messages), MESSAGES_PER_PUSH):
            pipeline.lpush(settings.QUEUE,
                           *messages[at:at + MESSAGES_PER_PUSH])
        pipeline.execute()
