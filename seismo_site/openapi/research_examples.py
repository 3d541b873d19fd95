"""Examples of the fields of evaluations, sweeps and portfolios, as `examples` has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RESEARCH: Mapping[str, Any] = {
    "CurvePoint.cap": 108_200_000.0,
    "CurvePoint.equal": 101_400_000.0,
    "CurvePoint.equity": 104_310_000.0,
    "CurvePoint.invested": 78_500_000.0,
    "LookBody.figures": {"20": {"picks": 2112, "mean": 0.0123}},
    "LookBody.looked_at": "2026-08-22T01:10:00Z",
    "LookBody.looks_before": 0,
    "PedigreeBody.after_pct": 0.21,
    "PedigreeBody.after_picks": 184,
    "PedigreeBody.promised_pct": 0.62,
    "PedigreeBody.variant": 4,
    "PortfolioBody.costs_paid": 10_090_792.0,
    "PortfolioBody.counts": {"picks": 2229, "bought": 206, "full": 1248},
    "PortfolioBody.drawdowns_pct": {"portfolio": -17.2, "equal": -36.3, "cap": None},
    "PortfolioBody.endings": {"target": 91, "stop": 102, "open": 9},
    "PortfolioBody.exposure_pct": 77.0,
    "PositionBody.exit": 2370.0,
    "PositionBody.gain_pct": 9.32,
    "PositionBody.order": 10_000_000.0,
    "RulesBody.capital": 100_000_000.0,
    "RulesBody.share_pct": 1.0,
    "RulesBody.slots": 10,
    **{
        f"{body}.{name}": value
        for body in ("SweepRow", "SweepBody")
        for name, value in (
            ("choose_from", "2025-07-28"),
            ("test_from", "2026-02-06"),
            ("looks", 1),
            ("sample", 200),
            ("halving", False),
            ("seed", 7),
            ("size", 200),
            ("variants", 200),
            ("verdict", "Not distinguishable from luck: 200 variants tried, best outside +0.4 % +- 0.9"),
        )
    },
    "SweepBody.base": {"segments": ["KOSPI", "KOSDAQ"], "limits": {}},
    "SweepBody.chosen": 4,
    "SweepBody.code_revision": "b813094",
    "SweepBody.costs": 0.0025,
    "SweepBody.evaluation_revision": 2,
    "SweepBody.grid": {"vol_mult": ["2", "2.5", "3"]},
    "SweepBody.result": {"variants": 200, "superior_ability_p": 0.26},
    "VariantBody.number": 4,
    "VariantBody.over_cap_pct": None,
    "VariantBody.over_equal_pct": -0.06,
    "VariantBody.over_matched_pct": 0.03,
    "VariantBody.params": "vol_mult=2.5, ext_max=0.02",
    "VariantBody.sessions": 390,
    "VariantBody.sharpe": 0.043,
    "BaseRateBody.horizon": 20,
    "EvaluationBody.by": "",
    "EvaluationBody.first": "2025-01-02",
    "EvaluationBody.sessions": 402,
    "Figure.dropped": 3,
    "Figure.open": 4,
    "Figure.positions": 871,
    "Figure.sessions": 402,
    "SettlingBody.entered": 0.2,
    "SettlingBody.left": 0.3,
    "SettlingBody.picks": 12.4,
    "SettlingBody.sessions": 20,
    "SettlingBody.unchanged": 17,
    "SettlingBody.unchanged_pct": 85.0,
}
