"""The reference's seismograph, worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from tests.reference import seismograph
from tests.reference.seismograph import Window

PARTS = ("tight", "absorption", "accumulation", "dryout")


def bars(
    close: Sequence[float],
    volume: Sequence[float],
    span: Sequence[float] | None = None,
    opened: Sequence[float] | None = None,
) -> Window:
    """Bars whose high and low lie half of `span` above and below the close."""
    span = span or [2.0] * len(close)
    return Window(
        O=list(opened or close),
        H=[c + s / 2 for c, s in zip(close, span, strict=True)],
        L=[c - s / 2 for c, s in zip(close, span, strict=True)],
        C=list(close),
        V=list(volume),
        traded=[v > 0 for v in volume],
    )


def test_tight_range_by_means_and_by_medians() -> None:
    w = bars([100] * 20, [100] * 20, [2] * 15 + [0.8] * 5)
    assert len(w.ranges) == 19
    parts = seismograph.v2_intensities(w)
    # mean of 5 is 0.8, of 19 it is (14 * 2 + 5 * 0.8) / 19 = 32 / 19: r = 0.475
    assert list(parts.values()) == pytest.approx([0.5625, 0, 0, 0])
    assert 100 * seismograph.weighted(parts, seismograph.V2_WEIGHTS) == pytest.approx(16.875)
    assert seismograph.v4_intensities(w)["tight_range"] == pytest.approx(0.75)  # r = 0.8 / 2
    assert seismograph.v1_score(parts) == 80
    assert seismograph.stage(parts) == 4


def test_medians_of_zero_are_not_tight() -> None:
    w = bars([100] * 20, [100] * 20, [2] * 15 + [0] * 5)
    assert seismograph.v2_intensities(w)["tight_range"] == 1
    assert seismograph.v4_intensities(w)["tight_range"] == 0


def test_obv_divergence() -> None:
    w = bars([100, 101] * 10, [100, 110] * 10)
    # p = 1 %, q = (10 * 110 - 9 * 100) / 2100
    q = 200 / 2100
    assert seismograph.v2_intensities(w)["obv_divergence"] == pytest.approx(0.1 + 5 * q)
    assert seismograph.v4_intensities(w)["obv_divergence"] == pytest.approx(0.1 * 5 * q)
    rising = bars([100, 102.1] * 10, [100, 110] * 10)
    assert seismograph.v2_intensities(rising)["obv_divergence"] == 0
    # a slide of 16 % over one session, with rising volume before: full marks in V2, none in V4
    crash = bars([100, 101] * 9 + [100, 84], [100, 130] * 10)
    assert seismograph.v2_intensities(crash)["obv_divergence"] == 1
    assert seismograph.v4_intensities(crash)["obv_divergence"] == 0


def test_accumulation_bar_and_dryout() -> None:
    w = bars([100] * 20, [100] * 19 + [350], opened=[100] * 19 + [98])
    assert seismograph.v2_intensities(w)["accumulation_bar"] == pytest.approx(0.5)  # (3.5 - 2) / 3
    wide = bars([100] * 20, [100] * 19 + [350], opened=[100] * 19 + [97])
    assert seismograph.v2_intensities(wide)["accumulation_bar"] == 0  # 3 / 97 is above 2.5 %
    dry = bars([100] * 20, [100] * 17 + [10] * 3)
    expected = 1 - (10 / 86.5) / 0.4
    assert seismograph.v2_intensities(dry)["volume_dryout"] == pytest.approx(expected)
    silent = seismograph.v2_intensities(bars([100] * 20, [0] * 20, [0] * 20))
    assert set(silent.values()) == {0.0}


@pytest.mark.parametrize(
    ("on", "score", "stage"),
    [
        ("tight_range obv_divergence", 100, 4),
        ("tight_range accumulation_bar", 80, 4),
        ("accumulation_bar obv_divergence", 70, 2),
        ("accumulation_bar", 50, 1),
        ("obv_divergence volume_dryout", 30, 2),
        ("volume_dryout", 10, 1),
        ("", 0, 1),
    ],
)
def test_ladder_and_stage(on: str, score: float, stage: int) -> None:
    parts = {name: 0.6 if name in on.split() else 0.5 for name in seismograph.V2_WEIGHTS}
    assert seismograph.v1_score(parts) == score
    assert seismograph.stage(parts) == stage


def test_absorption() -> None:
    w = bars([100, 101] * 11, [100, 120] * 11)
    s = (5 * 120 - 5 * 100) / 110
    a = (5 * 0.01 + 5 / 101) / 10
    expected = 0.5 + 0.5 / (1 + math.exp(3 - s / (a / 0.02 + 0.1)))
    assert seismograph.absorption(w) == pytest.approx(expected)
    falling = bars([100, 101] * 11, [120, 100] * 11)
    expected = 0.5 / (1 + math.exp(-2 * -s))
    assert seismograph.absorption(falling) == pytest.approx(expected)
    jump = bars([100] * 21 + [105.1], [100] * 22)
    assert seismograph.absorption(jump) == 0.3
    assert seismograph.absorption(bars([100] * 22, [100] * 22)) == pytest.approx(0.25)  # s = 0
    assert seismograph.absorption(bars([100] * 22, [0] * 22)) == 0


def test_accumulation_looks_at_the_ten_bars_before_the_last_six() -> None:
    loud = [9.0] * 22
    opened = [100.0] * 6 + [99.0] * 6 + [100.0] * 4 + [99.0] * 6
    assert seismograph.accumulation(bars([100] * 22, [1] * 22, loud, opened)) == pytest.approx(0.65)
    opened[6] = 100.0
    assert seismograph.accumulation(bars([100] * 22, [1] * 22, loud, opened)) == pytest.approx(0.5)
    # quiet bars that close at their middle: none above it
    still = bars([100] * 22, [1] * 22, [1.0] * 22)
    assert seismograph.accumulation(still) == pytest.approx(0.5 - 0.15 - 0.05)


def test_tight_and_location() -> None:
    w = bars([100] * 21, [1] * 21, [1] * 11 + [3] * 5 + [2] * 5)
    # 20 true ranges: ten of 1 lie below the mean of the last five, 2
    assert seismograph.v3_tight(w) == pytest.approx(0.5)
    assert seismograph.location(w) == pytest.approx(0.5)
    edge = bars([100] * 20 + [101.5], [1] * 21, [3] * 20 + [0])
    assert seismograph.location(edge) == pytest.approx(1.0)


def test_score_of_v3() -> None:
    hollow = dict(zip(PARTS, (0.8, 0.2, 0.5 - 0.15 - 0.05, 0.0), strict=True))
    assert seismograph.v3_score(hollow) == pytest.approx((28 + 6 + 6) / 2)
    full = dict(zip(PARTS, (0.7, 0.6, 0.6, 0.0), strict=True))
    assert seismograph.v3_score(full) == pytest.approx(24.5 + 18 + 12 + 15)


def test_a_window_with_fewer_than_half_of_its_bars_traded_is_dead() -> None:
    assert bars([100] * 20, [0] * 11 + [1] * 9).dead
    assert not bars([100] * 20, [0] * 10 + [1] * 10).dead
