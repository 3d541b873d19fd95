"""A table as a Parquet file: dates, lists, mappings and numbers as what they are."""

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
    """The file, to be read from its beginning; on disk where it is large."""
    kinds = [one.type for one in table.columns]
    schema = pa.schema(list(zip(table.names, kinds, strict=True)))
    file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (its reader closes it)
    try:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for batch in batches(table.rows, GROUP):
                arrays = [_array([one.of(row) for row in batch], one.type) for one in table.columns]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _array(values: list[Any], kind: pa.DataType) -> pa.Array[Any]:
    if pa.types.is_map(kind):
        return pa.array([None if one is None else list(one.items()) for one in values], type=kind)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):  # JSON has them as ISO text
        return pa.array(values, type=pa.string()).cast(kind)
    if pa.types.is_string(kind):
        values = [json.dumps(one, ensure_ascii=False) if isinstance(one, list | dict) else one for one in values]
    return pa.array(values, type=kind)
