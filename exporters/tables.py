"""Tables: CSV with one row an annotation, and Parquet with one row an image."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from core.annotation import Answer
from core.geometry import Box
from exporters.items import Labeled, StoredItem
from exporters.manifest import made_at
from exporters.output import Output
from exporters.writer import Writer, flat, state_name

CSV_FILE, PARQUET_FILE = "labels.csv", "labels.parquet"
COLUMNS = ("file_name", "width", "height", "state", "label", "x0", "y0", "x1", "y1", "polygon", "labeled_at")
GROUP_ROWS = 20_000
REGION = pa.struct([("label", pa.string()), ("box", pa.list_(pa.float64())), ("polygon", pa.list_(pa.float64()))])
SCHEMA = pa.schema(
    [
        ("file_name", pa.string()), ("width", pa.int32()), ("height", pa.int32()), ("state", pa.string()),
        ("labels", pa.list_(pa.string())), ("regions", pa.list_(REGION)), ("labeled_at", pa.timestamp("ms", "UTC")),
    ]
)  # fmt: skip


class CsvWriter(Writer):
    """A row for every label and region; one row without a label for an image that has none. Boxes are xyxy px."""

    def __init__(self, begun: Labeled, output: Output) -> None:
        super().__init__(begun, output)
        self._stack = ExitStack()
        self._file = self._stack.enter_context(output.open(CSV_FILE))
        self._write([COLUMNS])

    def _write(self, rows: Sequence[Sequence[Any]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._file.write(text.getvalue().encode())

    def add(self, items: Sequence[StoredItem]) -> None:
        """Write the rows."""
        self._write([row for item, answer in self.counted(items) for row in self._rows(item, answer)])

    def _rows(self, item: StoredItem, answer: Answer) -> Iterator[tuple[Any, ...]]:
        head = (item.path, item.width, item.height, state_name(item))
        tail = made_at(item.decided_ms) if item.decided_ms is not None else ""
        for label in answer.labels:
            yield (*head, self.paths[label], "", "", "", "", "", tail)
        for region in answer.regions:
            bounds = region.shape.bounds
            points = "" if isinstance(region.shape, Box) else orjson.dumps(flat(region.shape)).decode()
            yield (*head, self.paths[region.label], bounds.x0, bounds.y0, bounds.x1, bounds.y1, points, tail)
        if answer.is_empty:
            yield (*head, "", "", "", "", "", "", tail)

    def finish(self) -> None:
        """Close the file."""
        self._stack.close()

    def close(self) -> None:
        """Let go of the file."""
        self._stack.close()


class ParquetWriter(Writer):
    """Row groups of bounded size; `labels` and `regions` are lists, a region has either a box or a polygon."""

    def __init__(self, begun: Labeled, output: Output) -> None:
        super().__init__(begun, output)
        self._stack = ExitStack()
        file = self._stack.enter_context(output.open(PARQUET_FILE))
        self._table = self._stack.enter_context(pq.ParquetWriter(file, SCHEMA, compression="zstd"))
        self._rows: list[dict[str, Any]] = []

    def add(self, items: Sequence[StoredItem]) -> None:
        """Collect rows, and write them when a group is full."""
        self._rows += [self._row(item, answer) for item, answer in self.counted(items)]
        if len(self._rows) >= GROUP_ROWS:
            self._flush()

    def _row(self, item: StoredItem, answer: Answer) -> dict[str, Any]:
        regions = [
            {
                "label": self.paths[region.label],
                "box" if isinstance(region.shape, Box) else "polygon": flat(region.shape),
            }
            for region in answer.regions
        ]
        return {
            "file_name": item.path, "width": item.width, "height": item.height, "state": state_name(item),
            "labels": [self.paths[label] for label in answer.labels], "regions": regions, "labeled_at": item.decided_ms,
        }  # fmt: skip

    def _flush(self) -> None:
        self._table.write_table(pa.Table.from_pylist(self._rows, schema=SCHEMA))
        self._rows = []

    def finish(self) -> None:
        """Write the last group and the footer."""
        if self._rows:
            self._flush()
        self._stack.close()

    def close(self) -> None:
        """Let go of the file."""
        self._stack.close()
