"""The span of a command of `manage.py`: one trace for each, but for those that serve until they are ended."""

from __future__ import annotations

from typing import Any

from marketdata.spans import span

SERVERS = frozenset(("qcluster", "runserver", "shell", "dbshell", "workers"))


def traced(command: Any, name: str) -> Any:
    """The command, whose execution is a span."""
    if name in SERVERS:
        return command
    execute = command.execute

    def execute_in_span(*args: Any, **options: Any) -> Any:
        with span(f"manage.py {name}"):
            return execute(*args, **options)

    command.execute = execute_in_span
    return command
