"""Threads of a request: each call runs in a copy of the caller's context (`contextvars`), so that
its log lines carry the request's identifier."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from threading import Thread
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class ContextThreadPool(ThreadPoolExecutor):
    """A pool of threads whose calls see the context variables of the code that submits or maps them."""

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """The future of `fn(*args, **kwargs)`, run in a copy of the context as it is now."""
        run: Any = copy_context().run
        return super().submit(run, fn, *args, **kwargs)


def context_thread(target: Callable[..., Any], *args: Any, name: str | None = None) -> Thread:
    """A daemon thread, not yet started, that runs `target(*args)` in a copy of the context as it is now."""
    return Thread(target=copy_context().run, args=(target, *args), name=name, daemon=True)
