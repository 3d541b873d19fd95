"""WSGI entry point."""

import gc
import multiprocessing
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seismo_site.settings")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in command_line

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from caching.shared_answers import SHARED
from caching.store import load_cache_client
from scans.engines.registry import ENGINES
from seismo_site.sqlite.base import keep_connections

application = get_wsgi_application()
load_cache_client()
# A worker imports all views and engines before it answers, not with its first request.
get_resolver().url_patterns  # noqa: B018
tuple(ENGINES.values())

# What is there by now stays; to look through it again and again for garbage takes a twentieth of the processor's time.
gc.freeze()
gc.set_threshold(10_000, 20, 50)
if multiprocessing.parent_process():  # a worker of a server, and no program that imports the application
    keep_connections()
    # The key is the same in all workers of one start of the server, and another with each start.
    SHARED.start(settings.DATA_DIR / "answers", bytes(multiprocessing.current_process().authkey))
    from scans.api.warm_up import warm_up_server

    warm_up_server()
