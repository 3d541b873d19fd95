"""manage.py slow_endpoints: how long the routes of the web server take, and its slowest requests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandParser

from marketdata.management.arguments import positive
from marketdata.management.command import SeismoCommand
from seismo_site.system import request_times


class Command(SeismoCommand):
    help = "Print p50, p95 and p99 of each route over its latest requests, and the slowest requests with their ids."

    examples = ("slow_endpoints", "slow_endpoints --limit 50")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=positive, default=20, help="how many routes and requests (default 20)")

    def handle(self, **options: Any) -> None:
        bodies, limit = request_times.read_requests(), options["limit"]
        routes = request_times.get_route_times(bodies)
        if not routes:
            self.stdout.write("No web server of this host has recorded a request yet; each does once a minute.")
            return
        self.stdout.write(f"{'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'requests':>8}  route")
        for row in routes[:limit]:
            times = f"{row.p50_ms:8.1f} {row.p95_ms:8.1f} {row.p99_ms:8.1f} {row.requests:8}"
            self.stdout.write(f"{times}  {row.method} {row.route or '/'}")
        self.stdout.write(f"\n{'ms':>8}  {'at (UTC)':19}  {'request id':32}  request")
        for slow in request_times.get_slowest(bodies)[:limit]:
            at = datetime.fromtimestamp(slow.at, UTC)
            text = f"{1000 * slow.seconds:8.1f}  {at:%Y-%m-%d %H:%M:%S}  {slow.identifier:32}"
            self.stdout.write(f"{text}  {slow.method} {slow.path} {slow.status}")
