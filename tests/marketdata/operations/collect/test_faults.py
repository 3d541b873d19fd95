"""Collections from an exchange that misbehaves: nearly all recover by themselves, the others end in a clear state and
resume; and whatever happens, keys and tokens are never shown."""

from __future__ import annotations

import json
import logging
import re
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from pytest_django import Settings

from marketdata.models import BarCoverage, Instrument, StockPrice
from marketdata.operations.collect import CollectionOptions
from tests.exchanges.kis import KisExchange
from tests.exchanges.server import TRANSPORT_FAULTS, Faults
from tests.marketdata.operations.kis_setup import (
    KisSetup,
    create_instruments,
    generated_instruments,
    recorded_rows,
    served_rows,
    sessions,
)

KIS_FAULTS = ("busy", "transient", "ledger", "expired", "blank")
FAULTS = tuple(kind for kind in (*TRANSPORT_FAULTS, *KIS_FAULTS) if kind != "skew")
ROOT = Path(__file__).parents[4]


@pytest.mark.django_db
@pytest.mark.usefixtures("data_dir")
@pytest.mark.parametrize("rate", [0.01, 0.10])
@pytest.mark.slow
def test_nearly_all_recover_unaided_and_the_rest_resumes(rate: float) -> None:
    """A hundred instruments of three calls each; every fault has its share of `rate`. A collection is one instrument's:
    whole and right, or missing and requested again."""
    size = 100
    faults = Faults({kind: rate / len(FAULTS) for kind in FAULTS}, seed=7)
    with KisSetup(generated_instruments(size), faults=faults, hang=0.01) as kis:
        create_instruments(*kis.market)
        days = sessions()
        options = CollectionOptions(since=days[-250])
        report = kis.collect(days[-1], options)
        assert sum(faults.hit.values()) > size * 3 * rate / 2
        codes = {row[0] for row in recorded_rows()}
        assert len(codes) >= 0.99 * size
        assert codes.isdisjoint(report.failures)
        assert len(codes) + len(report.failures) == size
        assert set(BarCoverage.objects.values_list("stock_code", flat=True)) == codes
        faults.rates = {}
        again = kis.collect(days[-1], options)
        assert again.failures == {}
        whole = [row for code, one in kis.market.items() for row in served_rows(code, one.bars[-250:], days[-1])]
        missing = set(whole) - set(recorded_rows())
        # A blank row is a bar that the source did not have at that moment.
        assert len(missing) <= faults.hit["blank"]
        assert set(recorded_rows()) <= set(whole)


KEY, SECRET = "PSfaultyapplicationkey", "a-faulty-application-secret"
TOKEN = re.compile(r"imitation-token-\d+")


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_keys_and_tokens_are_never_shown(settings: Settings, data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The commands as a person runs them, against an exchange that fails in every way, with all that is logged, said,
    raised and recorded searched afterwards. The token file alone may hold the token."""
    caplog.set_level(logging.DEBUG)
    out, messages = StringIO(), []
    faults = Faults(dict.fromkeys(FAULTS, 0.02), seed=3)
    with KisExchange(
        generated_instruments(12),
        app_key=KEY,
        app_secret=SECRET,
        faults=faults,
        hang=0.01,
        token_every=0.0,
        per_second=100_000,
    ) as exchange:
        settings.TOKEN_DIR = data_dir / "tokens"
        settings.SOURCE_TIMEOUT, settings.SOURCE_ATTEMPTS = 0.3, 3
        kis = {
            "environment": "real",
            "app_key": KEY,
            "app_secret": SECRET,
            "base_url": exchange.url,
            "master_url": f"{exchange.url}/common/master",
            "per_second": 10_000.0,
            "token_every": 0.001,
        }
        settings.SOURCES = {"kis": kis}
        wrong = {"kis": kis | {"app_secret": SECRET + "-wrong"}}
        Instrument.objects.bulk_create(Instrument(market="kr", code=code) for code in exchange.market)
        since = str(sessions()[-60])
        for command, options in (
            ("collect_prices", ["--since", since]),
            ("collect_prices", ["--since", since, "--codes", "999999,000010"]),
            ("sync_instruments", []),
            ("collect_flows", []),
            ("sync_holidays", []),
            ("sources", ["--format", "json"]),
        ):
            for chosen in ({"kis": kis}, wrong):
                settings.SOURCES = chosen
                for file in (data_dir / "tokens").glob("*"):
                    file.unlink()
                try:
                    call_command(command, *options, stdout=out, stderr=out)
                except CommandError as error:
                    messages.append(str(error))
        assert exchange.tokens_issued
    assert StockPrice.objects.exists()
    assert any("KIS_APP_SECRET" in line for line in messages)
    texts = {
        "log": caplog.text + " ".join(str(record.__dict__) for record in caplog.records),
        "output": out.getvalue(),
        "errors": " ".join(messages),
        "database": _everything(),
        "fixtures": "".join(
            file.read_text(encoding="utf-8", errors="replace")
            for folder in ("answers", "recordings")
            for file in (ROOT / "tests" / folder).rglob("*")
            if file.is_file()
        ),
        "files": "".join(
            file.read_text(errors="replace")
            for file in data_dir.rglob("*")
            if file.is_file() and file.parent.name != "tokens"
        ),
    }
    for where, text in texts.items():
        assert KEY not in text, where
        assert SECRET not in text, where
        assert not TOKEN.search(text), where
        assert "Bearer " not in text, where


def _everything() -> str:
    """Every row of every table of Seismo."""
    rows = [
        list(model.objects.values())  # type: ignore[attr-defined]
        for name in ("marketdata", "scans", "seismo_site", "django_q")
        for model in apps.get_app_config(name).get_models()
    ]
    return json.dumps(rows, default=str)
