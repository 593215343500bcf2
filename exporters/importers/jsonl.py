"""JSON Lines of Azure ML in, alone or beside an MLTable. Coordinates are fractions, as its schema has them.

Source: "Data schemas to train computer vision models with automated machine learning".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import orjson

from exporters.importers.documents import BOM
from exporters.importers.entries import Entries, Entry, Found, fail, list_of, number, ring, table_of, text_of
from exporters.importers.files import SMALL_BYTES, LabelFile, the_one
from exporters.importers.names import url_names

CORNERS = ("topX", "topY", "bottomX", "bottomY")


def read_jsonl(files: Sequence[LabelFile]) -> Entries:
    """An entry a line; a line without `label` is an image that nobody labeled. Raises BadFile."""
    file = the_one(files, ".jsonl")
    with file.stream() as opened:
        for count, line in enumerate(_lines(opened), start=1):
            if line.strip():
                yield _entry(line.removeprefix(BOM) if count == 1 else line, f"{file.name}, line {count}")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines however they end, none longer than a small file."""
    for data in iter(lambda: file.readline(SMALL_BYTES), b""):
        yield from data.splitlines()


def _entry(line: bytes, where: str) -> Entry:
    try:
        row = table_of(orjson.loads(line), where)
    except orjson.JSONDecodeError as error:
        fail(f"{where}, column {error.colno}", f"this is no JSON: {error.msg}")
    names = url_names(text_of(row.get("image_url"), f"{where}, image_url"))
    if "label" not in row:
        return Entry(names, where, answered=False)
    label = row["label"]
    if isinstance(label, str):
        return Entry(names, where, (text_of(label, f"{where}, label"),))
    found = list_of(label, f"{where}, label")
    if found and all(isinstance(one, str) for one in found):
        return Entry(names, where, tuple(found))
    regions = tuple(_region(one, f"{where}, label[{n}]") for n, one in enumerate(found))
    return Entry(names, where, regions=regions)


def _region(given: Any, where: str) -> Found:
    row = table_of(given, where)
    label = text_of(row.get("label"), f"{where}.label")
    if "polygon" in row:
        rings = tuple(
            ring(one, f"{where}.polygon[{n}]") for n, one in enumerate(list_of(row["polygon"], f"{where}.polygon"))
        )
        if not rings:
            fail(f"{where}.polygon", "it is empty")
        return Found(label, rings=rings, fractions=True)
    x0, y0, x1, y1 = (number(row.get(corner), f"{where}.{corner}") for corner in CORNERS)
    return Found(label, (x0, y0, x1, y1), fractions=True)
