"""mkdocs hook: fills `reference/commands.md` with the help of every command, from the commands themselves."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MARK = "<!-- commands -->"
ROOMS = ("marketdata", "scans", "seismo_site")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page's text with the mark replaced."""
    return markdown.replace(MARK, command_help()) if MARK in markdown else markdown


def command_help() -> str:
    """One section for each of Seismo's commands, with what `manage.py help COMMAND` prints."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seismo_site.settings")
    os.environ["COLUMNS"] = "100"
    import django
    from django.core.management import get_commands, load_command_class

    django.setup()
    sections = []
    for name, app in sorted(get_commands().items()):
        if str(app).split(".")[0] in ROOMS:
            text = load_command_class(str(app), name).create_parser("manage.py", name).format_help()
            sections.append(f"## {name}\n\n```text\n{text.strip()}\n```\n")
    return "\n".join(sections)
