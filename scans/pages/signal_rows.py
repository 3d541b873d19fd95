"""The rows of lists of signals as HTML: those of a tab of the signals' page, and those that moved on an evening."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from marketdata.queries.closes import CloseSeries
from marketdata.web.templatetags.numbers import direction, percent, plain_price, points, price
from scans.models import Signal, SignalStatus
from scans.pages.order_plan import order_plan
from scans.pages.row_cells import RowCells, now, spark
from scans.pages.sparkline import sparkline
from scans.queries.evening_summary import SPARK
from scans.queries.signal_distances import SignalDistance

ENTERED = "entered"
LIFE_ORDER = (
    SignalStatus.TARGET,
    SignalStatus.STOP,
    SignalStatus.EXPIRED,
    SignalStatus.SUSPECT,
    SignalStatus.LAPSED,
    SignalStatus.OPEN,
    SignalStatus.WAITING,
    ENTERED,
)
"""How a signal ended before how it began."""


class _Labels:
    """The names of the columns, which a phone shows beside the figures."""

    def __init__(self) -> None:
        self.picked, self.last_close, self.sessions = (
            escape(_("Picked")),
            escape(_("Last close")),
            escape(_("Sessions")),
        )
        self.entry, self.exit = escape(pgettext("figure", "Entry")), escape(pgettext("figure", "Exit"))
        self.target, self.stop = escape(pgettext("figure", "Target")), escape(pgettext("figure", "Stop"))
        self.gain, self.held = escape(pgettext("figure", "Return")), escape(pgettext("figure", "Held"))


class SignalRows:
    """The rows of a tab: waiting signals have no entry yet, closed ones no distances."""

    def __init__(self, cells: RowCells, *, is_waiting: bool, is_closed: bool) -> None:
        self.cells, self.is_waiting, self.is_closed, self.labels = cells, is_waiting, is_closed, _Labels()
        self.bound_title = escape(_("Return if the entry bar reached the stop after it filled the order"))

    def html(self, rows: Iterable[tuple[Signal, SignalDistance, CloseSeries | None]]) -> str:
        """Signals with the distances of the last close, and the latest closes of their instruments."""
        return "".join([self._row(*row) for row in rows])

    def _row(self, signal: Signal, distance: SignalDistance, series: CloseSeries | None) -> str:
        rank, cells, labels = signal.rank, self.cells, self.labels
        strategy = [cells.strategy(rank.strategy)] if rank.strategy else []
        change = series.change if series else None
        colour, version = direction(change), escape(rank.scanner_version.slug)
        entry = f'<td class="n" data-label="{labels.entry}">{cells.price(signal.entry_price)}</td>'
        figures = self._ending(signal) if self.is_closed else self._distances(signal, distance, change, colour)
        drawing = spark(sparkline(series.adjusted[-SPARK:] if series else ()), colour)
        return (
            f"<tr data-row>\n{cells.name(rank, rank.scanner_version.slug, strategy)}\n"
            f'<td>{version}</td><td class="n" data-label="{labels.picked}">{signal.picked_on:%m-%d}</td>\n'
            f"{'' if self.is_waiting else entry}\n{figures}\n"
            f'{"" if self.is_waiting else self._return(signal)}\n<td class="chart">{drawing}</td></tr>'
        )

    def _ending(self, signal: Signal) -> str:
        status, exit_price = escape(signal.status), self.cells.price(signal.exit_price)
        how = f'<span class="life {status}">{self.cells.life(signal.status)}</span>'
        return f'<td class="n" data-label="{self.labels.exit}">{exit_price}</td><td>{how}</td>\n'

    def _distances(self, signal: Signal, distance: SignalDistance, change: float | None, colour: str) -> str:
        """The cells of the last close and of the two ends, each with how far it is."""
        labels, close, order = self.labels, price(distance.close, self.cells.currency), order_plan(signal.rank)

        def end(label: str, at: float | None, away: float | None, level: float | None) -> str:
            where = "" if at is None else f' data-order="{plain_price(at)}"'
            moving = "" if level is None else now(signal.code, level, distance.close)
            figures = f"{self.cells.price(at)}<small>{percent(away, 1)}</small>"
            return f'<td class="n" data-label="{label}"{where}>{figures}{moving}</td>'

        last = f'{close} <small class="{colour}">{percent(change)}</small>{now(signal.code)}'
        return (
            f'<td class="n" data-label="{labels.last_close}">{last}</td>\n'
            f"{end(labels.target, order.target, distance.to_target, distance.target)}\n"
            f"{end(labels.stop, order.stop, distance.to_stop, distance.stop)}"
        )

    def _return(self, signal: Signal) -> str:
        """The cells of the return, with its bound where the entry bar leaves it open, and of the sessions held."""
        figure, bound = points(signal.return_pct), ""
        if signal.bound_pct is not None:
            text = escape(_("or %(bound)s") % {"bound": points(signal.bound_pct)})
            bound = f' <small title="{self.bound_title}">{text}</small>'
        most = f"<small>/{signal.rank.holding_max}</small>" if signal.rank.holding_max else ""
        labels, colour = self.labels, direction(signal.return_pct)
        return (
            f'<td class="n {colour}" data-label="{labels.gain}">{figure}{bound}</td>'
            f'<td class="n" data-label="{labels.held}">{signal.sessions_held}{most}</td>'
        )


def moved_signal_rows(signals: Sequence[tuple[str, Signal]], cells: RowCells) -> str:
    """The rows of signals that were entered or that ended on an evening, each with `ENTERED` or its status."""
    labels, entered, rows = _Labels(), escape(_("entered")), []
    for what, signal in signals:
        rank, slug = signal.rank, signal.scanner_version.slug
        word = entered if what == ENTERED else cells.life(what)
        rows.append(
            f'\n    <tr data-row><td><span class="life {escape(what)}">{word}</span></td>\n'
            f"      {cells.name(rank, slug, has_tag=False)}\n"
            f'      <td>{escape(slug)}</td><td class="n" data-label="{labels.picked}">{signal.picked_on:%m-%d}</td>\n'
            f'      <td class="n" data-label="{labels.entry}">{cells.price(signal.entry_price)}</td>'
            f'<td class="n" data-label="{labels.exit}">{cells.price(signal.exit_price)}</td>\n'
            f'      <td class="n {direction(signal.return_pct)}">{points(signal.return_pct)}</td>'
            f'<td class="n" data-label="{labels.sessions}">{signal.sessions_held}</td></tr>'
        )
    return "".join(rows)
