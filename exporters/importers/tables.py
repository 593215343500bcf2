"""CSV in: a row an annotation, from Tagline, from TensorFlow's tools, or two columns with a file name and a label."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import orjson

from exporters.importers.entries import BadFile, Entries, Entry, Found, fail, number, ring, size_of
from exporters.importers.files import LabelFile, the_one
from exporters.importers.names import url_names
from exporters.importers.pieces import Piece, Pieces

NAMES = ("source", "file_name", "filename", "image_path", "image_url", "image", "path", "file", "name")
LABELS = ("label", "class", "class_name", "category", "labels")
BOXES = (("x0", "y0", "x1", "y1"), ("xmin", "ymin", "xmax", "ymax"))
UNDONE = ("todo", "skipped", "needs-review", "unreadable", "missing")
LONGEST = 16 * 1024 * 1024
Row = dict[str, str]


def read_csv(files: Sequence[LabelFile]) -> Entries:
    """An entry an image, in the order of their first rows. The file is read twice, the second time by image. Raises BadFile."""
    file = the_one(files, ".csv")
    csv.field_size_limit(LONGEST)
    with file.stream() as opened:
        columns, pieces = _outlined(opened, file.name)
        name, label = _column(columns, NAMES, file.name), _column(columns, LABELS, file.name)
        box = next((four for four in BOXES if set(four) <= set(columns)), ())
        for group in pieces.groups():
            rows = [(piece.number, _row(piece.read(opened), columns)) for piece in group]
            yield _entry(file.name, rows[0][1][name], rows, label, box)


class _Lines:
    """A file's lines, and the place where the next one begins."""

    def __init__(self, file: BinaryIO) -> None:
        self._text = io.TextIOWrapper(file, "utf-8", newline="")
        self.at = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            first = self.at == 0
            self.at += len(line.encode())
            yield line.removeprefix("\ufeff") if first else line

    def close(self) -> None:
        """Let go of the file, which stays open."""
        self._text.detach()


def _outlined(opened: BinaryIO, file: str) -> tuple[list[str], Pieces]:
    """The columns, and where each image's rows are."""
    lines, pieces = _Lines(opened), Pieces()
    rows = csv.reader(lines, strict=True)
    try:
        columns = [name.strip().lower() for name in _next_row(rows) or ()]
        name = _column(columns, NAMES, file)
        start = lines.at
        while (row := _next_row(rows)) is not None:
            where = f"{file}, line {rows.line_num}"
            if len(row) != len(columns):
                fail(where, f"it has not as many cells as the first line, which has {len(columns)}")
            if not (image := dict(zip(columns, row, strict=True))[name]).strip():
                fail(f"{where}, {name}", "it is empty")
            pieces.add(image, Piece(rows.line_num, start, lines.at - start))
            start = lines.at
    except csv.Error as error:
        fail(f"{file}, line {rows.line_num}", f"this is no CSV: {error}")
    except UnicodeDecodeError:
        fail(f"{file}, after line {rows.line_num}", "this is no UTF-8 text")
    finally:
        lines.close()
    pieces.sort()
    return columns, pieces


def _next_row(rows: Iterator[list[str]]) -> list[str] | None:
    """The next row that is not empty."""
    return next((row for row in rows if row), None)


def _row(data: bytes, columns: Sequence[str]) -> Row:
    row = _next_row(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    return dict(zip(columns, row or (), strict=True))


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
