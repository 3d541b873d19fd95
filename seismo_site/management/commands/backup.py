"""manage.py backup DIR: a verified copy of everything that cannot be made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.management.command import SeismoCommand
from seismo_site.backup import archive, create


class Command(SeismoCommand):
    help = "Back up the database, the secret key and rejected rows into a directory; others may work meanwhile."
    examples = ("backup /mnt/backups/2026-08-21",)
    problems = (archive.BackupProblem,)
    interrupted = "Interrupted: the directory holds no backup, delete it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", metavar="DIR", type=Path, help="a new or empty directory")

    def handle(self, **options: Any) -> None:
        folder: Path = options["directory"].absolute()
        made = create.back_up(folder, at=timezone.now())
        size = sum(size for size, _ in made.files.values())
        self.stdout.write(
            f"{folder}: {len(made.files)} files, {size / 1e6:.1f} MB, verified. "
            f"`manage.py restore {folder}` brings it back, and makes the lake anew."
        )
