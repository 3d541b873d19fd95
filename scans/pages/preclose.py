"""The section of the evening's page on the scan before the close: its picks, and how many were in the lists at the
close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from scans.models import PrecloseScan
from scans.queries import order_prices
from scans.queries.preclose import SESSIONS, AnswerAtClose, HitShare, PrecloseQueries


@dataclass(frozen=True, slots=True)
class PreclosePick:
    """A pick before the close. `change` is a fraction; `order`: order prices, None where the market has no tick grid;
    `at_close`: whether it is in the list at the close, None while that is not published."""

    rank: Mapping[str, Any]
    address: str
    change: float | None
    order: Mapping[str, float | None] | None
    at_close: bool | None


@dataclass(frozen=True, slots=True)
class PrecloseBlock:
    """A version's answer, its picks and its hit share."""

    answer: AnswerAtClose
    picks: Sequence[PreclosePick]
    share: HitShare | None


def preclose_context(scan: PrecloseScan, queries: PrecloseQueries, versions: Sequence[str]) -> dict[str, Any]:
    """The context of the section; `queries`: of the scan; `versions`: those that the reader chose, none: all."""
    answers = queries.answers_at_close()
    chosen = [answer for answer in answers if answer.answer.scanner_version.slug in versions] or answers
    shares = {share.scanner_version: share for share in queries.hit_shares()}
    blocks = [
        PrecloseBlock(
            answer,
            [_pick(rank, answer, scan) for rank in answer.answer.ranks],
            shares.get(answer.answer.scanner_version.slug),
        )
        for answer in chosen
    ]
    is_closed = any(answer.at_close is not None for answer in answers)
    return {"preclose": scan, "preclose_blocks": blocks, "preclose_closed": is_closed, "sessions": SESSIONS}


def _pick(rank: Mapping[str, Any], answer: AnswerAtClose, scan: PrecloseScan) -> PreclosePick:
    ordered = order_prices.add_order_prices(rank, market=scan.market, session=scan.session)
    return PreclosePick(
        rank=rank,
        address=reverse("pages:stock", args=[scan.market, rank["code"]]),
        change=None if rank["change_pct"] is None else rank["change_pct"] / 100,
        order=ordered["order"],
        at_close=None if answer.at_close is None else rank["code"] in answer.at_close,
    )
