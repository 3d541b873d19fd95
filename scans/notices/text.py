"""The subject and the plain text of a notification."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marketdata.markets import get_market
from marketdata.number_format import count_of, format_number, format_percent, format_price
from scans.order_prices import plan_sentence

TITLES = {
    "done": "{}",
    "partial": "{}, not everything went well",
    "failed": "nothing was published",
    "incomplete": "the session is not complete",
}


def notification_subject(body: Mapping[str, Any]) -> str:
    """One line: the market, the session and the outcome."""
    counts = ", ".join(f"{one['scanner_version']} {_count(one)}" for one in body["versions"])
    words = TITLES[body["outcome"]].format(counts or "nothing was run")
    return f"Seismo {body['market']} {body['session']}: {words}"[:200]


def notification_text(body: Mapping[str, Any]) -> str:
    """The text: the versions with their picks, the collection, the signals, the readiness."""
    return "\n".join(_lines(body)) + "\n"


def _count(version: Mapping[str, Any]) -> str:
    words = version["status"]
    return words if words in ("failed", "quarantined") else str(version["matched"])


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
    """The session's bars and the market's readiness; nothing for evenings recorded without them."""
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
    """The count of investor flow rows; "" for evenings recorded without it."""
    rows = collection.get("flows", 0)
    return f"{rows} of investor flow, " if rows else ""


def _version(version: Mapping[str, Any], currency: str) -> Iterator[str]:
    if version["status"] in ("failed", "quarantined"):
        yield f"{version['scanner_version']}: {version['status']}. {version['reason']}"
        return
    listed = len(version["picks"])
    cut = f", {listed:,} listed" if listed != version["matched"] else ""
    head = f"{version['scanner_version']}: {version['matched']:,} matched{cut}"
    if version["reason"]:
        head += f", {version['reason']}"
    elif version["regime"]:
        head += f", regime {version['regime']}"
    if len(version["sessions"]) > 1:
        head += f"; sessions {version['sessions'][0]} to {version['sessions'][-1]} scanned"
    yield head
    if version.get("regime_rule"):  # older notifications have none
        yield f"  {version['regime_rule']}"
    if version["left_out"]:
        yield f"  {count_of(version['left_out'], 'earlier session')} left out: `manage.py backfill --resume` scans them"
    if version.get("quarantined"):
        days = ", ".join(version["quarantined"])
        yield f"  quarantined, to be published or discarded in the admin: {days}"
    for pick in version["picks"]:
        change = "" if pick["change_pct"] is None else f" ({format_percent(pick['change_pct'])})"
        words = " ".join(str(pick[name]) for name in ("code", "name", "label") if pick[name])
        close = format_price(pick["close"], currency)
        yield f"  {pick['rank']}. {words}: {format_number(pick['score'])}; {close}{change}"
        plan = plan_sentence(pick.get("plan", {}))  # older notifications have none
        if plan:
            yield f"     {plan}"
