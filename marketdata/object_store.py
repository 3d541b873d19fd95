"""File systems of S3: `s3://bucket/prefix?region=eu-central-1&endpoint=https://host`, opened with pyarrow.

AWS's own library gets the credentials: the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the machine's
role.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

SCHEME = "s3://"
OPTIONS = {"region", "endpoint"}


def is_address(value: object) -> bool:
    """Whether `value` is the address of a bucket, with `OPTIONS` as its only options and without keys."""
    url = urlsplit(value) if isinstance(value, str) and value.startswith(SCHEME) else None
    return url is not None and bool(url.netloc) and not url.username and dict(parse_qsl(url.query)).keys() <= OPTIONS


def open_bucket(address: str, *, connect: float, answer: float, attempts: int) -> tuple[Any, str]:
    """The file system of an address and the path of its prefix there; nothing is requested yet. `connect` and `answer`:
    seconds that a connection and a response may take; `attempts` of each request."""
    from pyarrow import fs  # takes a fifth of a second, so only on use

    url = urlsplit(address)
    options = dict(parse_qsl(url.query))
    scheme, _, host = options.get("endpoint", "https://").rpartition("://")
    system = fs.S3FileSystem(
        region=options.get("region"),
        endpoint_override=host or None,
        scheme="http" if scheme == "http" else "https",
        connect_timeout=connect,
        request_timeout=answer,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=attempts),
    )
    return system, f"{url.netloc}{url.path}".rstrip("/")
