"""Files of pieces: what one process computed for some instruments, for the process that joins them."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from typing import Any

import numpy as np

from scans.engines.base import Universe
from scans.execution.cost import Cost
from scans.execution.shards import Piece

UNIVERSE = "universe:"
ELIGIBLE = "eligible:"
FEATURES = "features:"
ABOUT = "about"


def encode_piece(piece: Piece) -> bytes:
    """The file of a piece whose features are all arrays; an exception among them is raised."""
    universe, arrays = piece.universe, {}
    for field in fields(Universe):
        if field.name != "segments":
            arrays[UNIVERSE + field.name] = getattr(universe, field.name)
    for n, (eligible, features) in enumerate(zip(piece.eligible, piece.features, strict=True)):
        if isinstance(features, Exception):
            raise features
        arrays[f"{ELIGIBLE}{n}"] = eligible
        arrays |= {f"{FEATURES}{n}:{name}": array for name, array in features.items()}
    costs = [[cost.seconds, cost.cpu, cost.memory] for cost in (piece.read, *piece.task_costs)]
    about = json.dumps({"segments": universe.segments, "costs": costs, "bars": piece.bars})
    file = io.BytesIO()
    np.savez(file, **arrays, **{ABOUT: np.array(about)})  # type: ignore[arg-type]
    return file.getvalue()


def decode_piece(content: bytes) -> Piece:
    """The piece in a file of `encode_piece`; ValueError, KeyError, OSError or zipfile.BadZipFile for another one."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        about = json.loads(str(file[ABOUT]))
        universe: dict[str, Any] = {"segments": tuple(about["segments"])}
        tasks = len(about["costs"]) - 1
        features: list[dict[str, Any]] = [{} for _ in range(tasks)]
        for name in file.files:
            rest = name.partition(":")[2]
            if name.startswith(UNIVERSE):
                universe[rest] = file[name]
            elif name.startswith(FEATURES):
                n, _, feature = rest.partition(":")
                features[int(n)][feature] = file[name]
        eligible = tuple(file[f"{ELIGIBLE}{n}"] for n in range(tasks))
    read, *costs = (Cost(*cost) for cost in about["costs"])
    return Piece(Universe(**universe), eligible, [*features], read, tuple(costs), about["bars"])
