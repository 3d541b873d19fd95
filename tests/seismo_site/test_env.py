"""The readers of the environment: what fits is read, what does not names itself."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from seismo_site import database_urls, env

NAME = "SEISMO_TEST_VALUE"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delenv(f"{NAME}_FILE", raising=False)


def test_a_secret_comes_from_a_file_before_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from the file\n")
    monkeypatch.setenv(NAME, "from the variable")
    assert env.text(NAME) == "from the variable"
    monkeypatch.setenv(f"{NAME}_FILE", str(file))
    assert env.text(NAME) == "from the file"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff"], ids=["missing", "not text"])
def test_a_secret_file_that_cannot_be_read_names_variable_and_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv(f"{NAME}_FILE", str(file))
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE names .*secret"):
        env.text(NAME)


@pytest.mark.parametrize(
    ("value", "read"),
    [("1", True), ("TRUE", True), ("on", True), ("0", False), ("No", False), ("", True)],
)
def test_a_flag_is_yes_or_no(monkeypatch: pytest.MonkeyPatch, value: str, read: bool) -> None:
    monkeypatch.setenv(NAME, value)
    assert env.flag(NAME, default=True) is read


BAD: list[tuple[str, Callable[[], object], str]] = [
    ("maybe", lambda: env.flag(NAME, default=False), "'maybe'.* 1 or 0"),
    ("many", lambda: env.integer(NAME, 1), "'many'.*whole number"),
    ("1.5", lambda: env.integer(NAME, 1), "'1.5'.*whole number"),
    ("-1", lambda: env.integer(NAME, 1), "-1.*at least 0"),
    ("9", lambda: env.integer(NAME, 1, most=8), "9.*between 0 and 8"),
    ("loud", lambda: env.choice(NAME, "a", ("a", "b")), "'loud'.*one of a, b"),
    ("mysql://u:secret@h/x", lambda: env.database(NAME, Path(), pool=0), "postgres://.*sqlite://"),
    ("postgres://u:secret@h:port/x", lambda: env.database(NAME, Path(), pool=0), "port"),
    ("postgres://u:secret@h/x?prepare=no", lambda: env.database(NAME, Path(), pool=0), "on or off"),
    ("postgres://u:secret@h", lambda: env.database(NAME, Path(), pool=0), "postgres://"),
]


@pytest.mark.parametrize(("value", "read", "sentence"), BAD, ids=[case[0] for case in BAD])
def test_a_value_that_does_not_fit_names_itself(
    monkeypatch: pytest.MonkeyPatch, value: str, read: Callable[[], object], sentence: str
) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=sentence) as caught:
        read()
    assert NAME in str(caught.value)
    assert "secret" not in str(caught.value)


def test_words_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, " a, b ,,c ")
    assert env.words(NAME) == ("a", "b", "c")
    monkeypatch.setenv(NAME, "")
    assert env.words(NAME, ("d",)) == ("d",)


@pytest.mark.parametrize(
    "value",
    ["charts.example.org", "https://charts.example.org/", "https://a.example/path", "*",
     "https://me:secret@a.example", "ftp://a.example", "https://a.example:port", "https://a.example?x"],
)  # fmt: skip
def test_what_is_no_origin(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, f"http://localhost:3000, {value}")
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} names .*https://seismo.example.org"):
        env.origins(NAME)
    monkeypatch.setenv(NAME, "http://localhost:3000, https://a.example")
    assert env.origins(NAME) == ("http://localhost:3000", "https://a.example")


@pytest.mark.parametrize(
    "value",
    [
        "https://hooks.example.org/T00/B00?key=a",
        "http://localhost:8080/x",
        "http://127.0.0.1/x",
        "http://[::1]:9/x",
    ],
)
def test_an_address_to_post_to_is_read_and_not_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    assert env.webhook_url(NAME) == value
    assert repr(env.webhook_url(NAME)) == "'***'"


@pytest.mark.parametrize(
    "value",
    [
        "http://hooks.example.org/T00",
        "hooks.example.org/T00",
        "https:///T00",
        "https://a b/T00",
        "https://host:port/T00",
        "https://host/T00#part",
        "file:///etc/T00",
    ],
)
def test_what_is_no_address_to_post_to_is_not_shown_either(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=NAME) as refused:
        env.webhook_url(NAME)
    assert "T00" not in str(refused.value)


def test_mailboxes_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "ann@example.org, bob@example.org")
    assert env.mailboxes(NAME) == ("ann@example.org", "bob@example.org")
    monkeypatch.setenv(NAME, "ann")
    with pytest.raises(ImproperlyConfigured, match="written as ann@"):
        env.mailboxes(NAME)


def test_a_folder_is_made_and_a_file_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert env.folder(NAME, tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(NAME, str(tmp_path / "file"))
    with pytest.raises(ImproperlyConfigured, match=NAME):
        env.folder(NAME, tmp_path)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("off", ""),
        ("/var/cache/scores", "/var/cache/scores"),
        ("s3://bucket/of/kr?region=eu-central-1", "s3://bucket/of/kr?region=eu-central-1"),
        ("", "/var/seismo/scores"),
    ],
)
def test_a_cache_is_a_directory_a_bucket_or_off(monkeypatch: pytest.MonkeyPatch, value: str, place: str) -> None:
    monkeypatch.setenv(NAME, value)
    assert env.cache_place(NAME, Path("/var/seismo/scores")) == place


@pytest.mark.parametrize("value", ["s3:///scores", "s3://key@bucket/scores", "s3://bucket/scores?acess=1"])
def test_what_is_no_bucket_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} must be s3://bucket/prefix") as refused:
        env.cache_place(NAME, Path("/var/seismo/scores"))
    assert value not in str(refused.value)


def test_numbers_may_have_a_fraction_and_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.number(NAME, 0.8) == 0.8
    monkeypatch.setenv(NAME, "9.5")
    assert env.number(NAME, 0.0) == 9.5
    for value, why in (("x", "must be a number"), ("-1", "between 0 and"), ("nan", "between 0")):
        monkeypatch.setenv(NAME, value)
        with pytest.raises(ImproperlyConfigured, match=why):
            env.number(NAME, 0.0)


def test_a_hidden_value_is_itself_but_does_not_show(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert repr(env.credential(NAME)) == "''"
    (tmp_path / "key").write_text("app-key\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "key"))
    assert env.credential(NAME) == "app-key"
    assert "app-key" not in repr({"app_key": env.credential(NAME)})


def test_processes_that_start_together_keep_one_secret(tmp_path: Path) -> None:
    kept, made = tmp_path / "key", count()
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda _: env.secret(NAME, kept, lambda: f"key {next(made)}"), range(32)))
    assert len(set(values)) == 1
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_secret_that_cannot_be_kept_names_itself(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} is not set and cannot be kept"):
        env.secret(NAME, tmp_path / "no such folder" / "key", lambda: "key")


def test_a_database_url_becomes_djangos_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "postgres://me:p%40ss@db.example:6432/seis%2Fmo?sslmode=require")
    database = env.database(NAME, Path(), pool=4)
    assert database == {
        "ENGINE": "seismo_site.postgresql",
        "NAME": "seis/mo",
        "USER": "me",
        "PASSWORD": "p@ss",
        "HOST": "db.example",
        "PORT": "6432",
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": {
            "sslmode": "require",
            "connect_timeout": 10,
            "server_side_binding": True,
            "prepare_threshold": 5,
            "pool": {"min_size": 1, "max_size": 4, "timeout": 10},
        },
    }


def test_a_unix_socket_stands_among_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "postgres://me@/seismo?host=/run/postgresql&connect_timeout=3&prepare=off")
    database = env.database(NAME, Path(), pool=0)
    assert (database["HOST"], database["PORT"]) == ("/run/postgresql", "")
    assert database["OPTIONS"] == {"connect_timeout": "3"}


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("", Path("/data/default.sqlite3")),
        ("sqlite:////data/other.sqlite3", Path("/data/other.sqlite3")),
        ("sqlite:///here.sqlite3", Path.cwd() / "here.sqlite3"),
    ],
)
def test_sqlite_is_a_file(monkeypatch: pytest.MonkeyPatch, url: str, file: Path) -> None:
    monkeypatch.setenv(NAME, url)
    database = env.database(NAME, Path("/data/default.sqlite3"), pool=4)
    assert (database["ENGINE"], database["NAME"]) == ("django.db.backends.sqlite3", str(file))


def test_a_dotenv_file_never_overrides_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"{NAME}=from the file\nSEISMO_TEST_OTHER='a $HOME b'\n")
    monkeypatch.setenv(NAME, "from the environment")
    monkeypatch.delenv("SEISMO_TEST_OTHER", raising=False)
    monkeypatch.delenv("SEISMO_TEST_FILE", raising=False)
    try:
        env.load("SEISMO_TEST_FILE", file)
        assert os.environ[NAME] == "from the environment"
        assert os.environ["SEISMO_TEST_OTHER"] == "a $HOME b"
    finally:
        os.environ.pop("SEISMO_TEST_OTHER", None)


def test_named_dotenv_file_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env.load("SEISMO_TEST_FILE", tmp_path / "none")  # optional: not named by the user
    monkeypatch.setenv("SEISMO_TEST_FILE", str(tmp_path / "none"))
    with pytest.raises(ImproperlyConfigured, match="SEISMO_TEST_FILE"):
        env.load("SEISMO_TEST_FILE", tmp_path / ".env")


def test_a_queue_on_redis_is_not_waited_for_for_ever() -> None:
    assert database_urls.redis_url_with_timeouts("redis://user:pass@host:6379/2") == (
        "redis://user:pass@host:6379/2?socket_connect_timeout=2&socket_timeout=5"
    )
    assert database_urls.redis_url_with_timeouts("unix:///run/redis.sock?db=1&socket_timeout=9") == (
        "unix:///run/redis.sock?socket_connect_timeout=2&socket_timeout=9&db=1"
    )


def test_addresses_of_services_are_read_once_each_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "services"
    file.write_text("tgram://1:a,b/2\n  ntfys://T00  tgram://1:a,b/2\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(file))
    assert env.service_urls(NAME) == ["tgram://1:a,b/2", "ntfys://T00"]
    assert "T00" not in repr(env.service_urls(NAME))


@pytest.mark.parametrize("value", ["T00", "tgram://T00, slack", "://T00", "tgram://T00 é://x", "TGRAM://T00"])
def test_what_is_no_address_of_a_service_is_not_shown_either(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=NAME) as refused:
        env.service_urls(NAME)
    assert "T00" not in str(refused.value)


def test_a_mailbox_is_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "ann@example.org")
    assert env.mailbox(NAME) == "ann@example.org"
    monkeypatch.setenv(NAME, "ann@example.org, bob@example.org")
    with pytest.raises(ImproperlyConfigured, match="must be one address"):
        env.mailbox(NAME)
