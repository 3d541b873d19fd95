"""System checks: settings of sources that contradict each other stop the start."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error


def check_sources(**_: Any) -> list[CheckMessage]:
    """An error for each source whose settings contradict each other; one that is merely not configured is fine."""
    from marketdata.operations.source_descriptions import (
        describe_sources,
    )  # the HTTP client costs every start otherwise

    return [Error(source.wrong, id="marketdata.E001") for source in describe_sources() if source.wrong]
