"""Segments as boxes to tick, limits as a number for each segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from marketdata.markets import MARKETS
from scans.models import ScannerVersion

MOST = 100_000


def segment_names(version: ScannerVersion | None) -> list[str]:
    """The segments of every market, and those that a version names already."""
    own = [*version.segments, *version.limits] if version else []
    return list(dict.fromkeys([*(name for market in MARKETS.values() for name in market.segments), *own]))


class SegmentsField(forms.MultipleChoiceField):
    """The segments that are scanned."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, *, names: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(choices=[(name, name) for name in names], **kwargs)


class LimitsWidget(forms.Widget):
    """A number for each segment."""

    template_name = "admin/scans/limits.html"
    segments: Sequence[str] = ()

    def get_context(self, name: str, value: Any, attrs: Mapping[str, Any] | None) -> dict[str, Any]:
        limits = value if isinstance(value, dict) else {}
        return {
            "rows": [
                {"name": f"{name}-{segment}", "segment": segment, "value": limits.get(segment, "")}
                for segment in self.segments
            ],
            "most": MOST,
        }

    def value_from_datadict(self, data: Any, files: Any, name: str) -> dict[str, Any]:
        typed = {segment: data.get(f"{name}-{segment}", "") for segment in self.segments}
        return {segment: text.strip() for segment, text in typed.items() if text.strip()}

    def id_for_label(self, id_: str) -> str:
        return ""


class LimitsField(forms.Field):
    """Segment -> how many of its instruments with the largest turnover are scanned."""

    widget = LimitsWidget

    def __init__(self, *, names: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.segments = names

    def to_python(self, value: Any) -> dict[str, int]:
        limits = {}
        for segment, typed in (value or {}).items():
            if not str(typed).isdecimal() or not 1 <= int(typed) <= MOST:
                raise forms.ValidationError(
                    _("The limit of %(segment)s is %(typed)r: it must be a whole number from 1 to %(most)s.")
                    % {"segment": segment, "typed": typed, "most": MOST}
                )
            limits[segment] = int(typed)
        return limits

    def has_changed(self, initial: Any, data: Any) -> bool:
        return {name: str(n) for name, n in (initial or {}).items()} != (data or {})
