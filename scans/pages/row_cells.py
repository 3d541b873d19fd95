"""Cells of the tables of picks and signals as HTML.

These tables have hundreds of rows of a dozen cells each, and the template language took most of the time of their
pages. So rows are made here; the templates have the headings and everything around. What enters a cell is escaped, or
is a number that a filter made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from html import escape
from urllib.parse import quote

from django.urls import reverse

from marketdata.markets import Market
from marketdata.web.templatetags.numbers import order_price, plain_price
from scans.models import ScanRank
from scans.templatetags.figures import lang
from scans.wording import glossary

CODE = "CODE"
UNQUOTED = "!$&'()*+,;=/~:@"
"""Characters of a path that `reverse` leaves as they are."""


class RowCells:
    """What the rows of the tables of one page share: the currency, the address of a stock's page, the words of engines
    in the reader's language."""

    def __init__(self, market: Market) -> None:
        self.currency = market.currency
        self._before, _, self._after = reverse("pages:stock", args=[market.name, CODE]).rpartition(CODE)
        self.life, self.strategy = _names(glossary.STATUSES), _names(glossary.STRATEGIES)

    def name(self, rank: ScanRank, version: str, after: Sequence[str] = (), *, has_tag: bool = True) -> str:
        """The cell with the name of a pick of `version` as a link to the page of its stock, a place for the reader's
        tag, the code and `after` it more, separated by dots."""
        code = escape(rank.code)
        path = f"{self._before}{quote(rank.code, safe=UNQUOTED)}{self._after}"
        address = escape(f"{path}?scanner_version={version}&date={rank.date}")
        name = f'<a href="{address}"{lang(rank.name)}>{escape(rank.name or "") or code}</a>'
        tag = f"<!--tag {code}-->" if has_tag else ""
        return f'<td class="name">{name}{tag} <small>{" · ".join([code, *after])}</small></td>'

    def price(self, value: float | None) -> str:
        """An order price; a dash where it is missing."""
        return order_price(value, self.currency)


def spark(points: str, direction: str) -> str:
    """A sparkline; nothing where there are too few closes."""
    if not points:
        return ""
    return (
        f'<svg class="spark {direction}" viewBox="0 0 240 60" width="72" height="24" preserveAspectRatio="none" '
        f'aria-hidden="true"><polyline points="{points}"/></svg>'
    )


def now(code: str, level: float | None = None, close: float | None = None) -> str:
    """The place of an instrument's price now; with a level, of its distance from there too."""
    at = "" if level is None else f' data-level="{plain_price(level)}" data-close="{plain_price(close)}"'
    return f'<span class="now" data-now="{escape(code)}"{at} hidden></span>'


def _names(group: Mapping[str, glossary.Text]) -> Callable[[str], str]:
    return cache(lambda key: escape(str(group.get(key, key))))
