"""A sweep whose batches the workers of a Dask cluster judge, one of which is killed, against one that ran inline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scans.execution.clusters import running_cluster
from tests.scans.operations.research.random_year import prices
from tests.seismo_site.running import environment, installed, manage, managed, run_in_shell

pytestmark = pytest.mark.slow

PRELOAD = "seismo_site.dask_worker"
SWEEPS = """
import json, os, signal, threading, time
from datetime import UTC, datetime
from django.conf import settings
from scans.models import Sweep
from scans.operations.research import variant_records
from scans.operations.research.sweep import run_sweep
from scans.operations.research.sweep_plan import SweepRequest

variant_records.BATCH = 2
GRID = {"match": ["close > sma(close, 5)", "close < sma(close, 5)", "rises(close)"], "top_n": [2, 4, 6]}
AS_OF = datetime(2024, 12, 30, 9, tzinfo=UTC)

def sweep(slug, **options):
    base = {"score": "100 * change(close, 1)", "min_bars": 2}
    halving = options.pop("halving", False)
    request = SweepRequest(slug, "kr", "formula", GRID, AS_OF, base=base, horizon=5, halving=halving)
    return run_sweep(request, **options)

def table(slug):
    sweep = Sweep.objects.get(slug=slug)
    fields = ("number", "params", "figures", "sharpe", "sessions", "returns")
    return json.dumps([sweep.result, [str(row) for row in sweep.variants.values_list(*fields)]], sort_keys=True)
"""
WHOLE = (
    SWEEPS
    + """
from distributed import Client

sweep("inline")
sweep("inline-halving", halving=True)
sweep("dask-halving", halving=True, executor="dask")
client = Client(settings.DASK_SCHEDULER, set_as_default=False)
numbers = client.run(os.getpid)

def kill_a_busy_worker():
    while not (busy := [worker for worker, tasks in client.processing().items() if tasks]):
        time.sleep(0.002)
    os.kill(numbers[busy[0]], signal.SIGKILL)

killer = threading.Thread(target=kill_a_busy_worker)
killer.start()
seen = []
sweep("dask", executor="dask", progress=lambda done, count: seen.append((done, count)))
killer.join()
equal = [table(slug) == table(slug.replace("inline", "dask")) for slug in ("inline", "inline-halving")]
print(json.dumps([len(numbers), len(client.nthreads()), equal, seen[-1]]))
"""
)
OTHER_RECORD = (
    SWEEPS
    + """
try:
    sweep("elsewhere", executor="dask")
except Exception as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a year of random prices."""
    folder = installed(tmp_path_factory.mktemp("sweeps") / "data")
    file = folder / "prices.csv"
    prices().to_csv(file, index=False)
    managed(folder, "import_prices", str(file))
    return folder


def test_a_sweep_on_a_cluster_has_the_table_of_inline_though_a_worker_is_killed(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="requirements/dask.txt is not installed")
    cluster = running_cluster(tmp_path / "a.json", workers=2, environment=environment(data), preload=PRELOAD)
    with cluster as address:
        answer = run_in_shell(data, WHOLE, SEISMO_DASK_SCHEDULER=address, SEISMO_LOG_LEVEL="CRITICAL")
    workers, left, equal, last = json.loads(answer)
    assert (workers, left) == (2, 1)
    assert equal == [True, True]
    assert last == [9, 9]


def test_workers_without_settings_or_with_another_record_are_refused_in_one_sentence(
    data: Path, tmp_path: Path
) -> None:
    pytest.importorskip("distributed", reason="requirements/dask.txt is not installed")
    command = ["sweep", "bare", "--engine", "formula", "--set", "top_n=1,2", "--horizon", "5", "--executor", "dask"]
    with running_cluster(tmp_path / "a.json", workers=1, environment=environment(data)) as address:
        done = manage(data, *command, SEISMO_DASK_SCHEDULER=address)
    assert done.returncode == 1
    assert f"dask worker {address} --preload seismo_site.dask_worker" in done.stderr
    assert "Traceback" not in done.stderr
    other = installed(tmp_path / "other")
    few = other / "prices.csv"
    frame = prices()
    frame.assign(close=frame["open"]).to_csv(few, index=False)
    managed(other, "import_prices", str(few))
    cluster = running_cluster(tmp_path / "b.json", workers=1, environment=environment(other), preload=PRELOAD)
    with cluster as address:
        name, sentence = json.loads(run_in_shell(data, OTHER_RECORD, SEISMO_DASK_SCHEDULER=address))
    assert name == "ClusterProblem"
    assert sentence.startswith("A worker sees another record of market kr than the sweep elsewhere")
