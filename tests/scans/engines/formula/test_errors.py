"""A wrong formula: one message that says what is wrong and where, and never anything else, whatever is written."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scans.engines.engine_params import ParamError, read
from scans.engines.formula import FormulaError
from scans.engines.formula.examples import DIP, LEADERS, NEUTRAL, V1
from scans.engines.formula.functions import FUNCTIONS
from scans.engines.indicators import Measures
from scans.engines.registry import ENGINES
from tests.scans.engines import panels

ENGINE = ENGINES["formula"]


def made(**given_params: Any) -> Any:
    return read(ENGINE.Params, given_params)


def refusal(**given_params: Any) -> FormulaError:
    with pytest.raises(FormulaError) as caught:
        made(**given_params)
    return caught.value


def caret(message: str) -> str:
    """What the carets stand below."""
    _, line, marks = message.split("\n")
    return line[marks.index("^") : marks.rindex("^") + 1]


@pytest.mark.parametrize(
    ("match", "column", "marked", "says"),
    [
        # names
        ("close > emaa(close, 60)", 9, "emaa", "unknown function `emaa`: did you mean `ema`?"),
        ("clos > open", 1, "clos", "unknown name `clos`: did you mean `close`?"),
        ("zzz > 1", 1, "zzz", "unknown name `zzz`: fields are open, high"),
        ("close(3) > open", 1, "close", "`close` is no function"),
        ("ema > close", 1, "ema", "write ema(x, n)"),
        # arity
        ("rsi(14, 3) < 40", 1, "rsi(14, 3)", "rsi takes 1 argument, not 2: rsi(n)"),
        ("rsi() < 40", 1, "rsi()", "rsi takes 1 argument, not 0"),
        ("ema(close) > close", 1, "ema(close)", "ema takes 2 arguments, not 1: ema(x, n)"),
        ("macd(1, 2, 3) > 0", 1, "macd(1, 2, 3)", "macd takes 0 to 2 arguments, not 3"),
        ("number_of() > 0", 1, "number_of()", "number_of takes 1 or more argument, not 0"),
        # kinds
        ("close", 1, "close", "a condition is needed here, this is a number: compare it"),
        ("(close > open) + 1 > 2", 2, "close > open", "a number is needed here, this is a condition: write if("),
        ("not rsi(14)", 5, "rsi(14)", "a condition is needed here"),
        ("(close > open) == (open > low)", 2, "close > open", "a condition cannot be compared"),
        ("count(rsi(14), 5) > 1", 7, "rsi(14)", "a condition is needed here"),
        ("1 < 2", 1, "1 < 2", "both sides are constants"),
        ("ema(5, 20) > 3", 5, "5", "a value that changes from session to session is needed"),
        # lengths
        ("ema(close, rsi(14)) > 1", 12, "rsi(14)", "must be written out"),
        ("sma(close, 2.5) > open", 12, "2.5", "`n` is a whole number of sessions in 1..500, not 2.5"),
        ("sma(close, 501) > open", 12, "501", "in 1..500, not 501"),
        ("sma(close, 0) > open", 12, "0", "in 1..500, not 0"),
        ("ema(close, 251) > open", 12, "251", "in 1..250, not 251"),
        ("shift(close, -1) > open", 14, "-1", "in 0..500, not -1 (nothing looks ahead)"),
        ("shift(close, 2 - 3) > open", 14, "2 - 3", "(nothing looks ahead)"),
        ("tema(ema(close, 250), 250) > open", 1, "tema(ema(close, 250), 250)", "sessions of history"),
        # units
        ("close > 5000", 1, "close > 5000", "an adjusted price and a plain number: every later split"),
        ("volume > 100000", 1, "volume > 100000", "(amount / raw_close for shares)"),
        ("close > volume", 1, "close > volume", "an adjusted price and an adjusted volume"),
        ("close + 1 > open", 1, "close + 1", "+ joins an adjusted price and a plain number"),
        ("log(close) > 3", 1, "log(close) > 3", "a logarithm of an adjusted value"),
        ("log(close) * 2 > log(open)", 1, "log(close)", "take the difference of two"),
        ("percentile(close) > 0.5", 12, "close", "instruments are compared by plain numbers"),
        ("percentile(short_risk) > 0.5", 12, "short_risk", "the same for every instrument"),
        ("residual(rsi(14), close) > 0", 19, "close", "instruments are compared by plain numbers"),
        ("residual(rsi(14), short_risk) > 0", 19, "short_risk", "the same for every instrument"),
        ("residual(rsi(14)) > 0", 1, "residual(rsi(14))", "residual takes 2 or more arguments"),
        (f"residual({', '.join(['rsi(14)'] * 12)}) > 0", 109, "rsi(14)", "at most 10 numbers may explain"),
        ("sma(beta(20), 5) > 0", 5, "beta(20)", "sma looks back over sessions"),
        ("beta(1) > 0", 6, "1", "2"),
        ("sma(residual(rsi(14), amount), 5) > 0", 5, "residual(rsi(14), amount)", "sma looks back over sessions"),
        ("foreign_net_value > 0", 1, "foreign_net_value", "unknown name `foreign_net_value`"),
        ("close * close * close * close * close > 0", 1, "close * close * close * close * close", "power of 4"),
        # the market
        ("sma(percentile(rsi(14)), 5) > 0", 5, "percentile(rsi(14))", "sma looks back over sessions"),
        (
            'regime == "bullish"',
            11,
            '"bullish"',
            'choose among "neutral", "bull", "bear", "crash": did you mean "bull"?',
        ),
        ("regime > 1", 1, "regime > 1", "a regime is compared with its name"),
        ('close == "bull"', 1, 'close == "bull"', "a regime is compared with its name"),
        # syntax
        ("close >", 8, "", "the end stands where a value is expected"),
        ("close > open)", 13, ")", "`)` stands where an operator or the end is expected"),
        ("(close > open", 14, "", "the end stands where `)` is expected"),
        ("close = open", 7, "=", "to compare write `==`"),
        ("close > open and", 17, "", "the end stands where a value"),
        ("close > open & open > low", 14, "&", "write `and`"),
        ("close ^ 2 > 1", 7, "^", "there are no powers"),
        ("1.2.3 < close", 1, "1.2.", "`1.2.` is no number"),
        ("3x < close", 1, "3x", "`3x` is no number"),
        ("1e99 < close", 1, "1e99", "1e99 is too large"),
        ("1e30 * 1e30 < close", 1, "1e30 * 1e30", "too large"),
        ("close / 0 > open", 9, "0", "a division by 0"),
        ("종가 > 1", 1, "종", "has no place in a formula"),
        ('regime == "bull', 11, '"', "the text is not closed"),
        ("", 1, "", "the end stands where a value is expected"),
    ],
)  # fmt: skip
def test_what_is_wrong_and_where(match: str, column: int, marked: str, says: str) -> None:
    result = refusal(match=match)
    assert (result.line, result.column) == (1, column)
    message = str(result)
    assert says in message
    assert message.startswith(f"match, line 1, column {column}: ")
    if marked:
        assert caret(message) == marked


def test_lines_are_counted_and_the_parameter_is_named() -> None:
    result = refusal(define="a = close / open\n\nb = a + cloze  # a slip\n")
    assert (result.where, result.line, result.column) == ("define", 3, 9)
    assert caret(str(result)) == "cloze"
    assert refusal(score="close / opne").where == "score"
    assert refusal(score="close").what.startswith("instruments are ranked by a plain number")


@pytest.mark.parametrize(
    ("define", "says"),
    [
        ("close = 3", "`close` is a field or function"),
        ("rsi = 3", "`rsi` is a field or function"),
        ("a = 1\na = 2", "`a` is defined twice"),
        ("a = b\nb = 1", "unknown name `b`"),
        ("a = a + 1", "unknown name `a`"),
        ("a = 1 b = 2", "a new line or `;`"),
        ("a", "`=` is expected"),
        ("3 = a", "the name of a definition"),
        ('a = "bull"', "a text is no value of its own"),
        ("\n".join(f"a{n} = {n}" for n in range(101)), "more than 100 definitions"),
    ],
)
def test_definitions_that_are_wrong(define: str, says: str) -> None:
    assert says in str(refusal(define=define))


@pytest.mark.parametrize(
    "match",
    [
        "(" * 5_000,
        "(" * 500 + "close" + ")" * 500 + " > open",
        "not " * 2_000 + "close > open",
        "-" * 7_000 + "close > open",
        "abs(" * 1_000 + "close",
        " + ".join(["close"] * 1_000) + " > open",
        " and ".join(["close > open"] * 500),
        "close" + " < close" * 900,
        "if(close > open, " * 300,
        "close > open " + " " * 8_000,
        "number_of(" + ", ".join(["close > open"] * 400) + ") > 1",
    ],
)
def test_sizes_are_limited(match: str) -> None:
    refusal(match=match)


def test_definitions_that_grow_without_end_are_refused() -> None:
    doubled = "a0 = close / open\n" + "\n".join(f"a{n} = a{n - 1} + a{n - 1}" for n in range(1, 60))
    assert "parts on" in str(refusal(define=doubled))
    deep = "a0 = close / open\n" + "\n".join(f"a{n} = abs(a{n - 1}) + 1" for n in range(1, 90))
    assert "levels" in str(refusal(define=deep))


@pytest.mark.parametrize(("name", "value"), [("match", 5), ("score", True), ("define", None)])
def test_a_formula_is_text(name: str, value: Any) -> None:
    with pytest.raises(ParamError, match=f"{name} is .* it must be text"):
        made(**{name: value})


WORDS = [
    *FUNCTIONS, "open", "high", "low", "close", "volume", "amount", "raw_close", "and", "or", "not", "(", "(", "(", ")",
    ")", ")", ",", ",", "+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "=", ";", "0", "1", "2", "14", "1e9",
    "0.5", "-1", '"bull"', "a", "\n", "#",
]  # fmt: skip

anything = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def run(params: Any) -> None:
    panel = panels.panel(1, sessions=12, instruments=3, span=3)
    universe = panels.universe(panel, 2)
    index = panels.index(panel)
    measured = ENGINE.features(Measures(panel), params)
    ENGINE.score(universe, measured, index, params)
    ENGINE.explain(universe, measured, index, params, day=1, column=1)
    assert all(len(values) == 3 for values in measured.values())


def attempt(**given_params: str) -> None:
    try:
        params = made(**given_params)
    except FormulaError as error:
        message = str(error)
    else:
        with np.errstate(all="raise"):
            run(params)
        return
    assert re.match(r"(match|score|define), line \d+, column \d+: .", message)


@anything
@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
@example("close > shift ( close , 0 )")
def test_words_in_any_order(text: str) -> None:
    attempt(match=text)
    attempt(score=text)
    attempt(define=text)


@anything
@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    attempt(match=text)
    attempt(define=text, score=text)


@anything
@given(
    formula=st.sampled_from([DIP, LEADERS, NEUTRAL, V1]),
    name=st.sampled_from(["match", "score", "define"]),
    at=st.floats(0, 1),
    cut=st.integers(0, 6),
    put=st.sampled_from([*WORDS, ""]),
)
def test_a_slip_in_a_good_formula(formula: dict[str, Any], name: str, at: float, cut: int, put: str) -> None:
    text = formula.get(name, "")
    place = int(at * len(text))
    attempt(**{**formula, name: f"{text[:place]} {put} {text[place + cut :]}"})


def calls() -> st.SearchStrategy[str]:
    """Well-formed calls of any function with any arguments."""
    leaves = st.sampled_from(
        ["close", "volume", "amount", "raw_close", "0", "3", "14", "regime", '"bull"', "short_risk"]
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(sorted(FUNCTIONS)), st.lists(inner, max_size=3)).map(
                lambda pair: f"{pair[0]}({', '.join(pair[1])})"
            ),
            st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "<", ">=", "==", "and"]), inner).map(
                lambda parts: f"({' '.join(parts)})"
            ),
        ),
        max_leaves=8,
    )  # fmt: skip


@settings(anything, max_examples=200)
@given(calls())
@example("(short_risk - short_risk)")
def test_any_call(text: str) -> None:
    attempt(match=text)
    attempt(score=text)
    attempt(match=f"{text} > 0")
