"""Pieces on the workers of a Dask cluster: processes on other hosts that see the lake at the same path.

A worker that dies in the middle is replaced: its scheduler gives the piece to another one. Workers of another revision
of the code are refused, since their features would be others. Only this module needs `distributed`
(requirements/dask.txt).
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from marketdata.errors import DataProblem

CONNECT = 10.0
"""Seconds that the scheduler may take to answer."""


class ClusterProblem(DataProblem):
    """The cluster cannot compute."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster by the address of its scheduler ("": none is set); `code_digest` returns a digest of the code that
    computes features, where it is called."""

    address: str = ""
    code_digest: Callable[[], str] = str


NO_CLUSTER = Cluster()


@contextmanager
def cluster_pool(cluster: Cluster) -> Iterator[tuple[Executor, int]]:
    """The executor of `cluster`, and how many threads its workers have;
    ClusterProblem if it is not set, cannot be reached, has no workers, has other code, or loses several workers over
    the same piece."""
    address = cluster.address
    if not address:
        raise ClusterProblem("No Dask scheduler is set: SEISMO_DASK_SCHEDULER=tcp://host:8786.")
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise ClusterProblem(
            "The executor dask needs libraries: pip install -r requirements/dask.txt, here and on each worker."
        ) from error
    try:
        client = Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterProblem(f"The Dask scheduler {address} cannot be reached: {error}") from error
    with client:
        threads = _checked_threads(client, cluster)
        try:
            yield client.get_executor(pure=False), threads
        except KilledWorker as error:
            raise ClusterProblem(f"Several workers of {address} ended over the same piece: {error}") from error


def submit_pickled(pool: Executor, call: Callable[..., Any], *args: Any) -> Future[Any]:
    """The future of `call(*args)` in `pool`, whose modules the scheduler need not be able to import."""
    return pool.submit(_call_pickled, pickle.dumps((call, args)))


def _call_pickled(content: bytes) -> Any:
    call, args = pickle.loads(content)  # noqa: S301 - of this cluster's own client, as everything that Dask sends
    return call(*args)


def _checked_threads(client: Any, cluster: Cluster) -> int:
    address = cluster.address
    threads = sum(client.nthreads().values())
    if not threads:
        raise ClusterProblem(f"The Dask scheduler {address} has no workers: start one with `dask worker {address}`.")
    own = cluster.code_digest()
    digests = client.run(_call_pickled, pickle.dumps((cluster.code_digest, ())))
    others = sorted(worker for worker, digest in digests.items() if digest != own)
    if others:
        raise ClusterProblem(f"Workers with another revision of Seismo or of NumPy: {', '.join(others)}.")
    return int(threads)
