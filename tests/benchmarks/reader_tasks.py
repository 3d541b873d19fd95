"""Tasks of the readers' installation, each a process that answers a line of JSON with one (see `task_process`):
`changes` publishes lists and corrects bars, `answers` computes answers from an empty cache."""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from marketdata.models import StockPrice
from marketdata.operations.imports.prices import import_prices
from marketdata.operations.priority import compute_last
from scans.api.after_publication import SHORT, warm_up_responses
from scans.operations.scan.run import run_scan
from scans.operations.signals import follow_list, update_signals
from seismo_site.models import ApiToken
from seismo_site.task_cluster import NICENESS
from tests.benchmarks.reader_mix import digest
from tests.benchmarks.scan_tasks import request

FEW = {"KOSPI": 5}
"""A scan's limit of every second publication: its list is shorter."""


def reader() -> dict[str, Any]:
    """The token and the session of a new reader, who is staff and so may read the figures of the cache."""
    user, _ = User.objects.get_or_create(username="chief", defaults={"is_staff": True})
    token = ApiToken(user=user, name="readers")
    secret = token.new_secret()
    token.save()
    client = Client()
    client.force_login(user)
    return {"token": secret, "session": client.cookies["sessionid"].value}


def changes(market: str, version: str, day: str) -> dict[str, Any]:
    """Publishes another list of `version` for each ["publish"], and moves the last close of a share for each
    ["correct", code]; with the priority of a worker of `low`."""
    compute_last(NICENESS)

    def change(turn: int, line: Sequence[str]) -> str:
        if line[0] == "publish":
            limits = FEW if turn % 4 < 2 else {}
            listed = request(day, day, market=market, versions=[version], limits=limits)
            outcome = run_scan(listed, follow=follow_list)[0]
            if outcome.error:
                raise RuntimeError(outcome.error)
            update_signals(market=market, versions=[], as_of=timezone.now())
            warm_up_responses(market, [version], seconds=SHORT)
            return outcome.answers[0].result_digest
        return _correct(market, line[1], timezone.now())

    return _answer_lines(change)


def answers(session: str) -> dict[str, Any]:
    """The digests of the answers at the addresses of each line, computed by this process alone, when no other needs
    the processor: it is no part of what is measured."""
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    client = Client(headers={"Accept-Language": "ko", "Host": "127.0.0.1"})
    client.cookies["sessionid"] = session

    def answer(address: str) -> str:
        response = client.get(address)
        if response.status_code != 200:
            raise RuntimeError(f"{address} answered {response.status_code}")
        return digest(response.content)

    def compute(_: int, addresses: Sequence[str]) -> list[str]:
        cache.clear()
        return [answer(address) for address in addresses]

    return _answer_lines(compute)


def _correct(market: str, code: str, at: datetime) -> str:
    """Import the last bar of a share again, its close at the high and at the low in turn."""
    bar = StockPrice.objects.filter(market=market, stock_code=code).latest("date")
    close = bar.low if bar.close == bar.high else bar.high
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bar.csv"
        with file.open("w", encoding="utf-8", newline="") as written:
            rows = csv.writer(written)
            rows.writerow(["code", "date", "open", "high", "low", "close", "volume"])
            rows.writerow([code, bar.date, bar.open, bar.high, bar.low, close, bar.volume])
        report = import_prices(files=[file], market=market, as_of=at)
    for each in report.files:
        if each.error:
            raise RuntimeError(each.error)
    return f"{code} {close:g}"


def _answer_lines(work: Callable[[int, Sequence[str]], Any]) -> dict[str, Any]:
    for turn, line in enumerate(sys.stdin):
        print(json.dumps(work(turn, json.loads(line))), flush=True)
    return {}
