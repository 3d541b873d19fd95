"""Instruments whose bars do not continue those before: suspected actions and errors, and codes that were used again."""

from __future__ import annotations

from marketdata.breaks import LIFE
from marketdata.data_quality.finding import Finding
from marketdata.queries.breaks import get_breaks
from marketdata.queries.records import get_record
from marketdata.queries.suspicions import get_suspected_moves


def suspected_actions(market: str, limit: int) -> Finding:
    """Moves beyond the market's daily limit that neither a base price nor an event explains, jumps unlike real moves
    where there is no limit, and events that contradict the bars; the newest first. LakeError where the lake
    is behind the record."""
    record = get_record(market)
    moves = get_suspected_moves(record)[::-1]
    breaks = {(break_.session, break_.code): break_ for break_ in get_breaks(record)}
    cases: list[dict[str, str | float]] = []
    for day, code, before, close in moves[:limit]:
        case: dict[str, str | float] = {"code": code, "session": str(day)}
        case |= {"close before": before, "close": close}
        if reason := breaks.get((str(day), code)):
            case["reason"] = reason.sentence()
        cases.append(case)
    what = "moves and bars beyond the daily limit"
    if record.market.suspect_move is None:
        what = "jumps, bars off by a power of ten, seams"
    return Finding(
        "suspected_actions",
        market,
        len(moves),
        f"Suspected corporate actions and errors: {what}; such an instrument is not eligible for 252 sessions and not "
        "in the market's index (decide in the admin under Suspected actions, or supply the event in a file of date, "
        "code, ratio; 1 says that the move was real; a wrong bar is collected or imported again)",
        tuple(cases),
        action=f"decide: /admin/marketdata/factorevent/suspected/?market={market}",
    )


def new_lives(market: str, limit: int) -> Finding:
    """Codes with more than 60 sessions without a bar that nothing explains: another instrument begins there."""
    lives = [break_ for break_ in get_breaks(get_record(market)) if break_.kind == LIFE][::-1]
    return Finding(
        "new_lives",
        market,
        len(lives),
        "Codes used again after more than 60 sessions without a bar: history and age begin anew (where it is the same "
        "instrument, collect or import the bars between, or supply a factor event on the first session after: 1 where "
        "prices go on as they were)",
        tuple({"code": life.code, "last bar before": life.since, "first bar": life.session} for life in lives[:limit]),
    )
