"""The answers of a version, one for each session, before and after they are published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from marketdata.queries.readings import ReadingTimes
from scans import digests
from scans.engines import engine_params
from scans.engines.base import Outcome, Universe
from scans.engines.regime_rules import RegimeHistory, RegimeRule, regime_kind
from scans.execution.cost import Cost
from scans.execution.shards import EngineTask
from scans.models import Reading, ScannerVersion
from scans.operations.scan import answer_rows

if TYPE_CHECKING:  # a scan without signals does not import their rules
    from scans.operations.signals import ListUpdate

MAX_NOTES = 200
"""Most characters of an answer's notes."""
NO_MATCH, PUBLISHED, QUARANTINED = "no_match", "published", "quarantined"


@dataclass(slots=True)
class SessionAnswer:
    """One version's answer for one session; `ranks` are rows as JSON types, best first. `reading`: whether
    its bars may still change; `read_at`: when provisional ones were read, `settled_at`: when they settled (ISO)."""

    date: str
    status: str
    reason: str
    notes: str
    regime: str
    short_risk: int
    fallback_step: int
    universe: int
    scored: int
    matched: int
    input_digest: str
    result_digest: str
    ranks: list[dict[str, Any]]
    reading: str = Reading.SETTLED
    read_at: str | None = None
    settled_at: str | None = None


@dataclass(slots=True)
class Scan:
    """The result of one version: its answers, or the error that prevented them."""

    version: ScannerVersion
    market: str
    task: EngineTask
    answers: list[SessionAnswer] = field(default_factory=list)
    error: str = ""
    run: int | None = None
    unchanged: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    """Stage -> wall seconds."""
    cost: Cost = field(default_factory=Cost)
    """CPU seconds and peak memory of all stages together."""
    baseline: int = 0
    """Resident bytes of the process as the scan started."""
    bars: int = 0
    """How many were read."""
    executor: str = ""
    index: str = ""
    """The external series of the regimes; "" for the market's own index."""
    notices: tuple[str, ...] = ()
    """Sentences on days near the requested sessions without trading, or with bars in doubt."""
    signals: ListUpdate | None = None
    """The update of signals that was published with the answers; None where there was none."""
    regimes: RegimeHistory | None = None
    """The regimes of the index that the answers depend on."""

    def add_cost(self, stage: str, cost: Cost) -> None:
        """Add the cost of a stage."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + cost.seconds
        self.cost += cost

    @property
    def duration(self) -> float:
        """The seconds of all stages together."""
        return sum(self.seconds.values())

    def regime_rule(self, answer: SessionAnswer) -> RegimeRule | None:
        """The rule of an answer's regime; None if the engine has no regime."""
        if self.regimes is None or not answer.regime:
            return None
        kind = regime_kind(self.task.engine)
        if not kind:
            return None
        return self.regimes.rule(kind, date.fromisoformat(answer.date), answer.regime)


def parameters(task: EngineTask) -> dict[str, Any]:
    """All parameters of a run: the engine's, the segments, the limits and the number of ranks."""
    return {
        **engine_params.dump(task.params),
        "segments": list(task.segments),
        "limits": dict(task.limits),
        "top": task.top,
    }


def parameters_hash(task: EngineTask) -> str:
    """A hash of `parameters`."""
    return digests.json_digest(parameters(task))


def session_answers(
    task: EngineTask,
    universe: Universe,
    outcome: Outcome,
    *,
    data: list[str],
    thin: Mapping[str, str],
    undecided: Mapping[str, str],
    names: Mapping[str, str],
    readings: Mapping[date, ReadingTimes],
) -> Iterator[SessionAnswer]:
    """Yield the answer of each session. `data`: the digest of the record up to each session. `thin`: session -> why its
    data are too thin to be published. `undecided`: session -> a sentence that its answer depends on bars in doubt.
    `readings`: of the sessions that were read before they were settled."""
    days = outcome.days
    rows = answer_rows.session_rows(universe, outcome.ranks, names, task.top)
    params = parameters(task)
    for k, (session, ranks) in enumerate(zip(universe.sessions, rows, strict=True)):
        status, reason = (PUBLISHED, "") if ranks else (NO_MATCH, days.reason[k])
        if str(session) in thin:
            status, reason = QUARANTINED, thin[str(session)]
        reading = readings.get(session.item())
        settled_at = reading and reading.settled_at
        is_provisional = reading is not None and settled_at is None
        yield SessionAnswer(
            date=str(session),
            status=status,
            reason=reason,
            notes=_joined(undecided.get(str(session), ""), days.notes[k]),
            regime=days.regime[k],
            short_risk=int(days.short_risk[k]),
            fallback_step=int(days.step[k]),
            universe=int(days.universe[k]),
            scored=int(days.scored[k]),
            matched=int(days.matched[k]),
            input_digest=digests.input_digest(data[k], params, task.engine.slug, task.engine.revision),
            result_digest=digests.json_digest([[row[name] for name in _DIGESTED] for row in ranks]),
            ranks=ranks,
            reading=str(Reading.PROVISIONAL if is_provisional else Reading.SETTLED),
            read_at=reading.read_at.isoformat() if reading and is_provisional else None,
            settled_at=settled_at.isoformat() if settled_at else None,
        )


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)[:MAX_NOTES]


_DIGESTED = ("rank", "code", "score", "label", "strategy")
