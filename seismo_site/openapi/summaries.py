"""Summaries of the operations of the API, the descriptions of their groups, and the introduction."""

from __future__ import annotations

from collections.abc import Mapping

INTRODUCTION = """\
Ranked, reproducible scans of whole stock markets.

**Callers.** A program sends an API token, made in the admin: `Authorization: Bearer seismo_...`. A page of this site
is authenticated by the session cookie of a login; then every request other than GET, HEAD and OPTIONS also needs the
header `X-CSRFToken` with the value of the cookie `csrftoken`, and without it the answer is a 403. A token needs no
such header. Reads are for every user (for everybody where `SEISMO_ANONYMOUS_READS` is on), writes take the permission
that the operation names. Each user has a number of requests a minute: beyond it the answer is a 429 with `Retry-
After`.

**Lists** are `{"next", "previous", "results"}`; `next` and `previous` are whole addresses, null at the ends.

**Caches.** Answers have an `ETag` and a `Last-Modified`: send them back as `If-None-Match` or `If-Modified-Since`,
and an unchanged answer is a 304 without a body.

**Errors** are problem+json (RFC 9457) with a stable `code` and one sentence in `detail`.

**Numbers.** Prices and amounts are in the `currency` named beside them, names that end in `_pct` are percent, null is
unknown and never 0. Dates are sessions of the market's calendar.
"""

TAGS: Mapping[str, str] = {
    "markets": "Markets: what is recorded of each, how ready it is, its index",
    "scans": "What versions published for a session",
    "stocks": "Instruments: bars, charts, flow, picks, and why a version picked one or not",
    "signals": "Picks with a plan and what became of them",
    "analysis": "A pick read against its market and the picks before it",
    "candles": "Intraday candles of Upbit and Bithumb, what is recorded of them, and their collections",
    "evaluation": "How versions did",
    "research": "Sweeps of many variants, judged against luck",
    "versions": "Scanner versions: engines with parameters",
    "requests": "Scans on request",
    "marks": "Your tags and notes",
    "me": "Your account, settings and data",
    "health": "Whether the parts of the system answer",
}

TOKEN = "An API token, made in the admin and shown once: `Authorization: Bearer seismo_...`"  # noqa: S105
SESSION_COOKIE = (
    "The cookie of a login. Writes also need the header `X-CSRFToken` with the value of the cookie `csrftoken`."
)

SUMMARIES: Mapping[str, str] = {
    "candle_collections": "Collections of a market's candles",
    "candle_coverage": "What is recorded of candles",
    "candles": "Candles of a market",
    "active_version": "The version where none is named",
    "analysis": "A pick in one reading",
    "ask_for_scan": "Request a scan",
    "cache_stats": "How the cache serves",
    "cancel_scan_request": "Cancel a request",
    "change_mark": "Change your mark",
    "change_me": "Change your settings",
    "change_version": "Change a version",
    "delete_mark": "Delete your mark",
    "delete_my_data": "Delete your data",
    "evaluation": "How versions did, with intervals",
    "evening": "All versions of a session: regimes with their rules, changes of the lists, signals that moved",
    "portfolio": "A portfolio that trades the picks of a version",
    "preclose": "The last scan before the close of a session, and how many of its picks were in the lists at the close",
    "export_me": "Export your data",
    "health_live": "Whether this process answers",
    "health_ready": "Whether all parts answer",
    "index": "The market's index and its regimes",
    "make_active": "Choose the version where none is named",
    "make_version": "Make a version",
    "mark": "Your mark",
    "markets": "Every market",
    "marks": "Your marks on a market",
    "me": "Who you are",
    "put_mark": "Set your mark",
    "quotes": "Last prices of a few instruments while they trade",
    "readiness": "Whether the last closed session is recorded and scanned",
    "rerun_scan_request": "Repeat a request",
    "run_statistics": "How reliably and how fast versions run",
    "runs": "Every run",
    "scan": "A version's picks of a session",
    "scan_changes": "What entered, left and moved",
    "scan_compare": "Versions side by side",
    "scan_dates": "Sessions that are published",
    "scan_latest": "A version's latest picks",
    "scan_request": "A request and its progress",
    "scan_request_answer": "The answer of a request that publishes nothing",
    "scan_requests": "Requested scans",
    "signals": "Picks with a plan and what became of them",
    "sources": "Sources of a market: settings, last calls and refusals, limits, whose bars count",
    "stock": "An instrument",
    "stock_chart": "Bars, indicators and marks of a chart",
    "stock_explain": "Why an instrument was picked, or not",
    "stock_flows": "Who bought an instrument",
    "stock_overview": "An instrument in one answer",
    "stock_scans": "The picks of an instrument",
    "stocks": "Instruments of a market",
    "sweep": "A sweep: periods, tests, the choice outside and the verdict",
    "sweep_variants": "The variants of a sweep",
    "sweeps": "Sweeps of a market",
    "version": "A version with its parameters",
    "version_differences": "Which of two versions picks better, with intervals",
    "versions": "Every version",
}
