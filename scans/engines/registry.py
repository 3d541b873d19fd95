"""The registry of engines, a visible table: adding an engine is one file and one line."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module

from marketdata.nearest_name import did_you_mean
from scans.engines.base import Engine

MODULES = {
    "v1": "scans.engines.crossover.v1",
    "v2": "scans.engines.crossover.v2",
    "v3": "scans.engines.v3.engine",
    "seismograph": "scans.engines.seismograph.engine",
    "vcp": "scans.engines.vcp.engine",
    "formula": "scans.engines.formula",
}


class Engines(MutableMapping[str, Engine]):
    """Engines by name; each is imported when it is first looked up, so that a scan loads its own engine alone."""

    def __init__(self, modules: dict[str, str]) -> None:
        self._modules = modules
        self._engines: dict[str, Engine] = {}
        self._names = dict.fromkeys(modules)  # in the order of the table

    def __getitem__(self, name: str) -> Engine:
        if name not in self._engines:
            module = import_module(self._modules[name])
            self._engines.setdefault(name, module.Engine())
        return self._engines[name]

    def __setitem__(self, name: str, engine: Engine) -> None:
        self._names[name] = None
        self._engines[name] = engine

    def __delitem__(self, name: str) -> None:
        del self._names[name]
        self._engines.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


ENGINES = Engines(MODULES)


class UnknownEngine(ValueError):
    """An unknown name of an engine; the message lists the names."""


def get_engine(name: str) -> Engine:
    """The engine of that name; raises `UnknownEngine`."""
    try:
        return ENGINES[name]
    except KeyError:
        raise UnknownEngine(
            f"Unknown engine {name!r}: choose one of {', '.join(ENGINES)}.{did_you_mean(name, ENGINES)}"
        ) from None
