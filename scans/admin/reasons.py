"""Recorded reasons in the reader's language, in lists and on the pages of rows."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from marketdata.templatetags.failures import failure_reason


class ReasonColumn:
    """Mixin of rows with a `reason`: a column `reason_text`."""

    @admin.display(description=_("reason"), empty_value="-")
    def reason_text(self, row: Any) -> str:
        return failure_reason(row.reason)
