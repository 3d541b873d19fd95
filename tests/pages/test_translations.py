"""Every text of the pages has its Korean, and no Korean text is left over."""

from __future__ import annotations

import functools
import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).parents[2]
CATALOG = ROOT / "seismo_site" / "locale" / "ko" / "LC_MESSAGES" / "django.po"
MODULES = (
    "seismo_site/logins.py",
    "seismo_site/refusals.py",
    "seismo_site/admin_names.py",
    "seismo_site/admin_site.py",
    "marketdata/operations/source_descriptions.py",
)
"""Modules beside the rooms whose sentences a reader sees: at the login, in the admin, and of sources."""
TEMPLATES = ("scans/templates/pages", "marketdata/templates/pages", "marketdata/candles/templates/candles")
ROOMS = ("scans/pages", "scans/wording", "marketdata/pages", "marketdata/candles/pages")
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
def used() -> set[Key]:
    texts: set[Key] = set()
    sources = [
        (templatize(path.read_text(), origin=str(path)).encode())
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
            texts.add((context, message[0] if isinstance(message, tuple) else message))
    return texts


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


def test_placeholders_are_the_same_in_both_languages() -> None:
    wrong = [str(error) for one in catalog() if one.id for error in one.check(catalog())]
    assert not wrong
