"""Every text of the pages has its Korean, and no Korean text is left over."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.contrib import admin
from django.utils import translation
from django.utils.translation.template import templatize

from marketdata.panel import INVESTORS
from marketdata.queries.readiness import ReadinessState
from scans.engines import engine_params
from scans.engines.registry import ENGINES
from scans.models import Reading, RequestStatus, Status
from seismo_site.admin_names import MODELS

ROOT = Path(__file__).parents[2]
CATALOG = ROOT / "seismo_site" / "locale" / "ko" / "LC_MESSAGES" / "django.po"
MODULES = (
    "seismo_site/logins.py",
    "seismo_site/refusals.py",
    "seismo_site/admin.py",
    "seismo_site/admin_names.py",
    "seismo_site/admin_site.py",
    "marketdata/apps.py",
    "marketdata/candles/admin.py",
    "marketdata/candles/apps.py",
    "marketdata/candles/models/candles.py",
    "marketdata/operations/feature_flags.py",
    "marketdata/operations/source_descriptions.py",
    "scans/apps.py",
    "scans/queries/settling.py",
)
"""Modules beside the rooms whose sentences a reader sees: at the login, in the admin, and of sources."""
TEMPLATES = (
    "scans/templates/pages",
    "scans/templates/admin/scans",
    "marketdata/templates/pages",
    "marketdata/templates/admin/marketdata",
    "marketdata/candles/templates/candles",
    "seismo_site/templates/admin",
)
ROOMS = (
    "scans/admin",
    "scans/models",
    "scans/pages",
    "scans/wording",
    "marketdata/admin",
    "marketdata/models",
    "marketdata/templatetags",
    "marketdata/web/admin",
    "marketdata/pages",
    "marketdata/candles/pages",
)
KEYWORDS = {
    "gettext": None,
    "_": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}

Key = tuple[str | None, str]


@functools.cache
def catalog() -> Catalog:
    with CATALOG.open("rb") as file:
        return read_po(file)


@functools.cache
def written() -> tuple[set[Key], set[Key]]:
    """The texts of templates and modules: those without a plural, and those that are counted."""
    plain: set[Key] = set()
    counted: set[Key] = set()
    sources = [
        "\n".join(line.strip() for line in templatize(path.read_text(), origin=str(path)).splitlines()).encode()
        for folder in TEMPLATES
        for path in (ROOT / folder).glob("*.html")
    ]
    modules = [
        *(path for room in ROOMS for path in (ROOT / room).glob("*.py")),
        *(ROOT / name for name in MODULES),
    ]
    sources += [path.read_bytes() for path in modules]
    for source in sources:
        for _, message, _, context in extract("python", io.BytesIO(source), keywords=KEYWORDS):
            if isinstance(message, tuple):
                counted.add((context, message[0]))
            else:
                plain.add((context, message))
    return plain | set(admin_texts()) | {(None, text) for text in engine_texts()}, counted


def used() -> set[Key]:
    return set.union(*written())


def admin_texts() -> Iterator[Key]:
    """The names, choices and helps of the fields of the admin's own models, the titles of columns, the states."""
    admin.autodiscover()
    with translation.override("en"):
        for model, model_admin in admin.site._registry.items():
            if model.__name__ not in MODELS or model._meta.app_label == "django_q":
                continue
            for kind in (model, *(inline.model for inline in model_admin.inlines)):
                for field in kind._meta.local_fields:
                    yield "column", str(field.verbose_name)
                    yield from ((None, str(text)) for text in [field.help_text] if text)
                    yield from (("state", str(label)) for _, label in field.flatchoices if label)
    yield from (("column", investor) for investor in INVESTORS)
    for states in (Reading, ReadinessState, Status, RequestStatus):
        yield from ((None, str(state).replace("_", " ")) for state in states)


def engine_texts() -> Iterator[str]:
    """The titles of engines, and the helps and units of their parameters."""
    for engine in ENGINES.values():
        yield engine.title
        for parameter in engine_params.schema(engine.Params):
            yield from (parameter[name] for name in ("help", "unit") if parameter[name])


@functools.cache
def translations() -> dict[Key, object]:
    return {
        (one.context, str(one.id if isinstance(one.id, str) else one.id[0])): one.string for one in catalog() if one.id
    }


def test_every_text_has_its_korean() -> None:
    missing = {key for key in used() if not translations().get(key)}
    assert not missing


def test_no_korean_text_is_left_over() -> None:
    assert not translations().keys() - used()


def test_a_counted_text_is_not_used_without_a_count() -> None:
    """Django reads the two from different entries; with one in the catalogue the other is Django's own, or English."""
    plain, counted = written()
    assert not plain & counted


def test_placeholders_are_the_same_in_both_languages() -> None:
    wrong = [str(error) for one in catalog() if one.id for error in one.check(catalog())]
    assert not wrong
