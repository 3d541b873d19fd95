"""A recorded sweep with two variants, for tests of the faces; its figures are made up."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from scans.models import Sweep, SweepLook, SweepStatus, SweepVariant

MOMENT = datetime(2024, 9, 2, 1, 0, tzinfo=UTC)


def figures(mean: float) -> dict[str, Any]:
    """The figures of one horizon."""
    excess = {"mean": mean, "by_date": mean / 2, "low": -0.01, "high": 0.03, "coverage": 1.0}
    return {
        "picks": 120,
        "judged": 118,
        "dropped": 0,
        "mean": mean,
        "gross_mean": mean,
        "median": -0.001,
        "date_mean": mean,
        "mean_without_best": 0.0,
        "hit_rate": 0.5,
        "universe_hit_rate": 0.48,
        "worst_drawdown": -0.2,
        "turnover": 0.8,
        "detectable": 0.02,
        "standing": "",
        "equal": excess,
        "matched": excess,
        "cap": {"mean": None, "low": None, "high": None, "coverage": 0.0},
    }


def make_sweep(slug: str = "volume", market: str = "kr", **changes: Any) -> Sweep:
    """A sweep of `formula` that is done, with a look at its test period."""
    draw = {"own": 0.012, "mean": 0.01, "low": -0.01, "high": 0.03, "as_good": 0.4}
    result: dict[str, Any] = {
        "variants": 2,
        "sessions": 200,
        "reality_check_p": 0.4,
        "superior_ability_p": 0.41,
        "deflated_sharpe": 0.3,
        "overfitting_probability": None,
        "folds": [],
        "outside": {"5": figures(0.012)},
        "groups": {
            "regime": [{"group": "bull", **figures(0.02)}],
            "year": [{"group": "2024", **figures(0.012)}],
        },
        "random": {"passing": draw, "alike": draw},
        "halving": [{"sessions": 100, "variants": 2, "kept": 1}],
        "survivors": {"instruments": 2_537, "gone": 12, "end": "2024-06-28"},
        "capacity": {"order": 12_000_000.25, "half_order": 50_000_000.0, "capital": 900_000_000.0},
    }
    values: dict[str, Any] = {
        "slug": slug,
        "market": market,
        "engine": "formula",
        "revision": 1,
        "size": 2,
        "horizon": 5,
        "base": {"segments": ["KOSPI"], "limits": {}, "match": "rises(close)"},
        "grid": {"top_n": [2, 4]},
        "first": date(2023, 1, 2),
        "choose_from": date(2023, 9, 1),
        "test_from": date(2024, 2, 1),
        "last": date(2024, 6, 28),
        "data_digest": "d",
        "evaluation_revision": 2,
        "started_at": MOMENT,
        "status": SweepStatus.DONE,
        "result": result,
        "seconds": {"variants": 32.44, "outside": 3.8},
        "finished_at": MOMENT,
    }
    sweep = Sweep.objects.create(**{**values, **changes})
    variants = [
        SweepVariant.objects.create(
            sweep=sweep,
            number=number,
            params={"top_n": top_n},
            figures={"5": figures(mean)},
            sharpe=sharpe,
            returns=np.zeros(3).tobytes(),
        )
        for number, top_n, mean, sharpe in ((1, 2, 0.011, 0.05), (2, 4, 0.009, 0.02))
    ]
    if sweep.status == SweepStatus.DONE:
        sweep.chosen = variants[0]
        sweep.save()
        SweepLook.objects.create(sweep=sweep, figures={"5": figures(0.004)}, looks_before=1, looked_at=MOMENT)
    return sweep
