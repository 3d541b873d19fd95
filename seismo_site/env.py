"""Typed readers of the environment: the one place where settings come in from outside.

A secret may come from a file: `NAME_FILE=/run/secrets/name` wins over `NAME`. A value that does not fit
stops the start with one sentence that names the variable. `.env` in the checkout is read once, by
`load`, and never overrides what the environment already says.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from dotenv import dotenv_values


def load(file: Path) -> None:
    """Put the settings of a `.env` file into the environment where it does not name them yet."""
    if not file.is_file():
        return
    for name, value in dotenv_values(file).items():
        if value is not None:
            os.environ.setdefault(name, value)


def text(name: str, default: str = "") -> str:
    """The variable as text, from `NAME_FILE` where that is set."""
    file = os.environ.get(f"{name}_FILE")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name}_FILE names {file}, which cannot be read ({error.strerror}): "
                f"correct the path or unset {name}_FILE."
            ) from error
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    """A yes or no: 1/0, true/false, yes/no, on/off."""
    value = text(name).lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; it must be 1 or 0.")


def integer(name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    """A whole number between `least` and `most`."""
    value = text(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a whole number.") from None
    if number < least or (most is not None and number > most):
        limit = f"at least {least}" if most is None else f"between {least} and {most}"
        raise ImproperlyConfigured(f"{name} is {number}; it must be {limit}.")
    return number


def words(name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    """A list separated by commas."""
    value = text(name)
    return tuple(word.strip() for word in value.split(",") if word.strip()) if value else default


def folder(name: str, default: Path) -> Path:
    """A directory's path, made absolute; it need not exist yet."""
    value = text(name)
    path = Path(value).expanduser() if value else default
    if path.exists() and not path.is_dir():
        raise ImproperlyConfigured(f"{name} is {path}, which is a file; it must be a directory.")
    return path.resolve()


def database(name: str, default_file: Path) -> dict[str, object]:
    """The Django database of a URL: `postgres://user:password@host:port/name?option=value`,
    `sqlite:///path`; without one, SQLite in `default_file`."""
    value = text(name)
    if not value:
        return _sqlite(default_file)
    url = urlsplit(value)
    if url.scheme == "sqlite":
        return _sqlite(Path(unquote(url.path)))
    if url.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(
            f"{name} begins with {url.scheme or 'nothing'}://; it must be postgres://... or "
            "sqlite:///... "
        )
    query = dict(parse_qsl(url.query))
    pool_size = integer("SEISMO_DB_POOL", 8, least=0, most=200)
    options: dict[str, object] = dict(query)
    if pool_size:
        options["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": 10}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": query.pop("host", None) or url.hostname or "",
        "PORT": str(url.port or ""),
        "OPTIONS": {key: item for key, item in options.items() if key != "host"},
    }


def _sqlite(file: Path) -> dict[str, object]:
    """SQLite as a server would have it: write-ahead log, a writer that waits, a page cache of 64 MB."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
                "PRAGMA cache_size=-65536;PRAGMA temp_store=MEMORY;PRAGMA mmap_size=1073741824;"
            ),
        },
    }
