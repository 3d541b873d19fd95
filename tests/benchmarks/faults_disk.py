"""What damage to files does to answers: bit flips, truncations and zeroed blocks in turn, scans over each of them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.installations import Bench
from tests.benchmarks.report import Line, Table

DAMAGES = 170
"""Of each kind of file: 510 in the lake."""
SIZE = ("--instruments", "60", "--sessions", "330", "--end", "2026-08-21", "--seed", "5")


def tables(bench: Bench) -> Iterator[Table]:
    """One line for each kind of file: bars, flows and index of the lake, entries of the score cache."""
    installation = bench.fresh("faults-disk")
    prices = installation.folder / "demo.parquet"
    installation.manage("make_demo_prices", "--output", str(prices), *SIZE)
    installation.manage("import_prices", str(prices))
    installation.manage("project_lake")
    results = installation.run_task("damage", market="kr", count=DAMAGES, seed=20260821)
    yield Table(
        "faults",
        "damaged files: bit flips, truncations and zeroed blocks in turn; v1, v2 and vcp with flow over each",
        "scans.operations.scan.run.run_scan(Request(market='kr', versions=['v1', 'v2', 'vcp-flows'], ...))",
        [
            Line(
                name,
                seen["seconds"],
                note=(
                    f"{seen['count']} damages: {seen.get('wrong', 0)} wrong answers, {seen.get('mended', 0)} mended, "
                    f"{seen.get('unread', 0)} in parts that no scan needed"
                    + (f"; {seen['refused']} refused to a reader that may not write" if "refused" in seen else "")
                ),
            )
            for name, seen in results.items()
        ],
        ["seconds: a scan that meets the damage, with what it writes anew"],
    )
