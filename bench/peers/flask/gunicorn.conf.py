# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
"""The web server: as the replaced system was deployed, and tuned for 2 cores.

Single-threaded processes that close after each answer cost less here than
threads (gthread) or greenlets (gevent) that keep connections.
"""

import os

bind = f"127.0.0.1:{os.environ['PORT']}"
workers = 3 if os.environ.get('TUNED') == '1' else 4
timeout = 120
loglevel = 'warning'
wsgi_app = 'app:app'
worker_tmp_dir = '/dev/shm'
