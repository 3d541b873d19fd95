"""Cache keys: name of the answers + version of their form + generation of their scope + digest of the arguments.

    answer:chart:v2:g1763700000000000000:5f0c...

Advancing the generation of a scope invalidates all its answers: old keys are never looked up again and expire by
themselves. Keys are never searched by pattern (KEYS, SCAN).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence, Set
from datetime import date
from decimal import Decimal
from enum import Enum

NAME = re.compile(r"[A-Za-z0-9_.\-]{1,100}")
Part = object


class KeyPartError(TypeError):
    """An argument that cannot be part of a key."""


def answer(what: str, *, version: int, generation: int, parts: Sequence[Part]) -> str:
    """The key of one answer. `version` rises when the form of the value changes."""
    return f"answer:{_name(what)}:v{version}:g{generation}:{digest(parts)}"


def generation(scope: str) -> str:
    """The key of a scope's generation."""
    return f"generation:{_name(scope)}"


def lease(key: str) -> str:
    """The key of the lease to compute the answer `key`."""
    return f"lease:{key}"


def digest(parts: Sequence[Part]) -> str:
    """A hash (hex, 32 characters) of the arguments: types count, the order of mappings and sets does not."""
    return hashlib.blake2b(_spell(parts).encode(), digest_size=16).hexdigest()


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name something cached: letters, digits, dots, - and _ only.")
    return name


def _spell(part: Part) -> str:
    """An unambiguous text: every piece carries its type, every text its length."""
    match part:
        case str() if type(part) is str:
            return f"str{len(part)}={part}"
        case list() | tuple():
            return f"list{len(part)}({','.join(map(_spell, part))})"
        case None | bool() | int() | float() | Decimal() if not isinstance(part, Enum):
            return f"{type(part).__name__}={part!r}"
        case Enum():
            return f"{type(part).__qualname__}.{part.name}"
        case str():
            return f"str{len(part)}={part}"
        case date():  # datetimes too
            return f"{type(part).__name__}={part.isoformat()}"
        case Mapping():
            pairs = sorted(f"{_spell(key)}:{_spell(value)}" for key, value in part.items())
            return f"map{len(pairs)}({','.join(pairs)})"
        case Set():
            return f"set{len(part)}({','.join(sorted(map(_spell, part)))})"
    raise KeyPartError(
        f"No cache key can be made from a {type(part).__qualname__}: "
        "pass text, numbers, dates, or lists, sets and mappings of them."
    )
