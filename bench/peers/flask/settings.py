# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
"""What the environment says. Postgres' own PG* variables are read by libpq."""

import os

TUNED = os.environ.get('TUNED') == '1'
REDIS_SOCKET = os.environ['REDIS_SOCKET']
REDIS_DB = int(os.environ.get('REDIS_DB', '0'))
REDIS_URL = f'redis+socket://{REDIS_SOCKET}?virtual_host={REDIS_DB}'
APIFY_BASE_URL = os.environ['APIFY_BASE_URL']
APIFY_API_KEY = os.environ['APIFY_API_KEY']
APIFY_ACTOR_ID = os.environ['APIFY_ACTOR_ID']
APIFY_FIELDS = os.environ.get('APIFY_FIELDS', '')
ACCOUNTS_PER_BATCH = 50
QUEUE = 'default'
