"""CSV in: a row an annotation, from Tagline, from TensorFlow's tools, or two columns with a file name and a label."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import orjson

from exporters.importers.entries import BadFile, Entries, Entry, Found, fail, number, ring, size_of
from exporters.importers.files import MOST_BYTES, LabelFile, the_one
from exporters.importers.names import url_names

NAMES = ("source", "file_name", "filename", "image_path", "image_url", "image", "path", "file", "name")
LABELS = ("label", "class", "class_name", "category", "labels")
BOXES = (("x0", "y0", "x1", "y1"), ("xmin", "ymin", "xmax", "ymax"))
UNDONE = ("todo", "skipped", "needs-review", "unreadable", "missing")
LONGEST = 16 * 1024 * 1024
Row = dict[str, str]


def read_csv(files: Sequence[LabelFile]) -> Entries:
    """An entry an image, in the order of their first rows. Raises BadFile."""
    file = the_one(files, ".csv")
    csv.field_size_limit(LONGEST)
    rows = csv.DictReader(io.StringIO(file.text(MOST_BYTES), newline=""), strict=True)
    found: dict[str, list[tuple[int, Row]]] = {}
    try:
        columns = [name.strip().lower() for name in rows.fieldnames or ()]
        rows.fieldnames = columns
        name, label = _column(columns, NAMES, file.name), _column(columns, LABELS, file.name)
        for row in rows:
            where = f"{file.name}, line {rows.line_num}"
            if None in row or None in row.values():
                fail(where, f"it has not as many cells as the first line, which has {len(columns)}")
            if not row[name].strip():
                fail(f"{where}, {name}", "it is empty")
            found.setdefault(row[name], []).append((rows.line_num, row))
    except csv.Error as error:
        fail(f"{file.name}, line {rows.line_num}", f"this is no CSV: {error}")
    box = next((four for four in BOXES if set(four) <= set(columns)), ())
    for path, group in found.items():
        yield _entry(file.name, path, group, label, box)


def _column(columns: Sequence[str], wanted: Sequence[str], name: str) -> str:
    for one in wanted:
        if one in columns:
            return one
    raise BadFile(f"{name}, line 1: there is no column {' or '.join(wanted[:4])}. Nothing was imported.")


def _entry(file: str, path: str, rows: list[tuple[int, Row]], column: str, box: Sequence[str]) -> Entry:
    labels: list[str] = []
    regions: list[Found] = []
    for line, row in rows:
        where = f"{file}, line {line}"
        label = row[column].strip()
        if row.get("polygon") or (box and row[box[0]]):
            if not label:
                fail(f"{where}, {column}", "a region needs a label")
            regions.append(_region(row, label, box, where))
        elif label:
            labels += label.split("|") if "problem" in row else [label]
    line, first = rows[0]
    size = size_of(first.get("width"), first.get("height"), f"{file}, line {line}, width and height")
    answered = first.get("state", "") not in UNDONE
    return Entry(url_names(path), f"{file}, line {line}", tuple(labels), tuple(regions), size, answered)


def _region(row: Row, label: str, box: Sequence[str], where: str) -> Found:
    corners = None
    if box and row[box[0]]:
        x0, y0, x1, y1 = (number(row[corner], f"{where}, {corner}") for corner in box)
        corners = (x0, y0, x1, y1)
    if not row.get("polygon"):
        return Found(label, corners)
    try:
        outline = ring(orjson.loads(row["polygon"]), f"{where}, polygon")
    except orjson.JSONDecodeError:
        fail(f"{where}, polygon", "it is no JSON list of numbers")
    return Found(label, corners, (outline,))
