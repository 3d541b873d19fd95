"""The cohorts (picks of one day) of many variants, each distinct one once: variants of one engine pick the same on most
days, and what a cohort returns does not depend on who picked it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from scans.evaluation.calendar_time import CohortReturns, DailyReturns, cohort_returns
from scans.evaluation.holdings import JUDGED, Holdings
from scans.evaluation.prices import Rows


@dataclass(frozen=True, slots=True)
class SharedCohorts:
    """pick and cohort (Q,): the picks of all distinct cohorts and the numbers of these; of_variant: for each variant
    the numbers of its cohorts, ascending by day."""

    pick: Rows
    cohort: Rows
    of_variant: list[Rows]

    @classmethod
    def of(cls, day: Rows, variants: Sequence[Rows]) -> Self:
        """The cohorts of `variants`, each the places (P',) of its picks. day (P,): of all picks."""
        numbers: dict[bytes, int] = {}
        picks, of_variant = [np.zeros(0, dtype=np.intp)], []
        for places in variants:
            ordered = places[np.lexsort((places, day[places]))]
            bounds = [*np.flatnonzero(np.diff(day[ordered], prepend=-1)), len(ordered)]
            own = []
            for low, high in pairwise(bounds):
                cohort = ordered[low:high]
                number = numbers.setdefault(cohort.tobytes(), len(numbers))
                if number == len(picks) - 1:
                    picks.append(cohort)
                own.append(number)
            of_variant.append(np.array(own, dtype=np.intp))
        sizes = [len(cohort) for cohort in picks[1:]]
        return cls(np.concatenate(picks), np.repeat(np.arange(len(sizes)), sizes), of_variant)

    def returns(self, returns: DailyReturns, holdings: Holdings, n: int) -> tuple[CohortReturns, list[Rows]]:
        """The returns of the judged holdings over the horizon of index `n`, and the rows in them of each variant."""
        judged = holdings.state[self.pick, n] == JUDGED
        result = cohort_returns(returns, holdings, n, self.pick[judged], self.cohort[judged])
        row = np.full(int(self.cohort.max(initial=-1)) + 1, -1)
        row[result.number] = np.arange(len(result.number))
        return result, [row[numbers][row[numbers] >= 0] for numbers in self.of_variant]
