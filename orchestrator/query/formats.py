"""How an answer is written: a table for people, CSV, JSON, JSON lines and Parquet for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from types import NoneType
from typing import IO, Any

from orchestrator.query.query import Answer

TABLE_ROWS = 1_000
_NUMBERS = (int, float, Decimal, NoneType)


def write_table(answer: Answer, out: IO[str]) -> None:
    """Write the first rows as a table, and say so when there are more."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    rows = chain.from_iterable(answer.batches)
    shown = list(islice(rows, TABLE_ROWS))
    of_numbers = [all(isinstance(value, _NUMBERS) for value in column) for column in zip(*shown, strict=True)]
    headings = zip(answer.columns, of_numbers, strict=False)
    table = Table(*(Column(Text(name), justify="right" if number else "left") for name, number in headings))
    for row in shown:
        table.add_row(*("" if value is None else Text(_cell(value)) for value in row))
    console = Console(file=out, width=None if out.isatty() else 200)
    console.print(table if table.row_count else "No rows.")
    if next(rows, None) is not None:
        console.print(f"The first {TABLE_ROWS:,} rows; --format csv writes all of them.")


def write_csv(answer: Answer, out: IO[str]) -> None:
    """Write a header and all rows; NULL becomes the empty field."""
    if answer.csv is not None:
        out.writelines(answer.csv())
        return
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(answer.columns)
    for batch in answer.batches:
        writer.writerows(batch)


def csv_parts(answer: Answer) -> Iterator[str]:
    """Yield what `write_csv` writes, in parts of many rows."""
    if answer.csv is not None:
        yield from answer.csv()
        return
    for rows in chain([[answer.columns]], answer.batches):
        part = io.StringIO()
        csv.writer(part, lineterminator="\n").writerows(rows)
        yield part.getvalue()


def write_json(answer: Answer, out: IO[str]) -> None:
    """Write one array of objects."""
    separator = "["
    for text in _objects(answer):
        out.write(f"{separator}\n{text}")
        separator = ","
    out.write("[]\n" if separator == "[" else "\n]\n")


def write_jsonl(answer: Answer, out: IO[str]) -> None:
    """Write one object a line."""
    out.writelines(f"{text}\n" for text in _objects(answer))


# Parquet is not text: `orchestrator.query.parquet` writes it.
FORMATS: dict[str, Callable[[Answer, IO[str]], None]] = {
    "table": write_table,
    "csv": write_csv,
    "json": write_json,
    "jsonl": write_jsonl,
}


def _objects(answer: Answer) -> Iterator[str]:
    encode = json.JSONEncoder(default=_plain, ensure_ascii=False).encode
    for batch in answer.batches:
        for row in batch:
            yield encode(dict(zip(answer.columns, row, strict=True)))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}".rstrip("0").rstrip(".")
    return str(value)
