"""Recorded reasons of a failure in the reader's language.

Operations record them in English, since operators search logs and threads for them. Each room has the Korean of its own
sentences (`settings.FAILURE_SENTENCES`); one of a source or a library is quoted as it is, behind a Korean lead.
"""

from __future__ import annotations

import re
from functools import cache

from django import template
from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

register = template.Library()

ENGLISH = re.compile(r"[A-Za-z']{2,}(?: [A-Za-z']{2,},?|, [A-Za-z']{2,}) [A-Za-z']{2,}")
"""Three words in a row that are no list of names: a sentence that no pattern fits."""


@register.filter("failure")
def failure_reason(text: str) -> str:
    """The recorded reason; in Korean quoted in English where it has no Korean form."""
    if not (get_language() or "").startswith("ko"):
        return text
    korean = text
    for pattern, sentence in _patterns():
        korean = pattern.sub(sentence, korean)
    return _("Recorded in English: %(text)s") % {"text": text} if ENGLISH.search(korean) else korean


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The patterns of all rooms with their Korean, compiled by the first text that is read in Korean."""
    tables = [import_string(path) for path in settings.FAILURE_SENTENCES]
    return tuple((re.compile(pattern), korean) for table in tables for pattern, korean in table)
