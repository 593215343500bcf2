"""Parquet in, as `exporters.tables` writes it: a row an image, with lists of labels and of regions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from exporters.importers.entries import Entries, Entry, Found, fail, list_of, numbers, ring, size_of, table_of, text_of
from exporters.importers.files import LabelFile, the_one

COLUMNS = ("file_name", "labels", "regions")
BATCH = 500


def read_parquet(files: Sequence[LabelFile]) -> Entries:
    """An entry a row. Raises BadFile."""
    file = the_one(files, ".parquet")
    with file.stream() as opened:
        try:
            for number, row in enumerate(_rows(file.name, opened), start=1):
                yield _entry(row, f"{file.name}, row {number}")
        except (pa.ArrowException, OSError, ValueError) as error:
            fail(file.name, f"this is no Parquet file: {str(error).splitlines()[0][:100]}")


def _rows(name: str, opened: BinaryIO) -> Iterator[dict[str, Any]]:
    table = pq.ParquetFile(opened)
    missing = [column for column in COLUMNS if column not in table.schema_arrow.names]
    if missing:
        fail(name, f"there is no column {' and none '.join(missing)}")
    for batch in table.iter_batches(batch_size=BATCH):
        yield from batch.to_pylist()


def _entry(row: dict[str, Any], where: str) -> Entry:
    name = text_of(row["file_name"], f"{where}, file_name")
    labels = tuple(text_of(one, f"{where}, labels") for one in list_of(row["labels"] or [], f"{where}, labels"))
    regions = tuple(
        _region(table_of(one, where), f"{where}, regions[{n}]")
        for n, one in enumerate(list_of(row["regions"] or [], f"{where}, regions"))
    )
    size = size_of(row.get("width"), row.get("height"), where)
    return Entry((name,), where, labels, regions, size, row.get("state", "labeled") == "labeled")


def _region(given: dict[str, Any], where: str) -> Found:
    label = text_of(given.get("label"), f"{where}.label")
    if given.get("polygon"):
        return Found(label, rings=(ring(given["polygon"], f"{where}.polygon"),))
    x0, y0, x1, y1 = numbers(given.get("box"), f"{where}.box", 4)
    return Found(label, (x0, y0, x1, y1))
