"""Responses: JSON or a download, with entity tag and time of change, or a 304.

The tag of a JSON answer is a hash of its bytes, that of a download, which is streamed, of its generation and address.
`Last-Modified` is the time of the last change of the data; both are compared by RFC 9110.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
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
CACHE_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept, Authorization, Cookie, Accept-Encoding"}
"""The cache headers of every answer: the caller's cache alone may keep it, revalidates it each time, and varies it."""
CONDITIONS = frozenset(("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"))
SMALL = 200
"""Bytes below which compression is not worth a header."""


def parse_format(request: Request) -> str:
    """The requested format: by `?format=`, else by Accept; a Problem (400) where it is none."""
    name = request.query_params.get("format")
    if name is None:
        return negotiate_format(request, MEDIA_TYPES)
    return _one_of(name, list(MEDIA_TYPES), "format")


def parse_encoding(request: Request) -> str:
    """The requested encoding of a CSV file, by `?encoding=`; by default with a byte order mark, which Excel needs."""
    return _one_of(request.query_params.get("encoding", ENCODINGS[0]), list(ENCODINGS), "encoding")


def _one_of(name: str, names: list[str], what: str) -> str:
    """`name`; a Problem (400) where it is none of `names`."""
    if name not in names:
        raise Problem(
            f"invalid_{what}",
            f"There is no {what} {name!r}: choose among {', '.join(names)}.{did_you_mean(name, names)}",
            status_code=400,
            known=names,
        )
    return name


def negotiate_format(request: Request, forms: Iterable[str]) -> str:
    """The one of these formats that the Accept header prefers; NotAcceptable (406) where it accepts none."""
    return _negotiate_format(str(request._request.META.get("HTTP_ACCEPT", "*/*")), tuple(forms))


@lru_cache(256)
def _negotiate_format(accept: str, forms: Sequence[str]) -> str:
    request = HttpRequest()
    request.META["HTTP_ACCEPT"] = accept
    renderers = [_renderer(form, MEDIA_TYPES[form]) for form in forms]
    chosen, _ = DefaultContentNegotiation().select_renderer(Request(request), renderers)
    return str(chosen.format)


def _renderer(form: str, kind: str) -> BaseRenderer:
    renderer = BaseRenderer()
    renderer.format, renderer.media_type = form, kind
    return renderer


def to_json(body: Any) -> bytes:
    """The body as JSON bytes."""
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
    """An answer in the cache: its tag and its JSON, gzipped; `origin`: the origin of its links, "" without links."""

    tag: str
    content: bytes
    origin: str = ""


def site_origin(request: HttpRequest) -> str:
    """The origin by which the caller addresses this site, such as https://seismo.example."""
    return f"{request.scheme}://{request.get_host()}"


def compress_response(content: bytes, origin: str) -> CachedResponse:
    """JSON for the cache, whose links begin with `origin`."""
    link_origin = origin if _link_start(origin) in content else ""
    return CachedResponse(entity_tag(content), igzip.compress(content, COMPRESSION_LEVEL, mtime=0), link_origin)


def _link_start(origin: str) -> bytes:
    return f'"{origin}/api/'.encode()


def serve_cached(
    request: HttpRequest, cached: CachedResponse, *, origin: str, changed: datetime | None
) -> HttpResponseBase:
    """The response of a cached answer, gzipped where the caller accepts it, its links with the caller's `origin`; or
    the 304."""
    if cached.origin not in ("", origin):
        content = igzip.decompress(cached.content).replace(_link_start(cached.origin), _link_start(origin))
        cached = compress_response(content, origin)
    accepts = GZIP.search(request.META.get("HTTP_ACCEPT_ENCODING", ""))

    def make() -> HttpResponseBase:
        if not accepts or len(cached.content) < SMALL:
            return HttpResponse(igzip.decompress(cached.content), content_type=MEDIA_TYPES["json"])
        response = HttpResponse(cached.content, content_type=MEDIA_TYPES["json"])
        response["Content-Encoding"] = "gzip"
        return response

    tag = f"W/{cached.tag}" if accepts and len(cached.content) >= SMALL else cached.tag
    return conditional_response(request, make, tag, changed)


def json_response(request: HttpRequest, content: bytes, *, changed: datetime | None) -> HttpResponseBase:
    """The response of JSON bytes, or the 304. `changed`: the time of the last change, None where it is not tracked."""

    def make() -> HttpResponseBase:
        return HttpResponse(content, content_type=MEDIA_TYPES["json"])

    return conditional_response(request, make, entity_tag(content), changed)


def download_response(
    request: HttpRequest, table: Table, *, form: str, encoding: str, name: str, changed: datetime | None
) -> HttpResponseBase:
    """The response of a table in the format `form` (`encoding`: that of a CSV file), as a file `name`."""

    def make() -> HttpResponseBase:
        response: StreamingHttpResponse
        if form == "csv":
            response = StreamingHttpResponse(
                csv_chunks(table, encoding), content_type=f"{MEDIA_TYPES[form]}; charset=utf-8"
            )
        else:
            write_file = xlsx_file if form == "xlsx" else parquet_file
            response = FileResponse(write_file(table), content_type=MEDIA_TYPES[form])
        response["Content-Disposition"] = f'attachment; filename="{file_name(name)}.{form}"'
        return response

    tag = None
    if changed is not None:
        address = request.build_absolute_uri().encode()
        tag = f"W/{entity_tag(changed.isoformat().encode(), address, form.encode())}"
    return conditional_response(request, make, tag, changed)


def conditional_response(
    request: HttpRequest, make: Callable[[], HttpResponseBase], tag: str | None, changed: datetime | None
) -> HttpResponseBase:
    """The response that `make` returns, with tag and time of change; or the 304, before it is made."""
    if changed is not None and changed > timezone.now():
        changed = None  # many changes at once run ahead of the clock (see `Generation`)
    headers = dict(CACHE_HEADERS)
    if tag is not None:
        headers["ETag"] = tag
    if changed is not None:
        headers["Last-Modified"] = http_date(changed.timestamp())
    if not CONDITIONS.isdisjoint(request.META):
        stamp = None if changed is None else int(changed.timestamp())
        head = HttpResponse(headers=headers)
        response_304 = get_conditional_response(request, tag, stamp, head)
        if response_304 is not None and response_304 is not head:
            return response_304
    response = make()
    for name, value in headers.items():
        response[name] = value
    return response


def file_name(text: str) -> str:
    """A file name that is one on every system: letters, digits, dots, - and _."""
    return UNSAFE.sub("-", text)[:LONGEST].strip("-.") or "seismo"


def latest_time(times: Sequence[datetime | None]) -> datetime | None:
    """The latest of these times; None without times, or where one is unknown."""
    if not times or None in times:
        return None
    return max(time for time in times if time is not None)
