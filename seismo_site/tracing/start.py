"""The start of tracing, where the settings have an address."""

from __future__ import annotations

from django.conf import settings

from marketdata.spans import Tracer
from seismo_site.tracing import provider, statements, tasks


def install() -> None:
    """Trace this process and its children from now on, to the address of the settings."""
    provider.install(settings.TRACES, share=settings.TRACES_SHARE, version=str(settings.VERSION))
    Tracer.start = staticmethod(provider.start_span)
    statements.install()
    tasks.install()
