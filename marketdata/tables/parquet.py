"""A table as a Parquet file, with types of dates, lists, mappings and numbers."""

from __future__ import annotations

import json
import tempfile
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from marketdata.tables.table import Table, batches

GROUP = 20_000
IN_MEMORY = 8 * 1024 * 1024


def parquet_file(table: Table) -> IO[bytes]:
    """The file, positioned at its beginning; on disk where it is large."""
    kinds = [column.type for column in table.columns]
    schema = pa.schema(list(zip(table.names, kinds, strict=True)))
    file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (its reader closes it)
    try:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for batch in batches(table.rows, GROUP):
                arrays = [_array([column.of(row) for row in batch], column.type) for column in table.columns]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _array(values: list[Any], kind: pa.DataType) -> pa.Array[Any]:
    if pa.types.is_map(kind):
        return pa.array([None if value is None else list(value.items()) for value in values], type=kind)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):  # JSON has them as ISO text
        return pa.array(values, type=pa.string()).cast(kind)
    if pa.types.is_string(kind):
        values = [
            json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value for value in values
        ]
    return pa.array(values, type=kind)
