"""The nearest of some names to a misspelt one, and the sentence that proposes it, shared by all faces."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

MIN_RATIO = 0.6
"""`difflib`'s ratio from which a name is proposed."""
MIN_UNIQUE_RATIO = 0.5
"""The ratio from which one is proposed where no other is as near: of two letters one differs, as in kx for kr, while
v9 is as near to v1 as to v2."""
MAX_LENGTH = 64
"""Characters of a name that are compared."""


def nearest_name(name: object, names: Iterable[object], least: float = MIN_RATIO) -> str:
    """The one of `names` that is most like `name`, whatever its case; "" where none is like it. `least`: the ratio from
    which several that are equally near count."""
    plain = {str(name).casefold(): str(name) for name in names}
    text = str(name)[:MAX_LENGTH].casefold()
    near = get_close_matches(text, plain, n=2, cutoff=MIN_UNIQUE_RATIO)
    if not near:
        return ""
    ratios = [SequenceMatcher(None, name, text).ratio() for name in near]
    if ratios[0] < least and ratios[0] == ratios[-1] and len(near) > 1:
        return ""
    return plain[near[0]]


def did_you_mean(name: object, names: Iterable[object]) -> str:
    """` Did you mean v2?` with a blank in front, for the end of a message; "" where none of `names` is like `name`."""
    near = nearest_name(name, names)
    return f" Did you mean {near}?" if near else ""
