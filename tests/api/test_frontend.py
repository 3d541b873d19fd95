"""What a frontend does, over real HTTP: a server of its own, and nothing but what /api/schema tells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx2
import pandas as pd
import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.seismo_site.running import environment, installed, managed, managed_in_turn
from tests.serving import serving

pytestmark = pytest.mark.slow

SMALL = ("--instruments", "150", "--sessions", "340", "--end", "2026-08-20")
WELCOME = (
    "from django.contrib.auth.models import User; from seismo_site.models import ApiToken; "
    "token = ApiToken(user=User.objects.create_user('page'), name='page'); secret = token.new_secret(); "
    "token.save(); print(secret)"
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An installation with a generated market, scanned by v2 and v3 over a month, and a file with a token."""
    folder, prices = installed(tmp_path), tmp_path / "prices.parquet"
    managed(folder, "make_demo_prices", "--output", str(prices), *SMALL)
    days = sorted(pd.read_parquet(prices, columns=["date"])["date"].unique())
    scan = ("run_scan", "--version", "v2", "--version", "v3", "--from", f"{days[-20]:%Y-%m-%d}")
    output = managed_in_turn(
        folder,
        ("import_prices", str(prices), "--source", "demo"),
        (*scan, "--to", f"{days[-1]:%Y-%m-%d}"),
        ("shell", "--no-imports", "-c", WELCOME),
    )
    (folder / "token").write_text(output.split()[-1])
    return folder


class Page:
    """A client made from the schema: operations by name, only the schema's parameters, every answer validated."""

    def __init__(self, address: str, secret: str) -> None:
        self.http = httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {secret}"}, timeout=60)
        response = self.http.get("/api/schema")
        assert response.status_code == 200
        self.schema: dict[str, Any] = yaml.load(response.text, yaml.CSafeLoader)
        self.operations = {
            operation["operationId"]: (path, method, operation)
            for path, methods in self.schema["paths"].items()
            for method, operation in methods.items()
        }

    def ask(self, name: str, **options: Any) -> Any:
        path, method, operation = self.operations[name]
        place_of_parameter = {one["name"]: one["in"] for one in operation.get("parameters", [])}
        assert options.keys() <= place_of_parameter.keys(), (
            f"{name} has no parameter {options.keys() - place_of_parameter.keys()}"
        )
        for one, where in place_of_parameter.items():
            if where == "path":
                path = path.replace(f"{{{one}}}", str(options[one]))
        query = {one: value for one, value in options.items() if place_of_parameter[one] == "query"}
        answer = self.http.request(method, path, params=query)
        assert answer.status_code == 200, answer.text
        content = operation["responses"]["200"]["content"]["application/json"]["schema"]
        body = answer.json()
        Draft202012Validator({**content, "components": self.schema["components"]}).validate(body)
        return body


def test_a_frontend_finds_its_way_by_the_schema_alone(data: Path) -> None:
    with serving(environment(data), data / "server.log", workers=1) as server:
        assert httpx2.get(f"{server.address}/api/versions").status_code == 401
        page = Page(server.address, (data / "token").read_text())
        assert {one["slug"] for one in page.ask("versions")["results"]} >= {"v2", "v3"}
        picked: dict[str, dict[str, Any]] = {}
        for version in ("v2", "v3"):
            dates = page.ask("scan_dates", market="kr", scanner_version=version, limit=20)
            assert len(dates["results"]) == 20
            day = next(one["date"] for one in dates["results"] if one["counts"]["ranked"])
            picked[version] = page.ask("scan", market="kr", date=day, scanner_version=version)
            assert picked[version]["scanner_version"] == version
        first = picked["v2"]["results"][0]
        day = picked["v2"]["date"]
        some = page.ask("scan", market="kr", date=day, scanner_version="v2", segment=first["segment"], limit=100)
        assert {row["segment"] for row in some["results"]} == {first["segment"]}
        assert first["code"] in [row["code"] for row in some["results"]]
        stock = page.ask("stock", market="kr", code=first["code"])
        assert (stock["code"], stock["currency"]) == (first["code"], "KRW")
        caught = page.ask("stock_scans", market="kr", code=first["code"], scanner_version="v2")
        assert day in [row["date"] for row in caught["results"]]
        if "stock_chart" in page.operations:
            page.ask("stock_chart", market="kr", code=first["code"], period="3mo")
        body = page.ask("stock_explain", market="kr", code=first["code"], scanner_version="v2", date=day)
        assert body["pick"]["rank"] == first["rank"]
        assert [check["name"] for check in body["checks"] if check["group"] == "rank"] == ["rank"]
        read = page.ask("analysis", market="kr", code=first["code"], date=day)
        assert read["pick"]["score"] == first["score"]
        assert page.ask("evaluation", market="kr", versions="v2", horizon="5")["figures"]
        assert page.ask("health_ready")["database"]["state"] == "up"
    log = (data / "server.log").read_text()
    assert not re.search("Traceback|ERROR", log), log[-2000:]
