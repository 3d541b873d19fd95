"""The message of signals that reached a level while their session still trades, in a reader's language."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from marketdata.market_time import market_zone
from marketdata.markets import MARKET_NAMES, get_market
from marketdata.number_format import format_order_price, format_price
from scans.notices.message import ALWAYS, URGENT, Kind, Line, Message
from scans.wording.evening_message import NEW, session_day

LEVELS = ("stop", "target")


def intraday_message(
    content: Mapping[str, Any], language: str, *, link: str = "", own: Collection[str] | None = None
) -> Message:
    """The message of a notification's content (`intraday.watch`), of the instruments `own` alone where that is not
    None: what was reached and when, stops first."""
    with translation.override(language or "en"):
        touches = [
            (touch, version["scanner_version"])
            for version in content["versions"]
            for touch in version["touches"]
            if own is None or touch["code"] in own
        ]
        touches.sort(key=lambda row: LEVELS.index(row[0]["level"]))
        market = content["market"]
        head = _("Intraday: prices while the session trades. The close decides what is recorded.")
        lines = [Line(head, weight=URGENT)]
        lines += [Line(_touch(touch, slug, market), Kind.ITEM, NEW + n) for n, (touch, slug) in enumerate(touches)]
        if link:
            lines.append(Line(link, Kind.LINK, ALWAYS))
        subject = _subject(market, content, [touch for touch, _ in touches])
        return Message(subject, tuple(lines), _("Lines left out: {count}"))


def _subject(market: str, content: Mapping[str, Any], touches: Collection[Mapping[str, Any]]) -> str:
    """As "Seismo KRX 2026-08-21 (Fri) intraday 10:31: stop 1, target 2"."""
    names = {"stop": _("stop %(count)s"), "target": _("target %(count)s")}
    counts = {level: sum(touch["level"] == level for touch in touches) for level in LEVELS}
    text = ", ".join(names[level] % {"count": count} for level, count in counts.items() if count)
    at = f"{content['as_of'].astimezone(market_zone(market)):%H:%M}"
    when = _("intraday %(at)s") % {"at": at}
    return f"Seismo {MARKET_NAMES.get(market, market)} {session_day(content['session'])} {when}: {text}"[:200]


def _touch(touch: Mapping[str, Any], slug: str, market: str) -> str:
    """As "Intraday, stop reached: NAVER 035420 (v2) 212,000; now 211,500, 10:31"."""
    currency = get_market(market).currency
    what = _("Intraday, stop reached") if touch["level"] == "stop" else _("Intraday, target reached")
    name = f"{touch['name']} {touch['code']}" if touch["name"] else touch["code"]
    at = datetime.fromisoformat(touch["read_at"]).astimezone(market_zone(market))
    now = _("now %(price)s, %(at)s") % {"price": format_price(touch["last"], currency), "at": f"{at:%H:%M}"}
    return f"{what}: {name} ({slug}) {format_order_price(touch['price'], currency)}; {now}"
