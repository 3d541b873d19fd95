"""How an answer goes out: as JSON or as a table to download, with its tag and its time of change, or as a 304.

A JSON answer's tag is that of its bytes. A download is not held in memory to make one: its tag is that of the
generation it was read from. `Last-Modified` is when what is shown last changed; both are compared as RFC 9110 says.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from isal import igzip
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from marketdata.nearest_name import did_you_mean
from marketdata.tables.parquet import parquet_file
from marketdata.tables.table import Table
from marketdata.tables.text import ENCODINGS, csv_chunks
from marketdata.tables.workbook import xlsx_file
from marketdata.web.api.problems import Problem

MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
LONGEST = 100
GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?(,|\s|$))")
COMPRESSION_LEVEL = 1
"""Of a chart, a quarter of the time that zlib's level 1 takes, and 6 % less."""
ENCODE_OTHER = JSONEncoder().default
CACHE_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Vary": "Accept, Authorization, Cookie, Accept-Encoding",
}
"""What each answer is: the caller's alone to keep, who asks after it each time, and not the same for all."""
CONDITIONS = frozenset(("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"))
SMALL = 200
"""Bytes below which compression is not worth a header."""


def parse_format(request: Request) -> str:
    """The form asked for: by `?format=`, else by Accept."""
    given = request.query_params.get("format")
    if given is None:
        renderers = [_renderer(form, kind) for form, kind in MEDIA_TYPES.items()]
        chosen, _ = DefaultContentNegotiation().select_renderer(request, renderers)
        return str(chosen.format)
    if given not in MEDIA_TYPES:
        raise Problem(
            "invalid_format",
            f"There is no format {given!r}: choose among {', '.join(MEDIA_TYPES)}.{did_you_mean(given, MEDIA_TYPES)}",
            status_code=400,
            known=list(MEDIA_TYPES),
        )
    return given


def parse_encoding(request: Request) -> str:
    """The encoding of a CSV file that is asked for: with a byte order mark, which Excel wants, unless `encoding` says
    otherwise."""
    given = request.query_params.get("encoding", ENCODINGS[0])
    if given not in ENCODINGS:
        raise Problem(
            "invalid_encoding",
            f"There is no encoding {given!r}: choose among {', '.join(ENCODINGS)}.{did_you_mean(given, ENCODINGS)}",
            status_code=400,
            known=list(ENCODINGS),
        )
    return given


def _renderer(form: str, kind: str) -> BaseRenderer:
    found = BaseRenderer()
    found.format, found.media_type = form, kind
    return found


def to_json(body: Any) -> bytes:
    """A body as it is sent."""
    return orjson.dumps(body, default=ENCODE_OTHER, option=orjson.OPT_PASSTHROUGH_DATETIME)


def entity_tag(*parts: bytes) -> str:
    """An entity tag that changes with any of `parts`."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return f'"{state.hexdigest()}"'


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """An answer as it is kept: its tag and its bytes, compressed; `origin` where it has links, that they begin with."""

    tag: str
    content: bytes
    origin: str = ""


def site_origin(request: HttpRequest) -> str:
    """Where this site is for the caller, such as https://seismo.example."""
    return f"{request.scheme}://{request.get_host()}"


def compress_response(content: bytes, origin: str) -> CachedResponse:
    """JSON as it is kept, made for a caller to whom this site is `origin`."""
    linked = origin if _linked(origin) in content else ""
    return CachedResponse(entity_tag(content), igzip.compress(content, COMPRESSION_LEVEL, mtime=0), linked)


def _linked(origin: str) -> bytes:
    return f'"{origin}/api/'.encode()


def serve_cached(request: HttpRequest, kept: CachedResponse, *, changed: datetime | None) -> HttpResponseBase:
    """An answer that was kept, as it is or unpacked, whichever the caller takes, its links those of the caller's site;
    or the 304."""
    origin = site_origin(request)
    if kept.origin not in ("", origin):
        content = igzip.decompress(kept.content).replace(_linked(kept.origin), _linked(origin))
        kept = compress_response(content, origin)
    accepts = GZIP.search(request.headers.get("Accept-Encoding", ""))

    def made() -> HttpResponseBase:
        if not accepts or len(kept.content) < SMALL:
            return HttpResponse(igzip.decompress(kept.content), content_type=MEDIA_TYPES["json"])
        response = HttpResponse(kept.content, content_type=MEDIA_TYPES["json"])
        response["Content-Encoding"] = "gzip"
        return response

    tag = f"W/{kept.tag}" if accepts and len(kept.content) >= SMALL else kept.tag
    return conditional_response(request, made, tag, changed)


def json_response(request: HttpRequest, content: bytes, *, changed: datetime | None) -> HttpResponseBase:
    """JSON that is ready to be sent, or the 304 where the caller has it. `changed` is when it last changed, None where
    nobody keeps track."""

    def made() -> HttpResponseBase:
        return HttpResponse(content, content_type=MEDIA_TYPES["json"])

    return conditional_response(request, made, entity_tag(content), changed)


def download_response(
    request: HttpRequest,
    table: Table,
    *,
    form: str,
    encoding: str,
    name: str,
    changed: datetime | None,
) -> HttpResponseBase:
    """The table in the form asked for (`encoding`: that of a CSV file), as a file called `name`."""

    def made() -> HttpResponseBase:
        response: StreamingHttpResponse
        if form == "csv":
            response = StreamingHttpResponse(
                csv_chunks(table, encoding), content_type=f"{MEDIA_TYPES[form]}; charset=utf-8"
            )
        else:
            make = xlsx_file if form == "xlsx" else parquet_file
            response = FileResponse(make(table), content_type=MEDIA_TYPES[form])
        response["Content-Disposition"] = f'attachment; filename="{file_name(name)}.{form}"'
        return response

    tag = None
    if changed is not None:
        address = request.build_absolute_uri().encode()
        tag = f"W/{entity_tag(changed.isoformat().encode(), address, form.encode())}"
    return conditional_response(request, made, tag, changed)


def conditional_response(
    request: HttpRequest,
    made: Callable[[], HttpResponseBase],
    tag: str | None,
    changed: datetime | None,
) -> HttpResponseBase:
    """The response with its tag and time of change; the 304 in its place is found before it is made."""
    if changed is not None and changed > timezone.now():
        changed = None  # many changes at once run ahead of the clock (see `Generation`)
    told = dict(CACHE_HEADERS)
    if tag is not None:
        told["ETag"] = tag
    if changed is not None:
        told["Last-Modified"] = http_date(changed.timestamp())
    if not CONDITIONS.isdisjoint(request.META):
        stamp = None if changed is None else int(changed.timestamp())
        head = HttpResponse(headers=told)
        found = get_conditional_response(request, tag, stamp, head)
        if found is not None and found is not head:
            return found
    response = made()
    for name, value in told.items():
        response[name] = value
    return response


def file_name(text: str) -> str:
    """A file name that is one on every system: letters, digits, dots, - and _."""
    return UNSAFE.sub("-", text)[:LONGEST].strip("-.") or "seismo"


def latest_time(times: Sequence[datetime | None]) -> datetime | None:
    """The latest of these times; None where one is not known."""
    known = [one for one in times if one is not None]
    return max(known) if known and len(known) == len(times) else None
