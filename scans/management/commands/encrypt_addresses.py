"""manage.py encrypt_addresses: the addresses of message channels under the newest key."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from marketdata.number_format import count_of
from scans.management.arguments import ScanCommand
from scans.operations.message_channels import encrypt_addresses


class Command(ScanCommand):
    help = (
        "Encrypt the addresses of readers' message channels again with the newest key of SEISMO_ENCRYPTION_KEYS, or "
        "with the secret key where there is none; older keys are then no longer needed."
    )
    examples = ("encrypt_addresses",)

    def handle(self, **options: Any) -> None:
        number, unreadable = encrypt_addresses()
        key = "the first of SEISMO_ENCRYPTION_KEYS" if settings.ENCRYPTION_KEYS else "the secret key"
        self.stdout.write(f"{count_of(number, 'channel')}: the address is encrypted with {key}.")
        if unreadable:
            raise CommandError(
                f"{count_of(len(unreadable), 'channel')}: no present key decrypts the address "
                f"({', '.join(map(str, unreadable))}). Add its key to SEISMO_ENCRYPTION_KEYS, behind the newest, or "
                "let the reader enter it again."
            )
