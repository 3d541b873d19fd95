"""Schema of a partition.

Rows: one bar for each instrument and session, sorted by (code, date). Prices are raw.

Roster: the footer's metadata (`seismo.*`), which lists the instruments that traded and when, so that a reader of closes
reads only closes:

    codes      the codes of the partition, ascending, fixed width
    present    a 32-bit mask for each code: bit d = there is a bar on day d + 1 of the month
    traded     likewise: that bar has volume
    based      likewise: that bar has a base price
    digests    a 64-bit digest for each code
    steps      (code, day, base price) where a base price is known and is more than a repetition: it differs from the
               recorded close of the bar before in this file, or there is none, or one of the two did not trade
    events     (code, day, ratio) of factor events without a base price, on a day with or without a bar

Head: `seismo.head` identifies the file: kind, market, month, schema version, generation, the digest of the roster,
and the width of a code. A reader compares it with the path of the file and with the record.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.errors import LakeError
from marketdata.lake import digest
from marketdata.lake.layout import FileIdentity, file_identity

VERSION = 2

FLOATS = ("open", "high", "low", "close", "volume")
NULLABLE = ("amount", "base_price", "ratio", "market_cap", "shares")

SCHEMA = pa.schema(
    [
        pa.field("code", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("date", pa.date32(), nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in FLOATS),
        *(pa.field(name, pa.float64()) for name in NULLABLE),
        pa.field("segment", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("flags", pa.uint8(), nullable=False),
    ]
)

_STEP = np.dtype([("code", "<i4"), ("day", "u1"), ("value", "<f8")])


@dataclass(frozen=True, slots=True)
class Roster:
    """A partition's metadata: n codes, their masks (n,), and the sparse steps and events (see above)."""

    generation: int
    codes: NDArray[np.bytes_]
    present: NDArray[np.uint32]
    traded: NDArray[np.uint32]
    based: NDArray[np.uint32]
    digests: NDArray[np.uint64]
    steps: NDArray[np.void]
    events: NDArray[np.void]

    @property
    def rows(self) -> int:
        return int(np.bitwise_count(self.present).sum())

    @property
    def digest(self) -> str:
        """A digest of the whole content."""
        return digest.text([self.codes.tobytes(), self.digests.tobytes()])

    def encode(self, path: str) -> dict[str, str]:
        """As Parquet key-value metadata of the file at `path`."""
        parts: dict[str, NDArray[Any]] = {
            "codes": self.codes,
            "present": self.present.astype("<u4"),
            "traded": self.traded.astype("<u4"),
            "based": self.based.astype("<u4"),
            "digests": self.digests.astype("<u8"),
            "steps": self.steps,
            "events": self.events,
        }
        return pack_footer(path, VERSION, self.generation, self.digest, parts)

    @classmethod
    def decode(cls, texts: Mapping[bytes, bytes], part: ExpectedFile) -> Roster:
        """From a footer; LakeError where it is not that of `part`."""
        types = {"present": "<u4", "traded": "<u4", "based": "<u4", "digests": "<u8"}
        generation, parts = unpack_footer(texts, part, VERSION, {**types, "steps": _STEP, "events": _STEP})
        return cls(generation=generation, **parts)


class ExpectedFile(Protocol):
    """A file as the record expects it: path, generation and digest; (None, "") accept any."""

    @property
    def path(self) -> str: ...

    @property
    def generation(self) -> int | None: ...

    @property
    def digest(self) -> str: ...


def pack_footer(
    path: str, version: int, generation: int, digest: str, parts: Mapping[str, NDArray[Any]]
) -> dict[str, str]:
    """The key-value metadata of the file at `path`: its head, and `parts` (one of them the codes) as bytes."""
    head = file_identity(path)._asdict() | {
        "version": version,
        "generation": generation,
        "digest": digest,
        "width": parts["codes"].dtype.itemsize,
    }
    return {"seismo.head": json.dumps(head)} | {
        f"seismo.{name}": base64.b64encode(part.tobytes()).decode() for name, part in parts.items()
    }


def unpack_footer(
    texts: Mapping[bytes, bytes], part: ExpectedFile, version: int, types: Mapping[str, Any]
) -> tuple[int, dict[str, NDArray[Any]]]:
    """The generation and the parts that `pack_footer` packed, the codes and those of `types`; LakeError where the
    footer is not one of a lake, of another version, or not that of `part`."""
    path = part.path
    try:
        head = json.loads(texts[b"seismo.head"])
        if head["version"] != version:
            raise LakeError(
                f"{path} has lake schema version {head['version']}, this program writes {version}: "
                "run `manage.py project_lake --rebuild`."
            )
        there, here = FileIdentity(*(head[name] for name in FileIdentity._fields)), file_identity(path)
        if there != here:
            raise LakeError(
                f"{path} contains {there.kind} of market {there.market} {there.month}, it was put there from "
                "elsewhere: run `manage.py project_lake`."
            )
        if part.generation is not None and head["generation"] != part.generation:
            raise LakeError(
                f"{path} is of generation {head['generation']}, the record expects {part.generation}: "
                "run `manage.py project_lake`."
            )
        if part.digest and head["digest"] != part.digest:
            raise LakeError(
                f"{path} contains other {here.kind} than the record expects, it was put there from elsewhere: "
                "run `manage.py project_lake`."
            )
        kinds = {"codes": f"S{head['width']}", **types}
        return int(head["generation"]), {
            name: np.frombuffer(base64.b64decode(texts[f"seismo.{name}".encode()]), dtype=kind)
            for name, kind in kinds.items()
        }
    except (KeyError, ValueError) as error:
        raise LakeError(
            f"{path} is not a partition of this lake ({error}): run `manage.py project_lake --rebuild`."
        ) from error


def sparse_cells(code: NDArray[np.integer], day: NDArray[np.integer], value: NDArray[np.float64]) -> NDArray[np.void]:
    """Sparse (code, day, value) entries for steps and events; `code` indexes the roster, `day` counts from 0."""
    entries = np.empty(len(code), dtype=_STEP)
    entries["code"], entries["day"], entries["value"] = code, day, value
    return entries


def day_masks(codes: int, code: NDArray[np.integer], day: NDArray[np.integer]) -> NDArray[np.uint32]:
    """A 32-bit mask for each of `codes` codes with the bits of the (code, day) pairs set."""
    bits = np.zeros(codes, dtype=np.uint32)
    np.bitwise_or.at(bits, code, np.uint32(1) << day.astype(np.uint32))
    return bits


def unpack_masks(mask: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Masks (n,) as booleans (n, 32), day of the month along axis 1."""
    octets = np.ascontiguousarray(mask.astype("<u4")).view(np.uint8).reshape(-1, 4)
    return np.unpackbits(octets, axis=1, bitorder="little").view(np.bool_)
