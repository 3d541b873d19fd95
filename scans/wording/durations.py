"""Durations in the reader's language."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext as _


def seconds_text(value: float) -> str:
    """Seconds with the unit and one decimal, two below ten: 1,234.5 s, 0.04 s."""
    return _("%(seconds)s s") % {"seconds": f"{value:,.1f}" if value >= 10 else f"{value:.2f}"}


def duration_text(age: timedelta) -> str:
    """Whole seconds, or minutes from two on: 95 s, 3 min."""
    length = int(age.total_seconds())
    if length < 120:
        return _("%(seconds)s s") % {"seconds": length}
    return _("%(minutes)s min") % {"minutes": f"{length // 60:,}"}
