"""manage.py restore DIR: a backup in the place of the database, and the lake made anew from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.management.command import SeismoCommand
from seismo_site.backup import archive, restore


class Command(SeismoCommand):
    help = "Restore a backup; the database that was there is kept aside. End the server and the worker first."
    examples = ("restore /mnt/backups/2026-08-21", "restore /mnt/backups/2026-08-21 --force")
    problems = (archive.BackupProblem, *SeismoCommand.problems)
    interrupted = "Interrupted: run the same command again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", metavar="DIR", type=Path, help="what `backup` made")
        parser.add_argument("--force", action="store_true", help="over a database that is in use")

    def handle(self, **options: Any) -> None:
        folder: Path = options["directory"].absolute()
        done = restore.restore(folder, force=options["force"], at=timezone.now())
        aside = f" The database that was there is in {done.kept}." if done.kept else ""
        self.stdout.write(
            f"{folder} of {done.made_at[:16]} is restored, {done.months} months of the lake are made anew.{aside}"
        )
