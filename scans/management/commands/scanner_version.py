"""manage.py scanner_version: list, show, create and change scanner versions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from scans.management.arguments import VersionedCommand, one_sentence
from scans.management.version_actions import act, add_actions


class Command(VersionedCommand):
    help = "List, show, create, change and activate scanner versions."

    def add_arguments(self, parser: CommandParser) -> None:
        add_actions(parser)

    def handle(self, **options: Any) -> None:
        with one_sentence():
            self.stdout.write(act(options, timezone.now()))
