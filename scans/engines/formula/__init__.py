"""A screen in the user's own words: `Engine`; docs/formula.md describes the language."""

from scans.engines.formula.engine import Engine, Params
from scans.engines.formula.errors import FormulaError

__all__ = ["Engine", "FormulaError", "Params"]
