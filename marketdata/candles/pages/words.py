"""Words of candles in the reader's language."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketdata.candles.collector.collections import CollectionStatus, StopReason
from marketdata.candles.collector.gaps import GapReason

GAPS: dict[str, str | Promise] = {
    GapReason.BEFORE_LISTING: _("before the listing"),
    GapReason.NO_TRADES: _("nothing traded"),
    GapReason.UNVERIFIED: _("not collected"),
    GapReason.FORMING: _("still open"),
}
STATUSES: dict[str, str | Promise] = {
    CollectionStatus.RUNNING: pgettext_lazy("collection", "running"),
    CollectionStatus.DONE: pgettext_lazy("collection", "complete"),
    CollectionStatus.STOPPED: pgettext_lazy("collection", "stopped"),
    CollectionStatus.FAILED: pgettext_lazy("collection", "failed"),
}
REASONS: dict[str, str | Promise] = {
    StopReason.COUNT: _("the whole count"),
    StopReason.END: _("the whole range"),
    StopReason.HISTORY_START: _("to the start of history"),
    StopReason.ERROR: _("an error"),
}
