"""System check: variables that look like settings and are none."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning


def check_unknown_settings(**_: Any) -> list[CheckMessage]:
    """A warning for each variable that is no setting, with the nearest setting's name."""
    return [Warning(sentence, id="seismo_site.W001") for sentence in settings.UNKNOWN_SETTINGS]
