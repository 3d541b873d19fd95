"""Writes docs/formula.md, the tables of fields and functions included, from what the language really has.

python -m scans.engines.formula.docs > docs/formula.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from marketdata.panel import FIELDS
from scans.engines.engine_params import schema
from scans.engines.formula.engine import DEFAULT, Params
from scans.engines.formula.errors import FormulaError
from scans.engines.formula.examples import DIP, LEADERS, NEUTRAL, V1
from scans.engines.formula.functions import GROUPS, MAX_SPAN, MAX_WINDOW, Function
from scans.engines.formula.limits import MAX_NESTING, MAX_OPERANDS
from scans.engines.formula.nodes import Node, Nodes
from scans.engines.formula.program import LEAST_WARM_UP
from scans.engines.formula.tokens import MAX_LENGTH
from scans.engines.formula.type_checker import MAX_DEFINITIONS, MAX_HISTORY

FIELD_TEXTS = {
    "open": "first price of the session",
    "high": "highest price",
    "low": "lowest price",
    "close": "last price",
    "volume": "shares traded",
    "amount": "turnover in currency, as traded",
    "raw_close": "last price as traded, without adjustment",
    "market_cap": "market cap in currency: as recorded, else the latest one before times the growth of `close` since",
}

INTRODUCTION = """\
# Formulas

A version of the engine `formula` is a screen in your own words: a condition that an instrument must fulfil
(`match`) and a number that ranks those that do (`score`). It runs like any other version, daily or over years, and
everything in it is computed by the same functions that the built-in engines use.

    manage.py scanner_version create dips --engine formula \\
        --set 'match=close > ema(close, 60) and rsi(14) < 40 and turnover(20) > 1e9' \\
        --set 'score=100 - rsi(14)'

`manage.py run_scan --version dips --explain CODE` shows every comparison of the match with its values and verdict.
"""

LANGUAGE = f"""\
## The language

- Numbers `20`, `0.05`, `1e9`, `1_000_000`; comments from `#` to the end of the line; line breaks are spaces.
- `+ - * /`, comparisons `< <= > >= == !=` (also in chains: `0.01 <= x <= 0.04`), then `not`, `and`, `or`, in this
  order of precedence; parentheses.
- `name = expression` in `define`, one a line, names a part for use further down, in `match` and in `score`. A rank
  shows the conditions defined as its signals and the plain numbers as its components; without definitions, what the
  match compares. A part that is written twice is computed once.
- A function that needs no argument may stand without parentheses: `macd_osc > 0`, `regime == "bull"`.
- Windows and spans are sessions, the session itself included, and must be written out (or be a constant that
  `define` names): nothing can make them depend on the data, and no function looks ahead.

### What compares with what

Adjusted prices and volumes are known up to a factor only: the next split rescales an instrument's whole past. A fixed
limit on them would change its meaning with every later split, that is, look ahead. So `close > 5000` is refused, and
so is `close + 1`; compare adjusted prices with adjusted prices (`close > 1.05 * sma(close, 20)`), and use `raw_close`
and `amount` for limits in currency. The score must be a plain number, such as a ratio, for the same reason.

### Ties

Where a computed value takes part, `a > b` means more than 1e-9 relative, and `a >= b` includes such a tie; a
difference is compared by what it is the difference of, so `macd_osc > 0` or `slope(x, 20) > 0` mean what they say on a
flat series too, and a difference that is a tie is 0. `raw_close` and `amount` compare exactly with each other and
with numbers.

### What is not known

A value is undefined where history is too short for its window, or where a division by 0 or a logarithm of 0 would be
needed. An instrument is judged on a session only where every value that the formula compares there has one, so `not`
never lets a missing value through; a score that is undefined is no pick. What the whole market has not got yet
(`index_return` in its first sessions) fulfils no comparison but closes nothing. A recursive average keeps its state
over a session without value; in a window one such session leaves the whole window undefined, and `count` takes it as
not fulfilled.

### The market

`percentile`, `residual`, `beta`, the regimes and the index are known for the session itself, after all instruments were
measured: they may be compared and calculated with, but not stand inside a function that looks back over sessions.

A score often orders by something else than it seems to: the largest returns are those of small, jumpy shares.
`residual(x, y, ..)` is what of x is left beside other shares of the same y, as size (`log(market_cap)`), volatility
(`deviation(change(close, 1), 60)`) or turnover (`log(turnover(20))`). Take logarithms or percentiles of what is very
uneven: a few giants would decide the line. An instrument without market cap or flow has no residual on it, and where
the match or the score needs that, it is no pick; the notes of a session say how many of the eligible have one.

### Limits

A parameter has at most {MAX_LENGTH:,} characters, {MAX_DEFINITIONS} definitions, {MAX_NESTING} levels of
parentheses and {MAX_OPERANDS} operands in a row. Windows reach {MAX_WINDOW} sessions, spans of averages {MAX_SPAN},
all history together {MAX_HISTORY:,}: a formula reads as much as it needs, and never less than {LEAST_WARM_UP} sessions.
An average over n takes about 10 n sessions to forget where it started (to a billionth).
"""


def text() -> str:
    """The whole of docs/formula.md."""
    return "\n".join(_parts()) + "\n"


def _parts() -> Iterator[str]:
    yield INTRODUCTION
    yield LANGUAGE
    yield "## Fields\n"
    yield from _table(("field", "is", "unit"), ((f"`{n}`", FIELD_TEXTS[n], _unit(Nodes().field(n))) for n in FIELDS))
    yield "\n## Functions\n"
    yield "x and y are numbers, n is a number of sessions; an argument with `=` may be left out.\n"
    for group, rows in GROUPS.items():
        yield f"### {group}\n"
        yield from _table(("function", "is", "lengths"), map(_row, rows))
        yield ""
    yield "## Parameters\n"
    yield from _table(("parameter", "default", "is"), map(_parameter, schema(Params)))
    yield "\n## Errors\n"
    yield "An error says what is wrong and where; nothing runs until the formula is right.\n"
    for wrong in ("close > emaa(close, 60)", "close > 5000", "sma(close, rsi(14)) > open"):
        yield _indented(_error(wrong)) + "\n"
    yield "## Examples\n"
    for title, example in (
        ("Pullbacks in an upward trend", DIP),
        ("Leaders of the market", LEADERS),
        ("Returns beside shares of like size, volatility and turnover, which foreigners bought", NEUTRAL),
        ("The scanner v1, but for its fallback steps", V1),
    ):
        yield f"{title}:\n"
        for name in ("define", "match", "score"):
            if name in example:
                yield f"`{name}`\n\n{_indented(example[name])}\n"


def _row(function: Function) -> tuple[str, str, str]:
    lengths = [f"{part.name} {part.least}..{part.most}" for part in function.parameters if part.takes == "length"]
    return f"`{function.usage}`", function.text, ", ".join(lengths)


def _parameter(field: dict[str, Any]) -> tuple[str, str, str]:
    return f"`{field['name']}`", f"`{field['default']}`" if field["default"] != "" else "", field["help"]


def _unit(node: Node) -> str:
    return str(node.unit)


def _error(match: str) -> str:
    try:
        Params(match=match, score=DEFAULT.score)
    except FormulaError as error:
        return str(error)
    raise AssertionError(f"{match} is no error")


def _table(head: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _indented(block: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in block.splitlines())


if __name__ == "__main__":
    sys.stdout.write(text())
