"""Lockout after failed logins of one user from one address.

django-axes counts them in the database, by user name and address together, so that a stranger locks no user out
elsewhere; a successful login resets the count. `seismo_site.refusals` limits how often one address may try at all.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import get_language_from_request, ngettext_lazy, override
from django.utils.translation import gettext as _

from marketdata.web.api.access import AddressThrottle

PORT = re.compile(r"\[(?P<six>[^\]]+)\](:\d+)?|(?P<four>[\d.]+):\d+")


def address(request: HttpRequest) -> str | None:
    """The caller's address: the connection's, or what the one proxy in front wrote (SEISMO_BEHIND_PROXY), without a
    port. None where that is no address (a socket of this host, a proxy that writes `unknown`)."""
    text = (AddressThrottle().get_ident(request) or "").strip()  # type: ignore[arg-type]
    match = PORT.fullmatch(text)
    try:
        return str(ip_address(match["six"] or match["four"] if match else text))
    except ValueError:
        return None


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """The answer to a login that is locked: 429 with one sentence, the right password or not."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    minutes = -(-seconds // 60)
    sentence = ngettext_lazy(
        "Too many failed logins of this user from this address: try again %(minutes)d minute after the last one.",
        "Too many failed logins of this user from this address: try again %(minutes)d minutes after the last one.",
        minutes,
    )
    return refusal(request, sentence % {"minutes": minutes}, seconds)


def refusal(request: HttpRequest, sentence: str | Promise, seconds: int) -> HttpResponse:
    """A page with one sentence in the reader's language, 429, and Retry-After."""
    language = get_language_from_request(request)
    with override(language):
        context = {
            "title": _("Not now"),
            "sentence": sentence,
            "site_header": admin.site.site_header,
            "language": language,
        }
        page = TemplateResponse(request, "admin/refused.html", context, status=429).render()
    page["Retry-After"] = str(max(seconds, 1))
    return page
