"""Parquet: all boxes, a file for each volume in a Hive folder (`volume=NAME`), for DuckDB, pandas, Polars, Spark."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine

from orchestrator.export.boxes import KINDS, BoxBlock, Boxes, box_blocks
from orchestrator.export.naming import shortened
from orchestrator.export.provenance import provenance_record
from orchestrator.results.pages import Provenance
from orchestrator.results.selection import Selection

_NAMES = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("page", _NAMES),
        ("page_number", pa.int32()),
        ("kind", _NAMES),
        ("number", pa.int32()),
        ("label", _NAMES),
        ("confidence", pa.float32()),
        ("x_min", pa.int32()),
        ("y_min", pa.int32()),
        ("x_max", pa.int32()),
        ("y_max", pa.int32()),
        ("page_width", pa.int32()),
        ("page_height", pa.int32()),
        ("pipeline", _NAMES),
        ("page_run_id", pa.int64()),
        ("block_number", pa.int32()),
        ("column_number", pa.int32()),
        ("baseline_y_left", pa.int32()),
        ("baseline_y_right", pa.int32()),
        ("baseline", pa.string()),
        ("outline", pa.string()),
    ]
)
_MORE = ("label", "confidence", *SCHEMA.names[-6:])  # what the boxes themselves say


def volume_file(volume: str) -> str:
    """Return the path of a volume's file below the folder of the export."""
    name = "".join(quote(c, safe="") if c.isascii() else c for c in volume)
    return f"{shortened(f'volume={name}', 255)}/boxes.parquet"


def write_boxes(engine: Engine, selection: Selection, provenances: Sequence[Provenance], path: Path) -> int:
    """Write the boxes of the selected pages to `path` and return how many; memory holds one block of pages."""
    schema = SCHEMA.with_metadata({"broadsheet": json.dumps(provenance_record(provenances))})
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for block in box_blocks(engine, selection):
            for table in tables(block):
                writer.write_table(table)
                count += table.num_rows
    return count


def tables(block: BoxBlock) -> Iterator[pa.Table]:
    """Yield the boxes of a block as a table for each kind that has any."""
    for kind in KINDS:
        if len(block.boxes[kind].rows):
            yield _table(block, kind)


def _table(block: BoxBlock, kind: str) -> pa.Table:
    rows = block.boxes[kind].rows
    ids = np.array([page.page_run_id for page in block.pages])
    order = np.argsort(ids)
    place = order[np.searchsorted(ids[order], rows[:, 0])]

    def numbers(attribute: str) -> Any:
        return np.array([getattr(page, attribute) for page in block.pages], dtype=np.int32)[place]

    def names(attribute: str) -> Any:
        return _dictionary([getattr(page, attribute) for page in block.pages], place)

    same_kind = _dictionary([kind], np.zeros(len(rows), np.int32))
    boxes = [pa.array(rows[:, column].astype(np.int32)) for column in range(1, 6)]
    label, confidence, *more = (_more(block.boxes[kind], name) for name in _MORE)
    columns = [
        names("page"), numbers("page_number"), same_kind, boxes[0], label, confidence, *boxes[1:],
        numbers("width"), numbers("height"), names("pipeline"), rows[:, 0], *more,
    ]  # fmt: skip
    return pa.Table.from_arrays([pa.array(c) if isinstance(c, np.ndarray) else c for c in columns], schema=SCHEMA)


def _more(boxes: Boxes, name: str) -> pa.Array:
    wanted = SCHEMA.field(name).type
    if name not in boxes.more:
        return pa.nulls(len(boxes.rows), wanted)
    values = boxes.more[name]
    return (
        values.dictionary_encode().cast(wanted)
        if pa.types.is_string(values.type) and wanted == _NAMES
        else values.cast(wanted)
    )


def _dictionary(values: Sequence[str], place: Any) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(place.astype(np.int32)), pa.array(values, pa.string()))
