"""manage.py copy_lake: copy a market's lake into a bucket of S3."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata import object_store
from marketdata.management.arguments import add_market
from marketdata.markets import get_market
from marketdata.number_format import count_of
from scans.management.arguments import ScanCommand
from scans.operations.scan.lake_scan import copy_lake


class Command(ScanCommand):
    help = (
        "Copy a market's lake into a bucket of S3, only the files that changed, with a catalogue of its sessions, "
        "versions and names: scans on AWS Lambda read it without a database."
    )
    examples = (
        'copy_lake "s3://bucket/lake?region=ap-northeast-2"',
        'copy_lake "s3://bucket/lake" --market us --rebuild',
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bucket", help="s3://bucket/prefix, with region= and endpoint= as options")
        add_market(parser)
        parser.add_argument("--rebuild", action="store_true", help="copy every file, also where it was copied before")

    def handle(self, **options: Any) -> None:
        name, bucket = get_market(options["market"]).name, options["bucket"]
        if not object_store.is_address(bucket):
            raise CommandError(
                f"{bucket} is not s3://bucket/prefix with region= and endpoint= as its only options; keys go into "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        try:
            report = copy_lake(name, bucket, rebuild=options["rebuild"], progress=self.progress)
        except OSError as error:
            raise CommandError(f"The lake cannot be copied to {bucket}: {error}") from error
        self.bar.close()
        self.stdout.write(
            f"{name}: {count_of(report.files, 'file')} copied, {report.bytes / 1e6:.1f} MB, "
            f"{report.unchanged:,} unchanged"
        )

    def progress(self, path: str, done: int, of: int) -> None:
        """One file further."""
        self.bar.show(path, done / of, f"{done:,} of {of:,} files")
