"""Every page of the admin in Korean: no English word of Seismo's own is visible beyond codes, names and units."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from marketdata.operations import feature_flags
from marketdata.web.admin.readonly import ReadOnly
from scans.engines.registry import ENGINES
from tests.admin import test_budgets
from tests.admin.test_admin_names import OWN
from tests.admin.views import changes, lists
from tests.pages.test_korean import english_words

pytestmark = pytest.mark.slow

IDENTIFIERS = {
    *("kr", "us", "upbit", "bithumb", "GLOBAL", "KOSDAQ", "KRW", "file", "operator", "version", "token", "inline"),
    *("spac", "reit", "etf", "etn", "fund", "dr", "common", "preferred", "own", "equal", "cap", "ann", "x", "f"),
    *(
        "manage",
        "py",
        "qcluster",
        "api",
        "system",
        "cache",
        "stats",
        "Idempotency",
        "Key",
        "webhook",
        "email",
        "No",
        "feature",
    ),
    *("1m", "KS11", "EST", "auto", "demo", "probe", "rises", "Rises", "scale", "x0", "y", "x", "v4"),
    *(
        "1e9",
        "and",
        "close",
        "ema",
        "match",
        "rsi",
        "turnover",
        *re.findall(r"[a-z]+", " ".join(feature_flags.COMPARED)),
    ),
    *(part for name in ENGINES.values() for field in fields(name.Params) for part in field.name.split("_")),
    *ENGINES,
}
"""Markets, segments, sources, kinds, commands, parameters and the names of the rows of the tests."""
UNITS = {"MB", "KB", "ms", "CPU", "p50", "p95", "p99", "ID", "s"}
DJANGO = {"Search", "True", "False", "None"}
"""Texts of pictures that Django does not translate."""
NAMES = re.compile(r"<t[dh] class=\"field-(title|note|feature|metric)[^>]*>.*?</t[dh]>")
"""Cells with texts that an operator writes, or with identifiers."""
DIGEST = re.compile(r"[0-9a-f]{12,}")
HELP_OF_PROBE = "Times the score"
"""Of the tests' engine, which has no Korean."""


def own_words(html: str) -> set[str]:
    words = english_words(NAMES.sub("", html.replace(HELP_OF_PROBE, ""))) - IDENTIFIERS - UNITS - DJANGO
    return {word for word in words if not DIGEST.fullmatch(word)}


def addresses() -> list[str]:
    own = {model: kind for model, kind in admin.site._registry.items() if model._meta.app_label in OWN - {"django_q"}}
    names = {f"{model._meta.app_label}_{model._meta.model_name}": kind for model, kind in own.items()}
    return [
        *test_budgets.own_pages().values(),
        *(address for name, address in lists() if name in names),
        *(address for name, address in changes() if name.removesuffix(" change") in names),
        *(reverse(f"admin:{name}_add") for name, kind in names.items() if not isinstance(kind, ReadOnly)),
        *(reverse("admin:scans_scannerversion_add") + f"?engine={engine}" for engine in ENGINES if engine != "probe"),
    ]


@pytest.mark.one_backend
def test_no_english_is_visible_in_the_korean_admin(
    scanned: Any, operator: User, console: Client, django_user_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_budgets, "ROWS", 2)
    test_budgets.fill(operator, django_user_model)
    console.cookies["django_language"] = "ko"
    console.get(reverse("admin:index"))  # loads the admin classes
    words = {}
    for address in addresses():
        response = console.get(address)
        assert response.status_code == 200 or "/add/" in address, address
        if response.status_code == 200:
            words[address] = own_words(response.content.decode())
    lines = [f"{address} {sorted(found)}" for address, found in words.items() if found]
    assert "\n".join(lines) == ""
