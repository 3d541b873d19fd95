"""Descriptions of sources for people: what each can do for which market, its cost in calls, when bars are final, its
switches, and its last calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketdata.markets import get_market
from marketdata.queries.call_records import CallRecord, call_records
from marketdata.queries.source_standings import SourceStanding, source_standings
from marketdata.sources import registry
from marketdata.sources.base import Capability, Source, SourceRefused
from marketdata.sources.daily import DailyBarSource, QuoteSource
from marketdata.sources.registry import SourceDependencies
from marketdata.sources.sessions import SessionSource

FRIDAY, MONDAY = date(2026, 1, 9), date(2026, 1, 12)
"""Two sessions in a row, of which the first is published on the second."""
SWITCHES: Mapping[str, Mapping[str, str]] = {
    "kis": {"KIS_ENVIRONMENT": "environment", "KIS_SAME_DAY_MINUTES": "same_day_minutes"},
    "kis-us": {
        "KIS_ENVIRONMENT": "environment",
        "KIS_US_COMPARE": "compare_adjusted",
        "KIS_US_KINDS": "kinds_by_form",
    },
    "krx": {"KRX_SEGMENTS": "segments"},
    "yfinance": {"YFINANCE_ENABLED": "enabled", "YFINANCE_SYMBOLS": "symbols", "YFINANCE_COMPARE": "compare"},
}
"""Source -> setting that changes what it does -> its option; none of them is secret."""
WHOLE_HISTORY = 10_000
"""Sessions of a call that hold any history."""


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """A source by its settings: `missing` names settings, `wrong` is the contradiction in them, `install` the command
    for its missing library; `market` of its daily bars, what they cost in `calls`, and when they are `final`, in the
    reader's language; `calls_a_day`: its daily limit, None without one; `switches`: (setting, value)."""

    name: str
    title: str
    can: tuple[str, ...]
    missing: tuple[str, ...] = ()
    wrong: str = ""
    market: str = ""
    calls: str = ""
    final: str = ""
    is_official: bool = True
    install: str = ""
    calls_a_day: int | None = None
    switches: tuple[tuple[str, str], ...] = ()

    @property
    def is_configured(self) -> bool:
        return not self.missing and not self.wrong and not self.install


def describe_sources() -> Iterator[SourceDescription]:
    """Every source of the registry, in its order."""
    for name in registry.SOURCES:
        try:
            source = registry.build(name, settings.SOURCES.get(name, {}), SourceDependencies())
        except SourceRefused as error:
            yield SourceDescription(name, name, (), wrong=str(error))
            continue
        market = source.daily_market if isinstance(source, DailyBarSource | SessionSource) else ""
        yield SourceDescription(
            name,
            source.title,
            tuple(sorted(str(capability) for capability in source.capabilities)),
            source.missing_settings(),
            market=market,
            calls=_calls(source),
            final=_final(source),
            is_official=name not in registry.UNOFFICIAL,
            install=registry.missing_library(name),
            calls_a_day=source.calls_a_day if isinstance(source, SessionSource) else None,
            switches=_switches(name),
        )
        source.close()


def market_sources(market: str) -> list[SourceDescription]:
    """The sources that can serve `market`."""
    family = get_market(market).family
    return [source for source in describe_sources() if source.market in family]


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A source of a market: its description, None where it is none of the registry (files); `calls`: its last ones,
    None before the first; `standing` of its bars, None without recent ones."""

    name: str
    description: SourceDescription | None
    calls: CallRecord | None
    standing: SourceStanding | None


def market_source_statuses(market: str) -> list[SourceStatus]:
    """The sources that can serve `market`, in the order of the registry, and then others with recent bars of it."""
    descriptions = {source.name: source for source in market_sources(market)}
    standings = {standing.source: standing for standing in source_standings(market)}
    calls = call_records()
    return [
        SourceStatus(name, descriptions.get(name), calls.get(name), standings.get(name))
        for name in dict.fromkeys([*descriptions, *standings])
    ]


def _switches(name: str) -> tuple[tuple[str, str], ...]:
    options = settings.SOURCES.get(name, {})
    switches = SWITCHES.get(name, {})
    return tuple((setting, _value(options[option])) for setting, option in switches.items() if option in options)


def _value(value: object) -> str:
    """As in a file of settings."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _calls(source: Source) -> str:
    if isinstance(source, SessionSource):
        calls = source.calls_a_session
        text = ngettext(
            "%(calls)s call a session of all instruments, %(limit)s a day",
            "%(calls)s calls a session of all instruments, %(limit)s a day",
            calls,
        )
        return text % {"calls": calls, "limit": f"{source.calls_a_day:,}"}
    if not isinstance(source, DailyBarSource):
        return ""
    count = source.bars_a_call
    is_whole = count >= WHOLE_HISTORY
    parts = [_("%(count)s sessions of an instrument a call") % {"count": f"{count:,}"}]
    if is_whole:
        parts = [_("the whole history of an instrument a call")]
    if source.readings > 1:
        parts.append(_("read twice") if is_whole else _("read twice, raw and adjusted"))
    if isinstance(source, QuoteSource) and Capability.QUOTES in source.capabilities:
        parts.append(_("%(count)s instruments a call on the evening of a session") % {"count": source.quotes_a_call})
    parts.append(_("%(rate)s a second at most") % {"rate": f"{source.calls_per_second:.3g}"})
    return ", ".join(parts)


def _final(source: Source) -> str:
    if isinstance(source, SessionSource):
        clock = f"{source.published_at(FRIDAY, MONDAY):%H:%M}"
        return _("once published: from %(clock)s of the next session's day on") % {"clock": clock}
    if not isinstance(source, DailyBarSource):
        return ""
    rule = source.same_day
    if rule is None:
        return _("from the close on")
    return _("from %(clock)s of the next day on") % {"clock": f"{rule.settled_at:%H:%M}"}
