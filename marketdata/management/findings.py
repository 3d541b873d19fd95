"""A finding of `check_data` as a person reads it."""

from __future__ import annotations

from django.core.management.base import OutputWrapper

from marketdata.data_quality.finding import Finding
from marketdata.number_format import format_number


def write_finding(out: OutputWrapper, finding: Finding) -> None:
    """What was found and how often, a line for each case, and what can be done about it."""
    cut = 0 < len(finding.cases) < finding.count
    listed = f" ({len(finding.cases):,} listed)" if cut else ""
    out.write(f"{finding.market}: {finding.text}: {finding.count:,}{listed}")
    for case in finding.cases:
        out.write("  " + ", ".join(f"{key} {_text(value)}" for key, value in case.items()))
    if finding.action:
        out.write(f"  -> {finding.action}")


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else format_number(value, 10)
