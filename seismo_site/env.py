"""Typed readers of the environment: the one place where settings come in from outside.

A secret may come from a file: `NAME_FILE=/run/secrets/name` wins over `NAME`. A value that does not fit stops the
start with one sentence that names the variable. A `.env` file is read once, by `load`, and never overrides what the
environment already says.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Collection
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email
from dotenv import dotenv_values

from marketdata.nearest_name import did_you_mean, nearest_name
from marketdata.number_format import format_number
from seismo_site import database_urls
from seismo_site.database_urls import Database

READ_NAMES: set[str] = set()
"""Names of the variables that were read: the settings there are."""
FILE_NAMES: set[str] = set()
"""Names of the variables in the `.env` file."""


PREFIX = "SEISMO_"
LEAST_KEY = 32
SERVICE_URL = re.compile(r"[a-z][a-z0-9]*://[\x21-\x7e]+")


def unknown_settings(others: Collection[str] = ()) -> list[str]:
    """A sentence on each variable that is no setting: of those that begin with SEISMO_, and of the `.env` file;
    `others` are left out."""
    value = {name for name in os.environ if name.startswith(PREFIX)} | FILE_NAMES
    return [
        f"{name} is no setting and changes nothing: .env.example lists them.{_nearest(name)}"
        for name in sorted(value.difference(others))
        if name not in READ_NAMES and name.removesuffix("_FILE") not in READ_NAMES
    ]


def _nearest(name: str) -> str:
    """The setting that is meant, compared without the prefix, which makes all alike."""
    plain = {name.removeprefix(PREFIX): name for name in READ_NAMES}
    near = nearest_name(name.removeprefix(PREFIX), plain)
    return f" Did you mean {plain[near]}?" if near else ""


def load(name: str, default: Path) -> None:
    """Put the settings of a `.env` file into the environment where it does not name them yet.

    The variable `name` says which file; without it `default` is read where it exists.
    """
    given = text(name)
    file = Path(given) if given else default
    if given and not file.exists():
        raise ImproperlyConfigured(f"{name} is {given}, which does not exist: correct it or unset it.")
    if not file.exists():
        return
    for key, value in dotenv_values(file, interpolate=False).items():
        FILE_NAMES.add(key)
        if value is not None:
            os.environ.setdefault(key, value)


def text(name: str, default: str = "") -> str:
    """The variable as text, from `NAME_FILE` where that is set."""
    READ_NAMES.add(name)
    file = os.environ.get(f"{name}_FILE")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise ImproperlyConfigured(
                f"{name}_FILE names {file}, which cannot be read ({why}): correct the path or unset {name}_FILE."
            ) from error
    return os.environ.get(name, "").strip() or default


class HiddenText(str):
    """A text that listings of settings do not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'" if self else "''"


def credential(name: str) -> HiddenText:
    """A key or a password, "" where it is not set; `NAME_FILE` keeps it out of the environment."""
    return HiddenText(text(name))


def encryption_keys(name: str) -> tuple[HiddenText, ...]:
    """Keys separated by commas, newest first, each of at least `LEAST_KEY` characters."""
    keys = words(name)
    if any(len(key) < LEAST_KEY for key in keys):
        raise ImproperlyConfigured(
            f"{name} has a key of less than {LEAST_KEY} characters: make one with `openssl rand -hex 32`, and separate "
            "several by commas, the newest first."
        )
    return tuple(HiddenText(key) for key in keys)


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


def address(name: str) -> str:
    """An address as https://host/path, "" where it is not set."""
    value = text(name)
    if value:
        url = urlsplit(value)
        if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
            raise ImproperlyConfigured(f"{name} must be an address such as https://host/v1.")
    return value


def library(name: str, module: str, requirements: str) -> None:
    """Refuse the setting `name` where the module that it needs is not installed."""
    try:
        installed = find_spec(module) is not None
    except ModuleNotFoundError:  # nor the package that it is in
        installed = False
    if not installed:
        raise ImproperlyConfigured(f"{name} needs a library: pip install -r {requirements}, or unset it.")


def webhook_url(name: str) -> HiddenText:
    """The URL of a webhook, "" where it is not set: https, or http on this machine. Messages do not show it, since it
    may contain a secret."""
    value = text(name)
    if not value:
        return HiddenText()
    try:
        url = urlsplit(value)
        near = url.hostname in {"localhost", "127.0.0.1", "::1"}
        fits = url.scheme == "https" or (url.scheme == "http" and near)
        plain = fits and url.hostname and url.port != 0 and not url.fragment and value.isascii()
    except ValueError:
        plain = False
    if not plain or any(letter.isspace() for letter in value):
        raise ImproperlyConfigured(f"{name} must be an address such as https://host/path (http:// on localhost alone).")
    return HiddenText(value)


def service_urls(name: str) -> list[HiddenText]:
    """Addresses of services as Apprise writes them, separated by blanks or lines: schema://parts."""
    addresses = text(name).split()
    if not all(SERVICE_URL.fullmatch(address) for address in addresses):
        raise ImproperlyConfigured(
            f"{name} must be addresses such as tgram://token/chat, separated by blanks: not every part is one."
        )
    return [HiddenText(address) for address in dict.fromkeys(addresses)]


def mailboxes(name: str) -> tuple[str, ...]:
    """Addresses of e-mail separated by commas."""
    addresses = words(name)
    for address in addresses:
        try:
            validate_email(address)
        except ValidationError:
            raise ImproperlyConfigured(f"{name} names {address!r}; an address is written as ann@example.org.") from None
    return addresses


def mailbox(name: str) -> str:
    """One address of e-mail, "" where it is not set."""
    addresses = mailboxes(name)
    if len(addresses) > 1:
        raise ImproperlyConfigured(f"{name} must be one address, such as ann@example.org.")
    return "".join(addresses)


def number(name: str, default: float, *, least: float = 0.0, most: float = 1e9) -> float:
    """A number, with or without a fraction, between `least` and `most`."""
    value = text(name)
    if not value:
        return default
    try:
        result = float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a number.") from None
    if not least <= result <= most:
        between = f"{format_number(least)} and {format_number(most)}"
        raise ImproperlyConfigured(f"{name} is {value}; it must be between {between}.")
    return result


def words(name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    """A list separated by commas."""
    value = text(name)
    return tuple(word.strip() for word in value.split(",") if word.strip()) if value else default


def origins(name: str) -> tuple[str, ...]:
    """Origins separated by commas, each scheme://host[:port] and nothing more."""
    values = words(name)
    for value in values:
        try:
            url = urlsplit(value)
            fits = url.scheme in {"http", "https"} and url.hostname and url.port != 0
            plain = fits and value == f"{url.scheme}://{url.netloc}" and "@" not in url.netloc
        except ValueError:
            plain = False
        if not plain:
            raise ImproperlyConfigured(f"{name} names {value!r}; an origin is written as https://seismo.example.org.")
    return values


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """One of `choices`, whatever its case."""
    value = text(name, default)
    for choice in choices:
        if value.lower() == choice.lower():
            return choice
    raise ImproperlyConfigured(
        f"{name} is {value!r}; choose one of {', '.join(choices)}.{did_you_mean(value, choices)}"
    )


def folder(name: str, default: Path) -> Path:
    """A directory, made where it does not exist, as an absolute path."""
    value = text(name)
    path = (Path(value).expanduser() if value else default).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name} is {path}, which cannot be used as a directory ({error.strerror}): "
            "name one that exists or can be made."
        ) from error
    return path


def cache_place(name: str, default: Path) -> str:
    """As `place`; "" for off."""
    return "" if text(name) == "off" else place(name, default)


def place(name: str, default: Path) -> str:
    """A directory, created by its writers, or `s3://bucket/prefix`."""
    value = text(name)
    if not value.startswith("s3://"):
        return str((Path(value).expanduser() if value else default).absolute())
    url = urlsplit(value)
    unknown = dict(parse_qsl(url.query)).keys() - {"region", "endpoint"}
    if not url.netloc or url.username or unknown:
        raise ImproperlyConfigured(
            f"{name} must be s3://bucket/prefix, with region= and endpoint= as its only options; keys go into "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    return value


def secret(name: str, kept_in: Path, make: Callable[[], str]) -> str:
    """The variable; without it a value made once and kept in a file that its owner alone may read.

    Several processes may start at once: all get the value of the first.
    """
    value = text(name)
    if value:
        return value
    try:
        if not kept_in.exists():
            _keep(make(), kept_in)
        return kept_in.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name} is not set and cannot be kept in {kept_in} ({error.strerror}): set it, or let this user "
            "read and write there."
        ) from error


def _keep(value: str, file: Path) -> None:
    """Write `file` whole, unless another process was first."""
    handle, draft = tempfile.mkstemp(dir=file.parent)  # readable by its owner alone
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(value)
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        os.unlink(draft)


def prometheus_directory(path: Path) -> Path:
    """Set the directory of Prometheus' library for several processes, which it reads from the environment alone."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(path)
    return path


def database(name: str, default_file: Path, *, pool: int) -> Database:
    """The Django database of a URL; without one, SQLite in `default_file`.

    `postgres://user:password@host:port/name?option=value`, where `host=/path` among the options names the directory
    of a Unix socket, or `sqlite:///relative/path`, `sqlite:////absolute/path`. `pool` is the largest number of
    connections one process keeps to PostgreSQL; 0 opens one per thread.
    """
    value = text(name)
    if not value:
        return database_urls.sqlite(default_file)
    url = urlsplit(value)
    if url.scheme == "sqlite" and len(url.path) > 1:
        return database_urls.sqlite(Path(unquote(url.path[1:])).absolute())
    if url.scheme in {"postgres", "postgresql"} and len(url.path) > 1:
        return database_urls.postgres(name, url, pool)
    raise ImproperlyConfigured(
        f"{name} must be postgres://user:password@host:port/name or sqlite:////absolute/path."
    )  # the value is not shown: it may hold a password
