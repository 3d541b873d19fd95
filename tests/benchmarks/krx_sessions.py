"""Sessions of KRX played with a clock against imitations of KIS, whose bars of the day move from 16:00 on, and of the
exchange's own list, as a table: what was recorded when, the digests before and after settling, messages.

    python -m tests.benchmarks.krx_sessions

Ten sessions with exam day, a run at 18:10 alone, closed days, a sudden closure, the end of the year. What has to hold
is asserted by tests/scans/operations/test_ten_sessions.py. It uses a data directory of its own.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

TEN = 10
MOST = 49
"""Sessions of the market: on the fiftieth the imitation halts every share."""
EXAM = date(2026, 11, 19)
EVENING_ONLY, SUDDEN, LAST_OF_YEAR, FIRST_OF_YEAR = (
    date(2026, 11, 26), date(2026, 12, 1), date(2026, 12, 30), date(2027, 1, 4),
)  # fmt: skip
HEAD = (
    "session", "evening", "recorded", "digest", "18:10", "morning", "differ", "digest", "picks", "wrong", "mails",
)  # fmt: skip


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"SEISMO_DATA_DIR": folder, "SEISMO_ENV_FILE": os.devnull, "SEISMO_LOG_LEVEL": "CRITICAL"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "seismo_site.settings"
        import django

        django.setup()
        rows = list(_play(Path(folder)))
    widths = [max(len(row[n]) for row in [HEAD, *rows] if len(row) > 2) for n in range(len(HEAD))]
    for row in [HEAD, *rows]:
        if len(row) > 2:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        else:
            print(f"{row[0].ljust(widths[0])}  {row[1]}")
    return 0


def _play(folder: Path) -> Iterator[tuple[str, ...]]:
    """Rows of the table; of a day without an evening the sentence alone."""
    from django.conf import settings
    from django.core import mail
    from django.core.management import call_command

    from scans.engines.registry import ENGINES
    from scans.models import ActiveVersion, ScannerVersion
    from tests.scans.operations.settling_setup import SettlingDesk, trading_days
    from tests.scans.probe import Probe

    call_command("migrate", verbosity=0)
    settings.EMAIL_BACKEND, settings.NOTIFY_EMAIL = "django.core.mail.backends.locmem.EmailBackend", ["a@example.org"]
    mail.outbox = []
    ENGINES["probe"] = Probe()
    ScannerVersion.objects.update(enabled=False)
    version = ScannerVersion.objects.create(slug="rises", engine="probe")
    ActiveVersion.objects.update_or_create(market="kr", defaults={"version": version})
    days = [day for day in trading_days("2027-01-06", MOST) if day != SUDDEN]
    with SettlingDesk(settings, folder, days) as desk:
        desk.kis.exchange.closed |= {date(2026, 12, 25), date(2027, 1, 1)}
        first = days.index(EXAM) - 5
        for number, day in enumerate(days[first : first + TEN]):
            yield _session(desk, day, corrects=number in (3, 6))
        report = desk.evening(f"{EVENING_ONLY}T18:10:00")
        yield str(EVENING_ONLY), f"18:10 {report.outcome}: {report.reason}"
        yield _morning_alone(desk, EVENING_ONLY)
        for closed in (date(2026, 6, 3), date(2026, 7, 17), date(2026, 12, 31)):
            yield str(closed), f"15:35 {desk.evening(f'{closed}T15:35:00').reason}"
        yield from _sudden_closure(desk)
        yield _session(desk, LAST_OF_YEAR)
        yield _session(desk, FIRST_OF_YEAR)


def _session(desk: Any, day: date, *, corrects: bool = False) -> tuple[str, ...]:
    """One session: the evening in its hours, another run at 18:10, the morning after. With `corrects` the exchange has
    another close of a pick than the broker had."""
    from django.core import mail

    from marketdata.models import StockPrice
    from tests.scans.operations.settling_setup import closes, picks

    hour, sent = "16:35" if day == EXAM else "15:35", len(mail.outbox)
    report = desk.evening(f"{day}T{hour}:00")
    bars, before, evening = StockPrice.objects.filter(market="kr", date=day).count(), picks(day), _answer(day)
    seen = closes(day)
    desk.evening(f"{day}T18:10:00")
    late = "kept" if (picks(day), closes(day)) == (before, seen) else "CHANGED"
    if corrects and before:
        code = min(before)
        bar = next(bar for bar in desk.kis.market[code].bars if bar.session == day)
        desk.closes[day] = {code: bar.base - 50}
    following = desk.days[desk.days.index(day) + 1]
    desk.morning(f"{following}T08:15:00")
    official, after = desk.official(day), picks(day)
    wrong = sum(close != official[code] for code, close in closes(day).items())
    differ = sum(seen[code] != close for code, close in official.items() if code in seen)
    left = ", ".join(sorted(before - after))
    change = f"{len(before)} -> {len(after)}{f' (left {left})' if left else ''}"
    return (
        str(day), f"{hour} {report.outcome}", f"{bars} bars", evening, late, f"{following:%m-%d} 08:15",
        str(differ), _answer(day), change, str(wrong), str(len(mail.outbox) - sent),
    )  # fmt: skip


def _morning_alone(desk: Any, day: date) -> tuple[str, ...]:
    from tests.scans.operations.settling_setup import closes

    following = desk.days[desk.days.index(day) + 1]
    desk.morning(f"{following}T08:15:00")
    official = desk.official(day)
    wrong = sum(close != official[code] for code, close in closes(day).items())
    return str(day), f"{following:%m-%d} 08:15 recorded {len(closes(day))} bars from the exchange's list, {wrong} wrong"


def _sudden_closure(desk: Any) -> Iterator[tuple[str, ...]]:
    from marketdata.models import CalendarOverride
    from marketdata.operations import generations
    from scans.models import ScanSession

    report = desk.evening(f"{SUDDEN}T15:35:00")
    yield str(SUDDEN), f"15:35 {report.outcome}: {report.reason}"
    morning = desk.morning("2026-12-02T08:15:00")
    yield str(SUDDEN), f"12-02 08:15 {morning.collected.error}"
    CalendarOverride.objects.create(market="kr", date=SUDDEN, is_open=False, note="the exchange did not open")
    generations.advance_family("kr")
    morning = desk.morning("2026-12-02T08:45:00")
    lists = ScanSession.objects.filter(date=SUDDEN, published=True).count()
    yield str(SUDDEN), f"12-02 08:45 confirmed as closed: {morning.collected.error or 'nothing is open'}, {lists} lists"


def _answer(day: date) -> str:
    """The published answer's reading and digest."""
    from scans.models import ScanSession

    row = ScanSession.objects.filter(date=day, published=True).first()
    return f"{row.reading} {row.result_digest[:8]}" if row else "none"


if __name__ == "__main__":
    sys.exit(main())
