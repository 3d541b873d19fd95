"""A TypeScript client generated from the schema: it compiles under `tsc --strict`, and refuses what the API lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.node import Node, get_node

pytestmark = pytest.mark.slow

SCHEMA = Path(__file__).parents[2] / "docs" / "openapi.yaml"
CLIENT = """\
import createClient from "openapi-fetch";
import type { components, paths } from "./seismo";

type Media = "application/json" | "application/problem+json"; // lists are files too: text/csv ...
const headers = { Authorization: "Bearer seismo_x" };
const api = createClient<paths, Media>({ baseUrl: "http://127.0.0.1:8000", headers });

/** The nearest stops of open signals. */
export async function nearestStops(market: string): Promise<[string, number | null][]> {
  const { data, error } = await api.GET("/api/{market}/signals", {
    params: { path: { market }, query: { status: ["waiting", "open"], search: "0059" } },
  });
  if (error) throw new Error(error.detail);
  const rows: components["schemas"]["SignalBody"][] = data.results;
  return rows.map((row) => [row.code, row.to_stop_pct]);
}

/** Orders of a version's latest picks. */
export async function orders(market: string, version: string): Promise<(number | null | undefined)[]> {
  const { data } = await api.GET("/api/{market}/scans/latest", {
    params: { path: { market }, query: { scanner_version: version } },
  });
  return data ? data.results.map((row) => row.plan.order?.target) : [];
}

export async function everything(code: string): Promise<string[]> {
  const markets = await api.GET("/api/markets");
  const stock = await api.GET("/api/{market}/stocks/{code}/overview", { params: { path: { market: "kr", code } } });
  const chart = await api.GET("/api/{market}/stocks/{code}/chart", {
    params: { path: { market: "kr", code }, query: { period: "10y" } },
  });
  const index = await api.GET("/api/{market}/index", { params: { path: { market: "kr" } } });
  return [
    ...(markets.data?.results ?? []).map((market) => market.timezone),
    stock.data?.bars?.last ?? "",
    ...(chart.data?.marks ?? []).map((mark) => mark.outcome?.status ?? "waiting"),
    ...(index.data?.series ?? []).flatMap((series) => series.sessions.map((row) => row.trend.regime)),
  ];
}

export const request = (market: string) =>
  api.POST("/api/{market}/scans", { params: { path: { market } }, body: { versions: ["v2", "v3"], save: true } });
"""
WRONG = {
    "an address that does not exist": 'api.GET("/api/{market}/nothing", { params: { path: { market: "kr" } } });',
    "a status that does not exist": (
        'api.GET("/api/{market}/signals", { params: { path: { market: "kr" }, query: { status: ["won"] } } });'
    ),
    "a field that does not exist": (
        'api.GET("/api/markets").then((answer) => answer.data?.results.map((market) => market.version));'
    ),
    "a body of another type": (
        'api.POST("/api/{market}/scans", { params: { path: { market: "kr" } }, body: { versions: "v2" } });'
    ),
}
IMPORTS = CLIENT[: CLIENT.index("/** The nearest")]
OPTIONS = ("--strict", "--noEmit", "--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler")


@pytest.fixture(scope="module")
def node() -> Node:
    return get_node()


@pytest.fixture(scope="module")
def client(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated types and a program that uses them."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "node_modules").symlink_to(node.modules)
    done = node.run("openapi-typescript/bin/cli.js", str(SCHEMA), "--output", "seismo.d.ts", folder=folder)
    assert done.returncode == 0, done.stderr
    (folder / "client.ts").write_text(CLIENT)
    return folder


@pytest.fixture(scope="module")
def errors(node: Node, client: Path) -> list[str]:
    """The errors of `tsc --strict` in both programs: it takes seconds to read the types."""
    (client / "wrong.ts").write_text(IMPORTS + "\n".join(WRONG.values()) + "\n")
    done = node.run("typescript/bin/tsc", *OPTIONS, "client.ts", "wrong.ts", folder=client)
    return [line for line in done.stdout.splitlines() if "error TS" in line]


def test_the_client_compiles(errors: list[str]) -> None:
    assert [error for error in errors if not error.startswith("wrong.ts(")] == []


def test_what_the_api_lacks_does_not_compile(errors: list[str]) -> None:
    first = IMPORTS.count("\n") + 1
    lines = {int(error.partition("(")[2].partition(",")[0]) - first for error in errors}
    assert lines == set(range(len(WRONG))), errors
