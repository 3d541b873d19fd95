"""ASGI entry point."""

import multiprocessing
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seismo_site.settings")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in command_line

from django.core.asgi import get_asgi_application
from django.urls import get_resolver

from caching.store import load_cache_client
from scans.engines.registry import ENGINES

application = get_asgi_application()
load_cache_client()
# A worker imports all views and engines before it answers, not with its first request.
get_resolver().url_patterns  # noqa: B018
tuple(ENGINES.values())
if multiprocessing.parent_process():  # a worker of a server, and no program that imports the application
    from scans.api.warm_up import warm_up_server

    warm_up_server()
