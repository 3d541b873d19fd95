"""Counts of reads: added up over processes, the most read first, the old ones fading."""

from __future__ import annotations

from caching.reads import AGED, EVERY, ReadCounts


def test_two_processes_count_together() -> None:
    first, second = ReadCounts(), ReadCounts()
    for counts, names in ((first, "aab"), (second, "bbbc")):
        for name in names:
            counts.count("kr", name)
    assert first.most_read("kr", 5) == ["a", "b"]
    assert second.most_read("kr", 5) == ["b", "a", "c"]
    assert second.most_read("us", 5) == []


def test_a_process_adds_its_counts_from_time_to_time() -> None:
    counts = ReadCounts()
    for _ in range(EVERY):
        counts.count("kr", "a")
    assert ReadCounts().most_read("kr", 2) == ["a"]
    for _ in range(2 * EVERY):
        counts.count("kr", "b")
    assert ReadCounts().most_read("kr", 2) == ["a"]  # the pause is not over
    counts.pause = 0.0
    assert counts.most_read("kr", 2) == ["b", "a"]


def test_old_reads_fade() -> None:
    counts = ReadCounts(pause=0.0)
    for _ in range(AGED):
        counts.count("kr", "old")
    for _ in range(AGED // 2 + EVERY):
        counts.count("kr", "new")
    assert counts.most_read("kr", 2) == ["new", "old"]
