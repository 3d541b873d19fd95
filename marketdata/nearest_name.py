"""The nearest of some names to a misspelt one, and the sentence that proposes it: the same at every door."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

LIKE = 0.6
"""`difflib`'s ratio from which a name is proposed."""
ONE_OF_TWO = 0.5
"""The ratio from which one is proposed where no other is as near: of two letters one differs, as in kx for kr, while
v9 is as near to v1 as to v2."""
LONGEST = 64
"""Characters of a name that are compared."""


def nearest_name(name: object, names: Iterable[object], least: float = LIKE) -> str:
    """The one of `names` that is most like `name`, whatever its case; "" where none is like it. `least`: the ratio from
    which several that are equally near count."""
    plain = {str(one).casefold(): str(one) for one in names}
    given = str(name)[:LONGEST].casefold()
    near = get_close_matches(given, plain, n=2, cutoff=ONE_OF_TWO)
    if not near:
        return ""
    ratios = [SequenceMatcher(None, one, given).ratio() for one in near]
    if ratios[0] < least and ratios[0] == ratios[-1] and len(near) > 1:
        return ""
    return plain[near[0]]


def did_you_mean(name: object, names: Iterable[object]) -> str:
    """` Did you mean v2?` with a blank in front, for the end of a message; "" where none of `names` is like `name`."""
    near = nearest_name(name, names)
    return f" Did you mean {near}?" if near else ""
