"""The rows of an evening's lists of picks as HTML: prices, order plan, investor flow and sparkline of each."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from marketdata.web.templatetags.numbers import direction, percent, plain_price, price, ratio
from scans.models import ScanRank
from scans.pages.order_plan import order_plan
from scans.pages.row_cells import RowCells, now, spark
from scans.pages.sparkline import sparkline
from scans.queries.evening_summary import EveningSummary, Pick
from scans.templatetags.figures import EOK, eok

DROPPED = "dropped"
GROUPS = ("new", "stayed", DROPPED)


class PickRows:
    """The rows of an evening's lists of picks. A dropped pick has the evening's close, not that of its own session; on
    the latest evening prices have a place for those of now."""

    def __init__(self, evening: EveningSummary, cells: RowCells) -> None:
        self.evening, self.cells, self.is_latest = evening, cells, evening.next is None
        self.target, self.stop = escape(pgettext("figure", "Target")), escape(pgettext("figure", "Stop"))
        self.exact, self.pension_funds = escape(_("exact")), escape(_("Pension funds"))
        self.not_passing = escape(_("not passing"))

    def html(self, picks: Iterable[Pick], group: str) -> str:
        """The rows of one of `GROUPS`."""
        return "".join([self._row(pick, is_dropped=group == DROPPED) for pick in picks])

    def _row(self, pick: Pick, *, is_dropped: bool) -> str:
        rank, cells, currency = pick.rank, self.cells, self.cells.currency
        series = self.evening.closes.get(rank.code)
        close, change = rank.close, None if rank.change_pct is None else rank.change_pct / 100
        if rank.date != self.evening.session_date and series is not None:
            close, change = series.last, series.change
        order, colour = order_plan(rank), direction(change)
        copied = "/".join([plain_price(level) for level in (order.entry, order.target, order.stop)])
        has_now = self.is_latest and not is_dropped

        def level(name: str, label: str, at: float | None, exact: float | None) -> str:
            where = "" if at is None else f'data-order="{plain_price(at)}" title="{self.exact} {exact}"'
            moving = now(rank.code, at, close) if has_now and at is not None else ""
            return f'<td class="n {name}" data-label="{label}" {where}>{cells.price(at)}{moving}</td>'

        return (
            f'<tr data-row data-copy="{escape(f"{rank.code} {rank.name} {copied}")}">\n'
            f'<td class="n rank">{_place(pick, is_dropped=is_dropped)}</td>\n'
            f"{cells.name(rank, rank.scanner_version.slug, self._after_code(pick, is_dropped=is_dropped))}\n"
            f'<td class="n close">{price(close, currency)}{now(rank.code) if self.is_latest else ""}</td>\n'
            f'<td class="n change {colour}">{percent(change)}</td>\n'
            f"{level('target', self.target, order.target, rank.target)}\n"
            f"{level('stop', self.stop, order.stop, rank.stop)}\n"
            f'<td class="n reward">{ratio(order.reward)}</td>\n'
            f"{self._flow(rank) if self.evening.flows else ''}\n"
            f'<td class="chart">{spark(sparkline(series.adjusted if series else ()), colour)}</td>\n</tr>'
        )

    def _after_code(self, pick: Pick, *, is_dropped: bool) -> list[str]:
        """The strategy; of a dropped pick why it left."""
        if is_dropped:
            return [self.cells.life(pick.exit_reason) if pick.exit_reason else self.not_passing]
        return [self.cells.strategy(pick.rank.strategy)] if pick.rank.strategy else []

    def _flow(self, rank: ScanRank) -> str:
        """The cell with the net buying of foreigners and institutions."""
        flow = self.evening.flows.get((rank.code, self.evening.session_date)) or {}
        kinds = [flow.get(f"{name}_value_5") for name in ("foreign", "institution")]
        spans = [f'<span class="{direction(value and round(value / EOK, 1))}">{eok(value)}</span>' for value in kinds]
        pension = f"{self.pension_funds} {eok(flow.get('pension_value_5'))}"
        return f'<td class="n flow" title="{pension}">{"/".join(spans)}</td>'


def _place(pick: Pick, *, is_dropped: bool) -> str:
    """The rank, and by how many places it changed; of a dropped pick the one before."""
    if is_dropped:
        return f"<small>{pick.rank.rank}</small>"
    moved = pick.moved_by
    if not moved:
        return f"{pick.rank.rank}"
    return f'{pick.rank.rank}<small class="{direction(moved)}">{"▲" if moved > 0 else "▼"}{abs(moved)}</small>'
