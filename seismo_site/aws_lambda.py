"""AWS Lambda: a scan from a lake in S3 to ranks in S3, with threads and without a database.

    {"market": "kr", "versions": ["v2", "v3"], "date": "2026-09-11",
     "lake": "s3://bucket/lake?region=ap-northeast-2", "output": "s3://bucket/ranks?region=ap-northeast-2"}

`version` names one version; without any it is the market's active one. Without `date` it is the last complete session.
The lake is a copy by `manage.py copy_lake`; keys are those of the environment, or of the function's role.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seismo_site.settings")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in command_line
os.environ.setdefault("SEISMO_DATA_DIR", "/tmp/seismo")  # noqa: S108 - the one directory that a function may write

import django
from django.conf import settings

from marketdata import object_store
from marketdata.errors import DataProblem, LakeError
from marketdata.markets import UnknownMarket, get_market

FIELDS = ("market", "version", "versions", "date", "lake", "output")


class ScanRefused(Exception):
    """The scan cannot be done; the message is one sentence with what is wrong and what to do."""


def _set_up() -> None:
    """Start Django with a database in memory, which has the tables of a catalogue alone."""
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    settings.LAKE_ONLY = True
    django.setup()


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Scan as `event` says and write the ranks of each version; returns the summary. ScanRefused where the event, the
    lake or a version is at fault."""
    market, versions, session, lake, output = _read_event(event)
    from scans.operations.scan.lake_scan import ScanFailed, scan_lake
    from scans.queries.versions import UnknownVersion

    settings.LAKE_DIR = lake
    try:
        return scan_lake(market, output, versions=versions, session=session, as_of=datetime.now(UTC))
    except LakeError as error:
        raise ScanRefused(f"{error} Then copy it: `manage.py copy_lake BUCKET --rebuild`.") from None
    except (DataProblem, UnknownVersion, ScanFailed) as error:
        raise ScanRefused(str(error)) from None
    except OSError as error:
        raise ScanRefused(f"The bucket of the lake or of the ranks refused: {error}") from None


def _read_event(event: Mapping[str, Any]) -> tuple[str, list[str], date | None, str, str]:
    """Market, versions, session, lake and output of an event; ScanRefused where it is wrong."""
    if not isinstance(event, Mapping):
        raise ScanRefused(f"The event must be a JSON object with {', '.join(FIELDS)}.")
    unknown = sorted(map(str, event.keys() - set(FIELDS)))
    if unknown:
        raise ScanRefused(f"The event has the unknown field {unknown[0]!r}: its fields are {', '.join(FIELDS)}.")
    try:
        market = get_market(str(event.get("market", ""))).name
    except UnknownMarket as error:
        raise ScanRefused(f"The event's market is wrong: {error}") from None
    return market, _versions(event), _session(event), _bucket(event, "lake"), _bucket(event, "output")


def _versions(event: Mapping[str, Any]) -> list[str]:
    one, several = event.get("version"), event.get("versions")
    if one is not None and several is not None:
        raise ScanRefused("The event has both version and versions: leave one of them out.")
    names = ([] if one is None else [one]) if several is None else several
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ScanRefused('The event\'s versions must be a list of names, such as ["v2", "v3"].')
    return names


def _session(event: Mapping[str, Any]) -> date | None:
    text = event.get("date")
    try:
        return None if text is None else date.fromisoformat(text)
    except (TypeError, ValueError):
        raise ScanRefused(f"The event's date is {text!r}: write it as 2026-09-11.") from None


def _bucket(event: Mapping[str, Any], field: str) -> str:
    address = event.get(field)
    if not object_store.is_address(address):
        raise ScanRefused(
            f"The event's {field} must be s3://bucket/prefix, with region= and endpoint= as its only options; keys go "
            "into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    return str(address)


_set_up()
