"""Names of shares beside their codes, on rows that record the code alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from marketdata.queries import instruments
from marketdata.web.admin.changelist import Admin


class ShareNames(Admin):
    """Mixin, before `MarketList`, for rows with `market` and `stock_code`: a column `share` with the name, by one query
    for each page."""

    def complete(self, rows: Sequence[Any]) -> None:
        """Read the names of all shares of a page."""
        names = instruments.get_share_names((row.market, row.stock_code) for row in rows)
        for row in rows:
            row.share_name = names.get((row.market, row.stock_code), "")

    @admin.display(description=_("name"), empty_value="-")
    def share(self, row: Any) -> str:
        if not hasattr(row, "share_name"):
            self.complete([row])
        return str(row.share_name)
