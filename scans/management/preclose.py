"""Scans before the close for people: what was read and picked, and how many picks were in the lists at the close."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from marketdata.management.command import SeismoCommand
from marketdata.management.parser import USAGE
from marketdata.management.table import Column, Output, write_prose, write_table
from marketdata.market_time import market_zone
from marketdata.number_format import MISSING_TEXT, format_number
from marketdata.tables.table import column
from scans.management import scan_tables
from scans.management.delivery import Results, deliver, delivery
from scans.operations.preclose import scan as preclose
from scans.queries.preclose import HitShare, get_preclose_scan

UNSUPPORTED = ("explain", "first", "last", "strict_fresh", "no_cache")
"""Options of a scan that one before the close does not have."""


def write_preclose(command: SeismoCommand, options: dict[str, Any]) -> None:
    """Scan the forming session and write the picks; with a date, scan the quotes kept of that session again."""
    for name in UNSUPPORTED:
        if options[name]:
            flag = {"first": "from", "last": "to"}.get(name, name).replace("_", "-")
            raise CommandError(f"--{flag} does not go with --provisional.", returncode=USAGE)
    if options["date"]:
        _repeat(command, options)
        return
    request = preclose.PrecloseRequest(
        market=options["market"],
        versions=options["version"],
        scales_volume=options["scale_volume"],
        limits=dict(options["limit"]),
        top=options["top"],
        executor=options["executor"],
        workers=options["workers"],
        save=not options["no_save"],
        started_by="command line",
    )
    where = delivery(options)
    report = preclose.run_preclose(request, clock=timezone.now)
    for line in heading(report):
        write_prose(command.stderr if where.for_programs else command.stdout, line)
    deliver(scan_tables.scan_results(report.scans), where, command.stdout)
    if errors := [scan.error for scan in report.scans if scan.error]:
        raise CommandError(" ".join(errors))


def heading(report: preclose.PrecloseReport) -> Iterator[str]:
    """The conditions of the picks, in sentences."""
    sweep = report.sweep
    at = sweep.read_at.astimezone(market_zone(sweep.market))
    volumes = "as traded by then"
    if report.volume_share is not None:
        volumes = f"divided by {report.volume_share:.3f}, the usual share by then"
    yield (
        f"Before the close: {sweep.market} {sweep.session} as of {at:%H:%M:%S %Z}, {len(sweep.quotes):,} of "
        f"{sweep.expected:,} instruments quoted in {sweep.calls} calls and {sweep.seconds:.1f} s; volumes {volumes}. "
        "The lists at the close may differ."
    )
    for note in report.notes:
        yield f"{note[0].upper()}{note[1:]}."


def _repeat(command: SeismoCommand, options: dict[str, Any]) -> None:
    row = get_preclose_scan(options["market"], options["date"])
    if row is None:
        raise CommandError(f"Market {options['market']} has no scan before the close of {options['date']}.")
    results = preclose.repeat_preclose(row)
    for slug, is_same in sorted(results.items()):
        command.stdout.write(f"{slug}: {'the same answer' if is_same else 'another answer'} as {row}")
    if not all(results.values()):
        raise CommandError("The record before that session, or the code, has changed since.")


HIT_COLUMNS = ("scanner_version", "sessions", "picks", "hits", "listed", "share", "coverage")


def hit_results(shares: Sequence[HitShare]) -> Results:
    """The hit shares in every form."""
    rows = [{**asdict(share), "share": share.share, "coverage": share.coverage} for share in shares]
    return Results([column(name, _type(name)) for name in HIT_COLUMNS], rows, lambda out: _write_hits(out, shares))


def _type(name: str) -> Any:
    import pyarrow as pa  # slow to import

    return {"scanner_version": pa.string(), "share": pa.float64(), "coverage": pa.float64()}.get(name, pa.int64())


def _write_hits(out: Output, shares: Sequence[HitShare]) -> None:
    if not shares:
        write_prose(out, "No session has both a scan before its close and a published list yet.")
        return
    columns = [Column(name.replace("_", " "), text=name == "scanner_version") for name in HIT_COLUMNS]
    write_table(out, columns, ([_cell(share, name) for name in HIT_COLUMNS] for share in shares))


def _cell(share: HitShare, name: str) -> str:
    value = getattr(share, name)
    if isinstance(value, str):
        return value
    if name in ("share", "coverage"):
        return MISSING_TEXT if value is None else f"{100 * value:.1f} %"
    return format_number(value, 0)
