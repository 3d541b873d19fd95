"""A notification as a person reads it: a subject and a few lines of plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marketdata.markets import get_market
from marketdata.number_format import format_number, format_percent, format_price
from scans.order_prices import plan_sentence

TITLES = {
    "done": "{}",
    "partial": "{}, not everything went well",
    "failed": "nothing was published",
    "incomplete": "the session is not complete",
}


def notification_subject(body: Mapping[str, Any]) -> str:
    """One line: the market, the session and how it went."""
    counts = ", ".join(f"{one['version']} {_count(one)}" for one in body["versions"])
    told = TITLES[body["outcome"]].format(counts or "nothing was run")
    return f"Seismo {body['market']} {body['session']}: {told}"[:200]


def notification_text(body: Mapping[str, Any]) -> str:
    """All of it."""
    return "\n".join(_lines(body)) + "\n"


def _count(version: Mapping[str, Any]) -> str:
    told = version["status"]
    return told if told in ("failed", "quarantined") else str(version["matched"])


def _lines(body: Mapping[str, Any]) -> Iterator[str]:
    if body["reason"]:
        yield body["reason"]
    for version in body["versions"]:
        yield from _version(version, get_market(body["market"]).currency)
    collection, signals = body["collection"], body["signals"]
    if collection.get("source"):
        yield (
            f"Collected from {collection['source']}: {collection['new']} new, {collection['corrected']} corrected, "
            f"{_flows(collection)}{collection['calls']} calls."
        )
    if collection.get("note"):
        yield f"Nothing was collected. {collection['note']}"
    if collection.get("error"):
        yield f"Collection: {collection['error']}"
    if signals.get("error"):
        yield signals["error"]
    elif signals:
        yield f"Signals: {signals['opened']} new, {signals['moved']} earlier ones changed."
    yield from _readiness(body.get("readiness", {}))
    yield f"{body['seconds']:.1f} seconds."


def _readiness(readiness: Mapping[str, Any]) -> Iterator[str]:
    """The bars of the session, and what the market is waited for; of evenings before this was kept nothing."""
    if not readiness:
        return
    absent = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in readiness["absent"].items())
    yield (f"Bars: {readiness['present']:,} of {readiness['expected']:,} expected{f' ({absent})' if absent else ''}.")
    if readiness["state"] not in ("ready", "demo") or readiness.get("undecided"):
        yield f"Market {readiness['state'].replace('_', ' ')}: {readiness['reason']}"
    if skipped := readiness.get("skipped"):
        named = ", ".join(f"{slug} ({', '.join(segments)})" for slug, segments in skipped.items())
        yield f"Skipped, since the market lacks their segments: {named}."


def _flows(collection: Mapping[str, Any]) -> str:
    """Of evenings before flow was collected nothing is told."""
    rows = collection.get("flows", 0)
    return f"{rows} of investor flow, " if rows else ""


def _version(version: Mapping[str, Any], currency: str) -> Iterator[str]:
    if version["status"] in ("failed", "quarantined"):
        yield f"{version['version']}: {version['status']}. {version['reason']}"
        return
    listed = len(version["picks"])
    cut = f", {listed:,} listed" if listed != version["matched"] else ""
    head = f"{version['version']}: {version['matched']:,} matched{cut}"
    if version["reason"]:
        head += f", {version['reason']}"
    elif version["regime"]:
        head += f", regime {version['regime']}"
    if len(version["sessions"]) > 1:
        head += f"; sessions {version['sessions'][0]} to {version['sessions'][-1]} made up for"
    yield head
    if version.get("regime_rule"):  # evenings before rules were in messages have none
        yield f"  {version['regime_rule']}"
    if version["left_out"]:
        yield f"  {version['left_out']} sessions before are left out: `manage.py backfill --resume` does them"
    if version.get("quarantined"):
        days = ", ".join(version["quarantined"])
        yield f"  quarantined, to be published or discarded in the admin: {days}"
    for pick in version["picks"]:
        change = "" if pick["change_pct"] is None else f" ({format_percent(pick['change_pct'])})"
        told = " ".join(str(pick[name]) for name in ("code", "name", "label") if pick[name])
        yield (
            f"  {pick['rank']}. {told}: {format_number(pick['score'])}; {format_price(pick['close'], currency)}{change}"
        )
        plan = plan_sentence(pick.get("plan", {}))  # evenings before plans were in messages have none
        if plan:
            yield f"     {plan}"
