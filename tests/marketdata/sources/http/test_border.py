from __future__ import annotations

import inspect
import ssl

import httpx2
import pytest

from marketdata.sources.base import SourceChanged, SourceRefused, SourceUnavailable
from marketdata.sources.http.exceptions import FOREIGN, translate

# The expectation is spelled out: every exception httpx2 exports, by what a caller should do about
# it.
EXPECTED = {
    SourceRefused: {"UnsupportedProtocol", "InvalidURL", "LocalProtocolError", "CookieConflict"},
    SourceChanged: {"TooManyRedirects"},
    SourceUnavailable: {
        "CloseError",
        "ConnectError",
        "ConnectTimeout",
        "DecodingError",
        "HTTPError",
        "HTTPStatusError",
        "NetworkError",
        "PoolTimeout",
        "ProtocolError",
        "ProxyError",
        "ReadError",
        "ReadTimeout",
        "RemoteProtocolError",
        "RequestError",
        "RequestNotRead",
        "ResponseNotRead",
        "SSEError",
        "StreamClosed",
        "StreamConsumed",
        "StreamError",
        "TimeoutException",
        "TransportError",
        "WriteError",
        "WriteTimeout",
    },
}
EXPORTED = [
    value for name in httpx2.__all__ if inspect.isclass(value := getattr(httpx2, name)) and issubclass(value, Exception)
]


def instance(kind: type[Exception]) -> Exception:
    """One exception of that class, whatever its constructor asks for."""
    return kind.__new__(kind)


@pytest.mark.parametrize("kind", EXPORTED, ids=lambda kind: str(kind.__name__))
def test_every_exception_of_httpx_is_caught_and_becomes_ours(kind: type[Exception]) -> None:
    assert issubclass(kind, FOREIGN)
    (family,) = [ours for ours, names in EXPECTED.items() if kind.__name__ in names]
    ours = translate(instance(kind), "GET example/path")
    assert type(ours) is family
    assert "GET example/path" in str(ours)


def test_the_list_of_exceptions_is_the_whole_list() -> None:
    assert {kind.__name__ for kind in EXPORTED} == set().union(*EXPECTED.values())


def test_a_certificate_that_does_not_verify_is_refused_not_retried() -> None:
    error = httpx2.ConnectError("x")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed")
    assert isinstance(translate(error, "GET host/path"), SourceRefused)


@pytest.mark.parametrize("error", [ConnectionResetError(), TimeoutError(), BrokenPipeError()])
def test_errors_of_the_operating_system_are_translated_too(error: OSError) -> None:
    assert isinstance(error, FOREIGN)
    assert isinstance(translate(error, "GET host/path"), SourceUnavailable)
