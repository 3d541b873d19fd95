"""Words of the engines with their names in the reader's language, and the keys of the pages."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Text = str | Promise

TRILLION_WON = pgettext_lazy("trillion won", "T")

LABELS: dict[str, Text] = {
    "watch": _("watch"),
    "candidate": _("candidate"),
    "buy candidate": _("buy candidate"),
    "strong buy": _("strong buy"),
    "stage 1": _("stage 1"),
    "stage 2": _("stage 2"),
    "stage 4": _("stage 4"),
    "match": _("match"),
}
STRATEGIES: dict[str, Text] = {
    "swing": _("swing"),
    "position": _("position"),
    "longterm": _("long term"),
    "midterm": _("midterm trend"),
    "pullback": _("pullback"),
    "formula": _("formula"),
    "watch": _("watch"),
}
STATUSES: dict[str, Text] = {
    "waiting": _("waiting"),
    "open": _("open"),
    "target": _("target hit"),
    "stop": _("stopped out"),
    "expired": _("time is up"),
    "lapsed": _("never filled"),
    "suspect": _("to be checked"),
}
ENDINGS: dict[str, Text] = {**STATUSES, "delisted": _("delisted")}
CURVES: dict[str, Text] = {
    "portfolio": _("portfolio"),
    "equal": _("market, equal weights"),
    "cap": _("market, cap weights"),
    "matched": _("shares alike"),
}
REGIMES: dict[str, Text] = {"bull": _("bull"), "neutral": _("neutral"), "bear": _("bear"), "crash": _("crash")}
TAGS: dict[str, Text] = {
    "watch": pgettext_lazy("tag", "Watch"),
    "buy": pgettext_lazy("tag", "Buy"),
    "exclude": pgettext_lazy("tag", "Exclude"),
    "question": "?",
}
VERSION_STATES: dict[str, Text] = {
    "scanned": _("published"),
    "stale": _("prices have changed since"),
    "quarantined": _("withheld"),
    "failed": _("failed"),
    "not_scanned": _("not scanned yet"),
}
EVENING_OUTCOMES: dict[str, Text] = {
    "done": pgettext_lazy("evening", "done"),
    "partial": pgettext_lazy("evening", "partly failed"),
    "incomplete": pgettext_lazy("evening", "bars are missing"),
    "failed": pgettext_lazy("evening", "failed"),
}
RUN_STAGES: dict[str, Text] = {
    "read": pgettext_lazy("stage", "read"),
    "features": pgettext_lazy("stage", "features"),
    "score": pgettext_lazy("stage", "score"),
    "publish": pgettext_lazy("stage", "publish"),
}
TASK_QUEUES: dict[str, Text] = {"high": _("a person waits"), "low": _("evenings and ranges")}
SOURCES: dict[str, Text] = {
    "file": _("a file"),
    "demo": _("the generator"),
    "manual": _("an operator"),
    "kis": _("Korea Investment & Securities"),
    "kis-us": _("Korea Investment & Securities"),
    "krx": "KRX",
    "upbit": "Upbit",
    "bithumb": "Bithumb",
    "yfinance": _("Yahoo Finance"),
}
CAPABILITIES: dict[str, Text] = {
    "daily_bars": _("daily bars"),
    "sessions": _("whole sessions"),
    "quotes": _("quotes of today"),
    "instruments": _("lists of instruments"),
    "indices": _("index series"),
    "flows": _("investor flow"),
    "holidays": _("holidays"),
    "candles": _("candles"),
}
STATUS_FLAGS: dict[str, Text] = {
    "managed": _("under administration"),
    "caution": _("investment caution"),
    "halted": _("halted"),
    "warning": _("market alert"),
}
OMISSIONS: dict[str, Text] = {"no_bar": _("without a bar"), "halted": _("halted"), "delisted": _("delisted")}
SIGNALS: dict[str, Text] = {
    "cross": _("TEMA 20 crossed above DEMA 10 today"),
    "volume": _("Volume is 2.5 times its 5-session mean or more"),
    "macd": _("MACD oscillator is above 0"),
    "rsi": _("Fast RSI is above slow RSI"),
    "tema": _("TEMA 20 rises and the close is above it"),
    "obv": _("On-balance volume rises over 20 sessions"),
    "above5": _("TEMA 20 above DEMA 10 on 3 of 5 sessions"),
    "dema": _("DEMA 10 rises over 20 sessions"),
}
GROUPS: tuple[tuple[Text, dict[str, Text]], ...] = (
    (_("Regimes"), REGIMES),
    (_("Labels"), LABELS),
    (_("Strategies"), STRATEGIES),
    (_("Signals' lives"), STATUSES),
    (_("Signals of the crossover engines"), SIGNALS),
)
KEYS: tuple[tuple[Text, Text], ...] = (
    ("j / k", _("next / previous row")),
    ("Enter", _("open the stock")),
    ("Esc", _("back to the list")),
    ("n / p", _("next / previous pick")),
    (_("Space"), _("seen, then the next pick")),
    ("1 … 4", _("tag: watch, buy, exclude, ?; again takes it off")),
    ("t", _("write a note; Esc saves it")),
    ("e", _("to why it was picked")),
    ("[ / ]", _("session before / after")),
    ("/", _("search")),
    ("c", _("copy code, name and order prices")),
    ("g", _("choose a market")),
    ("v", _("next version")),
    ("?", _("these keys")),
)


def word(group: dict[str, Text], key: str) -> Text:
    """The name of a word; the word itself where the glossary lacks it."""
    return group.get(key, key)
