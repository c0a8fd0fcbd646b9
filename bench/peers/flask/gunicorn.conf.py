# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
"""The web server: as the replaced system was deployed, and tuned for 2 cores."""

import os

bind = f"127.0.0.1:{os.environ['PORT']}"
timeout = 120
loglevel = 'warning'
wsgi_app = 'app:app'
worker_tmp_dir = '/dev/shm'

if os.environ.get('TUNED') == '1':
    workers = int(os.environ.get('API_PROCESSES', '2'))
    worker_class = 'gthread'
    threads = int(os.environ.get('API_THREADS', '4'))
    worker_connections = 1000
    keepalive = 75
else:
    workers = 4
