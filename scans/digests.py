"""Digests of what an answer depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def json_digest(value: Any, *, ensure_ascii: bool = False) -> str:
    """A hash of JSON types whatever the order of keys, 32 hex digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=ensure_ascii)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def input_digest(data: str, parameters: Mapping[str, Any], engine: str, revision: int) -> str:
    """The inputs of an answer: the digest of the data up to its session, every parameter, the engine's name and its
    revision."""
    return json_digest([data, parameters, engine, revision])
