"""What the words of the engines mean, a sentence each, for the help page (docs/reference/scanners.md defines them)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from scans.wording import glossary
from scans.wording.glossary import Text

REGIMES: dict[str, Text] = {
    "bull": _(
        "Over 20 sessions the index is up by more than 6 % (after another regime than neutral: 4 %), and its last ten "
        "rise; kept above 2 %. For v1: its last session is above 1 %."
    ),
    "neutral": _("Neither up nor down so far; where a series begins."),
    "bear": _(
        "The same downwards: by more than 6 %, kept below −2 %. For v1: its last session is below −1 %. v2 picks "
        "nothing."
    ),
    "crash": _(
        "Over 20 sessions down by more than 10 %, or over 5 by more than 5 %. For v1: its last session is below "
        "−2.5 %. v1 and v2 pick nothing."
    ),
}
LABELS: dict[str, Text] = {
    "watch": _("v1, v2: 6 or 7 points of the signals"),
    "candidate": _("v1, v2: fewer than 6 points"),
    "buy candidate": _("v1, v2: 8 or 9 points"),
    "strong buy": _("v1, v2: 10 points and more"),
    "stage 1": _("seismograph: it accumulates, by any of its measures"),
    "stage 2": _("seismograph: on-balance volume rises while the price does not"),
    "stage 4": _("seismograph: it trades in a tight range"),
    "match": _("It passes the formula."),
}
STRATEGIES: dict[str, Text] = {
    "swing": _("v1, v2: target +5 %, stop −5 %, 3 to 10 sessions"),
    "position": _("v1, v2: target +10 %, stop −7 %, 10 to 60 sessions"),
    "longterm": _("v1, v2: target +15 %, stop −10 %, 60 sessions and more"),
    "midterm": _("v3: among the strongest of 60 sessions; target +10 %, stop −7 %, 15 sessions"),
    "pullback": _("v3: a dip to the 20-session mean of a rising share; target +5 %, stop −2 %, 14 sessions"),
    "formula": _("A screen of one's own; the plan is that of its version."),
    "watch": _("v1: no plan"),
}
STATUSES: dict[str, Text] = {
    "waiting": _("The plan's entry is not reached yet: the next open that can be bought, or the price of a buy stop."),
    "open": _("Bought, and neither target nor stop nor the last session of its plan is reached."),
    "target": _("Sold at the target, or at an open above it."),
    "stop": _("Sold at the stop, or at an open below it; where a bar reaches both, the stop counts."),
    "expired": _("Sold at the close of the last session of its plan."),
    "lapsed": _("Not bought in 5 sessions (a buy stop: 20), or the open lay beyond target or stop."),
    "suspect": _(
        "A move beyond the daily limit without a known corporate action: its levels mean nothing until decided."
    ),
}


def explained_groups() -> list[tuple[Text, list[tuple[str, Text, Text]]]]:
    """The groups of the glossary: their title, and key, name and meaning of each word, "" where the name tells it."""
    meanings: list[dict[str, Text]] = [REGIMES, LABELS, STRATEGIES, STATUSES, {}]
    return [
        (title, [(key, name, meaning.get(key, "")) for key, name in words.items()])
        for (title, words), meaning in zip(glossary.GROUPS, meanings, strict=True)
    ]
