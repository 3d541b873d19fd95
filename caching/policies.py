"""How long each kind of answer may be served: the whole table in one place.

A policy is named by what makes the answer old, not by what it is about:

- published   replaced as a whole, and its scope's generation advanced then; the TTL only bounds what is kept
- page        the same, and made in less time than processes would take to agree which of them makes it
- kept        costs much and never changes for its key
- tried       costs much and may fail: that it failed is an answer too, for a while
"""

from __future__ import annotations

from dataclasses import dataclass

MINUTE = 60
DAY = 24 * 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Policy:
    """Times in seconds.

    `ttl`: how long an answer is served. `lease`: how long one caller may take to compute it before another assumes
    that it died; 0: processes do not wait for each other, only threads of one do. `wait`: how long the others wait for
    that one before they compute for themselves.
    """

    ttl: int
    lease: int = 30
    wait: float = 10.0


POLICIES: dict[str, Policy] = {
    "published": Policy(ttl=DAY),
    "page": Policy(ttl=DAY, lease=0),
    "kept": Policy(ttl=30 * DAY, lease=2 * MINUTE, wait=60.0),
    "tried": Policy(ttl=MINUTE, lease=2 * MINUTE, wait=60.0),
}


def get_policy(name: str) -> Policy:
    """The policy of that name; `LookupError` names those there are."""
    try:
        return POLICIES[name]
    except KeyError:
        raise LookupError(f"There is no cache policy {name!r}: choose among {', '.join(POLICIES)}.") from None
