"""Asks a server over a number of connections at once and tells how long the answers took.

With wrk where it is installed, else with threads of this process: slower itself, so its figures are an upper bound.
"""

from __future__ import annotations

import http.client
import itertools
import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.measurement import BenchFailed

SCRIPT = """
local paths = {}
for line in io.lines("%(paths)s") do paths[#paths + 1] = line end
local first, n = 0, 0
function setup(thread) thread:set("offset", first); first = first + math.floor(#paths / 2) end
function init(args) n = offset end
function request()
  n = n + 1
  return wrk.format("GET", paths[(n - 1) %% #paths + 1])
end
function done(summary, latency, requests)
  local failed = summary.errors.status + summary.errors.timeout + summary.errors.read
  io.write(string.format("SEEN %%d %%d %%d %%f %%f %%f\\n", summary.requests, failed, summary.duration,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """Answers and their latencies in milliseconds."""

    requests: int
    rate: float
    p50: float
    p95: float
    p99: float


def tool() -> str:
    """What asks."""
    return "wrk" if shutil.which("wrk") else "a Python client (wrk is not installed)"


def _ask(port: int, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@dataclass(frozen=True, slots=True)
class Client:
    """A reader with a token. Its addresses are below `prefix`."""

    port: int
    token: str
    prefix: str = "/api/"

    @property
    def headers(self) -> dict[str, str]:
        """What browsers and HTTP libraries send: answers may come compressed."""
        return {"Authorization": f"Bearer {self.token}", "Accept-Encoding": "gzip"}

    def check(self, address: str) -> None:
        """BenchFailed where the server does not answer as it should."""
        status = _ask(self.port, self.prefix + address, self.headers)
        if status != 200:
            raise BenchFailed(f"{self.prefix}{address} answered {status}")

    def get(self, address: str) -> Any:
        """The JSON at an address; BenchFailed for any other status than 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", self.prefix + address, headers={"Authorization": f"Bearer {self.token}"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise BenchFailed(f"{self.prefix}{address} answered {answer.status}")
        return json.loads(body)

    def drive(self, addresses: Sequence[str], connections: int, seconds: float) -> Seen:
        """Ask for the addresses in turn, over so many connections, each as soon as it has its answer."""
        if shutil.which("wrk"):
            return self._wrk(addresses, connections, seconds)
        return self._threads(addresses, connections, seconds)

    def _wrk(self, addresses: Sequence[str], connections: int, seconds: float) -> Seen:
        with tempfile.TemporaryDirectory() as folder:
            paths, script = Path(folder) / "paths", Path(folder) / "script.lua"
            paths.write_text("".join(f"{self.prefix}{one}\n" for one in addresses), encoding="utf-8")
            script.write_text(SCRIPT % {"paths": paths}, encoding="utf-8")
            threads = min(connections, 2)
            command = [
                "wrk",
                f"-t{threads}",
                f"-c{connections}",
                f"-d{seconds:.0f}s",
                "--timeout",
                "30s",
            ]
            command += ["-s", str(script)]
            for name, value in self.headers.items():
                command += ["-H", f"{name}: {value}"]
            done = subprocess.run(
                [*command, f"http://127.0.0.1:{self.port}"],
                capture_output=True,
                text=True,
                check=False,
            )
        summaries = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("SEEN ")]
        if not summaries:
            raise BenchFailed(f"wrk failed: {done.stdout}{done.stderr}")
        requests, failed, spent, *percentiles = summaries[0]
        if int(failed) or not int(requests):
            raise BenchFailed(f"{failed} of {requests} answers were errors")
        p50, p95, p99 = (float(one) / 1000 for one in percentiles)
        return Seen(int(requests), 1e6 * int(requests) / int(spent), p50, p95, p99)

    def _threads(self, addresses: Sequence[str], connections: int, seconds: float) -> Seen:
        turn, lock = itertools.cycle(addresses), threading.Lock()
        spent: list[float] = []
        wrong: list[int] = []
        ends = time.perf_counter() + seconds

        def ask() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            while time.perf_counter() < ends:
                with lock:
                    address = next(turn)
                began = time.perf_counter()
                connection.request("GET", self.prefix + address, headers=self.headers)
                answer = connection.getresponse()
                answer.read()
                spent.append(1000 * (time.perf_counter() - began))
                if answer.status != 200:
                    wrong.append(answer.status)
            connection.close()

        threads = [threading.Thread(target=ask) for _ in range(connections)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        if wrong or not spent:
            raise BenchFailed(f"{len(wrong)} of {len(spent)} answers were errors")
        spent.sort()
        p50, p95, p99 = (spent[int(share * (len(spent) - 1))] for share in (0.5, 0.95, 0.99))
        return Seen(len(spent), len(spent) / seconds, p50, p95, p99)
