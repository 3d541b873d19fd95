"""ASGI entry point."""

import os

from django.core.asgi import get_asgi_application

from caching.store import prepare

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seismo_site.settings")
application = get_asgi_application()
prepare()
