"""Features of a run by a task group, which every worker shares: the executor `group`, in a task.

1. The parent cuts the window's instruments into pieces; each is a member of the group (`compute_in_group`).
2. A member opens the same window, of the same bars and by the same code, computes its piece and puts it into the score
   cache as a file (`compute_shard`).
3. The parent joins the files in the order of the instruments and deletes them. It computes a piece itself where its
   member has failed, so that an error is that of the run, or where the file is missing.
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from marketdata.errors import DataProblem
from marketdata.operations.tasks.groups import in_task, run_group
from marketdata.queries.breaks import get_history_digests
from marketdata.queries.records import get_flow_record, get_record
from marketdata.queries.window import Choice, open_window
from marketdata.record import Days, FlowRecord, Record
from scans.digests import json_digest
from scans.engines import engine_params
from scans.engines.registry import get_engine
from scans.execution.executors import PieceCosts, join_costs
from scans.execution.piece_files import decode_piece, encode_piece
from scans.execution.shards import EngineTask, PanelReader, Piece, compute_piece, instrument_slices
from scans.feature_cache.entries import code_digest
from scans.operations.scan.score_cache import get_score_cache

GROUP = "group"
MEMBERS = 4
"""Pieces of a run, where their number is not chosen."""


class OtherInputs(DataProblem):
    """A member that sees another record, or runs another code, than its parent."""


@dataclass(frozen=True, slots=True)
class ShardInputs:
    """What the features of a run are computed from: `tasks` on the sessions `days` of `record`, with `flows` where a
    task reads them; `bars`: the digest of all bars up to each session."""

    record: Record
    days: Days
    tasks: Sequence[EngineTask]
    flows: FlowRecord | None
    bars: Sequence[str]

    @property
    def state(self) -> str:
        """A digest of the inputs and of the code."""
        bars = list(self.bars)
        flows = self.flows.digests_with_bars(self.days, bars) if self.flows else []
        return json_digest([code_digest(), self.record.digests_with_caps(self.days, bars)[-1], flows[-1:]])

    def window(self, choose: Choice | None = None) -> PanelReader:
        """The window that all tasks can be computed from, of the instruments that `choose` names."""
        warm_up = max(task.requirements.warm_up for task in self.tasks)
        caps = max((reach for task in self.tasks if (reach := task.caps_reach) is not None), default=None)
        return open_window(self.record, self.days, warm_up, flows=self.flows, caps=caps, choose=choose)


def can_group(inputs: ShardInputs) -> bool:
    """Whether this code runs in a task, which alone has groups, and the bars are those that other processes see."""
    return in_task() and inputs.record.forming is None


def compute_in_group(inputs: ShardInputs, window: PanelReader, workers: int) -> tuple[list[Piece], PieceCosts]:
    """The pieces of `window`, in the order of the instruments, and what they cost."""
    began = time.perf_counter()
    instruments = len(window.survey.codes)
    parts = instrument_slices(len(window.sessions), instruments, workers or MEMBERS, len(inputs.tasks))
    whole = {
        "market": inputs.record.market.name,
        "first": str(inputs.days[0]),
        "last": str(inputs.days[-1]),
        "tasks": [_task_json(task) for task in inputs.tasks],
        "state": inputs.state,
    }
    members = [{**whole, "low": part.start, "high": part.stop, "instruments": instruments} for part in parts]
    pieces = []
    for part, member in zip(
        parts, run_group("scan shard", f"shards {json_digest(members)[:12]}", members), strict=True
    ):
        piece = _take(str(member.result)) if member.result else None
        pieces.append(piece or compute_piece(window, inputs.tasks, part, 1))
    return pieces, join_costs(pieces, len(inputs.tasks), f"{GROUP} x{len(parts)}", time.perf_counter() - began)


def compute_shard(
    *,
    market: str,
    first: date,
    last: date,
    tasks: Sequence[dict[str, Any]],
    state: str,
    low: int,
    high: int,
    instruments: int,
) -> str:
    """Compute the piece of the instruments from `low` to `high`; returns the name of its file. OtherInputs where they
    are not those of the parent."""
    record, chosen = get_record(market), [_task(task) for task in tasks]
    days = record.between(first, last)
    flows = get_flow_record(market) if any(task.reads_flows for task in chosen) else None
    inputs = ShardInputs(record, days, chosen, flows, get_history_digests(record, days))
    if inputs.state != state:
        raise OtherInputs(f"The bars of market {market}, or the release of this worker, are not those of the run.")
    window = inputs.window()
    if len(window.survey.codes) != instruments:
        raise OtherInputs(f"The lake of market {market} has {len(window.survey.codes)} instruments, not {instruments}.")
    content = encode_piece(compute_piece(window, chosen, slice(low, high), 1))
    name = f"shard-{json_digest([state, market, str(first), str(last), list(tasks), low, high])}.npz"
    get_score_cache().write_file(name, content)
    return name


def _take(name: str) -> Piece | None:
    """The piece of a file, which is deleted; None where there is none that can be read."""
    scores, piece = get_score_cache(), None
    content = scores.read_file(name)
    if content is not None:
        with suppress(ValueError, KeyError, OSError, zipfile.BadZipFile):
            piece = decode_piece(content)
        scores.delete_file(name)
    return piece


def _task_json(task: EngineTask) -> dict[str, Any]:
    return {
        "engine": task.engine.slug,
        "params": engine_params.dump(task.params),
        "segments": list(task.segments),
        "limits": dict(task.limits),
    }


def _task(row: dict[str, Any]) -> EngineTask:
    engine = get_engine(row["engine"])
    params = engine_params.read(engine.Params, row["params"])
    return EngineTask(engine, params, tuple(row["segments"]), row["limits"])
