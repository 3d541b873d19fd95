"""Headers of every response: the request's identifier, and the policy of the page for browsers."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.contrib.messages.middleware import MessageMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.middleware.locale import LocaleMiddleware
from django.utils.cache import patch_vary_headers

from marketdata.request_id import request_id
from marketdata.web.compression import FilledResponse, compress
from seismo_site import logins
from seismo_site.version import VERSION

ACCESS = logging.getLogger("seismo_site.access")
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
COMPRESSIBLE = re.compile(r"text/|application/(.+\+)?(json|xml|yaml|javascript|vnd\.oai\.openapi)")
GZIP = re.compile(r"\bgzip\b")
SMALL = 200
"""Bytes below which compression is not worth a header."""
NO_GZIP = re.compile(r"\bgzip\s*;\s*q=0(\.0*)?\s*(,|$)")
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "style-src 'self' 'unsafe-inline'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

GetResponse = Callable[[HttpRequest], HttpResponse]

NO_PAGES = ("/api/", "/metrics")
API_POLICY = "default-src 'none'; frame-ancestors 'none'"


class RequestIdMiddleware:
    """X-Request-ID: the caller's where it is well formed, else made here. It is `request.request_id`, it is on the
    response, and every log line written while the request is handled carries it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        header = request.META.get("HTTP_X_REQUEST_ID", "")
        identifier = header if WELL_FORMED.fullmatch(header) else uuid.uuid4().hex
        token, began = request_id.set(identifier), time.perf_counter()
        request.request_id = identifier  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
            if ACCESS.isEnabledFor(logging.INFO):
                _log_access(request, response, time.perf_counter() - began)
        finally:
            request_id.reset(token)
        response["X-Request-ID"] = identifier
        return response


class VersionHeaderMiddleware:
    """X-Seismo-Version: Seismo's version, on every response of the API and the pages."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.version = str(VERSION)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["X-Seismo-Version"] = self.version
        return response


def _log_access(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """One log line for a request, without its query, which may be private."""
    ACCESS.info(
        "%s %s %s %s %.1f ms",
        logins.address(request),
        request.method,
        request.path,
        response.status_code,
        1_000 * seconds,
    )


class ContentPolicyMiddleware:
    """Content-Security-Policy: scripts, fonts and connections of this site alone, never framed; answers of the API
    are no pages and may load nothing. A view that sets the header itself keeps its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        page = not request.path.startswith("/api/") or request.path == "/api/docs"
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY if page else API_POLICY)
        return response


class CompressionMiddleware(GZipMiddleware):
    """gzip for those who accept it, of text that is not tiny; the rest is compressed already, or would only grow."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.has_header("Content-Encoding") or not COMPRESSIBLE.match(response.get("Content-Type", "")):
            return response
        encodings = request.META.get("HTTP_ACCEPT_ENCODING", "")
        if NO_GZIP.search(encodings):
            return response
        accepts = GZIP.search(encodings)
        if not isinstance(response, HttpResponse) or not accepts:
            return super().process_response(request, response)
        if len(response.content) < SMALL:
            return response
        patch_vary_headers(response, ("Accept-Encoding",))
        response.content = response.compressed if isinstance(response, FilledResponse) else compress(response.content)
        response["Content-Encoding"], response["Content-Length"] = "gzip", str(len(response.content))
        tag = response.get("ETag", "")
        if tag.startswith('"'):
            response["ETag"] = f"W/{tag}"
        return response


class OriginMiddleware(CorsMiddleware):
    """CORS where origins are allowed (SEISMO_CORS_ORIGINS); without them it costs nothing."""

    def is_enabled(self, request: HttpRequest) -> bool:
        return bool(settings.CORS_ALLOWED_ORIGINS) and super().is_enabled(request)


class PageLanguageMiddleware(LocaleMiddleware):
    """The reader's language on pages; the API and the metrics answer everybody in English."""

    def process_request(self, request: HttpRequest) -> None:
        if not request.path.startswith(NO_PAGES):
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith(NO_PAGES):
            return response
        return super().process_response(request, response)


class PageMessageMiddleware(MessageMiddleware):
    """Messages of pages; the API and the metrics have none."""

    def process_request(self, request: HttpRequest) -> None:
        if not request.path.startswith(NO_PAGES):
            super().process_request(request)
