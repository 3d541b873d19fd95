"""A sweep killed in the middle and run again, and one that two processes share, against one that was left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scans.operations.research.random_year import prices
from tests.seismo_site.running import installed, managed, run_in_shell

pytestmark = pytest.mark.slow

WORK = """
import json, os, signal, time
from datetime import UTC, datetime
from django.db import connections
from scans.models import Sweep
from scans.operations.research import variant_records
from scans.operations.research.sweep import Shard, run_sweep
from scans.operations.research.sweep_plan import SweepRequest

variant_records.BATCH = 2
GRID = {"match": ["close > sma(close, 5)", "close < sma(close, 5)", "rises(close)"], "top_n": [2, 4]}
AS_OF = datetime(2024, 12, 30, 9, tzinfo=UTC)

def request(slug):
    base = {"score": "100 * change(close, 1)", "min_bars": 2}
    return SweepRequest(slug, "kr", "formula", GRID, AS_OF, base=base, horizon=5)

def process(work):
    connections.close_all()
    number = os.fork()
    if not number:
        work()
        os._exit(0)
    return number

def table(slug):
    sweep = Sweep.objects.get(slug=slug)
    fields = ("number", "params", "figures", "sharpe", "sessions", "returns")
    return json.dumps([sweep.result, [str(row) for row in sweep.variants.values_list(*fields)]], sort_keys=True)

run_sweep(request("whole"))
victim = process(lambda: run_sweep(request("killed")))
while Sweep.objects.filter(slug="killed", variants__number=1).count() == 0:
    time.sleep(0.005)
os.kill(victim, signal.SIGKILL)
signalled = os.WIFSIGNALED(os.waitpid(victim, 0)[1])
connections.close_all()
killed = Sweep.objects.get(slug="killed")
before = [killed.status, killed.result, killed.variants.count()]
run_sweep(request("killed"))
parts = [process(lambda n=n: run_sweep(request("shared"), shard=Shard(n, 2))) for n in (1, 2)]
ends = [os.waitpid(part, 0)[1] for part in parts]
connections.close_all()
shared = Sweep.objects.get(slug="shared").variants.count()
run_sweep(request("shared"))
equal = [table(slug) == table("whole") for slug in ("killed", "shared")]
print(json.dumps([signalled, before, ends, shared, equal]))
"""


def test_a_killed_sweep_and_a_shared_one_end_with_the_same_table(tmp_path: Path) -> None:
    data = installed(tmp_path / "data")
    file = tmp_path / "prices.csv"
    prices().to_csv(file, index=False)
    managed(data, "import_prices", str(file))
    answer = run_in_shell(data, WORK, SEISMO_LOG_LEVEL="CRITICAL")
    signalled, (status, result, count), ends, shared, equal = json.loads(answer)
    assert signalled
    assert (status, result) == ("running", {})
    assert 2 <= count < 6
    assert ends == [0, 0]
    assert shared == 6
    assert equal == [True, True]
