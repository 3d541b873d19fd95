"""Tasks of the load's installation: the callers and the addresses they request (see `task_process`)."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from marketdata.queries import instruments
from seismo_site.models import ApiToken


def token() -> dict[str, Any]:
    """A new token of a reader."""
    user, _ = User.objects.get_or_create(username="reader")
    made = ApiToken(user=user, name="load")
    secret = made.new_secret()
    made.save()
    return {"secret": secret}


def codes(market: str) -> dict[str, Any]:
    """The codes that are still traded, ascending."""
    rows = instruments.get_instruments(market).exclude(last_bar=None).order_by("-last_bar", "code")
    return {"codes": list(rows.values_list("code", flat=True)[:2_500])}
