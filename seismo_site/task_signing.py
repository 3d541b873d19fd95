"""The serializer of the task queue, instead of pickle, which may run code when it is read.

django-q2 signs what it puts into its broker (tasks, results kept in the cache, the statistics of its clusters) with the
secret key, and pickles it first. Here it is data alone (`caching.serializer`), signed as before. The rows of finished
tasks have pickled columns (arguments and result): these are read by an unpickler that knows no class but those of
`HARMLESS`, so that a forged row names nothing that could be called.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import picklefield.fields
from django.utils.functional import Promise
from django_q import signing
from django_q.status import Stat

from caching import serializer

STAT, TASK = "stat", "task"
HARMLESS = frozenset(
    {
        ("datetime", "datetime"),
        ("datetime", "date"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        ("uuid", "UUID"),
        ("builtins", "set"),
        ("builtins", "frozenset"),
    }
)
"""The classes (module, name) that a pickled column may hold."""


class DataSerializer:
    """In the place of `django_q.signing.PickleSerializer`."""

    @staticmethod
    def dumps(value: Any) -> bytes:
        """A task or statistics as bytes."""
        if isinstance(value, Stat):
            state = value.__getstate__()
            # Its status is a word that would be translated when it is shown.
            return serializer.pack([STAT, {k: str(v) if isinstance(v, Promise) else v for k, v in state.items()}])
        if isinstance(value, dict) and callable(value.get("func")):
            func = value["func"]
            value = {**value, "func": f"{func.__module__}.{func.__qualname__}"}
        return serializer.pack([TASK, value])

    @staticmethod
    def loads(content: bytes) -> Any:
        """The value that `dumps` was given; BadSignature, which the queue expects, for anything else."""
        try:
            kind, value = serializer.unpack(content)
        except (TypeError, ValueError) as error:
            raise signing.BadSignature(f"This is no task of Seismo: {error}") from error
        if kind != STAT:
            return value
        stat = Stat.__new__(Stat)
        stat.__dict__.update(value)
        return stat


class Unpickler(pickle.Unpickler):
    """Reads plain values, and refuses every class and function that is not harmless."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in HARMLESS:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a task's row.")
        return super().find_class(module, name)


def loads(content: bytes) -> Any:
    """The value of a pickled column."""
    return Unpickler(io.BytesIO(content)).load()


def install() -> None:
    """Have django-q2 and its pickled columns use these."""
    signing.PickleSerializer = DataSerializer
    picklefield.fields.loads = loads
