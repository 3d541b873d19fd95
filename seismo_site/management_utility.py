"""`manage.py` itself: its overview, its version, and what it says of a command that does not exist."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import Any, ClassVar

from django.conf import settings
from django.core.management import ManagementUtility, get_commands, load_command_class

from marketdata.nearest_name import nearest_name

USAGE = 2


class SeismoUtility(ManagementUtility):
    """Django's, with Seismo's commands first and what each of them does."""

    rooms: ClassVar[dict[str, str]] = {"marketdata": "Market data", "scans": "Scans", "seismo_site": "Site"}

    def execute(self) -> None:
        """Run the command that the arguments name."""
        if self.argv[1:] in (["version"], ["--version"]):
            print(f"Seismo {settings.VERSION}")
            return
        super().execute()

    def main_help_text(self, commands_only: bool = False) -> str:
        """The overview; `commands_only` gives names for completion, as Django does."""
        if commands_only:
            return str(super().main_help_text(commands_only=True))
        return "\n".join(self._overview())

    def fetch_command(self, subcommand: str) -> Any:
        """The command of that name; otherwise one sentence and status 2."""
        names = get_commands()
        if subcommand not in names and self.settings_exception is None:
            near = nearest_name(subcommand, names)
            hint = f"did you mean {near}?" if near else "`manage.py help` lists them."
            shown = subcommand if len(subcommand) <= 40 else f"{subcommand[:37]}..."
            sys.stderr.write(f"There is no command {shown!r}: {hint}\n")
            sys.exit(USAGE)
        command = super().fetch_command(subcommand)
        if not settings.configured or not settings.TRACES:
            return command
        from seismo_site.tracing.commands import traced  # which reads OpenTelemetry's libraries

        return traced(command, subcommand)

    def _overview(self) -> Iterator[str]:
        width = min(shutil.get_terminal_size().columns, 120)
        apps = {name: str(app) for name, app in sorted(get_commands().items())}
        commands: dict[str, list[str]] = {}
        for name, app in apps.items():
            commands.setdefault(app.partition(".")[0], []).append(name)
        yield f"Seismo {settings.VERSION}. `manage.py help COMMAND` explains a command and shows examples."
        longest = max(len(name) for room in self.rooms for name in commands.get(room, [""]))
        for room, title in self.rooms.items():
            if room not in commands:
                continue
            yield ""
            yield f"{title}:"
            for name in commands.pop(room):
                summary = load_command_class(apps[name], name).help
                indent = " " * (longest + 4)
                yield textwrap.fill(f"  {name:{longest}}  {summary}", width, subsequent_indent=indent)
        others = " ".join(sorted(name for names in commands.values() for name in names))
        yield ""
        yield "Django's and its apps' (migrate and createsuperuser are the usual ones):"
        yield textwrap.fill(others, width, initial_indent="  ", subsequent_indent="  ")
        if self.settings_exception is not None:
            yield f"Seismo's commands are missing: {self.settings_exception}"
