"""Translation of httpx2's exceptions into those of sources, in this place alone.

Messages name the method, host and path, never a header, a body or a query: those carry keys and tokens.
"""

from __future__ import annotations

import ssl

import httpx2

from marketdata.sources.base import SourceChanged, SourceError, SourceRefused, SourceUnavailable

# A repeated call cannot help: the request itself is wrong.
REFUSED = (httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.LocalProtocolError, httpx2.CookieConflict)
CHANGED = (httpx2.TooManyRedirects,)
# Everything else of httpx2 and of the operating system beneath it: it may pass.
UNAVAILABLE = (httpx2.HTTPError, httpx2.StreamError, OSError, TimeoutError)
# The call never reached the other side.
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, *REFUSED)
FOREIGN = (*REFUSED, *CHANGED, *UNAVAILABLE)


def translate(error: Exception, what: str) -> SourceError:
    """The SourceError of one of `FOREIGN`; `what` names the call ("GET host/path")."""
    kind = type(error).__name__
    if isinstance(error, REFUSED):
        return SourceRefused(f"{what} cannot be sent ({kind}): check the address in the settings.")
    if isinstance(error, CHANGED):
        return SourceChanged(f"{what} moved", expected="an answer", actual="a chain of redirects")
    if _is_certificate(error):
        return SourceRefused(f"{what}: the certificate of the host could not be verified.")
    if isinstance(error, httpx2.TimeoutException | TimeoutError):
        return SourceUnavailable(f"{what} took too long ({kind}).")
    return SourceUnavailable(f"{what} failed on the way ({kind}).")


def _is_certificate(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
