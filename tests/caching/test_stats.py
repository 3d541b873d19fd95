"""Counters of the cache by policy and by minute, and of several processes together."""

from __future__ import annotations

from caching.stats import MINUTES, Stats, read_counts, sum_counts


class Clock:
    now = 600.0

    def __call__(self) -> float:
        return self.now


def test_counts_of_policies_and_minutes() -> None:
    clock = Clock()
    stats = Stats(clock)
    stats.count("chart", "page", misses=1, seconds=0.5)
    stats.count("chart", "page", bytes=700)
    clock.now += 60
    stats.count("scan", "page", hits=3)
    stats.count("narrative", "kept", shared=1)
    counts = stats.counts()
    page = counts.total["page"]
    assert (page.hits, page.misses, page.bytes, page.seconds, page.ratio) == (3, 1, 700, 0.5, 0.75)
    assert {minute: sorted(rows) for minute, rows in counts.minutes.items()} == {10: ["page"], 11: ["kept", "page"]}
    assert counts.minutes[11]["kept"].ratio == 1.0


def test_minutes_older_than_an_hour_are_dropped() -> None:
    clock = Clock()
    stats = Stats(clock)
    stats.count("chart", "page", hits=1)
    clock.now += 60 * MINUTES
    stats.count("chart", "page", hits=1)
    assert list(stats.counts().minutes) == [10 + MINUTES]
    assert stats.counts().total["page"].hits == 2


def test_processes_add_up_through_their_dumps() -> None:
    clock = Clock()
    one, two = Stats(clock), Stats(clock)
    one.count("chart", "page", hits=2)
    two.count("chart", "page", misses=1, seconds=0.25)
    two.count("scan", "published", failures=1)
    both = sum_counts(read_counts(each.dump()) for each in (one, two))
    assert (both.total["page"].hits, both.total["page"].misses, both.total["page"].seconds) == (2, 1, 0.25)
    assert both.minutes[10]["published"].failures == 1


def test_listener_is_called_once_a_minute() -> None:
    clock, minutes = Clock(), []
    stats = Stats(clock)
    stats.each_minute = lambda: minutes.append(int(clock.now // 60))
    for _ in range(3):
        stats.count("chart", "page", hits=1)
    clock.now += 60
    stats.count("chart", "page", hits=1)
    assert minutes == [10, 11]
