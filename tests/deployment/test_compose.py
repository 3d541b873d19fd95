"""compose.yaml: the form of the Compose specification, what a box that runs itself needs, and that its commands exist.

The specification: https://github.com/compose-spec/compose-spec/blob/main/spec.md
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class
from django.test import Client

from tests.seismo_site.running import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LASTING = sorted(SERVICES.keys() - {"init"})
KEYS = {
    "build", "command", "cpu_shares", "depends_on", "env_file", "environment", "healthcheck", "image", "init",
    "logging", "mem_limit", "ports", "profiles", "restart", "shm_size", "stop_grace_period", "volumes",
}  # fmt: skip
"""Those keys of a service in the specification that are in use."""
DURATION = re.compile(r"(\d+(us|ms|s|m|h))+")
BYTES = re.compile(r"\d+[bkmg]b?")
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}


def test_it_has_the_services_of_a_box_that_runs_itself() -> None:
    assert set(SERVICES) == {"postgres", "redis", "init", "web", "worker-high", "worker-low", "backup", "caddy"}
    assert {key for key in COMPOSE if not key.startswith("x-")} == {"services", "volumes"}


def test_what_nobody_waits_for_leaves_the_processor_to_the_others() -> None:
    """The shares of a service that names none are 1024 (docker run --cpu-shares)."""
    shares = {name: service.get("cpu_shares", 1024) for name, service in SERVICES.items()}
    assert {name for name, share in shares.items() if share < 1024} == {"worker-low", "backup"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_the_form_of_the_specification(name: str) -> None:
    service = SERVICES[name]
    assert set(service) <= KEYS
    assert service["image"]
    assert DURATION.fullmatch(service["stop_grace_period"])
    assert BYTES.fullmatch(service["mem_limit"])
    assert service["restart"] in {"no", "always", "on-failure", "unless-stopped"}
    assert service["logging"]["driver"] == "json-file"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert all(isinstance(value, str) for value in service["logging"]["options"].values())
    for volume in service.get("volumes", []):
        assert volume.split(":")[0] in COMPOSE["volumes"]
    check = service.get("healthcheck")
    if check:
        assert check["test"][0] in {"CMD", "CMD-SHELL"}
        assert all(DURATION.fullmatch(check[key]) for key in ("interval", "timeout"))
        assert isinstance(check["retries"], int)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_waits_for_one_that_can_be_ready(name: str) -> None:
    for other, needs in SERVICES[name].get("depends_on", {}).items():
        assert needs["condition"] in CONDITIONS
        if needs["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        if needs["condition"] == "service_completed_successfully":
            assert SERVICES[other]["restart"] == "no"


def test_what_lasts_is_started_again() -> None:
    assert {SERVICES[name]["restart"] for name in LASTING} == {"unless-stopped"}
    assert all("healthcheck" in SERVICES[name] for name in ("postgres", "redis", "web"))


def test_a_password_is_demanded_and_in_no_command() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    marks = set(re.findall(r"\$\{(\w+PASSWORD)(:\?)?", text))
    assert marks == {("POSTGRES_PASSWORD", ":?"), ("REDIS_PASSWORD", ":?")}
    for service in SERVICES.values():
        assert "${POSTGRES_PASSWORD" not in str(service.get("command"))
        assert "${REDIS_PASSWORD" not in str(service.get("command"))


def test_only_this_host_reaches_what_has_no_tls() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8000:8000"], "caddy": ["80:80", "443:443"]}
    assert SERVICES["caddy"]["profiles"] == ["tls"]


@pytest.mark.parametrize("hosts", ["seismo.example.org", ".example.org,other.example.org", "*", ""])
def test_the_server_answers_its_health_check_by_any_name(hosts: str, client: Client, settings: Any) -> None:
    class Recorder(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Nothing on standard error."""

    requests: list[tuple[str, dict[str, str]]] = []
    with HTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        test = SERVICES["web"]["healthcheck"]["test"]
        command = [sys.executable, *(word.replace(":8000", f":{server.server_port}") for word in test[2:])]
        subprocess.run(command, env={"SEISMO_ALLOWED_HOSTS": hosts}, check=True, timeout=60)
    ((path, headers),) = requests
    settings.ALLOWED_HOSTS = hosts.split(",") if hosts else ["localhost"]
    settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")
    assert client.get(path, headers=headers).status_code == 200


def commands() -> list[list[str]]:
    """Every call of manage.py in a command of a service, as words."""
    calls = []
    for service in SERVICES.values():
        command = service.get("command", [])
        lines = command[-1].splitlines() if command[:1] == ["sh"] else [shlex.join(command)]
        for part in re.split(r"[;\n]|&&", "\n".join(lines).replace("$$", "$")):
            words = re.sub(r"\$\([^)]*\)|\"\$market\"", "kr", part).split()
            if "manage.py" in words:
                calls.append(words[words.index("manage.py") + 1 :])
    return calls


def test_its_commands_exist() -> None:
    called = {words[0] for words in commands()}
    assert called == {"migrate", "first_user", "schedule", "qcluster", "backup"}
    for name, *arguments in commands():
        parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
        parser.parse_args(arguments)


def test_each_queue_has_a_worker() -> None:
    assert sorted(words[-1] for words in commands() if words[0] == "qcluster") == ["high", "low"]
