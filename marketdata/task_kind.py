"""A kind of background task: its function, its queue and its pauses before retries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskKind:
    """`function`: its dotted name; `queue`: high or low; `pauses`: seconds before each retry after a failure that may
    pass (an unavailable source, a locked database, a lost worker), so that a task has one attempt more than pauses;
    `report`: the dotted name of a function of the reason and the task's arguments, called before a task is dead."""

    function: str
    queue: str
    pauses: tuple[float, ...]
    report: str = ""

    @property
    def attempts(self) -> int:
        """How often a task of this kind is attempted at most."""
        return len(self.pauses) + 1
