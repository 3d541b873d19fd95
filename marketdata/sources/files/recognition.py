"""Recognition of a file's form: the first one whose columns it has, with those of the options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from marketdata import codes
from marketdata.normalization import excerpt
from marketdata.sources.files import wide
from marketdata.sources.files.containers import open_file
from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.formats import OPTION_COLUMNS, PRICE_FORMS, Form, RecognisedFile
from marketdata.sources.files.headers import list_names
from marketdata.sources.files.price_file import PriceFile
from marketdata.sources.files.spellings import normalise

MOST_SHOWN = 8


def recognise(
    path: Path,
    forms: Sequence[Form] = PRICE_FORMS,
    *,
    market: str | None = None,
    code: str | None = None,
    day: date | None = None,
) -> RecognisedFile:
    """The open file at `path` with the one of `forms` that it has; PriceFileError where it has none of them. `code` and
    `day` are those of all its rows where it has no such column; without `code`, the file's name may be a code of
    `market`."""
    file = open_file(path)
    try:
        return _recognised(file, forms, market, code, day)
    except PriceFileError:
        file.close()
        raise


def _recognised(
    file: PriceFile, forms: Sequence[Form], market: str | None, code: str | None, day: date | None
) -> RecognisedFile:
    name = file.path.name
    by_name = {form.name: form for form in forms}
    if file.wide is not None and "tidy" in by_name:
        if code or day:
            raise PriceFileError(f"{name} has tickers and days of its own: leave --code and --date out.")
        return _side_by_side(file, by_name["tidy"])
    values = {"code": code or "", "date": day.isoformat() if day else ""}
    for form in forms:
        positions = form.positions(file.columns)
        options = {key: value for key, value in values.items() if value}
        lacks = form.missing(file.columns, frozenset(options))
        if lacks == ("code",):
            code_in_name = codes.code_in_name(market or form.market, file.path.name.split(".")[0])
            if code_in_name:
                options["code"], lacks = code_in_name, ()
        if lacks:
            continue
        _refuse_doubles(file, form, positions)
        for key in options:
            if key in positions:
                own = excerpt(file.columns[positions[key]], 40)
                raise PriceFileError(f"{name} has a column of its own for this ({own}): leave --{key} out.")
        return _of_form(file, form, positions, options)
    raise PriceFileError(_refusal(file, forms, frozenset(key for key in values if values[key])))


def _of_form(file: PriceFile, form: Form, positions: dict[str, int], options: dict[str, str]) -> RecognisedFile:
    used = set(positions.values())
    ignored = tuple(excerpt(name, 40) for place, name in enumerate(file.columns) if place not in used and name)
    names = {key: file.columns[place] for key, place in positions.items()}
    recognised = RecognisedFile(file, form, names, ignored, options, positions)
    recognised.notes.append(_columns_note(names, options))
    fields = {normalise(name) for name in file.columns}
    recognised.adjusted = {"dividends", "stocksplits"} <= fields and "adjclose" not in fields
    if "adjclose" in fields or recognised.adjusted:
        recognised.notes.append(YAHOO_NOTE)
    return recognised


YAHOO_NOTE = (
    "prices of yfinance are adjusted for splits, and for dividends too where there is no Adj Close; Dividends and "
    "Stock Splits are therefore no factor events and are not read"
)


def _side_by_side(file: PriceFile, form: Form) -> RecognisedFile:
    assert file.wide is not None  # noqa: S101
    tickers, fields = (
        list(file.wide.tickers),
        {normalise(part) for name in file.columns for part in name.strip("()'").split("', '")},
    )
    columns = {"date": file.columns[file.wide.date], "code": "the tickers of the header"}
    columns |= {name: name for name in wide.FIELDS}
    recognised = RecognisedFile(file, form, columns, ())
    recognised.adjusted = {"dividends", "stocksplits"} <= fields and "adjclose" not in fields
    recognised.notes.append(
        f"yfinance's columns side by side: {len(tickers):,} tickers ({list_names(tickers, 5)}), a bar for each and day"
    )
    recognised.notes.append(YAHOO_NOTE)
    return recognised


def _columns_note(names: Mapping[str, str], options: Mapping[str, str]) -> str:
    parts = [key if normalise(own) == normalise(key) else f"{excerpt(own, 40)} as {key}" for key, own in names.items()]
    parts += [f"{value} as {key} of every row" for key, value in options.items()]
    return f"read: {', '.join(parts)}"


def _refuse_doubles(file: PriceFile, form: Form, positions: Mapping[str, int]) -> None:
    """PriceFileError where the file has a column twice that is read."""
    names = [normalise(name) for name in file.columns]
    for place in positions.values():
        if names.count(names[place]) > 1:
            raise PriceFileError(
                f"{file.path.name} has the column {excerpt(file.columns[place], 40)} twice: leave one of them."
            )


def _refusal(file: PriceFile, forms: Sequence[Form], options: frozenset[str]) -> str:
    """The message for a file of none of the forms, with the missing columns of the nearest form."""
    name = file.path.name
    lacks = {form.name: form.missing(file.columns, options) for form in forms}
    nearest = max(forms, key=lambda form: (len(form.positions(file.columns)), -len(lacks[form.name])))
    missing = lacks[nearest.name]
    if missing and set(missing) <= set(OPTION_COLUMNS):
        examples = {"code": "--code 005930", "date": "--date 2024-01-31"}
        return (
            f"{name} is a {nearest.name} file without a column for {' and '.join(missing)} (columns: "
            f"{list_names(file.columns, MOST_SHOWN)}): say {' and '.join(examples[column] for column in missing)}."
        )
    required = "; ".join(f"{form.name} ({', '.join(form.required)})" for form in forms)
    columns = f"{name} has the columns {list_names(file.columns)}: no known form of file"
    if not nearest.positions(file.columns):
        return f"{columns}. Known forms: {required}."
    return f"{columns}; {nearest.name} is the nearest and lacks {', '.join(missing)}. Known forms: {required}."
