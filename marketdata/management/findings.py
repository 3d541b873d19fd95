"""The text of a finding of `check_data`."""

from __future__ import annotations

from django.core.management.base import OutputWrapper

from marketdata.data_quality.finding import Finding
from marketdata.number_format import format_number


def write_finding(out: OutputWrapper, finding: Finding) -> None:
    """Write the finding with its count, a line for each case, and the action to take."""
    is_cut = 0 < len(finding.cases) < finding.count
    listed = f" ({len(finding.cases):,} listed)" if is_cut else ""
    out.write(f"{finding.market}: {finding.text}: {finding.count:,}{listed}")
    for case in finding.cases:
        out.write("  " + ", ".join(f"{key} {_text(value)}" for key, value in case.items()))
    if finding.action:
        out.write(f"  -> {finding.action}")


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else format_number(value, 10)
