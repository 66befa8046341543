"""Answers as Parquet: columns get the type that their values have, and a wider one when later values need it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestrator.query.query import Answer

ROW_GROUP_ROWS = 100_000


def write_parquet(answer: Answer, path: Path) -> None:
    """Write all rows to `path`, which is replaced; memory holds one row group."""
    writer = _WideningWriter(path)
    try:
        for rows in _groups(answer.batches):
            writer.write(_table(answer.columns, rows))
        writer.close(answer.columns)
    except BaseException:
        writer.abandon()
        raise


def _groups(batches: Iterator[Sequence[tuple[Any, ...]]]) -> Iterator[list[tuple[Any, ...]]]:
    rows: list[tuple[Any, ...]] = []
    for batch in batches:
        rows.extend(batch)
        if len(rows) >= ROW_GROUP_ROWS:
            yield rows
            rows = []
    if rows:
        yield rows


def _table(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    arrays = [_column(values) for values in zip(*rows, strict=True)]
    return pa.Table.from_arrays(arrays, names=_unique(columns))


def _column(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(values, type=_known_type(values))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        kinds = {type(value) for value in values} - {type(None)}
        if kinds <= {int, float, Decimal}:
            return pa.array([None if value is None else float(value) for value in values], type=pa.float64())
        return pa.array([None if value is None else str(value) for value in values], type=pa.string())


def _known_type(values: Sequence[Any]) -> pa.DataType | None:
    first = next((value for value in values if value is not None), None)
    return pa.float64() if isinstance(first, Decimal) else None


def _unique(columns: Sequence[str]) -> list[str]:
    """Tell columns of the same name apart: Parquet readers look them up by name."""
    seen: dict[str, int] = {}
    names = []
    for column in columns:
        seen[column] = seen.get(column, 0) + 1
        names.append(column if seen[column] == 1 else f"{column}_{seen[column]}")
    return names


class _WideningWriter:
    """A Parquet file whose schema grows: what was written before is copied when a column needs a wider type."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None
        self._schema: pa.Schema | None = None

    def write(self, table: pa.Table) -> None:
        schema = table.schema if self._schema is None else _wider(self._schema, table.schema)
        if self._schema is not None and schema != self._schema:
            self._copy_into(schema)
        if self._writer is None:
            self._open(schema)
        assert self._writer is not None
        self._writer.write_table(_cast(table, schema), row_group_size=ROW_GROUP_ROWS)

    def close(self, columns: Sequence[str]) -> None:
        if self._writer is None:
            self._open(pa.schema([(name, pa.null()) for name in _unique(columns)]))
        self.abandon()

    def abandon(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(self._path, schema, compression="zstd")

    def _copy_into(self, schema: pa.Schema) -> None:
        self.abandon()
        narrow = self._path.with_name(f"{self._path.name}.narrow")
        self._path.replace(narrow)
        try:
            self._open(schema)
            assert self._writer is not None
            for batch in pq.ParquetFile(narrow).iter_batches(ROW_GROUP_ROWS):
                self._writer.write_table(_cast(pa.Table.from_batches([batch]), schema))
        finally:
            narrow.unlink()


def _wider(a: pa.Schema, b: pa.Schema) -> pa.Schema:
    return pa.schema([(name, _wider_type(a.field(name).type, b.field(name).type)) for name in a.names])


def _wider_type(a: pa.DataType, b: pa.DataType) -> pa.DataType:
    if a == b or pa.types.is_null(b):
        return a
    if pa.types.is_null(a):
        return b
    numbers = all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in (a, b))
    return pa.float64() if numbers else pa.string()


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return table if table.schema == schema else table.cast(schema)
