"""manage.py first_user: the first administrator of an installation, or a link to create one in the browser."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.command import SeismoCommand
from seismo_site import first_user


class Command(SeismoCommand):
    help = (
        "Create the first user, an administrator, from SEISMO_ADMIN_EMAIL and SEISMO_ADMIN_PASSWORD; without them "
        "print a link to create one in a browser on this machine. Nothing happens where there is a user."
    )
    examples = ("first_user", "first_user --port 8080")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the server that the link names")
        parser.add_argument("--no-link", action="store_true", help="print no link where the settings name no user")

    def handle(self, **options: Any) -> None:
        if first_user.has_users():
            return
        try:
            name = first_user.create_configured_user()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        if name:
            self.stdout.write(f"The administrator {name} was created.")
            return
        if options["no_link"]:
            return
        minutes = int(first_user.VALIDITY.total_seconds() // 60)
        self.stdout.write(f"There is no user yet. Create one within {minutes} minutes, in a browser on this machine:")
        self.stdout.write(f"  http://127.0.0.1:{options['port']}{first_user.new_link(at=timezone.now())}")
