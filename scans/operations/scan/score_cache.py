"""The score cache that is set."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from scans.feature_cache import store


def get_score_cache() -> store.FeatureCache:
    """The cache of `SEISMO_SCORE_CACHE`."""
    return _opened(str(settings.SCORE_CACHE), settings.SCORE_CACHE_BYTES)


@lru_cache(maxsize=4)
def _opened(where: str, most: int) -> store.FeatureCache:
    return store.open_feature_cache(where, most=most)
