"""The message of days that a source calls otherwise than the calendar, in the operator's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from marketdata.markets import MARKET_NAMES
from marketdata.templatetags.failures import failure_reason
from scans.notices.message import ALWAYS, URGENT, Kind, Line, Message
from scans.wording.evening_message import session_day


def calendar_message(content: Mapping[str, Any], language: str, *, link: str = "") -> Message:
    """The message of a notification's content (`notify.send_calendar`): a sentence for each day."""
    with translation.override(language or "en"):
        lines = [Line(failure_reason(content["reason"]), weight=URGENT)]
        if link:
            lines.append(Line(link, Kind.LINK, ALWAYS))
        market = MARKET_NAMES.get(content["market"], content["market"])
        reason = _("a source disputes the calendar")
        subject = f"Seismo {market} {session_day(content['session'])}: {reason}"
        return Message(subject[:200], tuple(lines), _("Lines left out: {count}"))
