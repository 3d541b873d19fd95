"""Signals that reach a level while their session trades: in one message, once, whatever comes between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone
from django_q.models import Schedule

from marketdata.models import StockPrice
from marketdata.operations.live_quotes import LiveQuote
from scans import tasks
from scans.models import Delivery, IntradayTouch, Mark, MessageChannel, Notification, Signal, SignalStatus
from scans.operations import message_channels, signals
from scans.operations.evening import notify
from scans.operations.intraday import schedule, watch
from scans.operations.intraday.touches import Levels, touched_level
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.queries.schedules import INTRADAY_TASK
from scans.queries.signal_distances import signal_distances
from tests.exchanges.kis import KisExchange
from tests.exchanges.kis_market import Bar, Instrument
from tests.exchanges.krx_open_api import KST
from tests.scans.conftest import AS_OF
from tests.scans.probe import Probe

TODAY = date(2024, 5, 2)


class Desk:
    """The market on the day after its record: every signal's instrument trades at its last close."""

    def __init__(self, rows: pd.DataFrame, settings: Any, folder: Path) -> None:
        self.now = datetime(2024, 5, 2, 10, 30, tzinfo=KST)
        closes = rows[rows["date"] == rows["date"].max()].set_index("code")["close"].astype(int)
        market = {
            code: Instrument(code, [Bar(TODAY, close, close, close, close, 1_000, close)])
            for code, close in closes.items()
        }
        self.exchange = KisExchange(market, today=TODAY, token_every=0.0, per_second=1_000)
        self.exchange.clock = lambda: self.now.timestamp()
        self.settings, self.folder = settings, folder

    def open(self) -> None:
        self.exchange.__enter__()
        options = {"app_key": "PSimitationkey", "app_secret": "imitation-secret", "base_url": self.exchange.url}
        kis = self.settings.SOURCES["kis"] | options | {"per_second": 1_000.0, "token_every": 0.001}
        self.settings.SOURCES = self.settings.SOURCES | {"kis": kis}
        self.settings.TOKEN_DIR = self.folder / "tokens"
        self.settings.SOURCE_ATTEMPTS, self.settings.SOURCE_PATIENCE = 1, 1.0

    def trade(self, code: str, **prices: Any) -> None:
        """Set prices of the day's bar."""
        share = self.exchange.market[code]
        share.bars[-1] = share.bars[-1]._replace(**prices)

    def check(self, minutes: int = 1) -> watch.WatchReport:
        """One check, so many minutes later."""
        self.now += timedelta(minutes=minutes)
        cache.clear()
        return watch.watch_signals("kr", clock=lambda: self.now)


@pytest.fixture
def desk(market: pd.DataFrame, probe: Probe, sessions: list[date], settings: Any, data_dir: Path) -> Iterator[Desk]:
    """Picks of sessions 36 to 39 with a plan of 5 % up, 5 % down, 6 sessions, and their signals."""
    probe.plan = (0.05, -0.05, 6)
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[36], last=sessions[39]))
    made = Desk(market, settings, data_dir)
    signals.update_signals(market="kr", versions=["rises"], as_of=datetime(2024, 4, 30, 12, tzinfo=UTC))
    made.open()
    yield made
    made.exchange.__exit__()


@pytest.fixture
def reader(db: None) -> User:
    return User.objects.create_user("reader", email="reader@example.org")


def channel(user: User, **options: Any) -> MessageChannel:
    return MessageChannel.objects.create(user=user, kind="email", **{"name": "mail", "intraday": "all"} | options)


def open_signal() -> Signal:
    """The open signal of an instrument that has one alone."""
    rows = list(Signal.objects.filter(status__in=("open", "waiting")).select_related("rank"))
    codes = [row.code for row in rows]
    return next(row for row in rows if row.status == SignalStatus.OPEN and codes.count(row.code) == 1)


def levels(signal: Signal) -> tuple[int, int]:
    """Order target and stop: 5 % from the close of the pick, on the grid (ticks of 5 from 2,000, of 10 from 5,000)."""
    tick = 5 if signal.rank.close < 5_000 else 10
    target, stop = signal.rank.close * 1.05, signal.rank.close * 0.95
    return int(target // tick * tick), int(-(-stop // tick) * tick)


def test_a_level_is_messaged_once_after_a_second_reading(desk: Desk, reader: User, mailoutbox: list[Any]) -> None:
    channel(reader, language="ko")
    signal = open_signal()
    before = list(Signal.objects.order_by("pk").values())
    bars = StockPrice.objects.count()
    target, _ = levels(signal)
    desk.trade(signal.code, high=target, close=target - 20)
    assert str(desk.check(0)).endswith("1 levels reached, 0 confirmed")
    assert mailoutbox == []
    assert str(desk.check()).endswith("0 levels reached, 1 confirmed")
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == (["reader@example.org"], "Seismo KRX 2024-05-02 (목) 장중 10:31: 목표 1")
    assert f"장중 목표가 도달: {signal.code} (rises) {target:,}; 현재가 {target - 20:,}, 10:31" in mail.body
    assert "장중 가격입니다. 기록은 장 마감 뒤에 정해집니다." in mail.body
    for _ in range(3):
        desk.check()
    assert len(mailoutbox) == 1
    assert list(Signal.objects.order_by("pk").values()) == before
    assert StockPrice.objects.count() == bars
    assert not StockPrice.objects.filter(date=TODAY).exists()


def test_each_check_has_a_message_of_its_own(desk: Desk, reader: User, mailoutbox: list[Any]) -> None:
    channel(reader)
    first = open_signal()
    stop = levels(first)[1]
    desk.trade(first.code, low=stop, close=stop)
    desk.check()
    desk.check()
    others = {code for code in Signal.objects.values_list("code", flat=True) if code != first.code}
    for code in others:
        desk.trade(code, low=1)  # no price that the limits allow
    desk.check()
    second = Signal.objects.filter(status=SignalStatus.OPEN).exclude(code=first.code).first()
    assert second is not None
    close = desk.exchange.market[second.code].bars[-1].base
    desk.trade(second.code, low=close, high=round(close * 1.25), close=round(close * 1.25))
    desk.check()
    desk.check()
    earlier, later = mailoutbox
    assert earlier.subject.endswith(": stop 1")
    assert "target" in later.subject
    assert first.code not in later.body
    rows = Notification.objects.filter(kind=Notification.INTRADAY).order_by("pk")
    assert list(rows.values_list("number", flat=True)) == [1, 2]


@pytest.mark.parametrize("factor", [0.5, 1.5])
def test_a_price_outside_the_limits_is_no_touch(desk: Desk, reader: User, mailoutbox: list[Any], factor: float) -> None:
    channel(reader)
    signal = open_signal()
    bar = desk.exchange.market[signal.code].bars[-1]
    price = round(bar.base * factor)
    desk.trade(signal.code, low=min(bar.low, price), high=max(bar.high, price))
    for _ in range(3):
        assert desk.check().seen == 0
    desk.trade(signal.code, close=price)
    for _ in range(3):
        assert desk.check().seen == 0
    assert mailoutbox == []
    assert not IntradayTouch.objects.exists()


def test_a_bad_tick_of_one_reading_is_no_touch(desk: Desk, reader: User, mailoutbox: list[Any]) -> None:
    channel(reader)
    signal = open_signal()
    bar = desk.exchange.market[signal.code].bars[-1]
    for _ in range(3):
        desk.trade(signal.code, low=round(bar.base * 0.8))
        assert (desk.check().seen, desk.check(0).confirmed) == (1, 0)  # the same moment is no second reading
        desk.trade(signal.code, low=bar.low)
        assert desk.check().confirmed == 0
        assert not IntradayTouch.objects.exists()
    assert mailoutbox == []


def test_readers_choose(desk: Desk, reader: User, mailoutbox: list[Any], django_user_model: Any) -> None:
    """Off by default; all open signals, or those of stocks that the reader tagged; by version and market."""
    signal = open_signal()
    make = django_user_model.objects.create_user
    readers: dict[str, dict[str, Any]] = {
        "off": {"intraday": ""},
        "own": {"intraday": "own"},
        "untagged": {"intraday": "own"},
        "watcher": {"intraday": "own"},
        "all": {},
        "version": {"versions": ["rises"]},
        "other-version": {"versions": ["rises-10"]},
        "market": {"markets": ["kr"]},
        "other-market": {"markets": ["upbit"]},
        "disabled": {"enabled": False},
    }
    for name, options in readers.items():
        channel(make(name, email=f"{name}@example.org"), **options)
    now = timezone.now()
    for name, tag in {"own": "buy", "watcher": "watch"}.items():
        user = User.objects.get(username=name)
        Mark.objects.create(user=user, market="kr", code=signal.code, date=signal.picked_on, tag=tag, updated_at=now)
    desk.settings.NOTIFY_EMAIL = ["operator@example.org"]
    desk.trade(signal.code, low=levels(signal)[1], close=levels(signal)[1])
    desk.check()
    desk.check()
    assert sorted(mail.to[0].split("@")[0] for mail in mailoutbox) == ["all", "market", "own", "version"]


def test_a_process_that_dies_repeats_nothing_and_loses_nothing(
    desk: Desk, reader: User, mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel(reader)
    signal = open_signal()
    desk.trade(signal.code, low=levels(signal)[1], close=levels(signal)[1])

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    desk.check()
    with monkeypatch.context() as patched:  # before its commit
        patched.setattr(notify, "_prepare_delivery", die)
        with pytest.raises(KeyboardInterrupt):
            desk.check()
    assert not Notification.objects.exists()
    with monkeypatch.context() as patched:  # after its commit
        patched.setattr(notify, "send_waiting", die)
        with pytest.raises(KeyboardInterrupt):
            desk.check()
    assert mailoutbox == []
    assert desk.check().confirmed == 0
    delivery = Delivery.objects.get()
    assert Schedule.objects.filter(name=f"delivery {delivery.pk}").exists()
    for minutes in (11, 22):
        notify.deliver(delivery.pk, as_of=desk.now + timedelta(minutes=minutes))
    assert len(mailoutbox) == 1


def test_checks_run_in_continuous_trading_alone(desk: Desk, reader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    message_channels.save_channel(
        MessageChannel(user=reader, name="mail", kind="email", intraday="all"), as_of=desk.now
    )
    row = Schedule.objects.get(func=INTRADAY_TASK)
    assert row.next_run == desk.now + timedelta(minutes=1)
    for clock, following in {
        "2024-05-02T08:00": "2024-05-02T09:01",
        "2024-05-02T15:18": "2024-05-02T15:19",
        "2024-05-02T15:19": "2024-05-03T09:01",
        "2024-05-03T18:00": "2024-05-07T09:01",  # a weekend and the holiday of May 6
        "2026-11-18T18:00": "2026-11-19T10:01",
        "2026-11-19T16:10": "2026-11-19T16:11",
    }.items():
        moment = datetime.fromisoformat(clock).replace(tzinfo=KST)
        monkeypatch.setattr(timezone, "now", lambda moment=moment: moment)
        tasks.intraday("kr")
        row.refresh_from_db()
        assert row.next_run == datetime.fromisoformat(following).replace(tzinfo=KST)
    calls = sum(desk.exchange.calls.values())
    monkeypatch.setattr(timezone, "now", lambda: datetime(2024, 5, 2, 15, 20, tzinfo=KST))
    assert "does not trade now" in tasks.intraday("kr")
    assert sum(desk.exchange.calls.values()) == calls


def test_checks_end_with_the_last_reader_who_wants_them(desk: Desk, reader: User) -> None:
    row = channel(reader)
    schedule.update_checks(as_of=desk.now)
    assert Schedule.objects.get(func=INTRADAY_TASK).name == "intraday kr"
    row.intraday = ""
    message_channels.save_channel(row, as_of=desk.now)
    assert not Schedule.objects.filter(func=INTRADAY_TASK).exists()
    assert "no reader wants" in desk.check().reason
    desk.settings.SOURCES = desk.settings.SOURCES | {"kis": desk.settings.SOURCES["kis"] | {"environment": "paper"}}
    row.intraday = "all"
    message_channels.save_channel(row, as_of=desk.now)
    assert not Schedule.objects.filter(func=INTRADAY_TASK).exists()


def quote(price: float, **values: float | None) -> LiveQuote:
    bar: dict[str, Any] = {"open": 10_000, "high": max(price, 10_000), "low": min(price, 10_000), "volume": 1}
    at = datetime(2024, 5, 2, 1, 30, tzinfo=UTC)
    return LiveQuote("000010", price, **{**bar, "base_price": 10_000, **values}, read_at=at, phase="continuous")


PLAN = Levels(10_000, 11_000, 9_500)


@pytest.mark.parametrize(
    ("plan", "live", "level"),
    [
        (PLAN, quote(10_990), ""),
        (PLAN, quote(11_000), "target"),
        (PLAN, quote(9_500), "stop"),
        (PLAN, quote(10_000, high=11_000, low=9_500), "stop"),
        (PLAN, quote(10_000, high=13_000), "target"),  # the upper limit
        (PLAN, quote(10_000, high=13_010), ""),  # beyond it
        (PLAN, quote(10_000, low=6_990), ""),
        (PLAN, quote(13_010), None),
        (PLAN, quote(10_500, low=9_400, open=9_300), ""),  # a low above the open
        (PLAN, quote(10_000, high=9_900, low=9_990), ""),  # a high below the open
        (PLAN, quote(11_000, base_price=5_000), None),  # a split
        (PLAN, quote(11_000, base_price=None), None),
        (PLAN, quote(11_000, open=None, high=None, low=None), None),
        (Levels(10_000, 11_000, None), quote(7_000), ""),
        (Levels(10_000, None, 9_500), quote(12_000), ""),
        (Levels(10_000, 11_000, 9_500, enters=True), quote(11_000), "target"),
        (Levels(10_000, 11_000, 9_500, enters=True), quote(11_500, open=11_000), None),  # not entered
        (Levels(10_000, 11_000, 9_500, enters=True), quote(9_600, open=9_500), None),
    ],
)
def test_what_reaches_a_level(plan: Levels, live: LiveQuote, level: str | None) -> None:
    assert touched_level(plan, live, "kr", TODAY, "KOSPI") == level


def test_levels_are_order_prices_after_every_factor(desk: Desk) -> None:
    signal = open_signal()
    vars(signal).update(entry=None, target=signal.rank.target, stop=signal.rank.stop, segment=signal.rank.segment)
    place = signal_distances("kr", [signal])[signal.pk]
    assert (place.target, place.stop) == levels(signal)
