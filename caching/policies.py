"""Cache policies: how long each kind of answer may be served.

A policy is named by the reason for which an answer expires:

- published   replaced as a whole, and its scope's generation advanced then; the TTL only bounds the size
- page        the same, and computed in less time than processes need to agree on one of them
- prices      a page of figures that also change between publications: the latest bar, valuations
- live        of the moment: a source is called once for all who want it, and a failure is an answer too
- signals     a page of signals
- instruments a page of instruments
- kept        expensive, and never changes for its key
- tried       expensive, and may fail: a failure is an answer too, for a while
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

MINUTE = 60
DAY = 24 * 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Policy:
    """Times in seconds.

    `ttl`: how long an answer is served. `lease`: how long one caller may compute it before another assumes that it
    died; 0: processes do not wait for each other, only threads of one do. `wait`: how long the others wait for the
    caller before they compute for themselves.
    """

    ttl: int
    lease: int = 30
    wait: float = 10.0


POLICIES: dict[str, Policy] = {
    "published": Policy(ttl=DAY),
    "page": Policy(ttl=DAY, lease=0),
    "prices": Policy(ttl=30, lease=0),
    "live": Policy(ttl=30, lease=15),
    "signals": Policy(ttl=10 * MINUTE, lease=0),
    "instruments": Policy(ttl=60 * MINUTE, lease=0),
    "kept": Policy(ttl=30 * DAY, lease=2 * MINUTE, wait=60.0),
    "tried": Policy(ttl=MINUTE, lease=2 * MINUTE, wait=60.0),
}


def set_ttls(seconds: Mapping[str, int]) -> None:
    """Set how long the answers of the named policies are served."""
    for name, ttl in seconds.items():
        POLICIES[name] = replace(get_policy(name), ttl=ttl)


def get_policy(name: str) -> Policy:
    """The policy of that name; `LookupError` lists the existing ones."""
    try:
        return POLICIES[name]
    except KeyError:
        raise LookupError(f"There is no cache policy {name!r}: choose among {', '.join(POLICIES)}.") from None
