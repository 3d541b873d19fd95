"""manage.py scanner_version: list, show, create and change scanner versions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from scans.management.arguments import ScanCommand
from scans.management.version_actions import act, add_actions


class Command(ScanCommand):
    help = "List, show, create, change and activate scanner versions."
    examples = (
        "scanner_version list",
        "scanner_version show v2",
        "scanner_version create v2-tight --engine v2 --set vol_mult=3",
        "scanner_version create v2-swept --sweep volume",
        "scanner_version set v2-tight vol_mult=2.8",
        "scanner_version activate v2-tight --market kr",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_actions(parser)

    def handle(self, **options: Any) -> None:
        act(self.stdout, options, timezone.now())
