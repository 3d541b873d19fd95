"""manage.py evidence: the page of evidence, measured on the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from scans.management.arguments import ScanCommand
from scans.management.evaluation_options import versions
from scans.management.evidence_page import Chapter, evidence_page
from scans.management.evidence_periods import PERIODS, period, period_request
from scans.operations.evaluation.picks import FLY, SOURCES
from scans.operations.evaluation.study import study_versions

PAGE = Path(settings.BASE_DIR) / "docs" / "evidence.md"
SHIPPED = "v1,v2,v3,seismograph,vcp"


class Command(ScanCommand):
    help = "Measure the page of evidence: figures with and without costs, four benchmarks, the order of scores."
    examples = ("evidence --write", "evidence --period kr:2025-01-02:2026-08-21 --versions v1,v2")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--versions", type=versions, default=versions(SHIPPED), help=f"default: {SHIPPED}")
        periods = "MARKET:FROM:TO, repeatable; default: those of the page"
        parser.add_argument("--period", dest="periods", type=period, action="append", help=periods)
        parser.add_argument("--source", choices=SOURCES, default=FLY, help="published ranks, or a scan on the fly")
        page = "write the page; default: docs/evidence.md"
        parser.add_argument("--write", nargs="?", type=Path, const=PAGE, metavar="FILE", help=page)

    def handle(self, **options: Any) -> None:
        chapters = []
        for one in options["periods"] or PERIODS:
            request = period_request(one, options["versions"], options["source"], timezone.now())
            chapters.append(Chapter(one.title, one.data, study_versions(request)))
        periods = "".join(f" --period {one.market}:{one.first}:{one.last}" for one in options["periods"] or ())
        page = evidence_page(chapters, f"manage.py evidence{periods} --write")
        if options["write"]:
            options["write"].write_text(page, encoding="utf-8")
        else:
            self.stdout.write(page)
