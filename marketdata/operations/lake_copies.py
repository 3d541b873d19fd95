"""Copies of lakes in buckets, each with a catalogue: all that a scan reads of the record's database but bars.

With it a program needs the copy alone: the sessions and digests of partitions, overrides of the calendar, names of
instruments, the series of the regimes, and rows of the caller's own. `copy_lake` puts those of a market's files into a
bucket that changed, and the catalogue last: months of a copy that was interrupted are refused, as their digests
differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from django.core import serializers
from django.db import connection, models, transaction
from django.db.models import Min

from marketdata.errors import LakeError
from marketdata.lake import digest
from marketdata.lake.layout import Lake
from marketdata.markets import get_market
from marketdata.models import (
    CalendarOverride,
    FlowPartition,
    IndexBar,
    IndexChoice,
    Instrument,
    InstrumentStatus,
    LakePartition,
    SessionReading,
)
from marketdata.operations.projection import current_lake
from marketdata.queries.records import get_lake

Query: TypeAlias = models.QuerySet[Any, Any]
VERSION = 1
OF_MARKET: tuple[type[models.Model], ...] = (
    CalendarOverride,
    Instrument,
    LakePartition,
    FlowPartition,
    IndexBar,
    IndexChoice,
    SessionReading,
)
TABLES: tuple[type[models.Model], ...] = (*OF_MARKET, InstrumentStatus)
ELSEWHERE = ("sweep_variant",)
"""Fields that refer to tables that are not in the catalogue."""


@dataclass(frozen=True, slots=True)
class CopyReport:
    """How many files of a lake were copied, their bytes, and how many were there already."""

    files: int
    bytes: int
    unchanged: int


def copy_lake(
    market: str,
    bucket: str,
    others: Sequence[Query],
    *,
    rebuild: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> CopyReport:
    """Copy the market's lake, after an update, and its catalogue, with the rows `others`, to the address `bucket`;
    `rebuild`: also files that were copied before. OSError where that cannot be written, LakeError where
    the lake is in a bucket itself."""
    target = Lake(bucket)
    if get_lake().is_remote:
        raise LakeError(f"The lake is in a bucket already ({get_lake().root}): only one in a directory is copied.")
    current_lake.current_record(market).refuse_empty()
    current_lake.current_flow_record(market)
    with transaction.atomic():
        rows = list(_rows(market, others))
    before = {} if rebuild else _files(target, market)
    root = Path(get_lake().root)
    folders = [folder for tree in (".", "_*") for folder in root.glob(f"{tree}/market={market}")]
    files_of = [file for folder in folders for file in folder.rglob("*")]
    paths = sorted(file for file in files_of if file.is_file() and file.suffix != ".tmp")
    files, copied, size = {}, 0, 0
    for n, file in enumerate(paths):
        path, content = file.relative_to(root).as_posix(), file.read_bytes()
        files[path] = digest.text([content])
        if before.get(path) != files[path]:
            size += target.put(path, content)
            copied += 1
        if progress:
            progress(path, n + 1, len(paths))
    target.move_former([_path(market)])
    text = json.dumps({"version": VERSION, "market": market, "files": files, "rows": rows})
    target.put(_path(market), f"{text}\n{digest.text([text.encode()])}".encode())
    for path in before.keys() - files.keys():  # months that are gone, files that lay among the bars
        target.delete(path)
    return CopyReport(copied, size, len(paths) - copied)


def load_catalogue(market: str, others: Sequence[type[models.Model]]) -> None:
    """Put the catalogue of `market` in the configured lake, with the rows of `others`, into this process's database,
    which has no other tables. LakeError where it is missing, damaged or of another version of Seismo."""
    lake = get_lake()
    all_tables: list[type[models.Model]] = [*TABLES, *others]
    content = read_catalogue(lake, market)
    with connection.constraint_checks_disabled(), transaction.atomic():
        tables = connection.introspection.table_names()
        with connection.schema_editor() as editor:
            for model in all_tables:
                if model._meta.db_table in tables:
                    editor.delete_model(model)
                editor.create_model(model)
        try:
            rows = [row.object for row in serializers.deserialize("python", content["rows"])]
        except serializers.base.DeserializationError as error:
            raise LakeError(_other_program(market, lake)) from error
        for model in all_tables:
            model._base_manager.bulk_create([row for row in rows if isinstance(row, model)])


def write_object(address: str, path: str, write: Callable[[Any], None]) -> None:
    """Put what `write` writes to a stream at `path` below the address of a bucket, whole or not at all."""
    Lake(address).replace(path, write)


def read_catalogue(lake: Lake, market: str) -> dict[str, Any]:
    """The catalogue of `market`; LakeError where it is missing, damaged or of another version, OSError where the bucket
    refuses."""
    path = _path(market)
    try:
        with lake.source(path) as stream:
            text, _, checksum = bytes(stream.read()).decode().rpartition("\n")
    except FileNotFoundError as error:
        raise LakeError(
            f"{lake.root} has no {path}: run `manage.py copy_lake {lake.root} --market {market}`."
        ) from error
    except UnicodeDecodeError:
        text, checksum = "", "damaged"
    if checksum != digest.text([text.encode()]):
        raise LakeError(f"{path} is damaged: run `manage.py copy_lake {lake.root} --market {market}`.")
    content: dict[str, Any] = json.loads(text)
    if content["version"] != VERSION:
        raise LakeError(_other_program(market, lake))
    return content


def _other_program(market: str, lake: Lake) -> str:
    return (
        f"{_path(market)} in {lake.root} was written by another version of Seismo: deploy the same one, or run its "
        f"`manage.py copy_lake {lake.root} --market {market}`."
    )


def _path(market: str) -> str:
    return f"_catalogue/market={market}/catalogue.json"


def _files(target: Lake, market: str) -> Mapping[str, str]:
    """Path -> digest of the files that were copied before; none where they are unknown."""
    try:
        files: Mapping[str, str] = read_catalogue(target, market)["files"]
    except LakeError:
        return {}
    return files


def _rows(market: str, others: Sequence[Query]) -> Iterator[dict[str, Any]]:
    """The rows of the catalogue as JSON types, rows before those that refer to them."""
    family = get_market(market).family
    segments = InstrumentStatus.objects.filter(instrument__market=market, segment__isnull=False).order_by()
    first = segments.values("segment").annotate(pk_first=Min("pk")).values_list("pk_first", flat=True)
    queries: list[Query] = [model._default_manager.filter(market__in=family) for model in OF_MARKET]
    for query in (*queries, InstrumentStatus.objects.filter(pk__in=list(first)), *others):
        fields = [field.name for field in query.model._meta.fields if field.name not in ELSEWHERE]
        yield from json.loads(serializers.serialize("json", query.order_by("pk"), fields=fields))
