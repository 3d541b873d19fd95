"""Memory that the cache uses: of the Redis server, or of this process where the cache is its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from caching.store import STORE


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Bytes in use, the most that are allowed (0: no limit) and what is removed then. `shared`: by all processes."""

    used: int
    most: int
    policy: str
    shared: bool


def get_memory_use() -> MemoryUse | None:
    """The memory of the cache; None where the cache does not answer or says nothing."""
    return STORE.probe(_redis if STORE.is_shared else _local)


def _redis() -> MemoryUse:
    memory: dict[str, Any] = cache.client.get_client().info("memory")  # type: ignore[attr-defined]
    return MemoryUse(memory["used_memory"], memory["maxmemory"], memory["maxmemory_policy"], shared=True)


def _local() -> MemoryUse | None:
    content = getattr(cache, "_cache", None)
    if content is None:
        return None
    return MemoryUse(sum(map(len, list(content.values()))), 0, "least recently used entries", shared=False)
