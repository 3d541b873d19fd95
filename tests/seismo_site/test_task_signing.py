"""The queue keeps data alone: a task comes back as it was put in, and nothing that was pickled runs."""

from __future__ import annotations

import pickle
import zlib
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.core import signing as django_signing
from django.db import connection
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ, Success
from django_q.signing import BadSignature, SignedPackage
from django_q.status import Stat
from django_q.tasks import async_task

from seismo_site import task_signing

RAN: list[str] = []


class Trap:
    """Pickled, it calls when it is read."""

    def __reduce__(self) -> Any:
        return RAN.append, ("ran",)


def test_a_task_comes_back_as_it_was() -> None:
    now = datetime(2026, 8, 21, 9, tzinfo=UTC)
    task = {"id": "x", "func": "a.b", "args": (1, ["v2"]), "kwargs": {"at": now}, "started": now}
    for compressed in (False, True):
        body = SignedPackage.loads(SignedPackage.dumps(task, compressed))
        assert body == task
        assert type(body["args"]) is tuple


def test_a_function_is_kept_by_its_name() -> None:
    packed = SignedPackage.dumps({"func": zlib.crc32, "args": ()})
    assert SignedPackage.loads(packed)["func"] == "zlib.crc32"


def test_statistics_come_back_as_statistics() -> None:
    stat = Stat.__new__(Stat)
    now = timezone.now()
    values = {"tob": now, "status": Conf.IDLE, "cluster_id": uuid4(), "workers": [7, 8]}
    stat.__dict__.update(broker=object(), **values)
    result = SignedPackage.loads(SignedPackage.dumps(stat, True))
    assert isinstance(result, Stat)
    assert result.__dict__ == values
    assert not hasattr(result, "broker")


def test_a_pickle_is_refused_even_with_the_right_signature() -> None:
    class Pickled:
        def dumps(self, value: Any) -> bytes:
            return pickle.dumps(value)

    for value in (Trap(), {"func": Trap()}, {"func": "os.getcwd"}):
        packed = django_signing.dumps(
            value,
            key=Conf.SECRET_KEY,
            salt=Conf.PREFIX,
            serializer=Pickled,  # type: ignore[arg-type]
        )
        with pytest.raises(BadSignature):
            SignedPackage.loads(packed)
    assert RAN == []


def test_what_cannot_be_kept_is_not_queued(db: None) -> None:
    with pytest.raises(TypeError, match="cannot be cached"):
        async_task("os.getcwd", object())


def finished(value: bytes) -> Success:
    """A finished task whose result was forged in the table."""
    now = timezone.now()
    Success.objects.create(id="a" * 32, name="one", func="f", started=now, stopped=now, success=True)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_q_task SET result = %s", [b64encode(value).decode()])
    return Success.objects.get()


def test_a_row_of_a_finished_task_runs_nothing(db: None) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        for content in (
            pickle.dumps(Trap(), protocol),
            zlib.compress(pickle.dumps(Trap(), protocol)),
        ):
            Success.objects.all().delete()
            assert isinstance(finished(content).result, str | bytes)
    assert RAN == []


@pytest.mark.parametrize(
    "value",
    ["done", None, 7, 0.5, ("v2", ["kr"]), {"a": {1}}, datetime(2026, 8, 21, tzinfo=UTC).date()],
)
def test_a_result_is_read_as_it_was(db: None, value: Any) -> None:
    now = timezone.now()
    Success.objects.create(id="a" * 32, name="one", func="f", started=now, stopped=now, success=True, result=value)
    assert Success.objects.get().result == value
    assert task_signing.loads(pickle.dumps(value)) == value


def test_the_queue_holds_no_pickle(db: None) -> None:
    if not Conf.ORM:
        pytest.skip("the queue is in Redis here")
    async_task("os.getcwd", "one")
    (row,) = OrmQ.objects.all()
    assert row.task["args"] == ("one",)
    assert row.func() == "os.getcwd"
