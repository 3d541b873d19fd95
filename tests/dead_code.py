"""Product code that nothing uses: `python -m tests.dead_code`, part of `make lint`.

vulture finds the names; a use in a template counts, and so does a string that is the name or ends with it, as in
`list_display` and settings. Fields of models, serializers and dataclasses are left out, since
the ORM, serializers and JSON read them by name. `FRAMEWORK` lists what only a framework calls.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).parents[1]
ROOMS = ("seismo_site", "scans", "marketdata", "caching")
NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
KINDS = {"class", "function", "method", "property", "import", "unreachable_code"}
DECORATORS = ["@register*", "@*.register*", "@admin.*", "@receiver*", "@extend_schema*", "@overload"]
FRAMEWORK = (
    # Django: apps, forms, widgets, converters, migrations, commands
    "*Config Command as_sqlite clean clean_* has_changed id_for_label value_from_datadict format_value has_output "
    "_get_session_from_db run_from_argv _check_value to_url state_forwards describe stored_name from_db_value "
    "value_to_string is_usable "
    # the admin
    "lookups get_* has_*_permission "
    # Django REST framework and drf-spectacular
    "validate validate_* perform_content_negotiation authenticate authenticate_header allow_request has_permission "
    "TokenScheme "
    # django-q2
    "stats "
    # AWS Lambda, files for pyarrow, Dask
    "handler seekable dask_setup "
    # kernels and queries that tests alone use so far
    "rolling_share streak preview is_held hit_ratio generate flow_sessions is_on_grid"
)


def unused() -> list[str]:
    """One line for each unused name, with its file, line and kind."""
    finder = Vulture(ignore_names=FRAMEWORK.split(), ignore_decorators=DECORATORS)
    finder.scavenge([str(ROOT / room) for room in (*ROOMS, "manage.py")], exclude=["*/migrations/*"])
    for room in ROOMS:
        for template in (ROOT / room).rglob("*.html"):
            finder.used_names.update(re.findall(r"\w+", template.read_text(encoding="utf-8")))
        for source in (ROOT / room).rglob("*.py"):
            tree = ast.parse(source.read_text(encoding="utf-8"))
            finder.used_names.update(_named(tree, migration="migrations" in source.parts))
    items = [item for item in finder.get_unused_code(min_confidence=60) if item.typ in KINDS]
    return [
        f"{Path(item.filename).relative_to(ROOT)}:{item.first_lineno}: unused {item.typ} {item.name}" for item in items
    ]


def _named(tree: ast.AST, *, migration: bool) -> set[str]:
    """The last part of every string that is a name, dotted or not, and the names that a migration imports."""
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text.rpartition(".")[2] for text in strings if NAME.fullmatch(text)} | (imported if migration else set())


def main() -> int:
    lines = unused()
    print("\n".join(lines) or "No unused code.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
