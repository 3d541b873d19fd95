"""The message of an evening in a reader's language, from the content of its notification.

1. The subject: the market, the session and what each version lists, the larger of v2 and v3 first.
2. What went wrong, how far behind the record is, and why versions have published nothing.
3. Of each other version: its regime with the rule, counts as listed, who is new with the order, who left and why; of
   its first list the picks alone.
4. The signals that ended or began, by name, with the return.
5. The collection and the bars; the address of the page.

Contents recorded before a part existed have a message without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from marketdata.market_time import market_zone
from marketdata.markets import MARKET_NAMES, get_market
from marketdata.number_format import format_order_price, format_percent, format_price
from marketdata.templatetags.failures import failure_reason
from marketdata.ticks import LEVELS
from scans.engines.regime_rules import Comparison, RegimeRule
from scans.models import EveningOutcome, Notification, ScanSession
from scans.notices.message import ALWAYS, URGENT, Kind, Line, Message
from scans.wording import glossary
from scans.wording.reasons import no_picks_reason
from scans.wording.regime_sentences import MINUS, regime_sentence
from scans.wording.rules import check_name

UNPUBLISHED = ("failed", "quarantined")
FIRST = ("v2", "v3")
VERSION, RULE, NEW, ENTRY, DROPPED, DETAIL = 2, 4, 10, 1000, 2000, 9000
"""Weights: the n-th new pick of every version and the n-th signal that ended have `NEW` + n, so that no list fills a
short message alone."""


def evening_message(content: Mapping[str, Any], language: str, *, link: str = "") -> Message:
    """The message of a notification's content (`notify.notification_body`) with `link` as its last line."""
    if content.get("kind") == Notification.SETTLED:
        return settled_message(content, language, link=link)
    with translation.override(language or "en"):
        versions = _order_versions(content["versions"])
        unpublished = [version for version in versions if version["status"] in UNPUBLISHED]
        lines = [*_problems(content), *map(_unpublished, unpublished), *_provisional(content)]
        for version in versions:
            if version not in unpublished:
                lines += _version(version, content["market"])
        lines += _signals(content["signals"])
        lines += [Line(text, weight=DETAIL) for text in _details(content)]
        if link:
            lines.append(Line(link, Kind.LINK, ALWAYS))
        return Message(_subject(content), tuple(lines), _("Lines left out: {count}"))


def settled_message(content: Mapping[str, Any], language: str, *, link: str = "") -> Message:
    """The message of the lists that settled bars changed, or why there are none yet: of each version the picks that
    left, each with the condition that it no longer meets, the new ones and those with new order prices."""
    with translation.override(language or "en"):
        lines, left = list(_problem(failure_reason(content["reason"]))), _("Dropped")
        for version in _order_versions(content["versions"]):
            currency = get_market(content["market"]).currency
            lines.append(Line(_settled_count(version), Kind.HEAD, VERSION))
            lines += _preclose_hits(version, content["market"], is_settled=True)
            for n, row in enumerate(version["dropped"]):
                why = check_name(row["reason"]) if row["reason"] else _("no longer passes")
                lines.append(Line(f"{left} {_name(row)}: {why}", Kind.ITEM, NEW + n))
            lines += [
                Line(_pick(pick, currency, is_new=True), Kind.ITEM, NEW + n) for n, pick in enumerate(version["new"])
            ]
            if version["repriced"]:
                lines.append(Line(_("New order prices"), weight=ENTRY))
            for n, pick in enumerate(version["repriced"]):
                lines.append(Line(_pick(pick, currency, is_new=False), Kind.ITEM, ENTRY + n))
        if link:
            lines.append(Line(link, Kind.LINK, ALWAYS))
        return Message(_settled_subject(content), tuple(lines), _("Lines left out: {count}"))


def _settled_subject(content: Mapping[str, Any]) -> str:
    market = MARKET_NAMES.get(content["market"], content["market"])
    state = _("not settled") if content["outcome"] == EveningOutcome.INCOMPLETE else _("settled")
    counts = "; ".join(_settled_count(version) for version in _order_versions(content["versions"]))
    return f"Seismo {market} {session_day(content['session'])} {state}{f': {counts}' if counts else ''}"[:200]


def _settled_count(version: Mapping[str, Any]) -> str:
    """As "v2: 2 of 13 picks dropped: volume, gap; 1 new"."""
    counts = version["counts"]
    left = _("%(dropped)s of %(before)s picks dropped") % {"dropped": counts["dropped"], "before": version["before"]}
    names = dict.fromkeys(check_name(row["reason"]) for row in version["dropped"] if row["reason"])
    reasons = f": {', '.join(names)}" if names else ""
    new = _("; %(count)s new") % {"count": counts["new"]} if counts["new"] else ""
    return f"{version['scanner_version']}: {left}{reasons}{new}"


def sample_message(language: str, *, link: str = "") -> Message:
    """The message of a test where no evening has been recorded yet."""
    with translation.override(language or "en"):
        lines = [Line(_("No evening has been recorded yet; this is how a message arrives."))]
        if link:
            lines.append(Line(link, Kind.LINK, ALWAYS))
        return Message(_("Seismo: a test message"), tuple(lines), _("Lines left out: {count}"))


def evening_subject(content: Mapping[str, Any], language: str) -> str:
    """The subject of the message alone."""
    with translation.override(language or "en"):
        return _settled_subject(content) if content.get("kind") == Notification.SETTLED else _subject(content)


def _subject(content: Mapping[str, Any]) -> str:
    counts = ", ".join(_count(version) for version in _order_versions(content["versions"])) or _("nothing was run")
    is_said = any(version["status"] in UNPUBLISHED for version in content["versions"])
    texts = {
        "done": counts,
        "partial": counts if is_said else _("%(counts)s, not everything went well") % {"counts": counts},
        "failed": _("nothing was scanned") if content.get("as_of") else _("nothing was published"),
        "incomplete": _("the session is not complete"),
    }
    market = MARKET_NAMES.get(content["market"], content["market"])
    day = session_day(content["session"])
    if content.get("as_of"):
        at = f"{content['as_of'].astimezone(market_zone(content['market'])):%H:%M %Z}"
        day = _("%(day)s before the close, %(at)s") % {"day": day, "at": at}
    behind = (content.get("readiness") or {}).get("sessions_behind") or 0
    own = 1 if content["outcome"] == "incomplete" else 0  # the session itself is lacking, which the outcome says
    if behind > own:
        late = ngettext("%(behind)s session behind", "%(behind)s sessions behind", behind) % {"behind": behind}
        day = f"{day}, {late}"
    return f"Seismo {market} {day}: {texts[content['outcome']]}"[:200]


def session_day(session: str | date) -> str:
    """As "2026-08-21 (Fri)"."""
    day = date.fromisoformat(str(session))
    weekdays = _("Mon Tue Wed Thu Fri Sat Sun").split()
    return f"{day} ({weekdays[day.weekday()]})"


def _order_versions(versions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """v2 and v3 first, the larger of them before the other, then the rest by name."""

    def key(version: Mapping[str, Any]) -> tuple[bool, int, str]:
        slug = version["scanner_version"]
        return slug not in FIRST, -version["ranked"] if slug in FIRST else 0, slug

    return sorted(versions, key=key)


def _count(version: Mapping[str, Any]) -> str:
    slug = version["scanner_version"]
    if version["status"] in UNPUBLISHED:
        return f"{slug} {_status(version)}"
    text = ngettext("%(slug)s %(count)s pick", "%(slug)s %(count)s picks", version["ranked"]) % {
        "slug": slug,
        "count": f"{version['ranked']:,}",
    }
    counts = version.get("counts", {})
    new = counts.get("new") if _has_before(counts) else None
    return text + _(" (%(count)s new)") % {"count": f"{new:,}"} if new else text


def _status(version: Mapping[str, Any]) -> str:
    return _("failed") if version["status"] == "failed" else _("quarantined")


def _problems(content: Mapping[str, Any]) -> Iterator[Line]:
    """The reasons why something was not done, as recorded, and the state of the market where it is not ready."""
    collection, signals, readiness = content["collection"], content["signals"], content.get("readiness") or {}
    if content.get("as_of") and content["versions"]:
        early = _("Picked from quotes while the session still trades: the lists at the close may differ.")
        yield Line(early, weight=URGENT)
    yield from _problem(failure_reason(content["reason"]))
    if collection.get("error"):
        yield from _problem(_("Collection: %(error)s") % {"error": failure_reason(collection["error"])})
    yield from _problem(failure_reason(signals.get("error", "")))
    behind = readiness.get("sessions_behind")
    if behind:
        day = {"behind": behind, "day": readiness["last_closed_session"]}
        yield from _problem(
            ngettext(
                "The record is %(behind)s session behind: the last closed one is %(day)s.",
                "The record is %(behind)s sessions behind: the last closed one is %(day)s.",
                behind,
            )
            % day
        )
        if content["versions"]:
            of_session = {"day": session_day(content["session"])}
            yield from _problem(_("The lists and their order prices are of %(day)s.") % of_session)
    is_ready = not readiness or readiness["state"] in ("ready", "demo")
    if readiness.get("undecided") or not (is_ready or behind):
        yield from _problem(_("State of the market: %(reason)s") % {"reason": failure_reason(readiness["reason"])})


def _provisional(content: Mapping[str, Any]) -> Iterator[Line]:
    """When the bars were read, where they may still change."""
    if read_at := (content.get("readiness") or {}).get("read_at"):
        moment = datetime.fromisoformat(read_at).astimezone(market_zone(content["market"]))
        yield Line(
            _("Provisional: bars read at %(at)s, settled the next morning.") % {"at": f"{moment:%H:%M}"}, weight=RULE
        )


def _problem(text: str) -> Iterator[Line]:
    if text:
        yield Line(text, weight=URGENT)


def _unpublished(version: Mapping[str, Any]) -> Line:
    """Why a version has published nothing."""
    return Line(
        f"{version['scanner_version']} · {_status(version)}: {failure_reason(version['reason'])}", Kind.HEAD, URGENT
    )


def _version(version: Mapping[str, Any], market: str) -> Iterator[Line]:
    currency = get_market(market).currency
    yield Line(_head(version), Kind.HEAD, VERSION)
    if rule := _rule(version):
        yield Line(rule, weight=RULE)
    for text in _early(version.get("early") or {}):
        yield Line(text, weight=RULE)
    yield from _preclose_hits(version, market, is_settled=False)
    if not version["ranked"]:
        session = ScanSession(reason=version["reason"], regime=version["regime"])
        yield Line(no_picks_reason(session), weight=RULE)
    for text in _backlog(version):
        yield Line(text, weight=URGENT)
    counts = version.get("counts", {})
    picks = version["new"] if counts else version["picks"]
    if counts and not _has_before(counts) and picks:
        yield Line(_("Its first list: there is none before to compare it with."), weight=RULE)
    for n, pick in enumerate(picks):
        yield Line(_pick(pick, currency, is_new=_has_before(counts)), Kind.ITEM, NEW + n)
    more = _("More new ones: %(count)s") if _has_before(counts) else _("More picks: %(count)s")
    yield from _rest(counts.get("new", 0) - len(picks), more, NEW)
    left, dropped = _("Dropped"), version.get("dropped", ())
    for n, row in enumerate(dropped):
        yield Line(f"{left} {_name(row)}: {_exit(row['reason'])}", Kind.ITEM, DROPPED + n)
    yield from _rest(counts.get("dropped", 0) - len(dropped), _("More dropped ones: %(count)s"), DROPPED)


def _has_before(counts: Mapping[str, int]) -> bool:
    """Whether the version has a list of an evening before, against which picks are new, or stayed, or dropped."""
    return "stayed" in counts


def _early(early: Mapping[str, Any]) -> Iterator[str]:
    """Of a scan before the close: how its volumes were scaled, and how many of its earlier picks stood at the close."""
    if early.get("volume_share"):
        share = format_percent(100 * early["volume_share"], sign=False, decimals=0)
        yield _("Volumes are divided by %(share)s, the usual share of the day by then.") % {"share": share}
    if early.get("picks"):
        counts = {name: f"{early[name]:,}" for name in ("hits", "picks", "sessions")}
        counts["share"] = format_percent(100 * early["hits"] / early["picks"], sign=False, decimals=0)
        yield (
            ngettext(
                "%(hits)s of %(picks)s earlier picks before the close (%(share)s) were in the list at the close, over "
                "%(sessions)s session.",
                "%(hits)s of %(picks)s earlier picks before the close (%(share)s) were in the list at the close, over "
                "%(sessions)s sessions.",
                early["sessions"],
            )
            % counts
        )


def _preclose_hits(version: Mapping[str, Any], market: str, *, is_settled: bool) -> Iterator[Line]:
    """Of a list at the close: how many picks before it are in it."""
    hits = version.get("preclose_hits")
    if not hits:
        return
    at = datetime.fromisoformat(hits["read_at"]).astimezone(market_zone(market))
    counts = {"kept": f"{hits['hits']:,}", "listed": f"{hits['picks']:,}", "at": f"{at:%H:%M}"}
    if is_settled:
        text = ngettext(
            "%(kept)s of %(listed)s pick before the close (%(at)s) is in the settled list.",
            "%(kept)s of %(listed)s picks before the close (%(at)s) are in the settled list.",
            hits["picks"],
        )
    else:
        text = ngettext(
            "%(kept)s of %(listed)s pick before the close (%(at)s) is in the list at the close.",
            "%(kept)s of %(listed)s picks before the close (%(at)s) are in the list at the close.",
            hits["picks"],
        )
    yield Line(text % counts, weight=RULE)


def _rest(count: int, text: str, weight: int) -> Iterator[Line]:
    if count > 0:
        yield Line(text % {"count": f"{count:,}"}, Kind.ITEM, weight)


def _head(version: Mapping[str, Any]) -> str:
    """v2 · bull · 26 matched, 10 listed: 4 new, 6 stayed, 5 dropped"""
    ranked = version["ranked"]
    if version["matched"] > ranked:
        counts = _("%(matched)s matched, %(listed)s listed") % {"matched": f"{version['matched']:,}", "listed": ranked}
    else:
        counts = ngettext("%(listed)s pick", "%(listed)s picks", ranked) % {"listed": f"{ranked:,}"}
    moves = version.get("counts", {})
    if _has_before(moves) and any(moves.values()):
        counts += ": " + _("%(new)s new, %(stayed)s stayed, %(dropped)s dropped") % moves
    regime = glossary.word(glossary.REGIMES, version["regime"]) if version["regime"] else ""
    return " · ".join(str(part) for part in (version["scanner_version"], regime, counts) if part)


def _rule(version: Mapping[str, Any]) -> str:
    """The rule of the regime; of contents recorded before its parts were, the English sentence."""
    if not (parts := version.get("regime_parts")):
        return str(version.get("regime_rule", ""))
    comparisons = tuple(Comparison(**one) for one in parts["comparisons"])
    return regime_sentence(RegimeRule(**{**parts, "comparisons": comparisons}))


def _backlog(version: Mapping[str, Any]) -> Iterator[str]:
    sessions = version["sessions"]
    if len(sessions) > 1:
        yield _("Sessions %(first)s to %(last)s were scanned.") % {"first": sessions[0], "last": sessions[-1]}
    if version["left_out"]:
        yield _("Earlier sessions left out: %(count)s; `manage.py backfill --resume` scans them.") % {
            "count": version["left_out"]
        }
    if version.get("quarantined"):
        days = ", ".join(version["quarantined"])
        yield _("Quarantined, to be published or discarded in the admin: %(days)s.") % {"days": days}


def _pick(pick: Mapping[str, Any], currency: str, *, is_new: bool) -> str:
    """신규 1. 더블유게임즈 192080: 59,400 (+5.69 %); 목표 65,300, 손절 55,300"""
    new = pgettext("figure", "New") + " " if is_new else ""
    head = f"{new}{pick['rank']}. {_name(pick)}"
    change = "" if pick["change_pct"] is None else f" ({_percent(pick['change_pct'])})"
    plan = pick.get("plan") or {}
    orders = plan.get("order") or plan
    names = {"entry": _("entry %(price)s"), "target": _("target %(price)s"), "stop": _("stop %(price)s")}
    prices = [
        names[level] % {"price": format_order_price(orders[level], currency)} for level in LEVELS if orders.get(level)
    ]
    words = [f"{head}: {format_price(pick['close'], currency)}{change}", ", ".join(prices)]
    return "; ".join(filter(None, words))


def _percent(value: float) -> str:
    """With the minus that the sentences of regimes have."""
    return format_percent(value).replace("-", MINUS)


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['name']} {row['code']}" if row["name"] else str(row["code"])


def _exit(reason: str) -> str:
    return str(glossary.word(glossary.STATUSES, reason)) if reason else _("no longer passes")


def _signals(signals: Mapping[str, Any]) -> Iterator[Line]:
    moves, entered = signals.get("moves", ()), _("entered")
    if moves:
        has_ended = any(move["status"] != "entered" for move in moves)
        yield Line(_("Signals that moved today"), Kind.HEAD, NEW if has_ended else ENTRY)
    for n, move in enumerate(moves):
        if move["status"] == "entered":
            yield Line(f"{entered} {_name(move)} ({move['scanner_version']})", Kind.ITEM, ENTRY + n)
        else:
            returns = ", ".join(map(_percent, move["returns_pct"]))
            text = f"{_exit(move['status'])} {_name(move)} ({move['scanner_version']}) {returns}"
            yield Line(text, Kind.ITEM, NEW + n)
    if (rest := signals.get("moves_left_out", 0)) > 0:
        yield Line(_("More signals: %(count)s") % {"count": rest}, Kind.ITEM, ENTRY)


def _details(content: Mapping[str, Any]) -> Iterator[str]:
    collection, signals, readiness = content["collection"], content["signals"], content.get("readiness") or {}
    if collection.get("source"):
        flows = collection.get("flows", 0)
        counts = {name: f"{collection[name]:,}" for name in ("new", "corrected", "calls")}
        counts["flows"] = _("%(count)s of investor flow, ") % {"count": flows} if flows else ""
        counts["source"] = str(glossary.word(glossary.SOURCES, collection["source"]))
        yield _("Collected from %(source)s: %(new)s new, %(corrected)s corrected, %(flows)s%(calls)s calls.") % counts
    if collection.get("note"):
        yield _("Nothing was collected. %(note)s") % {"note": failure_reason(collection["note"])}
    if "opened" in signals:
        yield _("Signals: %(opened)s new, %(moved)s earlier ones changed.") % signals
    if readiness:
        yield _("Bars: %(present)s of %(expected)s expected.") % {
            name: f"{readiness[name]:,}" for name in ("present", "expected")
        }
    if skipped := readiness.get("skipped"):
        named = ", ".join(f"{slug} ({', '.join(segments)})" for slug, segments in skipped.items())
        yield _("Skipped, since the market lacks their segments: %(named)s.") % {"named": named}
    yield _("%(seconds)s seconds.") % {"seconds": f"{content['seconds']:.1f}"}
