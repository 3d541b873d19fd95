"""The ranks of a session as its page shows them, beside those of the published session before."""

from __future__ import annotations

from typing import Any

from marketdata.ticks import missing_grid_reason
from scans.admin import badges
from scans.models import ScanSession
from scans.queries import results
from scans.queries.regime_rules import regime_rule

SHOWN_RANKS = 200


def rank_changes(session: ScanSession) -> dict[str, Any]:
    """The ranks of a session, and what changed since the published one before."""
    found = results.changes_of_session(session)
    ranks = list(session.ranks.order_by("rank")[:SHOWN_RANKS])
    moved = {row.code: before for row, before in found.moved}
    entered = {row.code for row in found.entered}
    return {
        "shown": session,
        "regime_rule": regime_rule(session),
        "before": found.before,
        "entered": found.entered,
        "left": found.left,
        "moved": found.moved,
        "ranks": [
            {
                "row": row,
                "close": badges.number(row.close),
                "target": badges.number(row.target),
                "stop": badges.number(row.stop),
                "entry": badges.number(row.entry) if row.entry else "",
                "order": badges.order_texts(row),
                "is_new": bool(found.before) and row.code in entered,
                "moved": moved[row.code] - row.rank if row.code in moved else 0,
            }
            for row in ranks
        ],
        "most": SHOWN_RANKS,
        "no_grid": missing_grid_reason(session.market, session.date, ranks[0].segment) if ranks else "",
    }
