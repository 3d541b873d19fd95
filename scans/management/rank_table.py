"""Ranks as a table for people: a line on each session, and a table of its picks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from marketdata.management.table import Column, Output, write_prose, write_table
from marketdata.market_time import market_time
from marketdata.markets import Market, get_market
from marketdata.number_format import MISSING_TEXT, format_amount, format_number, format_percent, format_price
from marketdata.ticks import LEVELS, missing_grid_reason
from scans.management import flows
from scans.operations.scan.answers import Scan, SessionAnswer
from scans.queries import order_prices

TEXTS = ("date", "scanner_version", "code", "name", "strategy", "label")
TITLES = {"change_pct": "change", "amount": "turnover"}
"""Headings that differ from the name of the field."""
COLUMNS = ("rank", "code", "name", "score", "strategy", "label", "close", "change_pct")
"""The first columns; the plan, the turnover and the investor flow follow."""


def write_ranks(out: Output, scans: Sequence[Scan]) -> None:
    """Write every session of every scan, one after the other."""
    answers = [(scan, answer) for scan in scans if not scan.error for answer in scan.answers]
    for n, (scan, answer) in enumerate(answers):
        if n:
            out.write("")
        write_prose(out, headline(scan, answer))
        _write_picks(out, get_market(scan.market), answer)


def headline(scan: Scan, answer: SessionAnswer) -> str:
    """One session in a line: its status, its regime and the rule behind it, how many matched and are listed."""
    by = f" by {scan.index}" if scan.index else ""
    regime = f", regime {answer.regime}{by}" if answer.regime else ""
    if rule := scan.regime_rule(answer):
        regime += f" [{rule.sentence}]"
    step = f", fallback step {answer.fallback_step}" if answer.fallback_step else ""
    status = "computed, not published" if scan.run is None else answer.status.replace("_", " ")
    head = (
        f"{scan.version.slug}  {scan.market}  {answer.date}  {status}{regime}{step}: "
        f"{matched_text(answer)} of {answer.scored:,} scored, {answer.universe:,} eligible; "
        f"{reading_text(scan, answer)}"
    )
    return f"{head} ({answer.reason})" if answer.reason else head


def reading_text(scan: Scan, answer: SessionAnswer) -> str:
    """ "provisional, read 2026-08-21 15:36 KST" of an answer whose bars may still change, else "settled"."""
    if answer.read_at is None:
        return "settled"
    return f"provisional, read {market_time(datetime.fromisoformat(answer.read_at), scan.market)}"


def matched_text(answer: SessionAnswer) -> str:
    """The number of matches, and how many of them are listed where that is not all."""
    listed = len(answer.ranks)
    cut = f", {listed:,} listed," if listed != answer.matched else ""
    return f"{answer.matched:,} matched{cut}"


def _write_picks(out: Output, market: Market, answer: SessionAnswer) -> None:
    if not answer.ranks:
        return
    names = [*COLUMNS, *plan_columns(answer.ranks), "amount", *flows.table_columns(answer.ranks)]
    write_picks(out, market, names, answer.ranks)
    if note := missing_grid_reason(market.name, date.fromisoformat(answer.date), answer.ranks[0]["segment"]):
        write_prose(out, note)


def write_picks(out: Output, market: Market, names: Sequence[str], ranks: Sequence[Mapping[str, Any]]) -> None:
    """Write a table with the columns `names` of picks that have their `order` and their `flow`."""
    columns = [Column(_title(name), text=name in TEXTS) for name in names]
    rows = ({**rank, **order_prices.order_columns(rank["order"]), **flows.flat(rank)} for rank in ranks)
    write_table(out, columns, ([_cell(name, row[name], market) for name in names] for row in rows))


def _title(name: str) -> str:
    if name in flows.TABLE_COLUMNS:
        return flows.title(name)
    return TITLES.get(name, name.replace("_", " "))


def plan_columns(ranks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Target and stop, entry where a plan has one, each followed by its order price where there is one."""
    names = []
    for name in LEVELS:
        if name != "entry" or any(rank[name] is not None for rank in ranks):
            names.append(name)
        if any(rank["order"] and rank["order"][name] is not None for rank in ranks):
            names.append(f"order_{name}")
    return names


def _cell(name: str, value: Any, market: Market) -> str:
    if value is None or value == "":
        return MISSING_TEXT
    if name in order_prices.COLUMNS:
        return format_number(value, 10)
    if name in {"close", *LEVELS}:
        return format_price(value, market.currency)
    if name == "change_pct":
        return format_percent(value)
    if name == "amount":
        return format_amount(value, market.currency)
    if name in flows.TABLE_COLUMNS:
        return flows.figure(name, value, market.currency)
    return format_number(value, 4) if isinstance(value, float) else str(value)
