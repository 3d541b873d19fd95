"""A server is not started on a port that another one uses, though the two could share it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from seismo_site.port import port_problem

ROOT = Path(__file__).parents[2]


def listening(*options: int) -> socket.socket:
    one = socket.socket()
    for option in options:
        one.setsockopt(socket.SOL_SOCKET, option, 1)
    one.bind(("127.0.0.1", 0))
    one.listen()
    return one


def problem_of(port: int) -> str:
    return f"Port {port} of 127.0.0.1 is in use by another server: end that one, or name another with PORT=."


@pytest.mark.parametrize("options", [(), (socket.SO_REUSEADDR,), (socket.SO_REUSEADDR, socket.SO_REUSEPORT)])
def test_port_is_in_use_while_a_socket_listens(options: tuple[int, ...]) -> None:
    with listening(*options) as one:
        port = one.getsockname()[1]
        assert port_problem(str(port)) == problem_of(port)


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "80a", "http", "８０８０", "1 2"])
def test_invalid_port_is_reported(text: str) -> None:
    assert port_problem(text).startswith(f"PORT={text} is no port: name a number")


def test_as_a_command_it_is_one_sentence_and_a_status() -> None:
    def run_port(port: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "seismo_site.port", str(port)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    with listening(socket.SO_REUSEADDR, socket.SO_REUSEPORT) as one:
        port = one.getsockname()[1]
        done = run_port(port)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == problem_of(port) + "\n"


def test_make_serve_asks_before_anything_else() -> None:
    output = subprocess.run(["make", "-n", "serve", "PORT=8123"], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = output.stdout.splitlines()
    (asks,) = [n for n, line in enumerate(lines) if "-m seismo_site.port '8123'" in line]
    (migrates,) = [n for n, line in enumerate(lines) if "manage.py migrate" in line]
    (creates,) = [n for n, line in enumerate(lines) if "first_user --port 8123" in line]
    (serves,) = [n for n, line in enumerate(lines) if "-m seismo_site.serve 8123" in line]
    assert asks < migrates < creates < serves
