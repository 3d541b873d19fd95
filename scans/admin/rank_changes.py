"""Ranks of a session beside those of the published session before, for its page."""

from __future__ import annotations

from typing import Any

from marketdata.ticks import missing_grid_reason
from scans.admin import badges
from scans.models import ScanSession
from scans.queries import results
from scans.queries.regime_rules import regime_rule
from scans.wording import glossary
from scans.wording.reasons import no_picks_reason
from scans.wording.regime_sentences import regime_sentence

SHOWN_RANKS = 200


def rank_changes(session: ScanSession) -> dict[str, Any]:
    """The context of the page: the ranks, and the changes since the published session before."""
    changes = results.changes_of_session(session)
    ranks = list(session.ranks.order_by("rank")[:SHOWN_RANKS])
    moved = {row.code: before for row, before in changes.moved}
    entered = {row.code for row in changes.entered}
    return {
        "shown": session,
        "regime": badges.regime_name(session),
        "regime_rule": regime_sentence(rule) if (rule := regime_rule(session)) else "",
        "no_picks": no_picks_reason(session),
        "before": changes.before,
        "entered": changes.entered,
        "left": changes.left,
        "moved": changes.moved,
        "ranks": [
            {
                "row": row,
                "close": badges.number(row.close),
                "target": badges.number(row.target),
                "stop": badges.number(row.stop),
                "entry": badges.number(row.entry) if row.entry else "",
                "order": badges.order_texts(row),
                "label": glossary.word(glossary.LABELS, row.label),
                "strategy": glossary.word(glossary.STRATEGIES, row.strategy),
                "signals": badges.signal_names(row),
                "is_new": bool(changes.before) and row.code in entered,
                "moved": moved[row.code] - row.rank if row.code in moved else 0,
            }
            for row in ranks
        ],
        "most": SHOWN_RANKS,
        "no_grid": missing_grid_reason(session.market, session.date, ranks[0].segment) if ranks else "",
    }
