"""Names of the admin's models and sections in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from django.db.models import Model
    from django.utils.functional import _StrPromise

MODELS: dict[str, tuple[_StrPromise, _StrPromise]] = {
    "ApiToken": (_("API token"), _("API tokens")),
    "BarCorrection": (_("bar correction"), _("bar corrections")),
    "CalendarChange": (_("calendar change"), _("calendar changes")),
    "CalendarOverride": (_("calendar override"), _("calendar overrides")),
    "CandleCoverage": (_("verified interval"), _("verified intervals")),
    "CandleCollection": (_("candle collection"), _("candle collections")),
    "CandleSeries": (_("candle series"), _("candle series")),
    "FactorEvent": (_("factor event"), _("factor events")),
    "FeatureFlag": (_("feature flag"), _("feature flags")),
    "FlagRollback": (_("flag rollback"), _("flag rollbacks")),
    "FlowCorrection": (_("flow correction"), _("flow corrections")),
    "IndexBar": (_("index bar"), _("index bars")),
    "IndexChoice": (_("index choice"), _("index choices")),
    "InstitutionalFlow": (_("institutional flow"), _("institutional flows")),
    "InstrumentStatus": (_("instrument status"), _("instrument statuses")),
    "Instrument": (_("instrument"), _("instruments")),
    "LakePartition": (_("lake partition"), _("lake partitions")),
    "Notification": (_("notification"), _("notifications")),
    "PrecloseScan": (_("preclose scan"), _("preclose scans")),
    "ScanRank": (_("scan rank"), _("scan ranks")),
    "ScanRequest": (_("scan request"), _("scan requests")),
    "ScanRun": (_("scan run"), _("scan runs")),
    "ScanSession": (_("scan session"), _("scan sessions")),
    "ScannerVersion": (_("scanner version"), _("scanner versions")),
    "Signal": (_("signal"), _("signals")),
    "StockPrice": (_("stock price"), _("stock prices")),
    "Sweep": (_("sweep"), _("sweeps")),
    "TaskRecord": (_("background task"), _("background tasks")),
    "Failure": (_("failed task"), _("failed tasks")),
    "OrmQ": (_("queued task"), _("queued tasks")),
    "Schedule": (_("scheduled task"), _("scheduled tasks")),
    "Success": (_("successful task"), _("successful tasks")),
}
"""Class -> its name, of one and of many, as Django derives it in English."""


def name_model(model: type[Model]) -> None:
    """Name the model, its fields and their choices in the reader's language on every page of the admin. Migrations do
    not see it: they read the options of its class, and compare texts in English."""
    if model.__name__ in MODELS:
        options: Any = model._meta
        options.verbose_name, options.verbose_name_plural = MODELS[model.__name__]
        for field in options.local_fields if options.app_label != "django_q" else ():
            field.verbose_name = pgettext_lazy("column", str(field.verbose_name))
            field.help_text = _(str(field.help_text)) if field.help_text else ""
            if field.choices:
                field.choices = [(value, pgettext_lazy("state", str(label))) for value, label in field.choices]
